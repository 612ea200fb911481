//! What every step of an import works with, and what the steps tell each other.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use futures_util::stream::{StreamExt, TryStreamExt};

use super::MovedTags;
use super::nodes::{Node, Nodes};
use super::plan::{Place, Plan};
use super::stock::Stock;
use super::trial::{Kept, Refusal};
use crate::commands::seen::Seen;
use crate::content::body::ProvenBody;
use crate::content::jobs::{self, OnFailure};
use crate::content::marks::Marks;
use crate::content::progress::Progress;
use crate::model::descriptor::Descriptor;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::stores::registry::client::{RegistryClient, Repository};

/// So many requests in a row, each after all its tries, end the import: a registry that is gone does not come back for
/// the next thousand.
const GONE: u32 = 3;

/// Returns whether an error means that the destination is not there for anybody: no answer, or 5xx after all tries.
pub(super) fn is_silence(error: &Error) -> bool {
    match error.root() {
        _ if error.is_of_source() => false,
        Error::Network { .. } => true,
        Error::Remote { status, .. } => *status >= 500 && *status != 507,
        _ => false,
    }
}

/// What every step works with.
#[derive(Debug)]
pub(super) struct Work {
    /// What is pushed.
    pub(super) stock: Arc<Stock>,
    /// The destination's registry.
    pub(super) client: RegistryClient,
    /// What has to be where.
    pub(super) plan: Plan,
    /// The manifests.
    pub(super) nodes: Nodes,
    /// How many artifacts there are: what refers to them has the places after theirs.
    pub(super) artifacts: usize,
    /// How many things are done at once.
    pub(super) jobs: usize,
    /// Whether the first failure ends it.
    pub(super) on_failure: OnFailure,
    /// What is done with tags that name something else.
    pub(super) moved: MovedTags,
    /// Who watches.
    pub(super) progress: Arc<dyn Progress>,
    /// Who remembers what became of each artifact.
    pub(super) seen: Seen,
    /// Uploads that are begun.
    pub(super) kept: Kept,
    /// Failures in a row of a registry that is not there for anybody.
    pub(super) silence: AtomicU32,
}

/// A blob on its way from one of its places.
#[derive(Debug)]
pub(super) struct Way {
    /// Which place.
    place: usize,
    /// How far it was read, for progress.
    counted: Arc<AtomicU64>,
    /// Where it can go on.
    marks: Arc<Marks>,
}

impl Way {
    /// Begins at one of the places.
    pub(super) fn from(place: usize, blob: &Descriptor) -> Self {
        Self { place, counted: Arc::default(), marks: Arc::new(Marks::new(blob)) }
    }
}

/// What has happened so far.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// What is not in place, with the reason until an artifact has taken it.
    pub(super) failed: HashMap<Place, Option<Error>>,
    /// What was not there and is now.
    pub(super) pushed: HashSet<Place>,
    /// What was there before, in one repository at least.
    pub(super) held: HashSet<Digest>,
    /// Indexes that the registry refuses because they are sparse.
    pub(super) refused: HashSet<Place>,
    /// Bytes of blobs and manifests that were sent.
    pub(super) transferred: u64,
    /// Whether nothing more is to be done.
    pub(super) stopped: bool,
}

/// Why an artifact is not in place.
#[derive(Debug)]
pub(super) enum Failure {
    /// Something that concerns it alone.
    Own(Error),
    /// A blob or manifest that other artifacts may need, too.
    Of(Digest, Error),
    /// The same, where the error is another artifact's [`Failure::Of`].
    Shared(Digest),
    /// Its repository takes no upload.
    Refused(Arc<Refusal>),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Own(error)
    }
}

impl Work {
    /// Returns a repository of the plan.
    pub(super) fn repository(&self, number: usize) -> Result<&Repository> {
        self.plan.repositories.get(number).ok_or(Error::Interrupted(15))
    }

    /// Does something that needs the registry, unless the registry is gone.
    pub(super) async fn ask<T>(&self, request: impl Future<Output = Result<T>>) -> Result<T> {
        if self.silence.load(Ordering::Relaxed) >= GONE {
            return Err(Error::Network {
                what: "not tried".to_owned(),
                why: "the registry has stopped answering".to_owned(),
                hint: Some("run the same command again: what is there already is not moved again".to_owned()),
            });
        }
        let result = request.await;
        match &result {
            Err(error) if is_silence(error) => {
                self.silence.fetch_add(1, Ordering::Relaxed);
            }
            _ => self.silence.store(0, Ordering::Relaxed),
        }
        result
    }

    /// Opens a blob at one of its places from `offset` on, proven; what is not marked of the bytes before is read again
    /// to be hashed. What has been read for the first time is told as progress.
    pub(super) async fn open(&self, blob: &Descriptor, way: &Way, offset: u64) -> Result<ProvenBody> {
        let (begin, _) = way.marks.before(offset);
        let (raw, place) = self.stock.open(&blob.digest, way.place, begin).await?;
        let (progress, counted, mut at) = (Arc::clone(&self.progress), Arc::clone(&way.counted), begin);
        let raw = raw.inspect_ok(move |chunk| {
            at = at.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
            let before = counted.fetch_max(at, Ordering::Relaxed);
            progress.moved(at.saturating_sub(before));
        });
        Ok(ProvenBody::marked(blob, raw.boxed(), &place, &way.marks, offset))
    }

    /// Reads the bytes of a manifest.
    pub(super) async fn manifest(self: &Arc<Self>, digest: Digest) -> Result<bytes::Bytes> {
        let work = Arc::clone(self);
        jobs::offload(move || work.stock.manifest(&digest)).await?
    }
}

impl Ledger {
    /// Notes that something is not in place. Nothing more is done where the first failure ends the import.
    pub(super) fn fail(&mut self, place: Place, error: Error, on_failure: OnFailure) {
        self.stopped |= on_failure == OnFailure::Stop || matches!(error.root(), Error::Interrupted(_));
        self.failed.insert(place, Some(error));
    }

    /// Returns whether anything that a manifest names is not in place in a repository.
    pub(super) fn lacks(&self, repository: usize, node: &Node) -> bool {
        let children = node.children.iter().map(|child| child.digest);
        !self.failed.is_empty()
            && children
                .chain(node.blobs.iter().map(|blob| blob.digest))
                .any(|digest| self.failed.contains_key(&(repository, digest)))
    }

    /// Returns why an artifact cannot be named: the first of `places` that is not there.
    pub(super) fn reason(&mut self, places: &[Place]) -> Option<Failure> {
        let (_, first) = places.iter().find(|place| self.failed.contains_key(place))?;
        let told = places.iter().find_map(|place| Some((place.1, self.failed.get_mut(place)?.take()?)));
        Some(told.map_or(Failure::Shared(*first), |(digest, error)| Failure::Of(digest, error)))
    }
}
