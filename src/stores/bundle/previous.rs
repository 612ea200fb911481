//! Bundles, finished or not, that blobs are carried over from instead of being fetched again.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use futures_util::future::BoxFuture;

use super::journal::Journal;
use super::reader::Bundle;
use super::slots::Slot;
use super::unfinished::Unfinished;
use crate::content::body::RawBody;
use crate::content::copy::Source;
use crate::content::read_at::{self, ReadAt};
use crate::model::artifact::Kind;
use crate::model::contents::Artifact;
use crate::model::descriptor::Descriptor;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::manifest::Manifest;
use crate::model::snap::SnapFacts;

/// Blobs in an older file: an earlier plan of the same export, or the bundle of `--reuse`.
#[derive(Debug)]
pub struct Previous {
    file: Arc<dyn ReadAt>,
    path: Utf8PathBuf,
    slots: HashMap<Digest, Slot>,
    /// The layer of each snap, by the SHA3-384 that its manifest says.
    snaps: HashMap<Digest, Descriptor>,
}

impl Previous {
    /// Opens an unfinished bundle with its journal; `None` where the file holds no plan. What the journal does not
    /// claim whole is not here.
    pub fn unfinished(path: &Utf8Path, journal: &Utf8Path) -> Result<Option<Self>> {
        let Some(unfinished) = Unfinished::open(path)? else { return Ok(None) };
        let Ok(bundle) = Bundle::read_head(Arc::new(unfinished), path.as_str()) else { return Ok(None) };
        let (_, claims) = Journal::open(journal)?;
        let filled = bundle.slots().iter().enumerate().filter(|(n, slot)| claims.get(n) == Some(&slot.size));
        let slots = filled.map(|(_, slot)| (slot.digest, *slot)).collect();
        Ok(Some(Self { slots, ..Self::finished(&bundle) }))
    }

    /// Takes a finished bundle.
    pub fn finished(bundle: &Bundle) -> Self {
        let slots = bundle.slots().iter().map(|slot| (slot.digest, *slot)).collect();
        Self { file: Arc::clone(bundle.file()), path: bundle.path().into(), slots, snaps: snaps(bundle) }
    }

    /// Returns the blob that the file claims to be the snap with this SHA3-384.
    pub fn snap(&self, digest: &Digest) -> Option<&Descriptor> {
        self.snaps.get(digest).filter(|blob| blob.digest != digest.stand_in() && self.claims(blob))
    }

    /// Lets the blobs in slots whose digest stands in for another be known by that one, too.
    pub fn learn<S: BuildHasher>(&mut self, learned: &HashMap<Digest, Digest, S>) {
        for (stand_in, digest) in learned {
            if let Some(slot) = self.slots.get(stand_in).copied() {
                self.slots.insert(*digest, slot);
            }
        }
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Returns the size of a blob that the file claims to hold.
    pub fn size(&self, digest: &Digest) -> Option<u64> {
        self.slots.get(digest).map(|slot| slot.size)
    }

    /// Returns whether the file claims to hold the blob.
    pub fn claims(&self, blob: &Descriptor) -> bool {
        self.slots.get(&blob.digest.stand_in()).is_some_and(|slot| slot.size == blob.size)
    }
}

/// Returns the layers that are snaps, by the SHA3-384 that their manifests say. What cannot be read says nothing.
fn snaps(bundle: &Bundle) -> HashMap<Digest, Descriptor> {
    let snaps = bundle.contents().artifacts.iter().filter(|artifact| artifact.kind == Kind::Snap);
    let read = |artifact: &Artifact| {
        let raw = bundle.manifest(&artifact.digest).ok()?;
        let manifest = Manifest::parse(&artifact.media_type, &raw).ok()?;
        Some((SnapFacts::of(&manifest)?.digest(), manifest.layers.first()?.clone()))
    };
    snaps.filter_map(read).collect()
}

impl Source for Previous {
    fn open<'a>(&'a self, blob: &'a Descriptor, offset: u64) -> BoxFuture<'a, Result<RawBody>> {
        Box::pin(async move {
            let slot = self.slots.get(&blob.digest.stand_in()).ok_or_else(|| Error::NotFound {
                what: format!("blob {} in `{}`", blob.digest, self.path),
                hint: None,
            })?;
            let (at, rest) = (slot.offset.saturating_add(offset), slot.size.saturating_sub(offset));
            Ok(read_at::body(Arc::clone(&self.file), at, rest, &self.place()))
        })
    }

    fn place(&self) -> String {
        format!("`{}`", self.path)
    }
}
