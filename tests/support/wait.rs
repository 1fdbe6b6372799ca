//! Waiting for something to become true, with a deadline instead of a guess.

use std::thread;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(1);

/// Waits until the condition holds; panics after ten seconds.
#[track_caller]
pub fn wait_until(condition: impl FnMut() -> bool) {
    assert!(wait_within(LIMIT, condition), "still not so after {LIMIT:?}");
}

/// Waits until the condition holds, at most for `limit`; says whether it does.
pub fn wait_within(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(PAUSE);
    }
}
