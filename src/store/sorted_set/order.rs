//! Elements in order, with ranks: a B-tree whose branches know how many elements are below each of their children.
//!
//! No change moves more than a few nodes' elements, whatever the tree's size.

use std::cmp::Ordering;

/// The most elements of a node.
const MOST: usize = 64;

/// With fewer elements a node is joined with its neighbour, or takes some from it.
const FEWEST: usize = MOST / 4;

/// What an allocation costs beside its bytes, about.
const ALLOCATION: usize = 8;

/// An element.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its score, which is a number.
    pub score: f64,
    /// Its name.
    pub member: Box<[u8]>,
}

/// A place in the order: by score, then by member.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The score.
    pub score: f64,
    /// Where among the elements of this score.
    pub edge: Edge<'a>,
}

/// Where among the elements of a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edge<'a> {
    /// Before all.
    Below,
    /// Where this member stands, or would.
    At(&'a [u8]),
    /// Behind all.
    Above,
}

impl Place<'_> {
    /// The order of two places.
    pub fn compare(self, other: Place<'_>) -> Ordering {
        // No score is NaN, and both zeros are one.
        self.score.partial_cmp(&other.score).unwrap_or(Ordering::Equal).then_with(|| self.edge.cmp(&other.edge))
    }
}

impl Entry {
    fn place(&self) -> Place<'_> {
        Place { score: self.score, edge: Edge::At(&self.member) }
    }
}

/// The elements.
#[derive(Clone)]
pub struct Order {
    root: Node,
    len: usize,
    /// Bytes of the nodes and the members.
    memory: usize,
}

impl Default for Order {
    fn default() -> Self {
        let root = Node::leaf();
        Order { len: 0, memory: root.memory(), root }
    }
}

impl Order {
    /// Bytes that they take. O(1).
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// How many elements stand before `place`.
    pub fn count_before(&self, place: Place<'_>) -> usize {
        let mut node = &self.root;
        let mut before = 0;
        loop {
            let index = node.index_of(place);
            before += index;
            let Some(child) = node.children.get(index) else {
                return before;
            };
            before += node.children[..index].iter().map(|child| child.size).sum::<usize>();
            node = &child.node;
        }
    }

    /// How many elements stand before the first whose member `is_before` says no to.
    pub fn partition(&self, is_before: impl Fn(&[u8]) -> bool) -> usize {
        let mut node = &self.root;
        let mut before = 0;
        loop {
            let index = node.entries.partition_point(|entry| is_before(&entry.member));
            before += index;
            let Some(child) = node.children.get(index) else {
                return before;
            };
            before += node.children[..index].iter().map(|child| child.size).sum::<usize>();
            node = &child.node;
        }
    }

    /// The element of a rank, which has to be there: some neighbours, and its index among them.
    pub fn locate(&self, mut rank: usize) -> (&[Entry], usize) {
        let mut node = &self.root;
        loop {
            let Some(index) = node.child_of(&mut rank) else {
                return (&node.entries, rank);
            };
            match node.children.get(index).filter(|child| rank < child.size) {
                Some(child) => node = &child.node,
                None => return (std::slice::from_ref(&node.entries[index]), 0),
            }
        }
    }

    /// Adds an element that is not there.
    pub fn insert(&mut self, score: f64, member: &[u8]) {
        self.memory += member.len() + ALLOCATION;
        self.len += 1;
        if let Some((median, right)) = self.root.insert(Entry { score, member: member.into() }, &mut self.memory) {
            let mut root = Node::branch();
            let left = std::mem::replace(&mut self.root, Node { entries: Vec::new(), children: Vec::new() });
            root.entries.push(median);
            root.children.extend([Child::new(left), Child::new(right)]);
            self.memory += root.memory() + size_of::<Node>();
            self.root = root;
        }
    }

    /// Removes an element that is there.
    pub fn remove(&mut self, score: f64, member: &[u8]) {
        let rank = self.count_before(Place { score, edge: Edge::At(member) });
        self.take_at(rank);
    }

    /// Removes the element of a rank.
    pub fn take_at(&mut self, rank: usize) -> Option<Entry> {
        if rank >= self.len {
            return None;
        }
        let entry = self.root.take_at(rank, &mut self.memory)?;
        if self.root.entries.is_empty()
            && let Some(only) = self.root.children.pop()
        {
            self.memory -= self.root.memory() + size_of::<Node>();
            self.root = *only.node;
        }
        self.memory -= entry.member.len() + ALLOCATION;
        self.len -= 1;
        Some(entry)
    }
}

/// Some elements in order, and in a branch what stands before, between and behind them.
struct Node {
    entries: Vec<Entry>,
    children: Vec<Child>,
}

#[derive(Clone)]
struct Child {
    /// How many elements there are in it.
    size: usize,
    node: Box<Node>,
}

impl Child {
    fn new(node: Node) -> Self {
        Child { size: node.size(), node: Box::new(node) }
    }
}

impl Clone for Node {
    fn clone(&self) -> Self {
        let mut node = if self.children.is_empty() { Node::leaf() } else { Node::branch() };
        node.entries.extend_from_slice(&self.entries);
        node.children.extend_from_slice(&self.children);
        node
    }
}

impl Node {
    /// Nodes have all of their room from the start, so that what they take is known.
    fn leaf() -> Self {
        Node { entries: Vec::with_capacity(MOST + 1), children: Vec::new() }
    }

    fn branch() -> Self {
        Node { entries: Vec::with_capacity(MOST + 1), children: Vec::with_capacity(MOST + 2) }
    }

    fn memory(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>() + self.children.capacity() * size_of::<Child>()
    }

    fn size(&self) -> usize {
        self.entries.len() + self.children.iter().map(|child| child.size).sum::<usize>()
    }

    /// How many of the entries stand before `place`.
    fn index_of(&self, place: Place<'_>) -> usize {
        self.entries.partition_point(|entry| entry.place().compare(place).is_lt())
    }

    /// In a branch: the child that has the element of `rank`, which becomes its rank there; or that before the entry
    /// which is that element, `rank` being the child's size then. `None` in a leaf.
    fn child_of(&self, rank: &mut usize) -> Option<usize> {
        self.children.iter().position(|child| {
            let is_here = *rank <= child.size;
            if !is_here {
                *rank -= child.size + 1;
            }
            is_here
        })
    }

    /// Adds an entry. If the node gets too large, what stands behind some entry becomes a node of its own.
    fn insert(&mut self, entry: Entry, memory: &mut usize) -> Option<(Entry, Node)> {
        let index = self.index_of(entry.place());
        match self.children.get_mut(index) {
            None => self.entries.insert(index, entry),
            Some(child) => {
                child.size += 1;
                let (median, right) = child.node.insert(entry, memory)?;
                let right = Child::new(right);
                child.size -= right.size + 1;
                self.entries.insert(index, median);
                self.children.insert(index + 1, right);
            }
        }
        // What grows at its end leaves full nodes behind.
        let middle = if index + 1 >= self.entries.len() { MOST - 1 } else { MOST / 2 };
        (self.entries.len() > MOST).then(|| self.split(middle, memory))
    }

    fn split(&mut self, middle: usize, memory: &mut usize) -> (Entry, Node) {
        let mut right = if self.children.is_empty() { Node::leaf() } else { Node::branch() };
        right.entries.extend(self.entries.drain(middle + 1..));
        if !self.children.is_empty() {
            right.children.extend(self.children.drain(middle + 1..));
        }
        *memory += right.memory() + size_of::<Node>();
        let median = self.entries.remove(middle);
        (median, right)
    }

    /// Removes the element of a rank.
    fn take_at(&mut self, mut rank: usize, memory: &mut usize) -> Option<Entry> {
        let Some(index) = self.child_of(&mut rank) else {
            return (rank < self.entries.len()).then(|| self.entries.remove(rank));
        };
        let child = &mut self.children[index];
        let is_entry = rank == child.size;
        // An entry between children is replaced with the one before it.
        let taken = child.node.take_at(if is_entry { rank - 1 } else { rank }, memory)?;
        child.size -= 1;
        let taken = if is_entry { std::mem::replace(&mut self.entries[index], taken) } else { taken };
        if self.children[index].node.entries.len() < FEWEST {
            self.refill(index, memory);
        }
        Some(taken)
    }

    /// Joins a child that has become small with a neighbour, or moves an entry from there.
    fn refill(&mut self, index: usize, memory: &mut usize) {
        let at = index.saturating_sub(1);
        let [left, right] = &mut self.children[at..at + 2] else { return };
        let between = &mut self.entries[at];
        let (left_node, right_node) = (&mut *left.node, &mut *right.node);
        if left_node.entries.len() + right_node.entries.len() < MOST {
            let right = self.children.remove(at + 1);
            *memory -= right.node.memory() + size_of::<Node>();
            let left = &mut self.children[at];
            left.size += right.size + 1;
            left.node.entries.push(self.entries.remove(at));
            left.node.entries.extend(right.node.entries);
            left.node.children.extend(right.node.children);
        } else if at < index {
            // They are too many for one node, so the neighbour has some to give.
            let Some(given) = left_node.entries.pop() else { return };
            right_node.entries.insert(0, std::mem::replace(between, given));
            let moved = left_node.children.pop();
            let size = 1 + moved.as_ref().map_or(0, |child| child.size);
            right_node.children.splice(0..0, moved);
            left.size -= size;
            right.size += size;
        } else {
            let given = right_node.entries.remove(0);
            left_node.entries.push(std::mem::replace(between, given));
            let moved = (!right_node.children.is_empty()).then(|| right_node.children.remove(0));
            let size = 1 + moved.as_ref().map_or(0, |child| child.size);
            left_node.children.extend(moved);
            right.size -= size;
            left.size += size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    impl Node {
        /// Checks a subtree; gives its height and its memory.
        fn check(&self, is_root: bool) -> (usize, usize) {
            assert!(self.entries.len() <= MOST);
            assert!(is_root || !self.entries.is_empty());
            assert!(self.entries.is_sorted_by(|one, other| one.place().compare(other.place()).is_lt()));
            assert_eq!(self.entries.capacity(), MOST + 1);
            let mut memory = self.memory() + if is_root { 0 } else { size_of::<Node>() };
            memory += self.entries.iter().map(|entry| entry.member.len() + ALLOCATION).sum::<usize>();
            if self.children.is_empty() {
                return (1, memory);
            }
            assert_eq!(self.children.len(), self.entries.len() + 1);
            assert_eq!(self.children.capacity(), MOST + 2);
            let mut heights = Vec::new();
            for child in &self.children {
                assert_eq!(child.size, child.node.size());
                let (height, bytes) = child.node.check(false);
                heights.push(height);
                memory += bytes;
            }
            heights.dedup();
            assert_eq!(heights.len(), 1, "all leaves are equally deep");
            (heights[0] + 1, memory)
        }
    }

    fn check(order: &Order, model: &[(i64, String)]) {
        let (_, memory) = order.root.check(true);
        assert_eq!((order.memory, order.len), (memory, model.len()));
        for (rank, (score, member)) in model.iter().enumerate() {
            let place = Place { score: *score as f64, edge: Edge::At(member.as_bytes()) };
            assert_eq!(order.count_before(place), rank);
            let (entries, index) = order.locate(rank);
            assert_eq!((entries[index].score, &*entries[index].member), (*score as f64, member.as_bytes()));
        }
        for score in [-1, 0, 5, 1000] {
            let place = |edge| Place { score: score as f64, edge };
            assert_eq!(order.count_before(place(Edge::Below)), model.partition_point(|entry| entry.0 < score));
            assert_eq!(order.count_before(place(Edge::Above)), model.partition_point(|entry| entry.0 <= score));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn behaves_as_a_sorted_vector(
            ascending in 0..3000i64,
            scattered in proptest::collection::vec(0..1000i64, 0..3000),
            removals in proptest::collection::vec(any::<proptest::sample::Index>(), 0..5000),
        ) {
            let (mut order, mut model) = (Order::default(), Vec::new());
            for score in (0..ascending).chain(scattered) {
                let entry = (score, format!("m{}", model.len()));
                order.insert(score as f64, entry.1.as_bytes());
                model.push(entry);
            }
            model.sort();
            check(&order, &model);
            for (turn, index) in removals.into_iter().enumerate() {
                if model.is_empty() {
                    break;
                }
                // Now from anywhere, now from the start.
                let rank = if turn / 500 % 2 == 0 { index.index(model.len()) } else { 0 };
                let (score, member) = model.remove(rank);
                if turn % 2 == 0 {
                    order.remove(score as f64, member.as_bytes());
                } else {
                    let entry = order.take_at(rank).unwrap();
                    prop_assert_eq!((entry.score, &*entry.member), (score as f64, member.as_bytes()));
                }
            }
            check(&order, &model);
            check(&order.clone(), &model);
            for _ in 0..model.len() {
                order.take_at(order.len - 1);
            }
            prop_assert_eq!(order.memory, Order::default().memory);
        }
    }

    #[test]
    fn what_grows_at_its_end_has_full_nodes() {
        let mut order = Order::default();
        for score in 0..100_000 {
            order.insert(f64::from(score), b"m");
        }
        let members = 100_000 * (1 + ALLOCATION);
        assert!(order.memory() - members < 100_000 * 27, "{}", order.memory());
    }
}
