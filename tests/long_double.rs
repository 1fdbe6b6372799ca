//! INCRBYFLOAT of random numbers, as Redis itself computes it.

mod support;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use respool::command::long_double::LongDouble;
use support::{RedisServer, Value};

/// Numbers of all sizes, and what is almost one.
fn texts() -> impl Strategy<Value = String> {
    let decimal = r"[+-]?[0-9]{0,25}(\.[0-9]{0,30})?";
    let scientific = r"-?[0-9]{1,3}\.[0-9]{0,20}[eE][+-]?(49[2-6][0-9]|[0-9]{1,4})";
    let hexadecimal = r"-?0[xX][0-9a-fA-F]{0,20}(\.[08f]{0,20})?([pP]-?([0-9]{1,2}|164[0-9]{2}))?";
    // Halfway between two numbers, or almost.
    let tie = (1u64 << 63.., r"(\.5|\.50{20}1|\.49{25})").prop_map(|(whole, rest)| format!("{whole}{rest}"));
    let odd = r"-?(inf|Infinity|nan|1e|e1|\.|0x| 1|1 |--1|1\.2\.3|0{4900}1|1{5200})";
    prop_oneof![4 => decimal, 2 => scientific, 2 => hexadecimal, 1 => tie, 1 => odd]
}

#[test]
fn sums_are_those_of_redis() {
    let redis = RedisServer::start();
    let client = std::cell::RefCell::new(redis.client());
    let mut runner = TestRunner::new(Config { cases: 5_000, failure_persistence: None, ..Config::default() });
    let result = runner.run(&(texts(), texts()), |(one, other)| {
        let mut client = client.borrow_mut();
        client.command(&["SET", "k", &one]);
        let expected = match client.command(&["INCRBYFLOAT", "k", &other]) {
            Value::Error(_) => None,
            sum => Some(sum.text()),
        };
        let number = |text: &str| LongDouble::parse(text.as_bytes());
        let sum = number(&one).zip(number(&other)).and_then(|(one, other)| one.plus(other));
        prop_assert_eq!(sum.map(|sum| sum.to_string()), expected);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
