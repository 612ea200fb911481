//! Uploads that are under way.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::store::Stage;
use crate::model::digest::{Algorithm, Digest, Hasher};

/// Bytes of an upload, hashed as they arrive.
#[derive(Debug)]
pub(super) struct Staged {
    stage: Box<dyn Stage>,
    sha256: Hasher,
}

impl Staged {
    pub(super) fn new(stage: Box<dyn Stage>) -> Self {
        Self { stage, sha256: Hasher::new(Algorithm::Sha256) }
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sha256.update(bytes);
        self.stage.append(bytes)
    }

    /// Keeps the bytes if they have this digest; else returns the digest that they have.
    pub(super) fn keep(self, expected: &Digest) -> io::Result<Result<(), Digest>> {
        let got = match expected.algorithm() {
            Algorithm::Sha256 => self.sha256.finish(),
            algorithm @ (Algorithm::Sha512 | Algorithm::Sha3_384) => {
                let mut hasher = Hasher::new(algorithm);
                for piece in self.stage.read()?.pieces(0..u64::MAX)? {
                    hasher.update(&piece?);
                }
                hasher.finish()
            }
        };
        if got != *expected {
            return Ok(Err(got));
        }
        self.stage.keep(expected).map(Ok)
    }
}

/// One upload.
#[derive(Debug)]
pub(super) struct Session {
    repository: String,
    /// Bytes that have arrived; readable while a piece is arriving.
    pub(super) offset: AtomicU64,
    /// None once it is finished.
    pub(super) staged: tokio::sync::Mutex<Option<Staged>>,
    used: AtomicU64,
}

/// All uploads, by id.
#[derive(Debug)]
pub(super) struct Sessions {
    by_id: Mutex<HashMap<String, Arc<Session>>>,
    limit: usize,
    /// Differs with every start, so that an id of an earlier server is never taken for one of this.
    start: u64,
    count: AtomicU64,
}

impl Sessions {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            by_id: Mutex::default(),
            limit,
            start: RandomState::new().build_hasher().finish(),
            count: AtomicU64::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    /// Opens an upload and returns its id; where there are too many, the one that was idle longest ends.
    pub(super) fn open(&self, repository: &str, stage: Box<dyn Stage>) -> String {
        let tick = self.tick();
        let id = format!("{:016x}-{tick:x}", self.start);
        let session = Session {
            repository: repository.to_owned(),
            offset: AtomicU64::new(0),
            staged: tokio::sync::Mutex::new(Some(Staged::new(stage))),
            used: AtomicU64::new(tick),
        };
        let mut by_id = self.lock();
        if by_id.len() >= self.limit {
            let idle = by_id.iter().min_by_key(|(_, session)| session.used.load(Ordering::Relaxed));
            if let Some(id) = idle.map(|(id, _)| id.clone()) {
                by_id.remove(&id);
            }
        }
        by_id.insert(id.clone(), Arc::new(session));
        id
    }

    /// Finds an upload of this repository.
    pub(super) fn get(&self, repository: &str, id: &str) -> Option<Arc<Session>> {
        let by_id = self.lock();
        let session = by_id.get(id).filter(|session| session.repository == repository)?;
        session.used.store(self.tick(), Ordering::Relaxed);
        Some(Arc::clone(session))
    }

    /// Forgets one upload.
    pub(super) fn close(&self, id: &str) {
        self.lock().remove(id);
    }

    /// Forgets all uploads.
    pub(super) fn forget(&self) {
        self.lock().clear();
    }

    /// Returns how many uploads are open.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::store::{Memory, Store as _};
    use super::*;

    fn open(sessions: &Sessions) -> String {
        sessions.open("a", Memory::default().stage(None).unwrap())
    }

    #[test]
    fn ends_the_upload_that_was_idle_longest() {
        let sessions = Sessions::new(2);
        let (first, second) = (open(&sessions), open(&sessions));
        assert!(sessions.get("a", &first).is_some());
        let third = open(&sessions);
        let alive = [&first, &second, &third].map(|id| sessions.get("a", id).is_some());
        assert_eq!(alive, [true, false, true]);
        assert!(sessions.get("b", &first).is_none());
    }
}
