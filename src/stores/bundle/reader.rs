//! Opens a bundle from its head alone and hands out what is in it by position. Nothing is unpacked.

use std::fs::File;
use std::sync::Arc;

use bytes::Bytes;
use camino::Utf8Path;
use futures_util::future::BoxFuture;

use super::head::Head;
use super::slots::{Slot, Slots};
use crate::content::body::{ProvenBody, RawBody};
use crate::content::copy::Source;
use crate::content::read_at::{self, ReadAt, Window};
use crate::model::contents::Contents;
use crate::model::descriptor::Descriptor;
use crate::model::digest::Digest;
use crate::model::error::{Error, FormatState, Result};
use crate::model::manifest;
use crate::stores::file::open_at_once;

/// A bundle whose head has been read and proven against its id. Clones share the file.
#[derive(Clone, Debug)]
pub struct Bundle {
    file: Arc<dyn ReadAt>,
    path: Arc<str>,
    contents: Arc<Contents>,
    raw: Bytes,
    index: Bytes,
    id: Digest,
    slots: Arc<Slots>,
    length: u64,
}

impl Bundle {
    /// Opens the file at `path`; see [`Bundle::read`].
    pub fn open(path: &Utf8Path) -> Result<Self> {
        Self::read(Arc::new(open_file(path)?), path.as_str())
    }

    /// Reads the head and checks that the file is long enough for what it says.
    ///
    /// Errors: [`Error::Format`], with the offset.
    pub fn read(file: Arc<dyn ReadAt>, path: &str) -> Result<Self> {
        let bundle = Self::read_head(file, path)?;
        bundle.check_length()?;
        Ok(bundle)
    }

    /// Checks that the file is long enough for what its head says.
    pub fn check_length(&self) -> Result<()> {
        let (expected, length) = (self.slots.length(), self.length);
        if length >= expected {
            return Ok(());
        }
        let first = self.slots.iter().find(|slot| slot.end() > length);
        let lost = first.map(|slot| format!(", so blob {} is not whole", slot.digest)).unwrap_or_default();
        let message = format!("the file ends: expected {expected} bytes, got {length} bytes{lost}");
        let path = self.path.to_string();
        Err(Error::Format { path, state: FormatState::Incomplete, offset: length, message })
    }

    /// Opens the file at `path` as [`Bundle::open`], even where it ends too early: for whoever tells what is lost.
    pub fn open_head(path: &Utf8Path) -> Result<Self> {
        Self::read_head(Arc::new(open_file(path)?), path.as_str())
    }

    /// As [`Bundle::read`], even where the file ends too early.
    pub fn read_head(file: Arc<dyn ReadAt>, path: &str) -> Result<Self> {
        let head = Head::read(file.as_ref(), path)?;
        Self::with_head(file, path, head)
    }

    /// Makes a bundle of the file and its head.
    pub(super) fn with_head(file: Arc<dyn ReadAt>, path: &str, head: Head) -> Result<Self> {
        let length = file.len().map_err(Error::io(format!("reading bundle `{path}`")))?;
        let slots = head.slots().map_err(|error| {
            let (path, message) = (path.to_owned(), format!("`bundle.json`: {error}"));
            Error::Format { path, state: FormatState::Foreign, offset: 0, message }
        })?;
        let Head { raw, id, contents, index } = head;
        Ok(Self {
            path: path.into(),
            contents: Arc::new(contents),
            raw: raw.into(),
            index: index.into(),
            id,
            slots: Arc::new(slots),
            length,
            file,
        })
    }

    /// Returns the path as it was given.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the bundle id: the sha256 of `bundle.json`.
    pub fn id(&self) -> &Digest {
        &self.id
    }

    /// Returns what the bundle carries.
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Returns `bundle.json` byte for byte.
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// Returns `index.json` byte for byte.
    pub(super) fn index(&self) -> &Bytes {
        &self.index
    }

    /// Returns where everything stands.
    pub fn slots(&self) -> &Slots {
        &self.slots
    }

    /// Returns the bytes of a blob, as they stand in the file.
    pub fn window(&self, digest: &Digest) -> Option<Window> {
        let slot = self.slots.get(digest)?;
        Some(Window { of: Arc::clone(&self.file), offset: slot.offset, size: slot.size })
    }

    /// Returns the length of the file in bytes, with reserved entries at its end.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Returns the file.
    pub fn file(&self) -> &Arc<dyn ReadAt> {
        &self.file
    }

    /// Returns the place of a blob.
    ///
    /// Errors: [`Error::Format`] (incomplete) where the bundle does not list it.
    pub fn slot(&self, digest: &Digest) -> Result<&Slot> {
        self.slots.get(digest).ok_or_else(|| Error::Format {
            path: self.path.to_string(),
            state: FormatState::Incomplete,
            offset: 0,
            message: format!("blob {digest} is named by a manifest, but is not in the bundle"),
        })
    }

    /// Opens a blob.
    pub fn blob(&self, digest: &Digest) -> Result<ProvenBody> {
        let slot = self.slot(digest)?;
        let blob = Descriptor::new("", slot.digest, slot.size);
        let raw = read_at::body(Arc::clone(&self.file), slot.offset, slot.size, &self.place());
        Ok(ProvenBody::new(&blob, raw, &self.place()))
    }

    /// Reads a manifest, proven, into memory. Blocks on the disk.
    pub fn manifest(&self, digest: &Digest) -> Result<Bytes> {
        let slot = self.slot(digest)?;
        let what = || format!("reading from {}: manifest {digest}", self.place());
        if slot.size > manifest::MAX_SIZE {
            let expected = format!("at most {} bytes", manifest::MAX_SIZE);
            return Err(Error::Mismatch { what: what(), expected, got: format!("{} bytes", slot.size) });
        }
        let mut bytes = vec![0; usize::try_from(slot.size).unwrap_or_default()];
        self.file.read_exact_at(&mut bytes, slot.offset).map_err(Error::io(what()))?;
        let mut hasher = crate::model::digest::Hasher::new(digest.algorithm());
        hasher.update(&bytes);
        let got = hasher.finish();
        if got != *digest {
            return Err(Error::Mismatch { what: what(), expected: digest.to_string(), got: got.to_string() });
        }
        Ok(bytes.into())
    }
}

impl Source for Bundle {
    fn open<'a>(&'a self, blob: &'a Descriptor, offset: u64) -> BoxFuture<'a, Result<RawBody>> {
        Box::pin(async move {
            let slot = self.slot(&blob.digest)?;
            let (at, rest) = (slot.offset.saturating_add(offset), slot.size.saturating_sub(offset));
            Ok(read_at::body(Arc::clone(&self.file), at, rest, &self.place()))
        })
    }

    fn place(&self) -> String {
        format!("bundle `{}`", self.path)
    }
}

/// Opens the file of a bundle.
///
/// Errors: [`Error::NotFound`]; [`Error::Usage`] for a folder.
pub fn open_file(path: &Utf8Path) -> Result<File> {
    let file = open_at_once(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => Error::NotFound {
            what: format!("bundle `{path}`"),
            hint: Some(
                "name the bundle after the command, or run `airgap-bundle export` to make one".to_owned(),
            ),
        },
        _ => Error::Io { doing: format!("opening bundle `{path}`"), source },
    })?;
    let kind = file.metadata().map_err(Error::io(format!("opening bundle `{path}`")))?;
    if kind.is_dir() {
        let inside = path.join("airgap-bundle.tar");
        let hint = if inside.is_file() {
            format!("name the bundle in it: `{inside}`")
        } else {
            "name the file that `airgap-bundle export` made".to_owned()
        };
        let what = if path.join("oci-layout").is_file() { " with an OCI image layout" } else { "" };
        return Err(Error::usage(format!("`{path}` is a folder{what}, not a bundle"), Some(&hint)));
    }
    if !kind.is_file() {
        return Err(Error::usage(
            format!("`{path}` is a pipe or a device, and a bundle is read at any place"),
            Some(&format!(
                "copy it into a file and name that, such as with `cat {path} > airgap-bundle.tar`"
            )),
        ));
    }
    Ok(file)
}
