//! What `HSCAN`, `SSCAN` and `ZSCAN` have in common.

use super::error::Error;
use super::parse;
use crate::resp::{Args, Writer};
use crate::store::broker;
use crate::store::dict::Cursor;

/// Their options.
pub struct Options<'a> {
    /// About how many elements are looked at.
    pub count: usize,
    pattern: Option<&'a [u8]>,
}

impl<'a> Options<'a> {
    /// The options from the argument at `index` on.
    pub fn parse(args: Args<'a>, mut index: usize) -> Result<Self, Error> {
        let mut options = Options { count: 10, pattern: None };
        while index < args.len() {
            let value = args.get(index + 1).ok_or(Error::SYNTAX)?;
            if args.is(index, "COUNT") {
                let count = usize::try_from(parse::integer(value)?).map_err(|_| Error::SYNTAX)?;
                options.count = if count == 0 { return Err(Error::SYNTAX) } else { count };
            } else if args.is(index, "MATCH") {
                // The pattern that matches everything also matches the empty element, which a glob does not.
                options.pattern = (value != b"*").then_some(value);
            } else {
                return Err(Error::SYNTAX);
            }
            index += 2;
        }
        Ok(options)
    }

    /// True of an element that is asked for.
    pub fn matches(&self, element: &[u8]) -> bool {
        self.pattern.is_none_or(|pattern| broker::matches(pattern, element))
    }
}

/// Writes the page at the end of nothing.
pub fn write_end(reply: &mut Writer<'_>) {
    write_page(reply, |_| (0, 0));
}

/// Writes a page: `fill` writes its elements, and gives the next cursor and how many they are.
pub fn write_page(reply: &mut Writer<'_>, fill: impl FnOnce(&mut Writer<'_>) -> (Cursor, usize)) {
    // The cursor stands in front, and is known only afterwards.
    let mut elements = Vec::new();
    let (next, length) = fill(&mut Writer::new(&mut elements, reply.protocol()));
    reply.array(2);
    reply.bulk(next.to_string().as_bytes());
    reply.array(length);
    reply.raw(&elements);
}
