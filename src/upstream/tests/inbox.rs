//! What an inbox promises: the order of the requests, and a bound.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use super::*;

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Woken {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

#[test]
fn all_that_comes_in_one_turn_is_one_write() {
    run(async {
        let clients = Clients::new().await;
        let (inbox, client) = clients.connect_roomy().await;
        inbox.expect();
        inbox.answer(text("+2\r\n"));
        inbox.append(b"+");
        inbox.append(b"1\r\n");
        assert_eq!((inbox.outstanding(), inbox.ready() > 0), (1, true));
        inbox.finish();
        inbox.answer(text("+3\r\n"));
        assert!(client.0.try_read(&mut [0]).is_err(), "not before the turn is over");
        client.0.readable().await.expect("something to read");
        let mut read = [0; 64];
        let count = client.0.try_read(&mut read).expect("all of it");
        assert_eq!(&read[..count], b"+1\r\n+2\r\n+3\r\n");
        assert_eq!((inbox.outstanding(), inbox.ready()), (0, 0));
    });
}

#[test]
fn what_waits_for_others_counts_as_unread() {
    run(async {
        let clients = Clients::new().await;
        let (inbox, _client) = clients.connect_roomy().await;
        inbox.expect();
        inbox.answer(|out| out.resize(5000, b'x'));
        inbox.answer(|out| out.resize(out.len() + 5000, b'x'));
        assert_eq!(inbox.ready(), 10_000, "else a client could pile them up behind one slow reply");
        inbox.append(b"+1\r\n");
        inbox.finish();
        assert_eq!(inbox.ready(), 10_004);
        while inbox.ready() > 0 {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn who_does_not_read_is_bounded_and_told() {
    run(async {
        let clients = Clients::new().await;
        let (inbox, _client) = clients.connect(1 << 20).await;
        let woken = Arc::new(Woken::default());
        inbox.attend(&Waker::from(woken.clone()));
        inbox.set_attentive(false);
        let piece = [b'x'; 64 << 10];
        let mut sleeps_since = None;
        for _ in 0..10_000 {
            inbox.expect();
            inbox.append(&piece);
            inbox.finish();
            tokio::task::yield_now().await;
            if woken.count() > 0 && sleeps_since.is_none() {
                // The client's task looks at the socket, finds that it takes no more, and sleeps again.
                inbox.attend(&Waker::from(woken.clone()));
                sleeps_since = Some(woken.count());
            }
            if inbox.is_broken() {
                break;
            }
            assert!(inbox.ready() <= 1 << 20);
        }
        assert!(inbox.is_broken());
        assert_eq!(inbox.ready(), 0, "nothing is kept for it");
        assert!(Some(woken.count()) > sleeps_since, "its task closes it");
    });
}

#[test]
fn what_the_socket_does_not_take_is_written_later() {
    run(async {
        let clients = Clients::new().await;
        let (inbox, mut client) = clients.connect_roomy().await;
        let large = "y".repeat(16 << 20);
        inbox.expect();
        inbox.append(large.as_bytes());
        inbox.finish();
        inbox.answer(text("+behind\r\n"));
        let writes = std::future::poll_fn(|context| {
            inbox.attend(context.waker());
            inbox.poll_unstick(context)
        });
        tokio::join!(client.hear(&large), async {
            tokio::task::yield_now().await;
            writes.await;
        });
        client.hear("+behind\r\n").await;
        assert!(!inbox.is_broken());
    });
}

#[test]
fn who_has_gone_is_owed_nothing() {
    run(async {
        let clients = Clients::new().await;
        let (inbox, client) = clients.connect_roomy().await;
        inbox.expect();
        inbox.answer(text("+own\r\n"));
        inbox.close();
        assert_eq!(client.hear_end().await, "");
        inbox.append(b"+late\r\n");
        inbox.finish();
        assert_eq!(inbox.outstanding(), 0);
        tokio::task::yield_now().await;
        assert_eq!(inbox.ready(), 0);
    });
}
