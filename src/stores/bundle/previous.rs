//! Bundles, finished or not, that blobs are carried over from instead of being fetched again.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use futures_util::future::BoxFuture;

use super::journal::Journal;
use super::slots::{Slot, Slots};
use crate::content::body::RawBody;
use crate::content::copy::Source;
use crate::content::read_at::{self, ReadAt};
use crate::model::contents::Contents;
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
    /// Opens an unfinished bundle: `path` with its plan and journal. What the journal does not claim whole is not here.
    pub fn unfinished(path: &Utf8Path, contents: &Contents, journal: &Utf8Path) -> Result<Self> {
        let doing = format!("opening `{path}`");
        let file = File::open(path).map_err(Error::io(doing))?;
        let length = u64::try_from(contents.to_bytes().len()).unwrap_or(u64::MAX);
        let (_, claims) = Journal::open(journal)?;
        let slots = Slots::new(contents, length)?;
        let filled = slots.iter().filter(|slot| claims.get(&slot.digest) == Some(&slot.size));
        let slots = filled.map(|slot| (slot.digest, *slot)).collect();
        Ok(Self { file: Arc::new(file), path: path.to_owned(), slots })
    }

    /// Takes a finished bundle.
    pub fn finished(bundle: &super::reader::Bundle) -> Self {
        let slots = bundle.slots().iter().map(|slot| (slot.digest, *slot)).collect();
        Self { file: Arc::clone(bundle.file()), path: bundle.path().into(), slots }
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
