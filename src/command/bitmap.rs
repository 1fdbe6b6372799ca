//! Bitmaps: strings as arrays of bits.

use super::context::Context;
use super::error::Error;
use super::parse;
use super::row::access::*;
use super::row::flag::*;
use super::row::{Group, KeySpec, Row};
use super::string::range;
use crate::resp::{Args, Writer};
use crate::store::Kind;
use crate::store::string::{MAX_LENGTH, Str};

/// The group's rows.
pub const ROWS: &[Row] = &[
    Row::new("bitcount", -2, Group::Bitmap, "2.6.0", READONLY).keys(&[KeySpec::one(1, RO | ACCESS)]).memory(bitcount),
    Row::new("bitfield", -2, Group::Bitmap, "3.2.0", WRITE | DENYOOM)
        .keys(&[KeySpec::one(1, RW | ACCESS | UPDATE | VARIABLE_FLAGS)])
        .memory(bitfield),
    Row::new("bitfield_ro", -2, Group::Bitmap, "6.0.0", READONLY | FAST)
        .keys(&[KeySpec::one(1, RO | ACCESS)])
        .memory(bitfield_ro),
    Row::new("bitop", -4, Group::Bitmap, "2.6.0", WRITE | DENYOOM)
        .keys(&[KeySpec::one(2, OW | UPDATE), KeySpec::range(3, -1, 1, RO | ACCESS)])
        .memory(bitop),
    Row::new("bitpos", -3, Group::Bitmap, "2.8.7", READONLY).keys(&[KeySpec::one(1, RO | ACCESS)]).memory(bitpos),
    Row::new("getbit", 3, Group::Bitmap, "2.2.0", READONLY | FAST).keys(&[KeySpec::one(1, RO | ACCESS)]).memory(getbit),
    Row::new("setbit", 4, Group::Bitmap, "2.2.0", WRITE | DENYOOM)
        .keys(&[KeySpec::one(1, RW | ACCESS | UPDATE)])
        .memory(setbit),
];

/// A bit's number; with `#` before it (where `width` is given) that of a field among fields of this width.
fn bit_offset(argument: &[u8], width: Option<u32>) -> Result<u64, Error> {
    let (number, factor) = match (argument, width) {
        ([b'#', number @ ..], Some(width)) => (number, i64::from(width)),
        _ => (argument, 1),
    };
    let offset = parse::integer(number).ok().and_then(|number| number.checked_mul(factor));
    let offset = offset.and_then(|offset| u64::try_from(offset).ok());
    offset.filter(|offset| offset / 8 < MAX_LENGTH as u64).ok_or(Error::BIT_OFFSET)
}

/// The byte that a bit is in, and a mask of the bit in it.
fn place(offset: u64) -> (usize, u8) {
    ((offset / 8) as usize, 0x80 >> (offset % 8))
}

/// `GETBIT`
fn getbit(context: &mut Context, args: Args) -> Result<(), Error> {
    let (byte, mask) = place(bit_offset(args.at(2), None)?);
    let value = context.db.read::<Str>(args.at(1))?;
    let is_set = value.is_some_and(|value| value.bytes().get(byte).is_some_and(|byte| byte & mask != 0));
    context.reply.flag(is_set);
    Ok(())
}

/// `SETBIT`
fn setbit(context: &mut Context, args: Args) -> Result<(), Error> {
    let (byte, mask) = place(bit_offset(args.at(2), None)?);
    let bit = match parse::integer(args.at(3)) {
        Ok(0) => false,
        Ok(1) => true,
        _ => return Err(Error::NOT_A_BIT),
    };
    let (was_set, has_changed) = context.db.modify_or_create(args.at(1), |value: &mut Str| {
        let has_grown = value.len() <= byte;
        let byte = &mut value.grow(byte + 1)[byte];
        let was_set = *byte & mask != 0;
        *byte = if bit { *byte | mask } else { *byte & !mask };
        (was_set, has_grown || was_set != bit)
    })?;
    if has_changed {
        context.db.touch(args.at(1));
    }
    context.reply.flag(was_set);
    Ok(())
}

/// What the numbers of `BITCOUNT` and `BITPOS` count, as the argument at `index` says: 1 for bits, 8 for bytes.
fn unit(args: Args, index: usize) -> Result<usize, Error> {
    if args.is(index, "BIT") {
        return Ok(1);
    }
    if args.is(index, "BYTE") || args.get(index).is_none() { Ok(8) } else { Err(Error::SYNTAX) }
}

/// The bits from `start` to `end` (included), in units of as many bits, that bytes have: first and one past the last.
fn bits_between(start: i64, end: i64, unit: usize, bytes: &[u8]) -> Option<(usize, usize)> {
    range(start, end, bytes.len() * 8 / unit).map(|(start, end)| (start * unit, (end + 1) * unit))
}

/// The byte at `index` with all bits outside of `start..end` cleared.
fn masked(bytes: &[u8], index: usize, start: usize, end: usize) -> u8 {
    let first = start.saturating_sub(index * 8);
    let surplus = (index * 8 + 8).saturating_sub(end);
    bytes[index] & (0xff >> first) & (0xff << surplus)
}

/// How many of the bits in `start..end`, of which there is at least one, are set.
fn count_ones(bytes: &[u8], start: usize, end: usize) -> u64 {
    let (first, last) = (start / 8, (end - 1) / 8);
    let count = |bytes: &[u8]| -> u64 {
        let (words, rest) = bytes.as_chunks::<8>();
        let ones: u64 = words.iter().map(|word| u64::from(u64::from_ne_bytes(*word).count_ones())).sum();
        ones + rest.iter().map(|byte| u64::from(byte.count_ones())).sum::<u64>()
    };
    let edge = |index| count(&[masked(bytes, index, start, end)]);
    if first == last { edge(first) } else { edge(first) + count(&bytes[first + 1..last]) + edge(last) }
}

/// The first of the bits in `start..end`, of which there is at least one, that is `bit`.
fn find_bit(bytes: &[u8], bit: bool, start: usize, end: usize) -> Option<usize> {
    let (first, last) = (start / 8, (end - 1) / 8);
    let skipped = if bit { 0 } else { 0xff };
    let find = |index: usize| {
        // Looking for a 0 is looking for a 1 in the opposite.
        let inverted = [bytes[index] ^ skipped];
        let found = masked(&inverted, 0, start.saturating_sub(index * 8), end - index * 8);
        (found != 0).then(|| index * 8 + found.leading_zeros() as usize)
    };
    let middle = || (first + 1..last).find(|index| bytes[*index] != skipped).and_then(find);
    find(first).or_else(middle).or_else(|| find(last))
}

/// `BITCOUNT`
fn bitcount(context: &mut Context, args: Args) -> Result<(), Error> {
    // Without a key Redis does not even look at the other arguments.
    let count = match context.db.read::<Str>(args.at(1))? {
        None => 0,
        Some(value) => {
            let bytes = value.bytes();
            let part = match args.len() {
                2 => bits_between(0, -1, 8, &bytes),
                4 | 5 => {
                    let (start, end) = (parse::integer(args.at(2))?, parse::integer(args.at(3))?);
                    // Redis does not look at the unit of such a range.
                    if start < 0 && end < start { None } else { bits_between(start, end, unit(args, 4)?, &bytes) }
                }
                _ => return Err(Error::SYNTAX),
            };
            part.map_or(0, |(start, end)| count_ones(&bytes, start, end))
        }
    };
    context.reply.integer(count as i64);
    Ok(())
}

/// `BITPOS`
fn bitpos(context: &mut Context, args: Args) -> Result<(), Error> {
    let bit = match parse::integer(args.at(2))? {
        0 => false,
        1 => true,
        _ => return Err(Error::BIT_ARGUMENT),
    };
    let position = match context.db.read::<Str>(args.at(1))? {
        None => (!bit).then_some(0),
        Some(value) => bit_position(&value.bytes(), bit, args)?,
    };
    context.reply.integer(position.map_or(-1, |position| position as i64));
    Ok(())
}

/// Where the first `bit` is in the part of `bytes` that the arguments of `BITPOS` say.
fn bit_position(bytes: &[u8], bit: bool, args: Args) -> Result<Option<usize>, Error> {
    if args.len() > 6 {
        return Err(Error::SYNTAX);
    }
    let start = args.get(3).map_or(Ok(0), parse::integer)?;
    let unit = unit(args, 5)?;
    let end = args.get(4).map(parse::integer).transpose()?;
    let Some((first, past)) = bits_between(start, end.unwrap_or(-1), unit, bytes) else { return Ok(None) };
    // A string without an end that was asked for goes on with zeros.
    let beyond = (!bit && end.is_none()).then_some(past);
    Ok(find_bit(bytes, bit, first, past).or(beyond))
}

/// `BITOP`
fn bitop(context: &mut Context, args: Args) -> Result<(), Error> {
    let combine: fn(&mut Vec<u8>, &[u8]) = match args.at(1).to_ascii_lowercase().as_slice() {
        b"and" => |result, other| combine(result, other, |one, other| one & other),
        b"or" => |result, other| combine(result, other, |one, other| one | other),
        b"xor" => |result, other| combine(result, other, |one, other| one ^ other),
        b"not" => return bitop_not(context, args),
        _ => return Err(Error::SYNTAX),
    };
    let mut result = read_bytes(context, args.at(3))?;
    for key in args.iter_from(4) {
        match context.db.read::<Str>(key)? {
            Some(value) => combine(&mut result, &value.bytes()),
            None => combine(&mut result, &[]),
        }
    }
    store(context, args.at(2), result);
    Ok(())
}

fn bitop_not(context: &mut Context, args: Args) -> Result<(), Error> {
    if args.len() != 4 {
        return Err(Error::BITOP_NOT);
    }
    let mut result = read_bytes(context, args.at(3))?;
    result.iter_mut().for_each(|byte| *byte = !*byte);
    store(context, args.at(2), result);
    Ok(())
}

/// A copy of the string at `key`; empty without a key.
fn read_bytes(context: &mut Context, key: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(context.db.read::<Str>(key)?.map_or_else(Vec::new, |value| value.bytes().into_owned()))
}

/// `one = operation(one, other)` byte by byte; the shorter one goes on with zeros.
fn combine(one: &mut Vec<u8>, other: &[u8], operation: impl Fn(u8, u8) -> u8) {
    if one.len() < other.len() {
        one.resize(other.len(), 0);
    }
    let (both, only_one) = one.split_at_mut(other.len());
    both.iter_mut().zip(other).for_each(|(one, other)| *one = operation(*one, *other));
    only_one.iter_mut().for_each(|one| *one = operation(*one, 0));
}

/// Stores the result of `BITOP`, and answers with its length.
fn store(context: &mut Context, key: &[u8], result: Vec<u8>) {
    let length = result.len();
    if length > 0 {
        context.db.set(key, Str::Raw(result).into_value());
        context.db.touch(key);
    } else if context.db.remove(key) {
        context.db.touch(key);
    }
    context.reply.count(length);
}

/// What `BITFIELD` does with a number that doesn't fit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Overflow {
    Wrap,
    Saturate,
    Fail,
}

/// The type of a field: `i1` to `i64`, `u1` to `u63`.
#[derive(Clone, Copy)]
struct Field {
    is_signed: bool,
    width: u32,
}

impl Field {
    fn parse(argument: &[u8]) -> Result<Field, Error> {
        let (is_signed, widest, width) = match argument {
            [b'i', width @ ..] => (true, 64, width),
            [b'u', width @ ..] => (false, 63, width),
            _ => return Err(Error::BITFIELD_TYPE),
        };
        match parse::integer(width) {
            Ok(width) if (1..=widest).contains(&width) => Ok(Field { is_signed, width: width as u32 }),
            _ => Err(Error::BITFIELD_TYPE),
        }
    }

    /// The smallest and the largest number that fit.
    fn limits(self) -> (i128, i128) {
        if self.is_signed {
            let half = 1i128 << (self.width - 1);
            (-half, half - 1)
        } else {
            (0, (1 << self.width) - 1)
        }
    }

    /// The number that the field's bits are.
    fn number(self, bits: u64) -> i64 {
        let unused = 64 - self.width;
        if self.is_signed { ((bits << unused) as i64) >> unused } else { bits as i64 }
    }

    /// What Redis takes a number for that the field is set to: a negative one for an unsigned field is huge to it, and
    /// so is one whose distance from the largest that fits is more than 63 bits hold.
    fn understood(self, number: i64) -> i128 {
        let (_, most) = self.limits();
        let is_huge = match self.is_signed {
            true => self.width < 64 && most - i128::from(number) > i128::from(i64::MAX),
            false => number < 0,
        };
        if is_huge { i128::from(number as u64) } else { i128::from(number) }
    }

    /// `number` made to fit; `None` if it doesn't and [`Overflow::Fail`] is wanted.
    fn fit(self, number: i128, overflow: Overflow) -> Option<i64> {
        let (least, most) = self.limits();
        if (least..=most).contains(&number) {
            return Some(number as i64);
        }
        match overflow {
            Overflow::Wrap => Some(self.number(number as u64 & (u64::MAX >> (64 - self.width)))),
            Overflow::Saturate => Some(number.clamp(least, most) as i64),
            Overflow::Fail => None,
        }
    }

    /// The number at the bit `offset`; bits past the end are 0.
    fn read(self, bytes: &[u8], offset: u64) -> i64 {
        let first = (offset / 8) as usize;
        let window = (0..9)
            .fold(0u128, |window, index| window << 8 | u128::from(bytes.get(first + index).copied().unwrap_or(0)));
        let bits = window >> (72 - offset % 8 - u64::from(self.width));
        self.number(bits as u64 & (u64::MAX >> (64 - self.width)))
    }

    /// Writes `number` at the bit `offset`, where there is room.
    fn write(self, bytes: &mut [u8], offset: u64, number: i64) {
        for index in 0..self.width {
            let (byte, mask) = place(offset + u64::from(index));
            let bit = number >> (self.width - 1 - index) & 1;
            bytes[byte] = if bit == 1 { bytes[byte] | mask } else { bytes[byte] & !mask };
        }
    }
}

/// What a step of `BITFIELD` does.
#[derive(Clone, Copy)]
enum Action {
    Get,
    Set(i64),
    IncrementBy(i64),
}

/// A step of `BITFIELD`.
struct Step {
    field: Field,
    offset: u64,
    action: Action,
    overflow: Overflow,
}

impl Step {
    fn parse_all(args: Args) -> Result<Vec<Step>, Error> {
        let (mut steps, mut overflow, mut index) = (Vec::new(), Overflow::Wrap, 2);
        while index < args.len() {
            let follow = args.len() - index - 1;
            let length = if args.is(index, "GET") && follow >= 2 {
                3
            } else if (args.is(index, "SET") || args.is(index, "INCRBY")) && follow >= 3 {
                4
            } else if args.is(index, "OVERFLOW") && follow >= 1 {
                overflow = match args.at(index + 1).to_ascii_lowercase().as_slice() {
                    b"wrap" => Overflow::Wrap,
                    b"sat" => Overflow::Saturate,
                    b"fail" => Overflow::Fail,
                    _ => return Err(Error::BITFIELD_OVERFLOW),
                };
                index += 2;
                continue;
            } else {
                return Err(Error::SYNTAX);
            };
            let field = Field::parse(args.at(index + 1))?;
            let offset = bit_offset(args.at(index + 2), Some(field.width))?;
            let action = match length {
                3 => Action::Get,
                _ if args.is(index, "SET") => Action::Set(parse::integer(args.at(index + 3))?),
                _ => Action::IncrementBy(parse::integer(args.at(index + 3))?),
            };
            steps.push(Step { field, offset, action, overflow });
            index += length;
        }
        Ok(steps)
    }

    fn writes(&self) -> bool {
        !matches!(self.action, Action::Get)
    }

    /// The bytes that a string needs for it.
    fn end(&self) -> usize {
        place(self.offset + u64::from(self.field.width) - 1).0 + 1
    }

    /// Carries it out with a string that is long enough, and writes its reply. Says whether the field has changed, or
    /// is at least written into a string that `has_grown`.
    fn run(&self, bytes: &mut [u8], has_grown: bool, reply: &mut Writer<'_>) -> bool {
        let old = self.field.read(bytes, self.offset);
        let wanted = match self.action {
            Action::Get => {
                reply.integer(old);
                return false;
            }
            Action::Set(number) => self.field.understood(number),
            Action::IncrementBy(amount) => i128::from(old) + i128::from(amount),
        };
        let Some(new) = self.field.fit(wanted, self.overflow) else {
            reply.null();
            return false;
        };
        self.field.write(bytes, self.offset, new);
        reply.integer(if matches!(self.action, Action::Set(_)) { old } else { new });
        has_grown || old != new
    }
}

/// `BITFIELD`
fn bitfield(context: &mut Context, args: Args) -> Result<(), Error> {
    let steps = Step::parse_all(args)?;
    let Some(end) = steps.iter().filter(|step| step.writes()).map(Step::end).max() else {
        return read_fields(context, args, &steps);
    };
    let reply = &mut context.reply;
    let has_changed = context.db.modify_or_create(args.at(1), |value: &mut Str| {
        let has_grown = value.len() < end;
        let bytes = value.grow(end);
        reply.array(steps.len());
        steps.iter().fold(false, |changed, step| step.run(bytes, has_grown, reply) | changed)
    })?;
    if has_changed {
        context.db.touch(args.at(1));
    }
    Ok(())
}

/// `BITFIELD_RO`
fn bitfield_ro(context: &mut Context, args: Args) -> Result<(), Error> {
    let steps = Step::parse_all(args)?;
    if steps.iter().any(Step::writes) {
        return Err(Error::BITFIELD_READ_ONLY);
    }
    read_fields(context, args, &steps)
}

fn read_fields(context: &mut Context, args: Args, steps: &[Step]) -> Result<(), Error> {
    let bytes = read_bytes(context, args.at(1))?;
    context.reply.array(steps.len());
    steps.iter().for_each(|step| context.reply.integer(step.field.read(&bytes, step.offset)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bits(bytes: &[u8]) -> Vec<bool> {
        (0..bytes.len() as u64 * 8).map(place).map(|(byte, mask)| bytes[byte] & mask != 0).collect()
    }

    fn bytes_and_part() -> impl Strategy<Value = (Vec<u8>, std::ops::Range<usize>)> {
        let byte = prop_oneof![Just(0), Just(0xff), any::<u8>()];
        proptest::collection::vec(byte, 1..40).prop_flat_map(|bytes| {
            let length = bytes.len() * 8;
            let part = (0..length).prop_flat_map(move |start| (Just(start), start + 1..=length));
            (Just(bytes), part.prop_map(|(start, end)| start..end))
        })
    }

    proptest! {
        #[test]
        fn bits_are_counted_and_found((bytes, part) in bytes_and_part()) {
            let bits = bits(&bytes);
            let ones = bits[part.clone()].iter().filter(|bit| **bit).count();
            prop_assert_eq!(count_ones(&bytes, part.start, part.end), ones as u64);
            for bit in [false, true] {
                let first = part.clone().find(|index| bits[*index] == bit);
                prop_assert_eq!(find_bit(&bytes, bit, part.start, part.end), first);
            }
        }

        #[test]
        fn a_field_is_read_as_it_was_written(
            is_signed: bool, width in 1u32..=63, offset in 0u64..30, number: i64, filled: bool
        ) {
            let field = Field { is_signed, width };
            let mut bytes = [if filled { 0xff } else { 0 }; 12];
            let number = field.fit(i128::from(number), Overflow::Wrap).unwrap();
            field.write(&mut bytes, offset, number);
            prop_assert_eq!(field.read(&bytes, offset), number);
            let written = offset as usize..offset as usize + width as usize;
            let outside = |(index, bit): (usize, bool)| (!written.contains(&index)).then_some(bit);
            prop_assert!(bits(&bytes).into_iter().enumerate().filter_map(outside).all(|bit| bit == filled));
        }
    }
}
