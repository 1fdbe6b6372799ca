//! The list kind of value.
//!
//! A list is a sequence of small chunks, so that no push moves much, and what lies between is skipped chunk by chunk.
//! A chunk holds its elements' bytes one behind the other, so that an element costs eight bytes and no allocation.

use std::collections::VecDeque;
use std::ops::Range;

/// The most elements of a chunk.
const CHUNK_ELEMENTS: usize = 128;

/// The most bytes that the elements of a chunk have together, unless it has only one.
const CHUNK_BYTES: usize = 8 << 10;

/// Bytes of removed elements that a chunk may keep, beside as many as its elements have.
const CHUNK_WASTE: usize = 1 << 10;

/// An end of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The head.
    Left,
    /// The tail.
    Right,
}

/// A list.
#[derive(Default)]
pub struct List {
    chunks: VecDeque<Chunk>,
    len: usize,
    /// Bytes that the chunks hold on the heap.
    chunk_memory: usize,
}

impl List {
    /// How many elements it has.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// What `OBJECT ENCODING` answers.
    pub fn encoding(&self) -> &'static str {
        "quicklist"
    }

    /// Bytes that it holds on the heap. O(1).
    pub fn memory(&self) -> usize {
        self.chunk_memory + self.chunks.capacity() * size_of::<Chunk>()
    }

    /// The element at an end.
    pub fn peek(&self, end: End) -> Option<&[u8]> {
        match end {
            End::Left => self.chunks.front()?.get(0),
            End::Right => self.chunks.back().and_then(|chunk| chunk.get(chunk.len().checked_sub(1)?)),
        }
    }

    /// The element at `index`.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let (chunk, offset) = self.locate(index)?;
        self.chunks[chunk].get(offset)
    }

    /// All elements from the left to the right.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.chunks.iter().flat_map(Chunk::iter)
    }

    /// The elements of `range`, which lies inside the list.
    pub fn range(&self, range: Range<usize>) -> impl Iterator<Item = &[u8]> {
        let (chunk, offset) = self.locate(range.start).unwrap_or((self.chunks.len(), 0));
        self.chunks.range(chunk..).flat_map(Chunk::iter).skip(offset).take(range.len())
    }

    /// Adds an element at an end.
    pub fn push(&mut self, end: End, element: &[u8]) {
        let last = self.chunks.len().wrapping_sub(1);
        let index = if end == End::Left { 0 } else { last };
        match self.chunks.get(index) {
            Some(chunk) if chunk.has_room(element.len()) => self.change(index, |chunk| chunk.push(end, element)),
            neighbour => {
                let mut chunk = neighbour.map(Chunk::of_same_capacity).unwrap_or_default();
                chunk.push(end, element);
                self.insert_chunk(if end == End::Left { 0 } else { self.chunks.len() }, chunk);
            }
        }
        self.len += 1;
    }

    /// Removes up to `count` elements from an end.
    pub fn drop_from(&mut self, end: End, count: usize) {
        let mut left = count.min(self.len);
        self.len -= left;
        while left > 0 {
            let index = if end == End::Left { 0 } else { self.chunks.len() - 1 };
            let length = self.chunks[index].len();
            if length <= left {
                self.remove_chunk(index);
                left -= length;
            } else {
                self.change(index, |chunk| {
                    (0..left).for_each(|_| chunk.remove(if end == End::Left { 0 } else { chunk.len() - 1 }));
                });
                left = 0;
            }
        }
    }

    /// Replaces the element at `index`; false if there is none.
    pub fn set(&mut self, index: usize, element: &[u8]) -> bool {
        let Some((at, offset)) = self.locate(index) else {
            return false;
        };
        if self.chunks[at].can_replace(offset, element.len()) {
            self.change(at, |chunk| chunk.replace(offset, element));
        } else {
            // The old element goes last: its chunk must not vanish in between.
            self.insert(index, element);
            self.remove(index + 1);
        }
        true
    }

    /// Inserts an element before the one at `index`, or at the right end.
    pub fn insert(&mut self, index: usize, element: &[u8]) {
        let Some((mut at, offset)) = self.locate(index) else {
            return self.push(End::Right, element);
        };
        if self.chunks[at].has_room(element.len()) {
            self.change(at, |chunk| chunk.insert(offset, element));
        } else {
            if offset > 0 {
                let right = self.change(at, |chunk| chunk.split_off(offset));
                at += 1;
                self.insert_chunk(at, right);
            }
            let mut chunk = Chunk::default();
            chunk.push(End::Right, element);
            self.insert_chunk(at, chunk);
        }
        self.len += 1;
    }

    /// Removes the elements that equal `element`, the first `limit` of them counted from `end`; says how many.
    pub fn remove_equal(&mut self, element: &[u8], limit: usize, end: End) -> usize {
        let mut removed = 0;
        for turn in 0..self.chunks.len() {
            let index = if end == End::Left { turn } else { self.chunks.len() - 1 - turn };
            if removed < limit && self.chunks[index].iter().any(|other| other == element) {
                removed += self.change(index, |chunk| chunk.remove_equal(element, limit - removed, end));
            }
        }
        self.len -= removed;
        if removed > 0 {
            self.join_small_chunks();
        }
        removed
    }

    fn remove(&mut self, index: usize) {
        if let Some((at, offset)) = self.locate(index) {
            self.change(at, |chunk| chunk.remove(offset));
            self.len -= 1;
            if self.chunks[at].len() == 0 {
                self.remove_chunk(at);
            }
        }
    }

    /// Where the element at `index` is: its chunk, and its place there.
    fn locate(&self, index: usize) -> Option<(usize, usize)> {
        if index >= self.len {
            return None;
        }
        if index < self.len / 2 {
            let mut before = 0;
            for (at, chunk) in self.chunks.iter().enumerate() {
                if index < before + chunk.len() {
                    return Some((at, index - before));
                }
                before += chunk.len();
            }
        } else {
            let mut start = self.len;
            for (at, chunk) in self.chunks.iter().enumerate().rev() {
                start -= chunk.len();
                if index >= start {
                    return Some((at, index - start));
                }
            }
        }
        None
    }

    /// Changes a chunk, and counts its memory.
    fn change<R>(&mut self, index: usize, change: impl FnOnce(&mut Chunk) -> R) -> R {
        let chunk = &mut self.chunks[index];
        let before = chunk.memory();
        let result = change(chunk);
        self.chunk_memory = self.chunk_memory + chunk.memory() - before;
        result
    }

    fn insert_chunk(&mut self, index: usize, chunk: Chunk) {
        self.chunk_memory += chunk.memory();
        self.chunks.insert(index, chunk);
    }

    fn remove_chunk(&mut self, index: usize) {
        if let Some(chunk) = self.chunks.remove(index) {
            self.chunk_memory -= chunk.memory();
        }
    }

    /// Joins neighbours that have become small, and drops those that are empty.
    fn join_small_chunks(&mut self) {
        let mut joined: VecDeque<Chunk> = VecDeque::new();
        for chunk in self.chunks.drain(..).filter(|chunk| chunk.len() > 0) {
            match joined.back_mut() {
                Some(last) if last.can_take(&chunk) => chunk.iter().for_each(|element| last.push(End::Right, element)),
                _ => joined.push_back(chunk),
            }
        }
        self.chunk_memory = joined.iter().map(Chunk::memory).sum();
        self.chunks = joined;
    }
}

impl Clone for List {
    fn clone(&self) -> Self {
        let chunks = self.chunks.clone();
        let chunk_memory = chunks.iter().map(Chunk::memory).sum();
        List { chunks, len: self.len, chunk_memory }
    }
}

/// Where an element's bytes stand in its chunk.
#[derive(Clone, Copy)]
struct Span {
    start: u32,
    len: u32,
}

impl Span {
    /// The last `len` bytes of `bytes`. No bytes are at the start, wherever they were: there they are always inside.
    fn last(bytes: &[u8], len: usize) -> Span {
        let start = if len == 0 { 0 } else { bytes.len() - len };
        Span { start: start as u32, len: len as u32 }
    }

    fn range(self) -> Range<usize> {
        self.start as usize..self.start as usize + self.len as usize
    }
}

/// Some neighbouring elements.
#[derive(Default, Clone)]
struct Chunk {
    /// The elements' bytes in no order, and those of removed elements.
    bytes: Vec<u8>,
    spans: VecDeque<Span>,
    /// Bytes of the elements.
    used: usize,
}

impl Chunk {
    /// An empty chunk for as much as is in this one.
    fn of_same_capacity(&self) -> Chunk {
        let bytes = self.used.min(CHUNK_BYTES);
        Chunk { bytes: Vec::with_capacity(bytes), spans: VecDeque::with_capacity(self.len()), used: 0 }
    }

    fn len(&self) -> usize {
        self.spans.len()
    }

    fn memory(&self) -> usize {
        self.bytes.capacity() + self.spans.capacity() * size_of::<Span>()
    }

    fn has_room(&self, bytes: usize) -> bool {
        self.len() < CHUNK_ELEMENTS && self.used + bytes <= CHUNK_BYTES
    }

    /// True if the two are so small that joining them doesn't make the next insertion split them.
    fn can_take(&self, other: &Chunk) -> bool {
        self.len() + other.len() <= CHUNK_ELEMENTS / 2 && self.used + other.used <= CHUNK_BYTES / 2
    }

    fn get(&self, offset: usize) -> Option<&[u8]> {
        Some(&self.bytes[self.spans.get(offset)?.range()])
    }

    fn iter(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.spans.iter().map(|span| &self.bytes[span.range()])
    }

    fn push(&mut self, end: End, element: &[u8]) {
        let span = self.store(element);
        match end {
            End::Left => self.spans.push_front(span),
            End::Right => self.spans.push_back(span),
        }
    }

    fn insert(&mut self, offset: usize, element: &[u8]) {
        let span = self.store(element);
        self.spans.insert(offset, span);
    }

    /// Appends an element's bytes.
    fn store(&mut self, element: &[u8]) -> Span {
        if element.len() > CHUNK_BYTES {
            self.bytes.reserve_exact(element.len());
        }
        self.bytes.extend_from_slice(element);
        self.used += element.len();
        Span::last(&self.bytes, element.len())
    }

    fn remove(&mut self, offset: usize) {
        if let Some(span) = self.spans.remove(offset) {
            self.forget(span);
            self.tidy();
        }
    }

    fn remove_equal(&mut self, element: &[u8], limit: usize, end: End) -> usize {
        let bytes = &self.bytes;
        let is_equal = |span: &Span| &bytes[span.range()] == element;
        let equal = self.spans.iter().filter(|span| is_equal(span)).count();
        let removed = equal.min(limit);
        // Counted from the right, those are spared that come first from the left.
        let mut spared = if end == End::Left { 0 } else { equal - removed };
        let mut left = removed;
        self.spans.retain(|span| {
            if !is_equal(span) || left == 0 {
                return true;
            }
            if spared > 0 {
                spared -= 1;
                return true;
            }
            left -= 1;
            false
        });
        self.used -= removed * element.len();
        self.tidy();
        removed
    }

    fn can_replace(&self, offset: usize, bytes: usize) -> bool {
        let old = self.spans.get(offset).map_or(0, |span| span.len as usize);
        self.len() == 1 || self.used - old + bytes <= CHUNK_BYTES
    }

    fn replace(&mut self, offset: usize, element: &[u8]) {
        let old = self.spans[offset];
        if old.len as usize == element.len() {
            self.bytes[old.range()].copy_from_slice(element);
        } else if self.len() == 1 {
            *self = Chunk::default();
            self.push(End::Right, element);
        } else {
            self.forget(old);
            self.spans[offset] = self.store(element);
            self.tidy();
        }
    }

    /// Moves the elements from `offset` on into a chunk of their own.
    fn split_off(&mut self, offset: usize) -> Chunk {
        let mut right = Chunk::default();
        for span in self.spans.split_off(offset) {
            right.push(End::Right, &self.bytes[span.range()]);
            self.used -= span.len as usize;
        }
        self.tidy();
        right
    }

    /// The bytes of a removed element are no longer used.
    fn forget(&mut self, span: Span) {
        self.used -= span.len as usize;
        if span.len > 0 && span.range().end == self.bytes.len() {
            self.bytes.truncate(span.start as usize);
        }
    }

    /// Gives the memory of removed elements back once it is much.
    fn tidy(&mut self) {
        if self.bytes.len() - self.used <= self.used + CHUNK_WASTE {
            return;
        }
        let mut bytes = Vec::with_capacity(self.used);
        for span in &mut self.spans {
            bytes.extend_from_slice(&self.bytes[span.range()]);
            *span = Span::last(&bytes, span.len as usize);
        }
        self.bytes = bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Step {
        Push(End, Vec<u8>),
        DropFrom(End, usize),
        Set(usize, Vec<u8>),
        Insert(usize, Vec<u8>),
        RemoveEqual(Vec<u8>, usize, End),
        Clone,
    }

    fn ends() -> impl Strategy<Value = End> {
        prop_oneof![Just(End::Left), Just(End::Right)]
    }

    /// Few values, so that some are equal, of all sizes that matter.
    fn elements() -> impl Strategy<Value = Vec<u8>> {
        let lengths = prop_oneof![8 => 0..4usize, 2 => 50..60usize, 1 => 2000..2003usize, 1 => 8190..8195usize];
        (lengths, b'a'..b'd').prop_map(|(length, byte)| vec![byte; length])
    }

    fn steps() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => (ends(), elements()).prop_map(|(end, element)| Step::Push(end, element)),
            2 => (ends(), 0..6usize).prop_map(|(end, count)| Step::DropFrom(end, count)),
            1 => (ends(), 0..200usize).prop_map(|(end, count)| Step::DropFrom(end, count)),
            4 => (any::<usize>(), elements()).prop_map(|(index, element)| Step::Set(index, element)),
            6 => (any::<usize>(), elements()).prop_map(|(index, element)| Step::Insert(index, element)),
            1 => (elements(), 0..5usize, ends()).prop_map(|(element, limit, end)| Step::RemoveEqual(element, limit, end)),
            1 => Just(Step::Clone),
        ]
    }

    fn remove_equal(model: &mut Vec<Vec<u8>>, element: &[u8], limit: usize, end: End) -> usize {
        let mut equal: Vec<usize> = (0..model.len()).filter(|index| model[*index] == element).collect();
        if end == End::Right {
            equal.reverse();
        }
        equal.truncate(limit);
        equal.sort();
        equal.iter().rev().for_each(|index| drop(model.remove(*index)));
        equal.len()
    }

    fn apply(list: &mut List, model: &mut Vec<Vec<u8>>, step: Step) {
        match step {
            Step::Push(end, element) => {
                list.push(end, &element);
                model.insert(if end == End::Left { 0 } else { model.len() }, element);
            }
            Step::DropFrom(end, count) => {
                list.drop_from(end, count);
                let count = count.min(model.len());
                drop(if end == End::Left { model.drain(..count) } else { model.drain(model.len() - count..) });
            }
            Step::Set(index, element) => {
                let index = index % (model.len() + 1);
                assert_eq!(list.set(index, &element), index < model.len());
                if let Some(old) = model.get_mut(index) {
                    *old = element;
                }
            }
            Step::Insert(index, element) => {
                let index = index % (model.len() + 1);
                list.insert(index, &element);
                model.insert(index, element);
            }
            Step::RemoveEqual(element, limit, end) => {
                assert_eq!(list.remove_equal(&element, limit, end), remove_equal(model, &element, limit, end));
            }
            Step::Clone => *list = list.clone(),
        }
    }

    fn check(list: &List, model: &[Vec<u8>]) {
        assert_eq!(list.len(), model.len());
        assert!(list.iter().eq(model.iter().map(Vec::as_slice)));
        assert!(list.iter().rev().eq(model.iter().rev().map(Vec::as_slice)));
        assert_eq!(list.peek(End::Left), model.first().map(Vec::as_slice));
        assert_eq!(list.peek(End::Right), model.last().map(Vec::as_slice));
        for index in [0, model.len() / 3, model.len() / 2, model.len().saturating_sub(1), model.len()] {
            assert_eq!(list.get(index), model.get(index).map(Vec::as_slice));
        }
        let (start, end) = (model.len() / 3, model.len() - model.len() / 4);
        assert!(list.range(start..end).eq(model[start..end].iter().map(Vec::as_slice)));

        assert_eq!(list.chunk_memory, list.chunks.iter().map(Chunk::memory).sum::<usize>());
        for chunk in &list.chunks {
            assert!(0 < chunk.len() && chunk.len() <= CHUNK_ELEMENTS);
            assert!(chunk.used <= CHUNK_BYTES || chunk.len() == 1);
            assert_eq!(chunk.used, chunk.iter().map(<[u8]>::len).sum::<usize>());
            assert!(chunk.bytes.len() - chunk.used <= chunk.used + CHUNK_WASTE);
        }
    }

    proptest! {
        #[test]
        fn behaves_as_a_vector(prefill in 0..400usize, steps in proptest::collection::vec(steps(), 0..120)) {
            let (mut list, mut model) = (List::default(), Vec::new());
            for index in 0..prefill {
                apply(&mut list, &mut model, Step::Push(End::Right, vec![b'a' + (index % 3) as u8; index % 3]));
            }
            for step in steps {
                apply(&mut list, &mut model, step);
                check(&list, &model);
            }
        }
    }

    #[test]
    fn an_empty_element_outlives_the_bytes_before_it() {
        let mut list = List::default();
        list.push(End::Right, b"a");
        list.push(End::Right, b"long");
        list.push(End::Right, b"");
        assert_eq!(list.remove_equal(b"long", 1, End::Left), 1);
        list.push(End::Left, b"x");
        list.drop_from(End::Left, 1);
        assert!(list.iter().eq([&b"a"[..], b""]));
    }

    #[test]
    fn a_queue_that_stays_short_stays_small() {
        let mut list = List::default();
        for round in 0..100_000u32 {
            list.push(End::Left, &round.to_le_bytes());
            if list.len() > 10 {
                list.drop_from(End::Right, 1);
            }
            assert!(list.memory() < 8 << 10, "{}", list.memory());
        }
        list.drop_from(End::Right, 10);
        assert_eq!((list.len(), list.chunk_memory), (0, 0));
    }

    #[test]
    fn many_small_elements_cost_little() {
        let mut list = List::default();
        for _ in 0..100_000 {
            list.push(End::Right, b"0123456789");
        }
        assert!(list.memory() < 100_000 * 28, "{}", list.memory());
    }

    #[test]
    fn a_list_that_lost_most_elements_gives_memory_back() {
        let mut list = List::default();
        for index in 0..100_000u32 {
            list.push(End::Right, if index % 100 == 0 { b"kept" } else { b"gone" });
        }
        assert_eq!(list.remove_equal(b"gone", usize::MAX, End::Left), 99_000);
        assert_eq!(list.len(), 1000);
        assert!(list.memory() < 100_000, "{}", list.memory());
    }
}
