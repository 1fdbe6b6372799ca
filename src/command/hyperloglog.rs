//! HyperLogLogs.

use super::row::access::*;
use super::row::flag::*;
use super::row::{Group, KeySpec, Row};

/// The group's rows.
pub const ROWS: &[Row] = &[
    Row::new("pfadd", -2, Group::HyperLogLog, "2.8.9", WRITE | DENYOOM | FAST).keys(&[KeySpec::one(1, RW | INSERT)]),
    Row::new("pfcount", -2, Group::HyperLogLog, "2.8.9", READONLY).keys(&[KeySpec::range(1, -1, 1, RW | ACCESS)]),
    Row::new("pfdebug", 3, Group::HyperLogLog, "2.8.9", WRITE | DENYOOM | ADMIN).keys(&[KeySpec::one(2, RW | ACCESS)]),
    Row::new("pfmerge", -2, Group::HyperLogLog, "2.8.9", WRITE | DENYOOM)
        .keys(&[KeySpec::one(1, RW | ACCESS | INSERT), KeySpec::range(2, -1, 1, RO | ACCESS)]),
    Row::new("pfselftest", 1, Group::HyperLogLog, "2.8.9", ADMIN),
];
