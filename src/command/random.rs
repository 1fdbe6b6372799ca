//! What `HRANDFIELD`, `SRANDMEMBER` and `ZRANDMEMBER` have in common.

use std::collections::HashSet;
use std::hash::Hash;

use super::error::Error;
use super::parse;
use crate::resp::Writer;
use crate::store::string::MAX_LENGTH;

/// How many of something are wanted; below zero: as many, and the same one may be drawn again.
pub fn count(argument: &[u8]) -> Result<i64, Error> {
    match parse::integer(argument)? {
        i64::MIN => Err(Error::COUNT_WITHOUT_OPPOSITE),
        count => Ok(count),
    }
}

/// Draws elements of an aggregate that has at least one.
pub struct Draws<'a> {
    /// As [`count`] gives it.
    pub count: i64,
    /// How many elements there are.
    pub length: usize,
    /// Makes random numbers.
    pub random: &'a dyn Fn() -> u64,
}

impl Draws<'_> {
    /// No element takes fewer bytes in a reply.
    const SMALLEST_ELEMENT: usize = b"$0\r\n\r\n".len();

    /// Writes an array of the elements that are drawn, in which each stands for `factor` replies. `draw` gives an
    /// element for a random number.
    pub fn write<T: Copy + Eq + Hash>(
        self,
        reply: &mut Writer<'_>,
        factor: usize,
        elements: impl Iterator<Item = T>,
        draw: impl Fn(u64) -> Option<T>,
        mut write: impl FnMut(&mut Writer<'_>, T),
    ) -> Result<(), Error> {
        let wanted = usize::try_from(self.count.unsigned_abs()).unwrap_or(usize::MAX);
        if self.count < 0 {
            return self.write_repeated(reply, wanted, factor, draw, write);
        }
        let wanted = wanted.min(self.length);
        reply.array(wanted * factor);
        if wanted.saturating_mul(3) > self.length {
            self.sample(wanted, elements).for_each(|element| write(reply, element));
            return Ok(());
        }
        let mut drawn = HashSet::with_capacity(wanted);
        while drawn.len() < wanted {
            let Some(element) = draw((self.random)()) else { break };
            if drawn.insert(element) {
                write(reply, element);
            }
        }
        Ok(())
    }

    /// Redis would go on until its memory is full: there is a limit on the reply here.
    fn write_repeated<T>(
        &self,
        reply: &mut Writer<'_>,
        wanted: usize,
        factor: usize,
        draw: impl Fn(u64) -> Option<T>,
        mut write: impl FnMut(&mut Writer<'_>, T),
    ) -> Result<(), Error> {
        if wanted > MAX_LENGTH / Self::SMALLEST_ELEMENT {
            return Err(Error::COUNT_OUT_OF_RANGE);
        }
        let start = reply.position();
        reply.array(wanted * factor);
        for _ in 0..wanted {
            let Some(element) = draw((self.random)()) else { break };
            write(reply, element);
            if reply.position() - start > MAX_LENGTH {
                return Err(Error::COUNT_OUT_OF_RANGE);
            }
        }
        Ok(())
    }

    /// `wanted` of the elements, each as likely as any other, in their order.
    fn sample<T>(&self, mut wanted: usize, elements: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        let mut left = self.length as u64;
        elements.filter(move |_| {
            let is_chosen = (self.random)() % left.max(1) < wanted as u64;
            left = left.saturating_sub(1);
            wanted -= usize::from(is_chosen);
            is_chosen
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::Protocol;
    use std::cell::Cell;

    fn drawn(count: i64, length: u64) -> Vec<u64> {
        let state = Cell::new(7u64);
        let random = || {
            state.set(state.get().wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407));
            state.get() >> 33
        };
        let (mut out, mut drawn) = (Vec::new(), Vec::new());
        let mut reply = Writer::new(&mut out, Protocol::Resp2);
        let draws = Draws { count, length: length as usize, random: &random };
        draws
            .write(&mut reply, 1, 0..length, |random| Some(random % length), |_, element| drawn.push(element))
            .unwrap();
        assert_eq!(out, format!("*{}\r\n", drawn.len()).as_bytes());
        drawn
    }

    #[test]
    fn as_many_as_wanted_are_drawn() {
        for length in [1, 2, 10, 100] {
            for count in 0..120 {
                let mut elements = drawn(count, length);
                elements.sort();
                elements.dedup();
                assert_eq!(elements.len() as u64, length.min(count as u64));
                assert_eq!(drawn(-count, length).len() as i64, count);
            }
        }
    }

    #[test]
    fn what_would_not_fit_into_memory_is_refused() {
        let (mut out, random) = (Vec::new(), || 0);
        let mut reply = Writer::new(&mut out, Protocol::Resp2);
        let draws = Draws { count: -i64::MAX, length: 1, random: &random };
        let result = draws.write(&mut reply, 1, 0..1, |_| Some(0), |_, _| {});
        assert_eq!(result, Err(Error::COUNT_OUT_OF_RANGE));
    }
}
