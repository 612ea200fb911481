//! What is pushed, and where its bytes are: in a bundle, or still where a list says.

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::stream::StreamExt;

use super::{Opened, Verb};
use crate::commands::report::{ArtifactRow, Report, Totals};
use crate::content::body::RawBody;
use crate::content::copy::Source;
use crate::content::plan::Plan;
use crate::content::read_at;
use crate::kinds::Origin;
use crate::model::contents::Contents;
use crate::model::descriptor::Descriptor;
use crate::model::digest::Digest;
use crate::model::error::{Error, FormatState, Result};
use crate::stores::registry::client::Repository;

/// What is pushed.
#[derive(Debug)]
pub(in crate::commands) enum Stock {
    /// A bundle.
    Bundle(Opened),
    /// What a list came to.
    Gathered(Gathered),
}

/// What a list came to: manifests in memory, and where each blob can be read.
#[derive(Debug)]
pub(in crate::commands) struct Gathered {
    contents: Contents,
    raw: Bytes,
    id: Digest,
    manifests: HashMap<Digest, Bytes>,
    blobs: HashMap<Digest, (Descriptor, Vec<Origin>)>,
    failed: Vec<ArtifactRow>,
}

impl Gathered {
    /// Takes a plan, and the rows of what failed before there was one.
    pub(in crate::commands) fn new(plan: Plan<Origin>, failed: Vec<ArtifactRow>) -> Self {
        let raw: Bytes = plan.contents.to_bytes().into();
        let blobs = plan.blobs.into_iter().map(|(blob, origins)| (blob.digest, (blob, origins)));
        Self {
            id: Digest::sha256(&raw),
            raw,
            contents: plan.contents,
            manifests: plan.manifests,
            blobs: blobs.collect(),
            failed,
        }
    }
}

impl Stock {
    /// Returns what is said of the command.
    pub(super) const fn verb(&self) -> &'static Verb {
        match self {
            Self::Bundle(_) => &Verb::IMPORT,
            Self::Gathered(_) => &Verb::MIRROR,
        }
    }

    /// Returns what there is: what `bundle.json` says, or would say.
    pub(super) fn contents(&self) -> &Contents {
        match self {
            Self::Bundle(opened) => opened.bundle.contents(),
            Self::Gathered(gathered) => &gathered.contents,
        }
    }

    /// Returns `bundle.json`, byte for byte.
    pub(super) fn raw(&self) -> &Bytes {
        match self {
            Self::Bundle(opened) => opened.bundle.raw(),
            Self::Gathered(gathered) => &gathered.raw,
        }
    }

    /// Returns the bundle id.
    pub(super) fn id(&self) -> &Digest {
        match self {
            Self::Bundle(opened) => opened.bundle.id(),
            Self::Gathered(gathered) => &gathered.id,
        }
    }

    /// Returns the rows of what was asked for and could not be gathered.
    pub(super) fn failed(&self) -> &[ArtifactRow] {
        match self {
            Self::Bundle(_) => &[],
            Self::Gathered(gathered) => &gathered.failed,
        }
    }

    /// Returns the bytes of a manifest, proven. Blocks on the disk.
    pub(super) fn manifest(&self, digest: &Digest) -> Result<Bytes> {
        match self {
            Self::Bundle(opened) => opened.bundle.manifest(digest),
            Self::Gathered(gathered) => {
                gathered.manifests.get(digest).cloned().ok_or_else(|| self.lacks(digest))
            }
        }
    }

    /// Returns the size of a blob, or of a manifest, that is there.
    pub(super) fn size(&self, digest: &Digest) -> Option<u64> {
        match self {
            Self::Bundle(opened) => opened.bundle.slots().get(digest).map(|slot| slot.size),
            Self::Gathered(gathered) => {
                let manifest =
                    || gathered.manifests.get(digest).and_then(|bytes| bytes.len().try_into().ok());
                gathered.blobs.get(digest).map(|(blob, _)| blob.size).or_else(manifest)
            }
        }
    }

    /// Says that a blob which a manifest names is not there.
    pub(super) fn lacks(&self, digest: &Digest) -> Error {
        let in_bundle = match self {
            Self::Bundle(opened) => opened.bundle.slot(digest).err(),
            Self::Gathered(_) => None,
        };
        let unknown = || Error::NotFound { what: format!("a source of blob {digest}"), hint: None };
        in_bundle.unwrap_or_else(unknown)
    }

    /// Says that an index names manifests that are not there although it should be whole.
    pub(super) fn not_whole(&self, index: &Digest) -> Error {
        let message = format!("index {index} names manifests that are not in the bundle");
        match self {
            Self::Bundle(opened) => Error::Format {
                path: opened.bundle.path().to_string(),
                state: FormatState::Incomplete,
                offset: 0,
                message,
            },
            Self::Gathered(_) => Error::Unsupported { message, hint: None },
        }
    }

    /// Returns how many places have a blob.
    pub(super) fn places(&self, digest: &Digest) -> usize {
        self.origins(digest).map_or(1, <[Origin]>::len)
    }

    /// Returns whether the same place may give other bytes when it is asked again: what comes over a network may have
    /// been damaged there.
    pub(super) const fn may_heal(&self, error: &Error) -> bool {
        matches!((self, error), (Self::Gathered(_), Error::Mismatch { .. }))
    }

    /// Returns the host that a blob is read from first; empty for this machine.
    pub(super) fn host(&self, digest: &Digest) -> String {
        self.origins(digest).and_then(<[Origin]>::first).map(Origin::host).unwrap_or_default()
    }

    /// Opens a blob at the `number`th of its places, from `offset` on, and says how that place is called.
    pub(super) async fn open(
        &self,
        digest: &Digest,
        number: usize,
        offset: u64,
    ) -> Result<(RawBody, String)> {
        match self {
            Self::Bundle(opened) => {
                let bundle = &opened.bundle;
                let slot = *bundle.slot(digest)?;
                let place = format!("bundle `{}` at byte {}", bundle.path(), slot.offset);
                let (at, rest) = (slot.offset.saturating_add(offset), slot.size.saturating_sub(offset));
                let raw = read_at::body(bundle.file().clone(), at, rest, &place);
                Ok((raw.boxed(), place))
            }
            Self::Gathered(gathered) => {
                let (blob, origins) = gathered.blobs.get(digest).ok_or_else(|| self.lacks(digest))?;
                let origin = origins.get(number).ok_or_else(|| self.lacks(digest))?;
                let place = origin.place();
                let raw = origin.open(blob, offset).await;
                Ok((raw.map_err(|error| error.at(&format!("reading from {place}")))?, place))
            }
        }
    }

    /// Returns a repository of `registry` that has a blob.
    pub(super) fn at_home(&self, digest: &Digest, registry: &str) -> Option<&Repository> {
        self.origins(digest)?.iter().find_map(|origin| match origin {
            Origin::Registry(_, repository) => Some(repository).filter(|it| it.registry() == registry),
            Origin::Address(..) | Origin::Snap(..) | Origin::File(_) | Origin::Memory(_) => None,
        })
    }

    /// Begins the report.
    pub(super) fn report(&self) -> Report {
        match self {
            Self::Bundle(opened) => opened.report(self.verb().command),
            Self::Gathered(gathered) => {
                let contents = &gathered.contents;
                let count = contents.artifacts.len().saturating_add(gathered.failed.len());
                let totals = Totals {
                    artifacts: u64::try_from(count).unwrap_or(u64::MAX),
                    referrers: contents.count_referrers(),
                    blobs: u64::try_from(contents.count()).unwrap_or(u64::MAX),
                    bytes: contents.size(),
                    ..Totals::default()
                };
                Report { command: self.verb().command, totals, ..Report::default() }
            }
        }
    }

    /// Ends the summary.
    pub(super) fn conclude(&self, report: &mut Report) {
        if let Self::Bundle(opened) = self {
            opened.conclude(report);
        }
    }

    fn origins(&self, digest: &Digest) -> Option<&[Origin]> {
        match self {
            Self::Bundle(_) => None,
            Self::Gathered(gathered) => gathered.blobs.get(digest).map(|(_, origins)| origins.as_slice()),
        }
    }
}
