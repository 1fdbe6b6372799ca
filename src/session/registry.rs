//! Who is connected.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::command::Row;
use crate::resp::Protocol;
use crate::store::Mailbox;

/// What others may know of a client: `CLIENT LIST` shows it, `CLIENT KILL` finds it by it.
///
/// The client's worker writes, anyone reads; nothing hangs on two of the values belonging together.
pub struct ClientInfo {
    /// `CLIENT ID`
    pub id: u64,
    /// Where it connects from.
    pub address: SocketAddr,
    /// Where it connected to.
    pub local_address: SocketAddr,
    /// When it connected, in milliseconds since 1970.
    pub since_ms: u64,
    /// What it is sent by others.
    pub mailbox: Arc<Mailbox>,
    name: Mutex<Box<[u8]>>,
    last_active_ms: AtomicU64,
    last_command: AtomicPtr<Row>,
    database: AtomicU32,
    protocol: AtomicU8,
    queued: AtomicI32,
    blocked: AtomicBool,
    subscriptions: [AtomicU32; 3],
}

impl ClientInfo {
    /// The name that it has given itself.
    pub fn name(&self) -> Box<[u8]> {
        self.name.lock().clone()
    }

    /// Sets it.
    pub fn set_name(&self, name: &[u8]) {
        *self.name.lock() = name.into();
    }

    /// Notes the command that it sent last.
    pub fn set_command(&self, row: &'static Row) {
        self.last_command.store(std::ptr::from_ref(row).cast_mut(), Ordering::Relaxed);
    }

    /// Notes when it last sent something.
    pub fn set_active(&self, now_ms: u64) {
        self.last_active_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Notes the database.
    pub fn set_database(&self, database: usize) {
        self.database.store(database as u32, Ordering::Relaxed);
    }

    /// Notes the protocol.
    pub fn set_protocol(&self, protocol: Protocol) {
        self.protocol.store(protocol.number(), Ordering::Relaxed);
    }

    /// Notes how many requests are queued in `MULTI`; `None` outside.
    pub fn set_queued(&self, queued: Option<usize>) {
        self.queued.store(queued.map_or(-1, |queued| queued as i32), Ordering::Relaxed);
    }

    /// Notes whether it waits for an element.
    pub fn set_blocked(&self, blocked: bool) {
        self.blocked.store(blocked, Ordering::Relaxed);
    }

    /// True while it waits for an element.
    pub fn is_blocked(&self) -> bool {
        self.blocked.load(Ordering::Relaxed)
    }

    /// Notes how many channels, patterns and shard channels it is subscribed to.
    pub fn set_subscriptions(&self, counts: [usize; 3]) {
        for (own, count) in self.subscriptions.iter().zip(counts) {
            own.store(count as u32, Ordering::Relaxed);
        }
    }

    /// True while it is subscribed to anything.
    pub fn is_subscribed(&self) -> bool {
        self.subscriptions.iter().any(|count| count.load(Ordering::Relaxed) > 0)
    }

    /// Its line in `CLIENT LIST`. Buffers are respool's own business and shown as empty.
    pub fn line(&self, now_ms: u64) -> Vec<u8> {
        let [channels, patterns, shards] = [0, 1, 2].map(|index| self.subscriptions[index].load(Ordering::Relaxed));
        let queued = self.queued.load(Ordering::Relaxed);
        let mut flags = String::new();
        if self.is_subscribed() {
            flags.push('P');
        }
        if self.is_blocked() {
            flags.push('b');
        }
        if queued >= 0 {
            flags.push('x');
        }
        if flags.is_empty() {
            flags.push('N');
        }
        let seconds = |since: u64| now_ms.saturating_sub(since) / 1000;
        let command = self.command_name();
        let mut line =
            format!("id={} addr={} laddr={} fd=0 name=", self.id, self.address, self.local_address).into_bytes();
        line.extend_from_slice(&self.name.lock());
        line.extend_from_slice(
            format!(
                " age={} idle={} flags={flags} db={} sub={channels} psub={patterns} ssub={shards} multi={queued} qbuf=0 \
                 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r cmd={command} \
                 user=default redir=-1 resp={}",
                seconds(self.since_ms),
                seconds(self.last_active_ms.load(Ordering::Relaxed)),
                self.database.load(Ordering::Relaxed),
                self.protocol.load(Ordering::Relaxed),
            )
            .as_bytes(),
        );
        line
    }

    fn command_name(&self) -> &'static str {
        let row = self.last_command.load(Ordering::Relaxed);
        crate::command::table::all()
            .flat_map(|row| std::iter::once(row).chain(row.subcommands))
            .find(|known| std::ptr::eq(*known, row))
            .map_or("NULL", |row| row.name)
    }
}

/// All clients that are connected.
#[derive(Default)]
pub struct Registry {
    clients: Mutex<HashMap<u64, Arc<ClientInfo>>>,
    last_id: AtomicU64,
}

impl Registry {
    /// Enters a client.
    pub fn enter(
        &self,
        address: SocketAddr,
        local_address: SocketAddr,
        now_ms: u64,
        database: usize,
        output_limit: usize,
    ) -> Arc<ClientInfo> {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let info = Arc::new(ClientInfo {
            id,
            address,
            local_address,
            since_ms: now_ms,
            mailbox: Arc::new(Mailbox::new(output_limit)),
            name: Mutex::default(),
            last_active_ms: AtomicU64::new(now_ms),
            last_command: AtomicPtr::new(std::ptr::null_mut()),
            database: AtomicU32::new(database as u32),
            protocol: AtomicU8::new(2),
            queued: AtomicI32::new(-1),
            blocked: AtomicBool::new(false),
            subscriptions: Default::default(),
        });
        self.clients.lock().insert(id, info.clone());
        info
    }

    /// Removes a client that has gone.
    pub fn leave(&self, id: u64) {
        self.clients.lock().remove(&id);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.clients.lock().len()
    }

    /// True without clients.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many ever were.
    pub fn connections(&self) -> u64 {
        self.last_id.load(Ordering::Relaxed)
    }

    /// The client `id`.
    pub fn find(&self, id: u64) -> Option<Arc<ClientInfo>> {
        self.clients.lock().get(&id).cloned()
    }

    /// All of them, in the order in which they came.
    pub fn list(&self) -> Vec<Arc<ClientInfo>> {
        let mut clients: Vec<_> = self.clients.lock().values().cloned().collect();
        clients.sort_unstable_by_key(|client| client.id);
        clients
    }
}
