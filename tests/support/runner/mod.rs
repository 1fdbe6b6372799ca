//! Runs the conversations in `tests/cases`: the same one with a `redis-server` and with each target, and compares
//! every reply. `tests/cases/README.md` describes the format.

pub mod compare;
pub mod format;
pub mod report;
pub mod run;
pub mod stage;
pub mod talk;
pub mod words;
