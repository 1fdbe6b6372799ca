//! Geospatial indexes.

use super::row::access::*;
use super::row::flag::*;
use super::row::{Group, KeySpec, Row};

/// The group's rows.
pub const ROWS: &[Row] = &[
    Row::new("geoadd", -5, Group::Geo, "3.2.0", WRITE | DENYOOM).keys(&[KeySpec::one(1, RW | UPDATE)]),
    Row::new("geodist", -4, Group::Geo, "3.2.0", READONLY).keys(&[KeySpec::one(1, RO | ACCESS)]),
    Row::new("geohash", -2, Group::Geo, "3.2.0", READONLY).keys(&[KeySpec::one(1, RO | ACCESS)]),
    Row::new("geopos", -2, Group::Geo, "3.2.0", READONLY).keys(&[KeySpec::one(1, RO | ACCESS)]),
    Row::new("georadius", -6, Group::Geo, "3.2.0", WRITE | DENYOOM | MOVABLEKEYS).keys(&[
        KeySpec::one(1, RO | ACCESS),
        KeySpec::keyword("STORE", 6, 0, 0, OW | UPDATE),
        KeySpec::keyword("STOREDIST", 6, 0, 0, OW | UPDATE),
    ]),
    Row::new("georadius_ro", -6, Group::Geo, "3.2.10", READONLY).keys(&[KeySpec::one(1, RO | ACCESS)]),
    Row::new("georadiusbymember", -5, Group::Geo, "3.2.0", WRITE | DENYOOM | MOVABLEKEYS).keys(&[
        KeySpec::one(1, RO | ACCESS),
        KeySpec::keyword("STORE", 5, 0, 0, OW | UPDATE),
        KeySpec::keyword("STOREDIST", 5, 0, 0, OW | UPDATE),
    ]),
    Row::new("georadiusbymember_ro", -5, Group::Geo, "3.2.10", READONLY).keys(&[KeySpec::one(1, RO | ACCESS)]),
    Row::new("geosearch", -7, Group::Geo, "6.2.0", READONLY).keys(&[KeySpec::one(1, RO | ACCESS)]),
    Row::new("geosearchstore", -8, Group::Geo, "6.2.0", WRITE | DENYOOM)
        .keys(&[KeySpec::one(1, OW | UPDATE), KeySpec::one(2, RO | ACCESS)]),
];
