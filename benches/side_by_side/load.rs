//! The load generator: one thread, one epoll instance, prepared requests.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::histogram::Histogram;
use crate::reply::{Scanner, Tally};
use crate::workload::{Batch, LISTS, MESSAGE, Pace, Random, STAMP, Workload};

/// Without a single reply for so long, the target hangs.
const STALLED: Duration = Duration::from_secs(5);
/// Messages that may wait in one list before its producers pause.
const BACKLOG: usize = 16;
/// The epoll token of the pacing timer.
const TIMER: u64 = u64::MAX;

/// Clients of one workload on one server.
pub struct Load<'a> {
    batches: &'a [Batch],
    pace: Pace,
    epoll: OwnedFd,
    timer: Option<OwnedFd>,
    connections: Vec<Connection>,
    lists: [List; LISTS],
    clock: Instant,
    random: Random,
    buffer: Vec<u8>,
    scratch: Vec<u8>,
    /// Batches that the timer has asked for.
    paced: u64,
    last_reply: u64,
    since: u64,
    operations: u64,
    latency: Histogram,
    tally: Tally,
}

/// What was counted between two calls of [`Load::restart_counting`].
#[derive(Clone, Copy)]
pub struct Count {
    /// Commands that were answered (transactions in the workload of that name).
    pub operations: u64,
    /// The time that it took.
    pub seconds: f64,
    /// Nanoseconds from sending a batch (in the queue: a message) to its last reply.
    pub p50: u64,
    /// The same for the slowest hundredth.
    pub p99: u64,
}

struct Connection {
    stream: TcpStream,
    scanner: Scanner,
    sent: VecDeque<Sent>,
    /// Bytes that the socket did not take.
    unsent: Vec<u8>,
}

/// A batch that has not been answered in full.
struct Sent {
    at: u64,
    replies: u32,
    operations: u32,
}

#[derive(Default)]
struct List {
    backlog: usize,
    /// Producers that wait for the backlog to shrink.
    paused: Vec<usize>,
}

impl<'a> Load<'a> {
    /// Connects all clients and sends their first requests.
    pub fn start(workload: &Workload, batches: &'a [Batch], address: SocketAddr) -> Result<Self> {
        // SAFETY: the call takes no pointers; its result is checked and owned by nobody else.
        let epoll = unsafe { owned(libc::epoll_create1(libc::EPOLL_CLOEXEC)) }.context("epoll")?;
        let mut load = Self {
            batches,
            pace: workload.pace,
            epoll,
            timer: None,
            connections: Vec::with_capacity(workload.clients),
            lists: Default::default(),
            clock: Instant::now(),
            random: Random::new(workload.clients as u64),
            buffer: vec![0; 64 * 1024],
            scratch: Vec::new(),
            paced: 0,
            last_reply: 0,
            since: 0,
            operations: 0,
            latency: Histogram::new(),
            tally: Tally::default(),
        };
        for index in 0..workload.clients {
            let connection = Connection::open(address)
                .with_context(|| format!("client {index} of {} does not connect", workload.clients))?;
            load.watch(libc::EPOLL_CTL_ADD, connection.stream.as_raw_fd(), libc::EPOLLIN, index as u64)?;
            load.connections.push(connection);
        }
        match load.pace {
            Pace::Paced { rate, burst } => load.start_timer(tick(rate, burst))?,
            Pace::Closed | Pace::Queue => {
                for index in 0..workload.clients {
                    load.send_next(index)?;
                }
            }
        }
        load.last_reply = load.now();
        Ok(load)
    }

    /// Begins a new count; what is under way counts when it ends.
    pub fn restart_counting(&mut self) {
        self.operations = 0;
        self.latency.clear();
        self.since = self.now();
    }

    /// What was counted so far.
    pub fn count(&self) -> Count {
        Count {
            operations: self.operations,
            seconds: (self.now() - self.since) as f64 / 1e9,
            p50: self.latency.quantile(0.5),
            p99: self.latency.quantile(0.99),
        }
    }

    /// Keeps the clients going for a while. An error or null reply, a closed connection or
    /// a target that answers nothing at all is an error.
    pub fn drive(&mut self, duration: Duration) -> Result<()> {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 256];
        let end = self.now() + duration.as_nanos() as u64;
        loop {
            let now = self.now();
            if now >= end {
                return Ok(());
            }
            if now - self.last_reply > STALLED.as_nanos() as u64 {
                bail!("no reply for {} s", STALLED.as_secs());
            }
            let milliseconds = ((end - now) / 1_000_000 + 1).min(100) as i32;
            // SAFETY: `events` outlives the call and its true length is given.
            let ready = unsafe {
                libc::epoll_wait(self.epoll.as_raw_fd(), events.as_mut_ptr(), events.len() as i32, milliseconds)
            };
            if ready < 0 && io::Error::last_os_error().kind() != ErrorKind::Interrupted {
                return Err(io::Error::last_os_error()).context("epoll_wait");
            }
            for event in &events[..ready.max(0) as usize] {
                let (flags, token) = (event.events, event.u64);
                if token == TIMER {
                    self.on_timer()?;
                    continue;
                }
                let index = token as usize;
                if flags & libc::EPOLLOUT as u32 != 0 {
                    self.on_writable(index)?;
                }
                if flags & !(libc::EPOLLOUT as u32) != 0 {
                    self.on_readable(index)?;
                }
            }
        }
    }

    fn now(&self) -> u64 {
        self.clock.elapsed().as_nanos() as u64
    }

    fn on_readable(&mut self, index: usize) -> Result<()> {
        let connection = &mut self.connections[index];
        let length = match connection.stream.read(&mut self.buffer) {
            Ok(0) => bail!("the target closed the connection of client {index}"),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error).with_context(|| format!("client {index} cannot read")),
        };
        let replies = connection.scanner.scan(&self.buffer[..length], &mut self.tally);
        if let Some(error) = &self.tally.first_error {
            bail!("error reply: {error}");
        }
        if self.tally.nulls > 0 {
            bail!("null reply");
        }
        if replies == 0 {
            return Ok(());
        }
        let now = self.now();
        self.last_reply = now;
        let mut finished = false;
        for _ in 0..replies {
            let Some(sent) = self.connections[index].sent.front_mut() else {
                bail!("client {index} got a reply that it did not ask for");
            };
            sent.replies -= 1;
            if sent.replies == 0 {
                finished = true;
                self.operations += u64::from(sent.operations);
                if !matches!(self.pace, Pace::Queue) {
                    self.latency.record(now - sent.at);
                }
                self.connections[index].sent.pop_front();
            }
        }
        match self.pace {
            Pace::Closed if finished => self.send_next(index),
            Pace::Queue if finished && self.produces(index) => self.send_next(index),
            Pace::Queue if finished => self.on_message(index, length, now),
            _ => Ok(()),
        }
    }

    /// Takes a popped message, whose reply ends the buffer, and wakes a paused producer.
    fn on_message(&mut self, index: usize, length: usize, now: u64) -> Result<()> {
        if let Some(message) = self.buffer[..length].last_chunk::<{ MESSAGE + 2 }>() {
            // A message cut by the end of a read is not timed.
            let stamp = std::str::from_utf8(&message[..STAMP]).ok().and_then(|digits| digits.parse().ok());
            if let Some(sent_at) = stamp {
                self.latency.record(now.saturating_sub(sent_at));
            }
        }
        let list = &mut self.lists[index % LISTS];
        list.backlog = list.backlog.saturating_sub(1);
        let woken = list.paused.pop();
        self.send_next(index)?;
        woken.map_or(Ok(()), |producer| self.send_next(producer))
    }

    fn on_writable(&mut self, index: usize) -> Result<()> {
        let connection = &mut self.connections[index];
        let written = written(connection.stream.write(&connection.unsent))
            .with_context(|| format!("client {index} cannot write"))?;
        connection.unsent.drain(..written);
        if connection.unsent.is_empty() {
            let descriptor = connection.stream.as_raw_fd();
            self.watch(libc::EPOLL_CTL_MOD, descriptor, libc::EPOLLIN, index as u64)?;
        }
        Ok(())
    }

    /// Sends what is due by the clock; latency counts from when it was due.
    fn on_timer(&mut self) -> Result<()> {
        let (Pace::Paced { rate, burst }, Some(timer)) = (self.pace, &self.timer) else {
            return Ok(());
        };
        let mut due = [0; 8];
        // SAFETY: the kernel writes at most the eight bytes of `due`.
        let length = unsafe { libc::read(timer.as_raw_fd(), due.as_mut_ptr().cast(), due.len()) };
        if length != due.len() as isize {
            return Ok(());
        }
        let (ticks, now) = (u64::from_ne_bytes(due), self.now());
        for late in (0..ticks).rev() {
            let at = now.saturating_sub(late * tick(rate, burst));
            for _ in 0..burst {
                let index = (self.paced % self.connections.len() as u64) as usize;
                self.paced += 1;
                let batch = self.random.below(self.batches.len());
                self.send(index, batch, at)?;
            }
        }
        Ok(())
    }

    fn start_timer(&mut self, nanoseconds: u64) -> Result<()> {
        // SAFETY: the call takes no pointers; its result is checked and owned by nobody else.
        let timer = unsafe { owned(libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_NONBLOCK)) }
            .context("timerfd_create")?;
        let interval = libc::timespec { tv_sec: 0, tv_nsec: nanoseconds as i64 };
        let times = libc::itimerspec { it_interval: interval, it_value: interval };
        // SAFETY: `times` is valid for the call, and the old value is not asked for.
        if unsafe { libc::timerfd_settime(timer.as_raw_fd(), 0, &times, std::ptr::null_mut()) } < 0 {
            return Err(io::Error::last_os_error()).context("timerfd_settime");
        }
        self.watch(libc::EPOLL_CTL_ADD, timer.as_raw_fd(), libc::EPOLLIN, TIMER)?;
        self.timer = Some(timer);
        Ok(())
    }

    fn produces(&self, index: usize) -> bool {
        index < self.connections.len() / 2
    }

    /// Sends a client's next batch, or pauses a producer whose list is long.
    fn send_next(&mut self, index: usize) -> Result<()> {
        let batch = match self.pace {
            Pace::Closed | Pace::Paced { .. } => self.random.below(self.batches.len()),
            Pace::Queue if self.produces(index) => {
                let list = &mut self.lists[index % LISTS];
                if list.backlog >= BACKLOG {
                    list.paused.push(index);
                    return Ok(());
                }
                list.backlog += 1;
                index % LISTS
            }
            Pace::Queue => LISTS + index % LISTS,
        };
        let now = self.now();
        self.send(index, batch, now)
    }

    fn send(&mut self, index: usize, batch: usize, at: u64) -> Result<()> {
        let batch = &self.batches[batch];
        let connection = &mut self.connections[index];
        connection.sent.push_back(Sent { at, replies: batch.replies, operations: batch.operations });
        let bytes = match batch.stamp {
            None => &batch.bytes,
            Some(place) => {
                self.scratch.clear();
                self.scratch.extend_from_slice(&batch.bytes);
                write!(&mut self.scratch[place..], "{at:0STAMP$}")?;
                &self.scratch
            }
        };
        if !connection.unsent.is_empty() {
            connection.unsent.extend_from_slice(bytes);
            return Ok(());
        }
        let written =
            written(connection.stream.write(bytes)).with_context(|| format!("client {index} cannot write"))?;
        if written < bytes.len() {
            connection.unsent.extend_from_slice(&bytes[written..]);
            let descriptor = connection.stream.as_raw_fd();
            self.watch(libc::EPOLL_CTL_MOD, descriptor, libc::EPOLLIN | libc::EPOLLOUT, index as u64)?;
        }
        Ok(())
    }

    fn watch(&self, operation: i32, descriptor: i32, flags: i32, token: u64) -> Result<()> {
        let mut event = libc::epoll_event { events: flags as u32, u64: token };
        // SAFETY: `event` is valid for the call, which copies it.
        if unsafe { libc::epoll_ctl(self.epoll.as_raw_fd(), operation, descriptor, &mut event) } < 0 {
            return Err(io::Error::last_os_error()).context("epoll_ctl");
        }
        Ok(())
    }
}

impl Connection {
    fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, scanner: Scanner::new(), sent: VecDeque::new(), unsent: Vec::new() })
    }
}

/// Nanoseconds between two bursts.
fn tick(rate: u32, burst: u32) -> u64 {
    1_000_000_000 * u64::from(burst) / u64::from(rate)
}

/// Nothing written where the socket is full.
fn written(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        other => other,
    }
}

/// Takes the descriptor that a system call has returned.
///
/// # Safety
/// A descriptor that is not negative must be open and have no other owner.
unsafe fn owned(descriptor: i32) -> io::Result<OwnedFd> {
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the caller promises that nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}
