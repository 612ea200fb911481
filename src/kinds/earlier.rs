//! What earlier bundles hold of what would be fetched otherwise, and what this run has fetched already.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;

use crate::content::body::ProvenBody;
use crate::content::copy::Source;
use crate::model::descriptor::Descriptor;
use crate::model::digest::Digest;
use crate::model::error::Result;
use crate::stores::bundle::kept::Kept;
use crate::stores::bundle::previous::Previous;

/// Blobs up to this size stay in memory, where many artifacts may share them: 64 KiB.
pub(super) const KEPT: u64 = 64 << 10;
/// All of them together, with 512 bytes more for each: 64 MiB. What comes after is read again where it is asked for again.
const ROOM: u64 = 64 << 20;

/// A sha256, once it has been looked for.
type Learned = Arc<OnceCell<Option<Digest>>>;

/// Earlier bundles, finished or not. Clones share what they know.
#[derive(Clone, Debug, Default)]
pub struct Earlier {
    bundles: Arc<[Arc<Previous>]>,
    small: Arc<Mutex<Small>>,
    /// The sha256 of each snap that was asked for, which takes reading all of it.
    snaps: Arc<Mutex<HashMap<Digest, Learned>>>,
    /// What a run fetched that did not come to its end.
    fetched: Arc<Kept>,
}

/// Small blobs, as they are asked for.
#[derive(Debug, Default)]
struct Small {
    cells: HashMap<Digest, Arc<OnceCell<Bytes>>>,
    taken: u64,
}

impl Small {
    /// Returns where a blob is kept, none where there is no room for it.
    fn cell(&mut self, blob: &Descriptor) -> Option<Arc<OnceCell<Bytes>>> {
        if let Some(cell) = self.cells.get(&blob.digest) {
            return Some(Arc::clone(cell));
        }
        let taken = self.taken.saturating_add(blob.size).saturating_add(512);
        (taken <= ROOM).then(|| {
            self.taken = taken;
            Arc::clone(self.cells.entry(blob.digest).or_default())
        })
    }
}

impl Earlier {
    /// Takes these bundles, and what an earlier run has fetched.
    pub fn new(bundles: Vec<Arc<Previous>>, fetched: Arc<Kept>) -> Self {
        Self { bundles: bundles.into(), small: Arc::default(), snaps: Arc::default(), fetched }
    }

    /// Returns what was fetched; what is fetched now goes there, too.
    pub(super) fn fetched(&self) -> &Kept {
        &self.fetched
    }

    /// Returns the size of a blob that one of the bundles claims to hold.
    pub(super) fn size(&self, digest: &Digest) -> Option<u64> {
        self.bundles.iter().find_map(|bundle| bundle.size(digest))
    }

    /// Reads a blob whose size the caller has bounded: proven from an earlier bundle, otherwise by `fetch`. A small one
    /// is fetched once, however many ask for it.
    pub(super) async fn bytes(
        &self,
        blob: &Descriptor,
        fetch: BoxFuture<'_, Result<Bytes>>,
    ) -> Result<Bytes> {
        let cell = (blob.size <= KEPT)
            .then(|| self.small.lock().unwrap_or_else(PoisonError::into_inner).cell(blob))
            .flatten();
        match cell {
            Some(cell) => cell.get_or_try_init(|| self.read(blob, fetch)).await.cloned(),
            None => self.read(blob, fetch).await,
        }
    }

    /// Returns the sha256 of the snap with this SHA3-384 where one of the bundles holds it: all of it is read for that,
    /// once in a run.
    pub(super) async fn snap(&self, digest: &Digest, size: u64) -> Option<Digest> {
        let cell = {
            let mut snaps = self.snaps.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(snaps.entry(*digest).or_default())
        };
        *cell.get_or_init(|| self.read_snap(digest, size)).await
    }

    async fn read_snap(&self, digest: &Digest, size: u64) -> Option<Digest> {
        for bundle in self.bundles.iter() {
            let Some(claimed) = bundle.snap(digest).filter(|claimed| claimed.size == size) else { continue };
            let blob = Descriptor { digest: *digest, ..claimed.clone() };
            let Ok(raw) = bundle.open(claimed, 0).await else { continue };
            let body = ProvenBody::new(&blob, raw, &bundle.place());
            // Only the whole, proven, says what it is, and only what it says counts.
            if body.learn().await.is_ok_and(|learned| learned == Some(claimed.digest)) {
                return Some(claimed.digest);
            }
        }
        None
    }

    async fn read(&self, blob: &Descriptor, fetch: BoxFuture<'_, Result<Bytes>>) -> Result<Bytes> {
        for bundle in self.bundles.iter().filter(|bundle| bundle.claims(blob)) {
            if let Ok(raw) = bundle.open(blob, 0).await
                && let Ok(bytes) = ProvenBody::new(blob, raw, &bundle.place()).bytes().await
            {
                return Ok(bytes);
            }
        }
        if let Some((_, bytes)) = self.fetched.manifest(&blob.digest) {
            return Ok(bytes);
        }
        let bytes = fetch.await?;
        self.fetched.keep(blob.digest, &blob.media_type, &bytes);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_for_small_blobs_has_an_end() {
        let mut small = Small::default();
        let blob =
            |number: u64| Descriptor::new("application/json", Digest::sha256(&number.to_be_bytes()), KEPT);
        let fitting = (0..2000).take_while(|number| small.cell(&blob(*number)).is_some()).count();
        assert_eq!(fitting, 1016);
        assert!(small.cell(&blob(3)).is_some());
        assert_eq!(small.cells.len(), fitting);
    }
}
