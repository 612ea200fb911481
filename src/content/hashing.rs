//! The hash of one body, made on another core where one is free.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::jobs::{self, Offloaded};
use super::marks::Marks;
use crate::model::digest::Hasher;
use crate::model::error::{Error, Result};

/// So many bytes are gathered before another thread hashes them; less is hashed in place.
const BATCH: usize = 256 << 10;

/// So many are gathered of what is hashed twice, while the batch before is not hashed yet: that is slow, and handed over
/// in large pieces, between which its core does not wait.
const MOST: usize = 1 << 20;

/// How many bodies of more than a batch are being read.
static READING: AtomicUsize = AtomicUsize::new(0);

/// One that is counted in [`READING`].
struct Counted;

impl Counted {
    fn new() -> Self {
        READING.fetch_add(1, Ordering::Relaxed);
        Self
    }

    /// Returns whether every core has a body of its own to read. Each is best hashed by who reads it then, while its
    /// bytes are in that core's cache; otherwise a core is free to hash while the next bytes are read.
    fn cores_are_busy() -> bool {
        READING.load(Ordering::Relaxed) >= jobs::cores()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        READING.fetch_sub(1, Ordering::Relaxed);
    }
}

enum State {
    Idle(Box<Hasher>),
    /// The hash, and the one that is made beside it.
    Running(Offloaded<Box<Hasher>>, Option<Offloaded<Hasher>>),
    /// Only while one of the others is replaced.
    Taken,
}

/// A [`Hasher`] that is handed its bytes in batches and does not hold up who reads.
pub(super) struct Hashing {
    state: State,
    /// The most bytes of a batch, but for its last chunk.
    most: usize,
    batch: Vec<Bytes>,
    batched: usize,
    /// How many bytes the hasher has seen, or will have seen once it is idle.
    hashed: u64,
    /// Left on the way, for a body that goes on in the middle.
    marks: Option<Arc<Marks>>,
    counted: Option<Counted>,
}

impl Hashing {
    /// Goes on with a `hasher` that has seen `seen` bytes.
    pub(super) fn new(hasher: Hasher, seen: u64, marks: Option<Arc<Marks>>) -> Self {
        let most = if hasher.beside().is_some() { MOST } else { BATCH };
        let state = State::Idle(Box::new(hasher));
        Self { state, most, batch: Vec::new(), batched: 0, hashed: seen, marks, counted: None }
    }

    /// Adds the next bytes. Waits where the batch before is not hashed by the time that the next one is full, so no more
    /// than two are held.
    pub(super) async fn add(&mut self, chunk: Bytes) -> Result<()> {
        self.batched = self.batched.saturating_add(chunk.len());
        self.batch.push(chunk);
        if self.batched < BATCH || (self.batched < self.most && self.is_running()) {
            return Ok(());
        }
        self.counted.get_or_insert_with(Counted::new);
        let mut hasher = self.idle().await?;
        if let Some(marks) = &self.marks {
            marks.note(self.hashed, &hasher);
        }
        let batched = u64::try_from(std::mem::take(&mut self.batched)).unwrap_or(u64::MAX);
        self.hashed = self.hashed.saturating_add(batched);
        let batch = std::mem::take(&mut self.batch);
        if Counted::cores_are_busy() {
            add(&mut hasher, &batch);
            self.state = State::Idle(hasher);
            return Ok(());
        }
        let beside = hasher.take_beside().map(|beside| (beside, batch.clone()));
        let hashing = jobs::offload(move || {
            add(&mut hasher, &batch);
            hasher
        });
        // Second: it is the quicker one, and where one core is free for both the slow one must not wait for it.
        let beside = beside.map(|(mut beside, batch)| {
            jobs::offload(move || {
                add(&mut beside, &batch);
                beside
            })
        });
        self.state = State::Running(hashing, beside);
        Ok(())
    }

    /// Waits until everything that was added is hashed, and returns the hasher.
    pub(super) async fn finish(&mut self) -> Result<Hasher> {
        let mut hasher = self.idle().await?;
        add(&mut hasher, &std::mem::take(&mut self.batch));
        Ok(*hasher)
    }

    fn is_running(&self) -> bool {
        match &self.state {
            State::Running(hashing, beside) => {
                !hashing.is_finished() || beside.as_ref().is_some_and(|beside| !beside.is_finished())
            }
            State::Idle(_) | State::Taken => false,
        }
    }

    async fn idle(&mut self) -> Result<Box<Hasher>> {
        match std::mem::replace(&mut self.state, State::Taken) {
            State::Idle(hasher) => Ok(hasher),
            State::Running(hashing, None) => hashing.await,
            State::Running(hashing, Some(beside)) => {
                let mut hasher = hashing.await?;
                hasher.put_beside(beside.await?);
                Ok(hasher)
            }
            State::Taken => Err(Error::Interrupted(15)),
        }
    }
}

fn add(hasher: &mut Hasher, batch: &[Bytes]) {
    for chunk in batch {
        hasher.update(chunk);
    }
}
