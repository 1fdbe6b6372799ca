//! How an element that nobody will read gets back to where it came from.

use crate::command::Row;
use crate::resp::number::{format_double, parse_integer};
use crate::resp::reply::Value;
use crate::resp::{Args, OwnedArgs};

/// The command that puts back what a blocking pop has taken, if `reply` is its reply and nobody will read it: to the
/// end that it came from, in the order that it had. The key is named as the reply names it.
///
/// `None` if nothing was taken, or if it is safe where it is.
pub fn give_back(row: &Row, request: Args<'_>, reply: &[u8]) -> Option<OwnedArgs> {
    let (reply, _) = Value::parse(reply).ok()?;
    let elements = reply.elements()?;
    let command = match row.name {
        "blpop" => push("LPUSH", elements),
        "brpop" => push("RPUSH", elements),
        "blmpop" => push_many(if takes_from_left(request)? { "LPUSH" } else { "RPUSH" }, elements),
        "bzpopmin" | "bzpopmax" => add(elements),
        "bzmpop" => add_many(elements),
        // BLMOVE and BRPOPLPUSH: the element is in the destination, where it survives; that is what they are for. The
        // others take nothing.
        _ => None,
    }?;
    Some(command.iter().map(Vec::as_slice).collect())
}

/// True if `BLMPOP` takes from the left: the word behind the keys.
fn takes_from_left(request: Args<'_>) -> Option<bool> {
    let numkeys = usize::try_from(parse_integer(request.get(2)?)?).ok()?;
    Some(request.get(numkeys.checked_add(3)?)?.eq_ignore_ascii_case(b"LEFT"))
}

/// For `[key, element]`.
fn push(name: &str, reply: &[Value]) -> Option<Vec<Vec<u8>>> {
    let [key, element] = reply else { return None };
    Some(vec![name.into(), text(key)?, text(element)?])
}

/// For `[key, [element, ...]]`: what was taken first goes back last.
fn push_many(name: &str, reply: &[Value]) -> Option<Vec<Vec<u8>>> {
    let [key, elements] = reply else { return None };
    let mut command = vec![name.into(), text(key)?];
    for element in elements.elements()?.iter().rev() {
        command.push(text(element)?);
    }
    Some(command)
}

/// For `[key, member, score]`.
fn add(reply: &[Value]) -> Option<Vec<Vec<u8>>> {
    let [key, member, score] = reply else { return None };
    Some(vec!["ZADD".into(), text(key)?, text(score)?, text(member)?])
}

/// For `[key, [[member, score], ...]]`.
fn add_many(reply: &[Value]) -> Option<Vec<Vec<u8>>> {
    let [key, pairs] = reply else { return None };
    let mut command = vec!["ZADD".into(), text(key)?];
    for pair in pairs.elements()? {
        let [member, score] = pair.elements()? else { return None };
        command.extend([text(score)?, text(member)?]);
    }
    Some(command)
}

/// A string's bytes, or a double as Redis prints it.
fn text(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Double(score) => Some(format_double(*score).into()),
        value => value.as_bytes().map(<[u8]>::to_vec),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::table;

    /// The command that gives back what came as `reply`, with spaces between its words.
    fn given_back(request: &str, reply: &str) -> Option<String> {
        let request: OwnedArgs = request.split(' ').map(str::as_bytes).collect();
        let row = table::find(request.args().name()).unwrap();
        let command = give_back(row, request.args(), reply.as_bytes())?;
        let words: Vec<_> = command.args().iter().map(|word| String::from_utf8(word.to_vec()).unwrap()).collect();
        Some(words.join(" "))
    }

    #[track_caller]
    fn check(request: &str, reply: &str, command: &str) {
        assert_eq!(given_back(request, reply).as_deref(), Some(command));
    }

    #[test]
    fn one_element_goes_to_the_end_that_it_came_from() {
        check("BLPOP k l 0", "*2\r\n$1\r\nl\r\n$1\r\ne\r\n", "LPUSH l e");
        check("brpop k l 0", "*2\r\n$1\r\nk\r\n$0\r\n\r\n", "RPUSH k ");
    }

    #[test]
    fn several_elements_go_back_in_their_order() {
        let reply = "*2\r\n$1\r\nk\r\n*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n";
        check("BLMPOP 0 1 k LEFT COUNT 3", reply, "LPUSH k c b a");
        check("BLMPOP 0 2 left k RIGHT COUNT 3", reply, "RPUSH k c b a");
        check("BLMPOP 0 2 right k left COUNT 3", reply, "LPUSH k c b a");
    }

    #[test]
    fn scores_go_back_as_they_came() {
        let score = "0.10000000000000001";
        check("BZPOPMIN z 0", &format!("*3\r\n$1\r\nz\r\n$1\r\nm\r\n$19\r\n{score}\r\n"), &format!("ZADD z {score} m"));
        check("BZPOPMAX z 0", &format!("*3\r\n$1\r\nz\r\n$1\r\nm\r\n,{score}\r\n"), &format!("ZADD z {score} m"));
        check("BZPOPMAX z 0", "*3\r\n$1\r\nz\r\n$1\r\nm\r\n,1e+18\r\n", "ZADD z 1e+18 m");
        let resp2 = "*2\r\n$1\r\nz\r\n*2\r\n*2\r\n$1\r\na\r\n$4\r\n-inf\r\n*2\r\n$1\r\nb\r\n$2\r\n-0\r\n";
        check("BZMPOP 0 1 z MIN COUNT 2", resp2, "ZADD z -inf a -0 b");
        let resp3 = "*2\r\n$1\r\nz\r\n*2\r\n*2\r\n$1\r\na\r\n,-inf\r\n*2\r\n$1\r\nb\r\n,-0\r\n";
        check("BZMPOP 0 1 z MIN COUNT 2", resp3, "ZADD z -inf a -0 b");
    }

    #[test]
    fn what_was_moved_stays_where_it_is() {
        assert_eq!(given_back("BLMOVE a b LEFT RIGHT 0", "$1\r\ne\r\n"), None);
        assert_eq!(given_back("BRPOPLPUSH a b 0", "$1\r\ne\r\n"), None);
    }

    #[test]
    fn nothing_goes_back_where_nothing_was_taken() {
        for reply in ["*-1\r\n", "_\r\n", "$-1\r\n", "-WRONGTYPE text\r\n", "*2\r\n$1\r\nk\r\n", "", "*0\r\n"] {
            assert_eq!(given_back("BLPOP k 0", reply), None, "{reply:?}");
            assert_eq!(given_back("BLMPOP 0 1 k LEFT", reply), None, "{reply:?}");
            assert_eq!(given_back("BZPOPMIN k 0", reply), None, "{reply:?}");
            assert_eq!(given_back("BZMPOP 0 1 k MIN", reply), None, "{reply:?}");
        }
        let entry = "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n";
        assert_eq!(given_back("XREAD BLOCK 0 STREAMS s $", entry), None);
    }
}
