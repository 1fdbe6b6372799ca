//! What the pool promises: a bound, turns in order, and clean connections only.

use super::*;
use crate::upstream::UpstreamError;
use crate::upstream::pool::Lease;

/// Gives a lease back as its user does who has left nothing behind.
fn put_back(mut lease: Lease) {
    assert!(lease.socket.is_some(), "it was not taken out");
    let socket = lease.socket.take();
    lease.socket = socket;
}

/// Takes connections for ever; says how many there were.
fn accept_all(upstream: &Rc<Upstream>) -> Rc<RefCell<Vec<Peer>>> {
    let peers: Rc<RefCell<Vec<Peer>>> = Rc::default();
    let (own, upstream) = (peers.clone(), upstream.clone());
    tokio::task::spawn_local(async move {
        loop {
            let peer = upstream.accept().await;
            own.borrow_mut().push(peer);
        }
    });
    peers
}

#[test]
fn a_clean_connection_is_used_again() {
    run(async {
        let upstream = Rc::new(Upstream::start(3).await);
        let peers = accept_all(&upstream);
        for _ in 0..5 {
            put_back(upstream.pool.acquire().await.expect("a connection"));
        }
        assert_eq!(peers.borrow().len(), 1);
        let stats = upstream.pool.stats();
        assert_eq!((stats.open, stats.idle, stats.waiting, stats.acquired, stats.timeouts), (1, 1, 0, 5, 0));
    });
}

#[test]
fn a_connection_in_doubt_is_closed() {
    run(async {
        let upstream = Rc::new(Upstream::start(1).await);
        let peers = accept_all(&upstream);
        let mut lease = upstream.pool.acquire().await.expect("a connection");
        lease.socket = None;
        drop(lease);
        let peer = peers.borrow_mut().pop().expect("the first");
        assert_eq!(peer.hear_end().await, "");
        let lease = upstream.pool.acquire().await.expect("its room is another's");
        assert_eq!(peers.borrow().len(), 1);
        put_back(lease);
        // One that says what nobody asked for, and one that was closed, are not handed out.
        for word in ["+unasked\r\n", ""] {
            let mut peer = peers.borrow_mut().pop().expect("the one in the pool");
            peer.say(word).await;
            let kept = (!word.is_empty()).then_some(peer);
            tokio::time::sleep(Duration::from_millis(20)).await;
            put_back(upstream.pool.acquire().await.expect("another"));
            assert_eq!(peers.borrow().len(), 1, "{word}");
            drop(kept);
        }
    });
}

#[test]
fn there_are_never_more_than_max() {
    run(async {
        let upstream = Rc::new(Upstream::start(3).await);
        let peers = accept_all(&upstream);
        let (now, most) = (Rc::new(RefCell::new(0)), Rc::new(RefCell::new(0)));
        let users: Vec<_> = (0..40)
            .map(|number| {
                let (upstream, now, most) = (upstream.clone(), now.clone(), most.clone());
                tokio::task::spawn_local(async move {
                    let mut lease = upstream.pool.acquire().await.expect("a turn");
                    *now.borrow_mut() += 1;
                    let count = *now.borrow();
                    most.replace_with(|most| count.max(*most));
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    assert!(upstream.pool.stats().open <= 3);
                    *now.borrow_mut() -= 1;
                    if number % 4 == 0 {
                        lease.socket = None;
                    }
                })
            })
            .collect();
        for user in users {
            user.await.expect("no panic");
        }
        assert_eq!(*most.borrow(), 3);
        assert!(peers.borrow().len() <= 3 + 10);
        assert_eq!(upstream.pool.stats().acquired, 40);
    });
}

#[test]
fn first_come_is_first_served() {
    run(async {
        let upstream = Rc::new(Upstream::start(1).await);
        let _peers = accept_all(&upstream);
        let first = upstream.pool.acquire().await.expect("a connection");
        let order: Rc<RefCell<Vec<usize>>> = Rc::default();
        let mut users = Vec::new();
        for number in 0..8 {
            let (upstream, order) = (upstream.clone(), order.clone());
            users.push(tokio::task::spawn_local(async move {
                let lease = upstream.pool.acquire().await.expect("a turn");
                order.borrow_mut().push(number);
                // It comes again at once, behind all that waited before.
                put_back(lease);
                drop(upstream.pool.acquire().await.expect("another turn"));
                order.borrow_mut().push(number + 8);
            }));
            tokio::task::yield_now().await;
        }
        assert_eq!(upstream.pool.stats().waiting, 8);
        put_back(first);
        for user in users {
            user.await.expect("no panic");
        }
        assert_eq!(*order.borrow(), (0..16).collect::<Vec<_>>());
    });
}

#[test]
fn a_wait_ends_and_who_gave_up_takes_no_turn() {
    run(async {
        let upstream = Rc::new(Upstream::start_impatient(1, Duration::from_millis(40)).await);
        let _peers = accept_all(&upstream);
        let lease = upstream.pool.acquire().await.expect("a connection");
        let error = upstream.pool.acquire().await.err();
        assert_eq!(error, Some(UpstreamError::Exhausted { max: 1, waited: Duration::from_millis(40) }));
        let stats = upstream.pool.stats();
        assert_eq!((stats.acquired, stats.timeouts, stats.waiting), (1, 1, 0));
        assert!(stats.waited_micros >= 40_000);
        // A client that leaves while it waits leaves the queue.
        assert!(tokio::time::timeout(Duration::from_millis(5), upstream.pool.acquire()).await.is_err());
        assert_eq!(upstream.pool.stats().waiting, 0);
        put_back(lease);
        put_back(upstream.pool.acquire().await.expect("it is free again"));
    });
}

#[test]
fn without_pooling_each_has_its_own() {
    run(async {
        let upstream = Rc::new(Upstream::start(0).await);
        let peers = accept_all(&upstream);
        assert!(upstream.pool.is_unpooled());
        let mut leases = Vec::new();
        for count in 1..=20 {
            leases.push(upstream.pool.acquire().await.expect("a connection"));
            assert_eq!((upstream.pool.stats().open, upstream.pool.stats().idle), (count, 0));
        }
        assert_eq!(peers.borrow().len(), 20);
        leases.into_iter().for_each(put_back);
        assert_eq!(upstream.pool.stats().open, 0, "its user's connection ends with its user");
        let first = peers.borrow_mut().remove(0);
        assert_eq!(first.hear_end().await, "");
        assert!(upstream.pool.acquire().await.is_ok());
        assert_eq!(peers.borrow().len(), 20);
    });
}

#[test]
fn a_refused_entry_is_told_at_once() {
    run(async {
        let upstream = Upstream::start(0).await;
        let refuse = async {
            let (socket, _) = upstream.listener.accept().await.expect("a connection");
            Peer(socket).say("-NOAUTH Authentication required.\r\n").await;
        };
        let (result, ()) = tokio::join!(upstream.pool.acquire(), refuse);
        assert_eq!(result.err(), Some(UpstreamError::Handshake("NOAUTH Authentication required.".into())));
        assert_eq!(upstream.pool.stats().open, 0);
    });
}
