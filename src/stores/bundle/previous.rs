//! Bundles, finished or not, that blobs are carried over from instead of being fetched again.

use std::collections::HashMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use futures_util::future::BoxFuture;

use super::journal::Journal;
use super::slots::Slot;
use super::unfinished::Unfinished;
use crate::content::body::RawBody;
use crate::content::copy::Source;
use crate::content::read_at::{self, ReadAt};
use crate::model::descriptor::Descriptor;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};

/// Blobs in an older file: an earlier plan of the same export, or the bundle of `--reuse`.
#[derive(Debug)]
pub struct Previous {
    file: Arc<dyn ReadAt>,
    path: Utf8PathBuf,
    slots: HashMap<Digest, Slot>,
}

impl Previous {
    /// Opens an unfinished bundle with its journal; `None` where the file holds no plan. What the journal does not
    /// claim whole is not here.
    pub fn unfinished(path: &Utf8Path, journal: &Utf8Path) -> Result<Option<Self>> {
        let Some(unfinished) = Unfinished::open(path)? else { return Ok(None) };
        let Some(slots) = unfinished.slots() else { return Ok(None) };
        let (_, claims) = Journal::open(journal)?;
        let filled = slots.iter().enumerate().filter(|(n, slot)| claims.get(n) == Some(&slot.size));
        let slots = filled.map(|(_, slot)| (slot.digest, *slot)).collect();
        Ok(Some(Self { file: Arc::new(unfinished), path: path.to_owned(), slots }))
    }

    /// Takes a finished bundle.
    pub fn finished(bundle: &super::reader::Bundle) -> Self {
        let slots = bundle.slots().iter().map(|slot| (slot.digest, *slot)).collect();
        Self { file: Arc::clone(bundle.file()), path: bundle.path().into(), slots }
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
        self.slots.get(&blob.digest).is_some_and(|slot| slot.size == blob.size)
    }
}

impl Source for Previous {
    fn open<'a>(&'a self, blob: &'a Descriptor, offset: u64) -> BoxFuture<'a, Result<RawBody>> {
        Box::pin(async move {
            let slot = self.slots.get(&blob.digest).ok_or_else(|| Error::NotFound {
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
