//! What a lane promises: order, and that nothing which may have been executed is sent again.

use proptest::prelude::*;

use super::*;

const UNCERTAIN: &str = "-UNCERTAIN the upstream connection was lost before the reply came: the command may or may \
                         not have been executed\r\n";

#[test]
fn replies_are_handed_out_in_order() {
    run(async {
        let (upstream, clients) = (Upstream::start(1).await, Clients::new().await);
        let lane = upstream.plain_lane();
        let ((a, mut at_a), (b, mut at_b)) = (clients.connect_roomy().await, clients.connect_roomy().await);
        for (inbox, request) in [(&a, "a1 "), (&b, "b1 "), (&b, "b2 "), (&a, "a2 ")] {
            lane.send(inbox, false, text(request));
        }
        let mut peer = upstream.accept().await;
        peer.hear("a1 b1 b2 a2 ").await;
        assert_eq!((a.outstanding(), b.outstanding()), (2, 2));
        for piece in ["+A", "1\r\n$4\r\nB", "1..\r", "\n:12", "\r\n*2\r\n+A\r\n", "+2\r\n"] {
            peer.say(piece).await;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        at_a.hear("+A1\r\n*2\r\n+A\r\n+2\r\n").await;
        at_b.hear("$4\r\nB1..\r\n:12\r\n").await;
        assert_eq!((a.outstanding(), b.outstanding()), (0, 0));
        assert_eq!(lane.depth(), (0, 0));
    });
}

#[test]
fn own_answers_keep_their_place() {
    run(async {
        let (upstream, clients) = (Upstream::start(1).await, Clients::new().await);
        let lane = upstream.plain_lane();
        let (inbox, mut client) = clients.connect_roomy().await;
        inbox.answer(text("+own 0\r\n"));
        client.hear("+own 0\r\n").await;
        lane.send(&inbox, false, text("one "));
        inbox.answer(text("+own 1\r\n"));
        inbox.answer(text("+own 2\r\n"));
        lane.send(&inbox, false, text("two "));
        inbox.answer(text("+own 3\r\n"));
        let mut peer = upstream.accept().await;
        peer.hear("one two ").await;
        assert!(client.hears_nothing().await);
        peer.say("+one\r\n+tw").await;
        client.hear("+one\r\n+own 1\r\n+own 2\r\n").await;
        assert!(client.hears_nothing().await);
        peer.say("o\r\n").await;
        client.hear("+two\r\n+own 3\r\n").await;
        inbox.answer(text("+own 4\r\n"));
        client.hear("+own 4\r\n").await;
    });
}

#[test]
fn some_replies_are_nobodys() {
    run(async {
        let (upstream, clients) = (Upstream::start(1).await, Clients::new().await);
        let lane = upstream.plain_lane();
        let (inbox, mut client) = clients.connect_roomy().await;
        lane.send_run(&inbox, false, 2, text("multi set exec "));
        lane.tell(text("housekeeping "));
        lane.send(&inbox, true, text("muted "));
        inbox.answer(text("+own\r\n"));
        lane.send(&inbox, false, text("last "));
        let mut peer = upstream.accept().await;
        peer.hear("multi set exec housekeeping muted last ").await;
        peer.say("+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n:1\r\n$5\r\nmuted\r\n").await;
        client.hear("*1\r\n+OK\r\n+own\r\n").await;
        assert_eq!(inbox.outstanding(), 1);
        peer.say("+last\r\n").await;
        client.hear("+last\r\n").await;
    });
}

#[test]
fn what_was_written_to_a_lost_connection_is_not_sent_again() {
    run(async {
        let (upstream, clients) = (Upstream::start(1).await, Clients::new().await);
        let lane = upstream.plain_lane();
        let (inbox, mut client) = clients.connect_roomy().await;
        let (other, mut other_client) = clients.connect_roomy().await;
        lane.send(&inbox, false, text("one "));
        lane.send(&other, false, text("two "));
        lane.send(&other, true, text("muted "));
        lane.send_run(&inbox, false, 3, text("run "));
        let mut peer = upstream.accept().await;
        peer.hear("one two muted run ").await;
        peer.say("+one\r\n").await;
        client.hear("+one\r\n").await;
        // More than the sockets between them hold: it is written in part, what follows not at all.
        lane.send(&inbox, false, |out| out.resize(out.len() + (32 << 20), b'x'));
        other.answer(text("+own\r\n"));
        lane.send(&inbox, false, text("never written "));
        lane.send(&other, false, text("nor this "));
        peer.hear("xxxx").await;
        drop(peer);
        client.hear(UNCERTAIN).await;
        client.hear(UNCERTAIN).await;
        other_client.hear(UNCERTAIN).await;
        other_client.hear("+own\r\n").await;
        let mut peer = upstream.accept().await;
        peer.hear("never written nor this ").await;
        peer.say("+1\r\n+2\r\n").await;
        client.hear("+1\r\n").await;
        other_client.hear("+2\r\n").await;
        assert_eq!((inbox.outstanding(), other.outstanding()), (0, 0));
    });
}

#[test]
fn half_a_reply_breaks_the_client_off() {
    run(async {
        let (upstream, clients) = (Upstream::start(1).await, Clients::new().await);
        let lane = upstream.plain_lane();
        let (inbox, mut client) = clients.connect_roomy().await;
        let (other, mut other_client) = clients.connect_roomy().await;
        lane.send(&inbox, false, text("one "));
        lane.send(&other, false, text("two "));
        let mut peer = upstream.accept().await;
        peer.hear("one two ").await;
        peer.say("$10\r\n12345").await;
        client.hear("$10\r\n12345").await;
        drop(peer);
        other_client.hear(UNCERTAIN).await;
        assert!(inbox.is_broken() && !other.is_broken());
        assert!(client.hears_nothing().await, "an error would be read as the value's end");
    });
}

#[test]
fn what_nobody_asked_for_ends_the_connection() {
    for unasked in ["+1\r\n+2\r\n", "nonsense\r\n"] {
        run(async {
            let (upstream, clients) = (Upstream::start(1).await, Clients::new().await);
            let lane = upstream.plain_lane();
            let (inbox, mut client) = clients.connect_roomy().await;
            lane.send(&inbox, false, text("one "));
            let mut peer = upstream.accept().await;
            peer.hear("one ").await;
            peer.say(unasked).await;
            let first = if unasked.starts_with('+') { "+1\r\n" } else { "-UNCERTAIN the upstream sent bytes" };
            client.hear(first).await;
            assert_eq!(peer.hear_end().await, "");
            lane.send(&inbox, false, text("two "));
            upstream.accept().await.hear("two ").await;
        });
    }
}

#[test]
fn the_connection_is_brought_to_the_lanes_protocol_and_database_first() {
    run(async {
        let (upstream, clients) = (Upstream::start(1).await, Clients::new().await);
        let lane = upstream.lane(Protocol::Resp3, 12, 1 << 20);
        let (inbox, mut client) = clients.connect_roomy().await;
        for _ in 0..2 {
            // A lost connection's successor as well.
            lane.send(&inbox, false, text("one "));
            lane.send(&inbox, false, text("two "));
            let mut peer = upstream.accept().await;
            peer.hear("*2\r\n$6\r\nSELECT\r\n$2\r\n12\r\n*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n").await;
            peer.say("+OK\r\n%1\r\n+proto\r\n:3\r\n").await;
            peer.hear("one two ").await;
            peer.say("_\r\n#t\r\n").await;
            client.hear("_\r\n#t\r\n").await;
            drop(peer);
            // The lane finds out while it has nothing to send.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}

#[test]
fn without_a_connection_all_fail_and_the_lane_goes_on() {
    run(async {
        let upstream = Upstream::start_impatient(1, Duration::from_millis(50)).await;
        let clients = Clients::new().await;
        let (lane, (inbox, mut client)) = (upstream.plain_lane(), clients.connect_roomy().await);
        let (lease, mut peer) = tokio::join!(upstream.pool.acquire(), upstream.accept());
        lane.send(&inbox, false, text("one "));
        inbox.answer(text("+own\r\n"));
        lane.send(&inbox, true, text("muted "));
        lane.send(&inbox, false, text("two "));
        const ERROR: &str = "-ERR respool: all 1 upstream connections are in use (pool.max = 1) and none came free in \
                             50ms (pool.acquire_timeout); as a rule of thumb pool.max should be at least queue size x \
                             tenants\r\n";
        client.hear(ERROR).await;
        client.hear("+own\r\n").await;
        client.hear(ERROR).await;
        assert_eq!((inbox.outstanding(), lane.depth()), (0, (0, 0)));
        drop(lease);
        lane.send(&inbox, false, text("three "));
        peer.hear("three ").await;
        peer.say("+3\r\n").await;
        client.hear("+3\r\n").await;
    });
}

#[test]
fn a_full_lane_refuses_in_order() {
    run(async {
        let (upstream, clients) = (Upstream::start(1).await, Clients::new().await);
        let (lane, (inbox, mut client)) = (upstream.lane(Protocol::Resp2, 0, 8), clients.connect_roomy().await);
        for request in ["long enough ", "refused"] {
            lane.send(&inbox, false, text(request));
            lane.send(&inbox, true, text(request));
        }
        inbox.answer(text("+own\r\n"));
        let mut peer = upstream.accept().await;
        peer.hear("long enough ").await;
        assert!(client.hears_nothing().await, "what was sent before is answered before");
        peer.say("+1\r\n").await;
        client.hear("+1\r\n-ERR respool: too many bytes wait for the upstream (limits.lane_bytes)\r\n+own\r\n").await;
        lane.send(&inbox, false, text("again "));
        peer.hear("again ").await;
    });
}

/// What a client, or respool for it, does.
#[derive(Debug, Clone)]
enum Deed {
    Send {
        client: usize,
        muted: bool,
        skipped: u32,
    },
    Answer {
        client: usize,
    },
    Tell,
    /// The worker's loop turns.
    Turn,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (0..3usize, any::<bool>(), 0..3u32)
            .prop_map(|(client, muted, skipped)| Deed::Send { client, muted, skipped }),
        2 => (0..3usize).prop_map(|client| Deed::Answer { client }),
        1 => Just(Deed::Tell),
        1 => Just(Deed::Turn),
    ]
}

/// An upstream that answers each request, of eight digits, with its digits, in pieces of these lengths.
async fn echo(upstream: &Upstream, lengths: &[usize]) {
    let mut peer = upstream.accept().await;
    let (mut input, mut lengths) = (Vec::new(), lengths.iter().cycle());
    while peer.0.read_buf(&mut input).await.is_ok_and(|count| count > 0) {
        let whole = input.len() / 8 * 8;
        let mut replies: Vec<u8> = Vec::new();
        for request in input.drain(..whole).collect::<Vec<_>>().chunks(8) {
            replies.extend_from_slice(b"$8\r\n");
            replies.extend_from_slice(request);
            replies.extend_from_slice(b"\r\n");
        }
        let mut rest = &replies[..];
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at((*lengths.next().unwrap_or(&1)).min(rest.len()));
            peer.0.write_all(piece).await.expect("a lane that reads");
            tokio::task::yield_now().await;
            rest = behind;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_client_gets_its_own_in_order(
        deeds in prop::collection::vec(deed(), 1..120),
        lengths in prop::collection::vec(1..40usize, 1..8),
    ) {
        run(async {
            let (upstream, clients) = (Upstream::start(1).await, Clients::new().await);
            let lane = upstream.plain_lane();
            let mut ends = Vec::new();
            for _ in 0..3 {
                ends.push((clients.connect_roomy().await, String::new()));
            }
            let work = async {
                let mut number = 0;
                let mut next = || {
                    number += 1;
                    format!("{number:08}")
                };
                for deed in &deeds {
                    match *deed {
                        Deed::Send { client, muted, skipped } => {
                            let ((inbox, _), expected) = &mut ends[client];
                            let skips: String = (0..skipped).map(|_| next()).collect();
                            let request = next();
                            lane.send_run(inbox, muted, skipped, text(&(skips + &request)));
                            if !muted {
                                expected.push_str(&format!("$8\r\n{request}\r\n"));
                            }
                        }
                        Deed::Answer { client } => {
                            let ((inbox, _), expected) = &mut ends[client];
                            let own = format!("+own {}\r\n", next());
                            inbox.answer(text(&own));
                            expected.push_str(&own);
                        }
                        Deed::Tell => lane.tell(text(&next())),
                        Deed::Turn => tokio::task::yield_now().await,
                    }
                }
                for ((inbox, client), expected) in &mut ends {
                    client.hear(expected).await;
                    while inbox.outstanding() > 0 {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                    inbox.answer(text("+end\r\n"));
                    client.hear("+end\r\n").await;
                }
            };
            tokio::select! {
                () = work => {}
                () = async { echo(&upstream, &lengths).await; std::future::pending().await } => {}
            }
        });
    }
}
