//! The sorted set kind of value.
//!
//! A small one is a vector in order. A large one is a table of the members' scores, and beside it an index in order
//! that knows ranks. Whatever is asked for, by rank, score or name, comes down to a range of ranks.

mod order;

use std::hash::BuildHasher;
use std::ops::Range;

use self::order::{Edge, Entry, Order, Place};
use super::dict::{Cursor, Dict};

/// The most elements of a small set (`zset-max-listpack-entries`).
const SMALL_ELEMENTS: usize = 128;

/// The longest member of a small set (`zset-max-listpack-value`).
const SMALL_MEMBER: usize = 64;

/// A limit of a range of scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreLimit {
    /// The score.
    pub score: f64,
    /// True if an element of just this score is outside.
    pub exclusive: bool,
}

/// A limit of a range of members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberLimit<'a> {
    /// Below every member: `-`.
    Lowest,
    /// Above every member: `+`.
    Highest,
    /// This member is inside.
    Inclusive(&'a [u8]),
    /// This member is outside.
    Exclusive(&'a [u8]),
}

impl MemberLimit<'_> {
    /// True if `member` is not below this lower limit.
    fn admits_from_below(self, member: &[u8]) -> bool {
        match self {
            MemberLimit::Lowest => true,
            MemberLimit::Highest => false,
            MemberLimit::Inclusive(limit) => member >= limit,
            MemberLimit::Exclusive(limit) => member > limit,
        }
    }

    /// True if `member` is not above this upper limit.
    fn admits_from_above(self, member: &[u8]) -> bool {
        match self {
            MemberLimit::Lowest => false,
            MemberLimit::Highest => true,
            MemberLimit::Inclusive(limit) => member <= limit,
            MemberLimit::Exclusive(limit) => member < limit,
        }
    }
}

/// A sorted set.
#[derive(Default, Clone)]
pub struct SortedSet {
    body: Body,
}

#[derive(Clone)]
enum Body {
    Small(Small),
    Large(Large),
}

impl Default for Body {
    fn default() -> Self {
        Body::Small(Small::default())
    }
}

impl SortedSet {
    /// An empty set of the kind that suits as many elements, the longest member having so many bytes.
    pub fn for_elements(count: usize, longest: usize) -> Self {
        if count > SMALL_ELEMENTS || longest > SMALL_MEMBER {
            SortedSet { body: Body::Large(Large::default()) }
        } else {
            SortedSet::default()
        }
    }

    /// How many elements it has.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        match &self.body {
            Body::Small(small) => small.slots.len(),
            Body::Large(large) => large.scores.len(),
        }
    }

    /// What `OBJECT ENCODING` answers.
    pub fn encoding(&self) -> &'static str {
        match &self.body {
            Body::Small(_) => "listpack",
            Body::Large(_) => "skiplist",
        }
    }

    /// Bytes that it holds on the heap. O(1).
    pub fn memory(&self) -> usize {
        match &self.body {
            Body::Small(small) => small.memory(),
            Body::Large(large) => large.scores.memory() + large.order.memory(),
        }
    }

    /// The score of `member`.
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        match &self.body {
            Body::Small(small) => small.find(member).map(|index| small.slots[index].score),
            Body::Large(large) => large.scores.get(member).copied(),
        }
    }

    /// Gives `member` a score; gives the one that it had before.
    pub fn insert(&mut self, member: &[u8], score: f64) -> Option<f64> {
        let mut previous = None;
        self.update(member, |current| {
            previous = current;
            Some(score)
        });
        previous
    }

    /// Gives `member` the score that `decide` makes of the one that it has, if any; leaves things as they are for
    /// `None`. A score is never NaN.
    pub fn update(&mut self, member: &[u8], decide: impl FnOnce(Option<f64>) -> Option<f64>) {
        match &mut self.body {
            Body::Small(small) => {
                let found = small.find(member);
                let Some(score) = decide(found.map(|index| small.slots[index].score)) else {
                    return;
                };
                match found {
                    Some(index) => small.set_score(index, score),
                    None if small.has_room(member) => small.add(member, score),
                    None => {
                        let mut large = Large::from(&*small);
                        large.add(member, score);
                        self.body = Body::Large(large);
                    }
                }
            }
            Body::Large(large) => match large.scores.get_mut(member) {
                Some(current) => {
                    if let Some(score) = decide(Some(*current)).filter(|score| score != current) {
                        large.order.remove(*current, member);
                        large.order.insert(score, member);
                        *current = score;
                    }
                }
                None => {
                    if let Some(score) = decide(None) {
                        large.add(member, score);
                    }
                }
            },
        }
    }

    /// Removes `member`; gives the score that it had.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        match &mut self.body {
            Body::Small(small) => small.find(member).map(|index| small.remove(index)),
            Body::Large(large) => {
                let (_, score) = large.scores.remove(member)?;
                large.order.remove(score, member);
                Some(score)
            }
        }
    }

    /// Removes the elements of a range of ranks.
    pub fn remove_range(&mut self, ranks: Range<usize>) {
        match &mut self.body {
            Body::Small(small) => small.remove_range(ranks),
            Body::Large(large) => {
                for _ in ranks.clone() {
                    if let Some(entry) = large.order.take_at(ranks.start) {
                        large.scores.remove(&entry.member);
                    }
                }
            }
        }
    }

    /// How many elements stand before `member`.
    pub fn rank(&self, member: &[u8]) -> Option<usize> {
        match &self.body {
            Body::Small(small) => small.find(member),
            Body::Large(large) => {
                let score = *large.scores.get(member)?;
                Some(large.order.count_before(Place { score, edge: Edge::At(member) }))
            }
        }
    }

    /// The ranks of the elements between two scores.
    pub fn score_range(&self, min: ScoreLimit, max: ScoreLimit) -> Range<usize> {
        let start = self.count_before(min.score, if min.exclusive { Edge::Above } else { Edge::Below });
        let end = self.count_before(max.score, if max.exclusive { Edge::Below } else { Edge::Above });
        start..end.max(start)
    }

    fn count_before(&self, score: f64, edge: Edge<'_>) -> usize {
        let place = Place { score, edge };
        match &self.body {
            Body::Small(small) => small.count_before(place),
            Body::Large(large) => large.order.count_before(place),
        }
    }

    /// The ranks of the elements between two members. It is meant for sets whose scores are all the same; of a small
    /// one whose are not it is what Redis makes of it, where it matters whether one looks from the start or the end.
    pub fn member_range(&self, min: MemberLimit<'_>, max: MemberLimit<'_>, from_end: bool) -> Range<usize> {
        match &self.body {
            Body::Small(small) => small.member_range(min, max, from_end),
            Body::Large(large) => {
                let start = large.order.partition(|member| !min.admits_from_below(member));
                let end = large.order.partition(|member| max.admits_from_above(member));
                start..end.max(start)
            }
        }
    }

    /// The elements of a range of ranks, which lies inside the set, or those from its end to its start.
    pub fn range(&self, ranks: Range<usize>, reverse: bool) -> Elements<'_> {
        let source = match &self.body {
            Body::Small(small) => Source::Small(small),
            Body::Large(large) => Source::Large(&large.order, [].iter()),
        };
        Elements { source, ranks, reverse }
    }

    /// All elements in order.
    pub fn iter(&self) -> Elements<'_> {
        self.range(0..self.len(), false)
    }

    /// Calls `visit` with about `count` elements from `cursor` on; gives the cursor to go on with. A small set is
    /// visited as a whole.
    pub fn scan(&self, cursor: Cursor, count: usize, mut visit: impl FnMut(&[u8], f64)) -> Cursor {
        match &self.body {
            Body::Small(_) => {
                self.iter().for_each(|(member, score)| visit(member, score));
                0
            }
            Body::Large(large) => large.scores.scan(cursor, count, |member, score| visit(member, *score)),
        }
    }
}

/// Elements of a sorted set with their scores.
pub struct Elements<'a> {
    source: Source<'a>,
    ranks: Range<usize>,
    reverse: bool,
}

enum Source<'a> {
    Small(&'a Small),
    /// With what is left of the neighbours among which the last element was.
    Large(&'a Order, std::slice::Iter<'a, Entry>),
}

impl<'a> Iterator for Elements<'a> {
    type Item = (&'a [u8], f64);

    fn next(&mut self) -> Option<Self::Item> {
        let rank = if self.reverse { self.ranks.next_back() } else { self.ranks.next() }?;
        match &mut self.source {
            Source::Small(small) => {
                let slot = small.slots.get(rank)?;
                Some((small.member(slot), slot.score))
            }
            Source::Large(order, run) => {
                if run.len() == 0 {
                    let (entries, index) = order.locate(rank);
                    *run = if self.reverse { entries[..=index].iter() } else { entries[index..].iter() };
                }
                let entry = if self.reverse { run.next_back() } else { run.next() }?;
                Some((&entry.member, entry.score))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ranks.size_hint()
    }
}

impl ExactSizeIterator for Elements<'_> {}

/// A few short members, in order. The bytes stand together, and a member is found by its hash, in two cache lines or
/// so.
#[derive(Default, Clone)]
struct Small {
    slots: Vec<Slot>,
    /// The members' bytes, in no order.
    bytes: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Slot {
    score: f64,
    hash: u32,
    start: u16,
    len: u16,
}

impl Small {
    fn memory(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>() + self.bytes.capacity()
    }

    fn has_room(&self, member: &[u8]) -> bool {
        self.slots.len() < SMALL_ELEMENTS && member.len() <= SMALL_MEMBER
    }

    fn hash(member: &[u8]) -> u32 {
        foldhash::fast::FixedState::default().hash_one(member) as u32
    }

    fn member(&self, slot: &Slot) -> &[u8] {
        &self.bytes[slot.start as usize..slot.start as usize + slot.len as usize]
    }

    fn find(&self, member: &[u8]) -> Option<usize> {
        if self.slots.is_empty() || member.len() > SMALL_MEMBER {
            return None;
        }
        let hash = Self::hash(member);
        self.slots.iter().position(|slot| slot.hash == hash && self.member(slot) == member)
    }

    fn place(&self, slot: &Slot) -> Place<'_> {
        Place { score: slot.score, edge: Edge::At(self.member(slot)) }
    }

    fn count_before(&self, place: Place<'_>) -> usize {
        self.slots.partition_point(|slot| self.place(slot).compare(place).is_lt())
    }

    /// Adds a member that is not there, and for which there is room.
    fn add(&mut self, member: &[u8], score: f64) {
        let (start, len) = (self.bytes.len() as u16, member.len() as u16);
        self.bytes.extend_from_slice(member);
        self.place_slot(Slot { score, hash: Self::hash(member), start, len });
    }

    fn set_score(&mut self, index: usize, score: f64) {
        if self.slots[index].score != score {
            let slot = self.slots.remove(index);
            self.place_slot(Slot { score, ..slot });
        }
    }

    fn place_slot(&mut self, mut slot: Slot) {
        // A listpack keeps the number, not its sign: -0 becomes 0.
        slot.score += 0.0;
        let index = self.count_before(self.place(&slot));
        self.slots.insert(index, slot);
    }

    fn remove(&mut self, index: usize) -> f64 {
        let gone = self.slots.remove(index);
        self.bytes.drain(gone.start as usize..gone.start as usize + gone.len as usize);
        for slot in &mut self.slots {
            if slot.start > gone.start {
                slot.start -= gone.len;
            }
        }
        gone.score
    }

    fn remove_range(&mut self, ranks: Range<usize>) {
        for index in ranks.rev() {
            self.remove(index);
        }
    }

    fn member_range(&self, min: MemberLimit<'_>, max: MemberLimit<'_>, from_end: bool) -> Range<usize> {
        let inside_min = |slot: &Slot| min.admits_from_below(self.member(slot));
        let inside_max = |slot: &Slot| max.admits_from_above(self.member(slot));
        if !self.slots.last().is_some_and(inside_min) || !self.slots.first().is_some_and(inside_max) {
            return 0..0;
        }
        if from_end {
            let end = self.slots.iter().rposition(inside_max).map_or(0, |last| last + 1);
            let start = self.slots[..end].iter().rposition(|slot| !inside_min(slot)).map_or(0, |last| last + 1);
            start..end
        } else {
            let start = self.slots.iter().position(inside_min).unwrap_or(self.slots.len());
            let length = self.slots[start..].iter().position(|slot| !inside_max(slot));
            start..length.map_or(self.slots.len(), |length| start + length)
        }
    }
}

/// As many members as there are, of any length.
#[derive(Default, Clone)]
struct Large {
    scores: Dict<f64>,
    order: Order,
}

impl Large {
    /// Adds a member that is not there.
    fn add(&mut self, member: &[u8], score: f64) {
        self.scores.insert(member, score);
        self.order.insert(score, member);
    }
}

impl From<&Small> for Large {
    fn from(small: &Small) -> Self {
        let mut large = Large::default();
        for slot in &small.slots {
            large.add(small.member(slot), slot.score);
        }
        large
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    type Model = BTreeMap<Vec<u8>, f64>;

    /// The model's elements in the set's order.
    fn ordered(model: &Model) -> Vec<(&[u8], f64)> {
        let mut elements: Vec<_> = model.iter().map(|(member, score)| (&**member, *score)).collect();
        elements.sort_by(|one, other| one.1.partial_cmp(&other.1).unwrap());
        elements
    }

    fn check(set: &SortedSet, model: &Model) {
        let expected = ordered(model);
        let length = expected.len();
        assert_eq!(set.len(), length);
        assert!(set.iter().eq(expected.iter().copied()));
        for (rank, (member, score)) in expected.iter().enumerate() {
            assert_eq!(set.rank(member), Some(rank));
            assert_eq!(set.score(member), Some(*score));
        }
        assert_eq!((set.rank(b"none"), set.score(b"none")), (None, None));
        for ranks in [0..0, 0..length, length / 3..length - length / 4, length..length] {
            assert!(set.range(ranks.clone(), false).eq(expected[ranks.clone()].iter().copied()));
            assert!(set.range(ranks.clone(), true).eq(expected[ranks].iter().rev().copied()));
        }
        for (min, max) in [(-3.0, 3.0), (0.0, 0.0), (2.0, -2.0), (f64::NEG_INFINITY, f64::INFINITY), (1.5, 4.0)] {
            for (from, to) in [(false, false), (true, false), (false, true), (true, true)] {
                let is_inside = |score: f64| {
                    (if from { score > min } else { score >= min }) && (if to { score < max } else { score <= max })
                };
                let ranks = set
                    .score_range(ScoreLimit { score: min, exclusive: from }, ScoreLimit { score: max, exclusive: to });
                let inside = expected.iter().filter(|(_, score)| is_inside(*score));
                assert!(set.range(ranks, false).eq(inside.copied()));
            }
        }
        let mut visited = Vec::new();
        let mut cursor = 0;
        loop {
            cursor = set.scan(cursor, 5, |member, score| visited.push((member.to_vec(), score)));
            if cursor == 0 {
                break;
            }
        }
        visited.sort_by(|one, other| one.0.cmp(&other.0));
        assert!(visited.into_iter().eq(model.iter().map(|(member, score)| (member.clone(), *score))));
        if let Body::Small(small) = &set.body {
            assert_eq!(small.bytes.len(), model.keys().map(Vec::len).sum::<usize>());
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Insert(Vec<u8>, f64),
        Remove(Vec<u8>),
        RemoveRange(usize, usize),
    }

    fn members() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            40 => (0..300u32).prop_map(|number| number.to_string().into_bytes()),
            2 => (0..3usize).prop_map(|length| vec![0xff; length]),
            1 => (60..70usize).prop_map(|length| vec![b'm'; length]),
        ]
    }

    fn scores() -> impl Strategy<Value = f64> {
        prop_oneof![
            6 => (-5..5i32).prop_map(f64::from),
            2 => any::<f64>().prop_filter("scores are numbers", |score| !score.is_nan()),
            1 => Just(f64::INFINITY),
            1 => Just(-0.0),
        ]
    }

    fn steps() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => (members(), scores()).prop_map(|(member, score)| Step::Insert(member, score)),
            3 => members().prop_map(Step::Remove),
            1 => (any::<usize>(), 0..20usize).prop_map(|(start, length)| Step::RemoveRange(start, length)),
        ]
    }

    fn apply(set: &mut SortedSet, model: &mut Model, step: Step) {
        match step {
            Step::Insert(member, score) => assert_eq!(set.insert(&member, score), model.insert(member, score)),
            Step::Remove(member) => assert_eq!(set.remove(&member), model.remove(&member)),
            Step::RemoveRange(start, length) => {
                let start = start % (model.len() + 1);
                let ranks = start..(start + length).min(model.len());
                let members: Vec<_> = ordered(model)[ranks.clone()].iter().map(|(member, _)| member.to_vec()).collect();
                set.remove_range(ranks);
                model.retain(|member, _| !members.contains(member));
            }
        }
    }

    proptest! {
        #[test]
        fn behaves_as_a_sorted_map(prefill in 0..300u32, steps in proptest::collection::vec(steps(), 0..60)) {
            let (mut set, mut model) = (SortedSet::default(), Model::new());
            for number in 0..prefill {
                let member = number.to_string().into_bytes();
                apply(&mut set, &mut model, Step::Insert(member, f64::from(number * 7 % 5)));
            }
            for step in steps {
                apply(&mut set, &mut model, step);
            }
            check(&set, &model);
            check(&set.clone(), &model);
        }

        #[test]
        fn both_kinds_find_the_same_members(
            members in proptest::collection::btree_set("[a-c]{0,3}", 1..40),
            min in "[a-d]{0,3}",
            max in "[a-d]{0,3}",
        ) {
            let (mut small, mut large) = (SortedSet::default(), SortedSet { body: Body::Large(Large::default()) });
            for member in &members {
                small.insert(member.as_bytes(), 1.0);
                large.insert(member.as_bytes(), 1.0);
            }
            let (min, max) = (min.as_bytes(), max.as_bytes());
            for low in [MemberLimit::Lowest, MemberLimit::Highest, MemberLimit::Inclusive(min), MemberLimit::Exclusive(min)] {
                for high in [MemberLimit::Lowest, MemberLimit::Highest, MemberLimit::Inclusive(max), MemberLimit::Exclusive(max)] {
                    let inside = members.iter().filter(|member| {
                        low.admits_from_below(member.as_bytes()) && high.admits_from_above(member.as_bytes())
                    });
                    let inside: Vec<_> = inside.map(|member| member.as_bytes()).collect();
                    for (set, from_end) in [(&small, false), (&small, true), (&large, false), (&large, true)] {
                        let found = set.range(set.member_range(low, high, from_end), false).map(|(member, _)| member);
                        prop_assert!(found.eq(inside.iter().copied()), "{low:?} {high:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_129th_element_or_a_long_member_makes_it_large() {
        let mut set = SortedSet::default();
        for number in 0..128 {
            set.insert(format!("{number}").as_bytes(), 1.0);
        }
        assert_eq!(set.encoding(), "listpack");
        set.insert(b"5", 2.0);
        assert_eq!(set.encoding(), "listpack");
        set.insert(b"x", 1.0);
        assert_eq!((set.encoding(), set.len()), ("skiplist", 129));
        set.remove_range(0..128);
        assert_eq!(set.encoding(), "skiplist");
        let mut set = SortedSet::default();
        set.insert(&[b'm'; 64], 1.0);
        assert_eq!(set.encoding(), "listpack");
        set.insert(&[b'm'; 65], 1.0);
        assert_eq!(set.encoding(), "skiplist");
    }

    #[test]
    fn a_small_set_keeps_no_sign_of_zero() {
        let mut set = SortedSet::default();
        set.insert(b"a", -0.0);
        assert!(set.score(b"a").unwrap().is_sign_positive());
        set.insert(&[b'm'; 65], -0.0);
        assert!(set.score(&[b'm'; 65]).unwrap().is_sign_negative());
    }

    #[test]
    fn memory_follows_the_elements() {
        let mut set = SortedSet::default();
        assert_eq!(set.memory(), 0);
        for number in 0..100 {
            set.insert(format!("member:{number}").as_bytes(), f64::from(number));
        }
        assert!((2500..6000).contains(&set.memory()), "{}", set.memory());
        for number in 0..100_000 {
            set.insert(format!("member:{number}").as_bytes(), f64::from(number));
        }
        let full = set.memory();
        assert!((100_000 * 60..100_000 * 200).contains(&full), "{full}");
        set.remove_range(10..100_000);
        assert!(set.memory() < full / 4, "{}", set.memory());
        set.remove_range(0..10);
        let Body::Large(large) = &set.body else { panic!("it has become large") };
        assert_eq!(large.order.memory(), Order::default().memory());
    }
}
