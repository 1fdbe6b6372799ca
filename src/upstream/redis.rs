//! A Redis, as one worker sees it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::lane::{Lane, LaneKey};
use super::pool::Pool;
use super::reader::SCRATCH_BYTES;
use crate::metrics::WorkerMetrics;

/// A worker's lanes to a Redis, and its way to the pool.
pub struct Redis {
    pool: Arc<Pool>,
    lane_bytes: usize,
    metrics: Arc<WorkerMetrics>,
    lanes: RefCell<HashMap<LaneKey, Rc<Lane>>>,
    /// What is read into: once a worker, since only one task reads at a time.
    scratch: Rc<RefCell<Box<[u8]>>>,
}

impl Redis {
    /// A worker's side of `pool`.
    pub fn new(pool: Arc<Pool>, lane_bytes: usize, metrics: Arc<WorkerMetrics>) -> Self {
        let scratch = Rc::new(RefCell::new(vec![0; SCRATCH_BYTES].into()));
        Redis { pool, lane_bytes, metrics, lanes: RefCell::default(), scratch }
    }

    /// All its connections.
    pub fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// The buffer that lanes and exclusive connections are read into.
    pub fn scratch(&self) -> &Rc<RefCell<Box<[u8]>>> {
        &self.scratch
    }

    /// Has idle lanes give up their connections while another lane waits for one. Called now and then.
    pub fn tend(&self) {
        if self.pool.is_wanted() {
            self.lanes.borrow().values().for_each(|lane| lane.yield_connection());
        }
    }

    /// The lane for `key`; its task starts with the first request. Must be called on the worker's `LocalSet`.
    pub fn lane(&self, key: LaneKey) -> Rc<Lane> {
        if let Some(lane) = self.lanes.borrow().get(&key) {
            return lane.clone();
        }
        let lane = Lane::new(key, self.pool.clone(), self.lane_bytes, self.metrics.clone());
        tokio::task::spawn_local(lane.clone().run(self.scratch.clone()));
        self.lanes.borrow_mut().insert(key, lane.clone());
        self.metrics.lanes.add(1);
        lane
    }
}
