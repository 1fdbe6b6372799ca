//! Ports for servers under test.

use std::fs::{self, File, Permissions};
use std::net::TcpListener;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the ports that the kernel gives to outgoing connections, so that no client takes one meanwhile.
const FIRST: u32 = 20_000;
const COUNT: u32 = 12_000;

/// A port on which nobody listens. It stays reserved for this process, also against other test processes, so a
/// server may be stopped and started again on it.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let start = std::process::id().wrapping_mul(97);
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + start.wrapping_add(step) % COUNT;
        let port = u16::try_from(port).expect("the range lies below 65536");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() && reserve(port) {
            return port;
        }
    }
    panic!("no free port between {FIRST} and {}", FIRST + COUNT);
}

/// Takes the lock file of a port; the kernel gives it back when the process ends.
fn reserve(port: u16) -> bool {
    let directory = std::env::temp_dir().join("respool-test-ports");
    if fs::create_dir(&directory).is_ok() {
        // Other users of the machine may run the tests too.
        let _ = fs::set_permissions(&directory, Permissions::from_mode(0o1777));
    }
    let Ok(file) = File::create(directory.join(port.to_string())) else {
        return false;
    };
    // SAFETY: flock on a descriptor that `file` keeps open.
    let locked = unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0;
    if locked {
        let _kept_until_exit = file.into_raw_fd();
    }
    locked
}
