//! Lanes, inboxes and the pool against an upstream that does as the test says, over real sockets on one thread.

mod inbox;
mod lane;
mod pool;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

use super::flusher::Flusher;
use super::inbox::Inbox;
use super::lane::{Lane, LaneKey};
use super::pool::Pool;
use super::reader::SCRATCH_BYTES;
use crate::config::{self, Address};
use crate::metrics::WorkerMetrics;
use crate::resp::Protocol;

/// Nothing here takes longer, even on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a test as a worker runs its clients.
fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let local = LocalSet::new();
    runtime.block_on(local.run_until(async { tokio::time::timeout(PATIENCE, test).await.expect("in time") }));
    // What is leased goes back to the pool, which needs a runtime for it.
    let _context = runtime.enter();
    drop(local);
}

/// An upstream: connections are taken and answered by the test.
struct Upstream {
    listener: TcpListener,
    pool: Arc<Pool>,
}

impl Upstream {
    /// With a pool of up to `max` connections before it.
    async fn start(max: u32) -> Upstream {
        Self::start_impatient(max, PATIENCE).await
    }

    /// Requests wait no longer than that for a connection.
    async fn start_impatient(max: u32, acquire_timeout: Duration) -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let address = Address::parse(&format!("redis://127.0.0.1:{port}")).expect("an address");
        let settings = config::Pool { min: 0, max, acquire_timeout, ..config::Pool::default() };
        let pool = Pool::new(address, &settings, &config::Upstream::default());
        Upstream { listener, pool }
    }

    /// A lane before it.
    fn lane(&self, protocol: Protocol, database: usize, limit: usize) -> Rc<Lane> {
        let lane = Lane::new(LaneKey { database, protocol }, self.pool.clone(), limit, Arc::default());
        let scratch: Rc<RefCell<Box<[u8]>>> = Rc::new(RefCell::new(vec![0; SCRATCH_BYTES].into()));
        tokio::task::spawn_local(lane.clone().run(scratch));
        lane
    }

    /// A lane in RESP2 and the first database.
    fn plain_lane(&self) -> Rc<Lane> {
        self.lane(Protocol::Resp2, 0, 64 << 20)
    }

    /// Takes the next connection, and agrees to what every one begins with.
    async fn accept(&self) -> Peer {
        let (socket, _) = self.listener.accept().await.expect("a connection");
        let mut peer = Peer(socket);
        peer.hear("*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$7\r\nrespool\r\n*2\r\n$6\r\nCLIENT\r\n$2\r\nID\r\n").await;
        peer.say("+OK\r\n:7\r\n").await;
        peer
    }
}

/// One end of a connection.
struct Peer(TcpStream);

impl Peer {
    /// Reads what has to come next.
    async fn hear(&mut self, expected: &str) {
        let mut bytes = vec![0; expected.len()];
        self.0.read_exact(&mut bytes).await.expect("something to read");
        assert_eq!(String::from_utf8_lossy(&bytes), expected);
    }

    async fn say(&mut self, bytes: &str) {
        self.0.write_all(bytes.as_bytes()).await.expect("someone who reads");
    }

    /// Reads to the end.
    async fn hear_end(mut self) -> String {
        let mut text = String::new();
        // A reset is an end too.
        let _ = self.0.read_to_string(&mut text).await;
        text
    }

    /// True if nothing comes for a while.
    async fn hears_nothing(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(30), self.0.read_u8()).await.is_err()
    }
}

/// What clients of a worker have in common.
struct Clients {
    flusher: Rc<Flusher>,
    listener: TcpListener,
}

impl Clients {
    async fn new() -> Clients {
        let flusher = Flusher::new(Arc::new(WorkerMetrics::default()));
        tokio::task::spawn_local(flusher.clone().run());
        Clients { flusher, listener: TcpListener::bind("127.0.0.1:0").await.expect("a port") }
    }

    /// A client's inbox, and the client.
    async fn connect(&self, limit: usize) -> (Rc<Inbox>, Peer) {
        let address = self.listener.local_addr().expect("its address");
        let client = TcpStream::connect(address).await.expect("a connection");
        let (socket, _) = self.listener.accept().await.expect("its other end");
        (Inbox::new(socket, self.flusher.clone(), limit), Peer(client))
    }

    /// As [`Clients::connect`], with all the room that a test needs.
    async fn connect_roomy(&self) -> (Rc<Inbox>, Peer) {
        self.connect(64 << 20).await
    }
}

/// Appends a request of these bytes: a lane does not look into them.
fn text(bytes: &str) -> impl FnOnce(&mut Vec<u8>) {
    move |out| out.extend_from_slice(bytes.as_bytes())
}
