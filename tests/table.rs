//! Holds the command table against a real Redis: what it says of every command, and which arguments are keys.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use respool::command::row::access::NOT_KEY;
use respool::command::row::{Begin, KeySpec};
use respool::command::{Context, Memory, Row, execute, keys, table};
use respool::resp::{Args, OwnedArgs, Protocol};
use respool::store::{Database, Options, Store};
use support::frame::FrameScanner;
use support::{Client, RedisServer, Value};

/// What the memory driver answers, in RESP3.
fn answer(request: &[&str]) -> Value {
    let owned: OwnedArgs = request.iter().map(|argument| argument.as_bytes()).collect();
    let row = table::resolve(owned.args()).expect("a request that is in order");
    let store = Store::new(Options::default());
    let mut db = Database::new(&store, 0, 0);
    let mut reply = Vec::new();
    let mut context = Context::new(&mut db, &mut reply, Protocol::Resp3);
    assert!(matches!(execute::execute(&mut context, row, owned.args()), execute::Executed::Done));
    Value::parse(&reply)
}

fn redis() -> (RedisServer, Client) {
    let server = RedisServer::start();
    let mut client = server.client();
    client.hello3();
    (server, client)
}

fn names(list: &Value) -> BTreeSet<String> {
    list.items().iter().map(Value::text).collect()
}

fn rows() -> impl Iterator<Item = &'static Row> {
    table::all().flat_map(|row| std::iter::once(row).chain(row.subcommands))
}

#[test]
fn every_command_has_a_row_and_every_row_is_a_command() {
    let (_server, mut client) = redis();
    let known: BTreeSet<String> = rows().map(|row| row.name.to_owned()).collect();
    assert_eq!(names(&client.call("COMMAND LIST")), known);
    assert_eq!(names(&answer(&["COMMAND", "LIST"])), known);
    assert_eq!(client.call("COMMAND COUNT"), answer(&["COMMAND", "COUNT"]));
}

/// The details of a command, its subcommands by name: Redis has them in no order.
fn details(reply: &Value) -> (Vec<Value>, BTreeMap<String, Value>) {
    let items = reply.items();
    let (subcommands, rest) = items.split_last().expect("ten elements");
    let by_name = subcommands.items().iter().map(|subcommand| (subcommand.items()[0].text(), subcommand.clone()));
    (rest.to_vec(), by_name.collect())
}

#[test]
fn every_row_says_what_redis_says() {
    let (_server, mut client) = redis();
    for row in rows() {
        let request = ["COMMAND", "INFO", row.name];
        let (expected, actual) = (client.command(&request), answer(&request));
        assert_eq!(details(&actual.items()[0]), details(&expected.items()[0]), "{}", row.name);
    }
}

/// The first release and the group of a command, and of its subcommands.
fn docs(reply: &Value) -> Value {
    let Value::Map(pairs) = reply else {
        panic!("{reply:?} is no map");
    };
    let known = pairs.iter().filter(|(name, _)| ["since", "group"].contains(&name.text().as_str()));
    Value::Map(known.cloned().collect())
}

#[test]
fn every_row_is_documented() {
    let (_server, mut client) = redis();
    for row in rows() {
        let request = ["COMMAND", "DOCS", row.name];
        let (expected, actual) = (client.command(&request), answer(&request));
        let (Value::Map(expected), Value::Map(actual)) = (&expected, &actual) else {
            panic!("{expected:?} and {actual:?} are maps");
        };
        assert_eq!(docs(&actual[0].1), docs(&expected[0].1), "{}", row.name);
        assert_eq!(actual[0].0, expected[0].0);
    }
}

#[test]
fn categories_hold_what_they_hold_in_redis() {
    let (_server, mut client) = redis();
    let categories = client.call("ACL CAT");
    assert_eq!(categories, answer(&["ACL", "CAT"]));
    for category in categories.items() {
        let category = category.text();
        for request in [&["ACL", "CAT", &category][..], &["COMMAND", "LIST", "FILTERBY", "ACLCAT", &category]] {
            assert_eq!(names(&answer(request)), names(&client.command(request)), "{request:?}");
        }
    }
}

/// Numbers that are the same each time (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }
}

/// Words that some command takes for a number, an option, or the way to its keys.
const WORDS: [&str; 21] = [
    "0", "1", "2", "3", "4", "-1", "", "key", "streams", "AUTH", "AUTH2", "COUNT", "BY", "GET", "LIMIT", "STORE",
    "SET", "OVERFLOW", "COPY", "GROUP", "NOACK",
];

/// An argument at `index`: a key, one of these words, or one behind which the command's keys stand.
fn word(row: &Row, index: usize, random: &mut Random) -> String {
    let ways: Vec<&str> = row.keys.iter().filter_map(way).collect();
    match random.below(3) {
        0 => format!("k{index}"),
        1 if !ways.is_empty() => ways[random.below(ways.len())].into(),
        _ => WORDS[random.below(WORDS.len())].into(),
    }
}

fn way(spec: &KeySpec) -> Option<&'static str> {
    match spec.begin {
        Begin::Keyword(word, _) => Some(word),
        _ => None,
    }
}

/// Requests for `row`: of every length from the shortest that it takes, of words at random.
fn requests(row: &Row, random: &mut Random) -> Vec<Vec<String>> {
    let shortest = row.arity.unsigned_abs() as usize;
    let longest = if row.arity > 0 { shortest } else { shortest + 6 };
    let mut requests = Vec::new();
    for length in shortest..=longest {
        for _ in 0..40 {
            let mut request: Vec<String> = row.name.split('|').map(str::to_owned).collect();
            while request.len() < length {
                request.push(word(row, request.len(), random));
            }
            requests.push(request);
        }
    }
    requests
}

/// The arguments that `keys::for_each` visits, without channels; `None` if they can't be told.
fn visited(row: &Row, request: &[String]) -> Option<Vec<String>> {
    let owned: OwnedArgs = request.iter().map(String::as_bytes).collect();
    let args: Args<'_> = owned.args();
    let mut found = Vec::new();
    let known = keys::for_each(row, args, |index, spec| {
        if spec.flags & NOT_KEY == 0 {
            found.push(String::from_utf8_lossy(args.at(index)).into_owned());
        }
    });
    known.then_some(found)
}

/// Things that handlers have to do something about.
const ODD: [&str; 24] = [
    "a",
    "b",
    "list",
    "hash",
    "set",
    "zset",
    "number",
    "*",
    "a*->f",
    "#",
    "(1",
    "[a",
    "-",
    "+",
    "-inf",
    "nan",
    "1e400",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "LEFT",
    "WITHSCORES",
    "MATCH",
    "\0\u{ff}\r\n",
];

#[test]
fn every_request_gets_exactly_one_reply() {
    let mut random = Random(2);
    for protocol in [Protocol::Resp2, Protocol::Resp3] {
        let store = Store::new(Options::default());
        for row in rows().filter(|row| !matches!(row.memory, Memory::Refused(_) | Memory::Session)) {
            for mut request in requests(row, &mut random) {
                let name = row.name.split('|').count();
                for argument in &mut request[name..] {
                    if random.below(2) == 0 {
                        *argument = ODD[random.below(ODD.len())].into();
                    }
                }
                fill(&store);
                check_reply(&store, protocol, &request);
            }
        }
    }
}

/// A key of every kind.
fn fill(store: &Store) {
    for request in [
        "SET number 7",
        "RPUSH list 3 1 2",
        "HSET hash f v 1 2",
        "SADD set 1 2 x",
        "ZADD zset 1 a 2 b",
        "PEXPIRE hash 1000",
        "SADD b 1 2 3",
        "CONFIG SET maxmemory 0",
    ] {
        let request: Vec<String> = request.split(' ').map(str::to_owned).collect();
        check_reply(store, Protocol::Resp2, &request);
    }
}

fn check_reply(store: &Store, protocol: Protocol, request: &[String]) {
    let owned: OwnedArgs = request.iter().map(String::as_bytes).collect();
    let Ok(row) = table::resolve(owned.args()) else {
        return;
    };
    let mut db = Database::new(store, 0, 1_000_000);
    let mut reply = Vec::new();
    let mut context = Context::new(&mut db, &mut reply, protocol);
    context.in_transaction = true;
    execute::execute(&mut context, row, owned.args());
    let length = FrameScanner::new().advance(&reply);
    assert_eq!(length, Ok(Some(reply.len())), "{request:?}: {:?}", reply.escape_ascii().to_string());
}

/// Commands of which `keys::for_each` says something else than `COMMAND GETKEYS`, and why.
const OTHERWISE: [(&str, &str); 3] = [
    ("georadius", "of a repeated STORE every key is visited, not the first"),
    ("georadiusbymember", "of a repeated STORE every key is visited, not the first"),
    ("migrate", "its key specs are incomplete"),
];

#[test]
fn keys_are_where_redis_finds_them() {
    let (_server, mut client) = redis();
    let mut random = Random(1);
    for row in rows().filter(|row| !row.keys.is_empty()) {
        for request in requests(row, &mut random) {
            for subcommand in ["GETKEYS", "GETKEYSANDFLAGS"] {
                let mut asked = vec!["COMMAND", subcommand];
                asked.extend(request.iter().map(String::as_str));
                // COMMAND GETKEYS itself takes four arguments.
                if asked.len() < 4 {
                    continue;
                }
                let (expected, actual) = (client.command(&asked), answer(&asked));
                assert_eq!(actual, expected, "{asked:?}");
                if subcommand == "GETKEYS" && !OTHERWISE.iter().any(|(name, _)| *name == row.name) {
                    compare_visited(row, &request, &expected);
                }
            }
        }
    }
}

/// Whatever Redis answers as keys is visited, and nothing else, unless the keys can't be told. What it finds malformed is
/// refused by whoever executes it.
fn compare_visited(row: &Row, request: &[String], expected: &Value) {
    match (expected, visited(row, request)) {
        (Value::Array(keys), Some(found)) => {
            let keys: Vec<String> = keys.iter().map(Value::text).collect();
            assert_eq!(found, keys, "{request:?}");
        }
        (Value::Array(keys), None) => {
            // SORT has no spec for all of its keys, and XREAD may be so malformed that GETKEYS guesses.
            let may_be_unknown = ["sort", "sort_ro", "xread", "xreadgroup"].contains(&row.name);
            assert!(may_be_unknown || keys.is_empty(), "{request:?}: {keys:?}");
        }
        _ => {}
    }
}
