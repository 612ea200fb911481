//! Opens a bundle from its head alone and hands out what is in it by position. Nothing is unpacked.

use std::fs::File;
use std::sync::Arc;

use bytes::Bytes;
use camino::Utf8Path;
use futures_util::future::BoxFuture;

use super::header::{BLOCK, entry_header};
use super::slots::{OCI_LAYOUT, Slot, Slots};
use crate::content::body::{ProvenBody, RawBody};
use crate::content::copy::Source;
use crate::content::read_at::{self, ReadAt};
use crate::model::contents::{self, Contents, ID_ANNOTATION, IndexHead, REQUIRES_ANNOTATION};
use crate::model::descriptor::Descriptor;
use crate::model::digest::Digest;
use crate::model::error::{Error, FormatState, Result};
use crate::model::{manifest, media_type, reference};

/// The longest `index.json` that is read: 64 MiB.
const MAX_INDEX: u64 = 64 << 20;

/// A bundle whose head has been read and proven against its id. Clones share the file.
#[derive(Clone, Debug)]
pub struct Bundle {
    file: Arc<dyn ReadAt>,
    path: Arc<str>,
    contents: Arc<Contents>,
    raw: Bytes,
    id: Digest,
    slots: Arc<Slots>,
    length: u64,
}

impl Bundle {
    /// Opens the file at `path`; see [`Bundle::read`].
    pub fn open(path: &Utf8Path) -> Result<Self> {
        let file = File::open(path).map_err(|source| match source.kind() {
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
            return Err(Error::usage(format!("`{path}` is a folder, not a bundle"), None));
        }
        Self::read(Arc::new(file), path.as_str())
    }

    /// Reads the head and checks that it is whole: names, sizes and id agree, and the file is long enough.
    ///
    /// Errors: [`Error::Format`], with the offset.
    pub fn read(file: Arc<dyn ReadAt>, path: &str) -> Result<Self> {
        let head = Head { file: file.as_ref(), path };
        let length = file.len().map_err(Error::io(format!("reading bundle `{path}`")))?;
        let (layout_at, layout_size) =
            head.entry(0, "oci-layout", u64::try_from(OCI_LAYOUT.len()).unwrap_or(0))?;
        let layout = head.content(layout_at, layout_size)?;
        if layout != OCI_LAYOUT {
            return Err(head.format(
                FormatState::Damaged,
                layout_at,
                "`oci-layout` has other content".to_owned(),
            ));
        }
        let (index_at, index_size) = head.entry(next(layout_at, layout_size), "index.json", MAX_INDEX)?;
        let index = head.content(index_at, index_size)?;
        let stated = head.stated_id(index_at, &index)?;
        let (bundle_at, bundle_size) =
            head.entry(next(index_at, index_size), "bundle.json", contents::MAX_SIZE)?;
        let raw = head.content(bundle_at, bundle_size)?;
        let id = Digest::sha256(&raw);
        if id != stated {
            let message = format!("`bundle.json`: expected {stated}, as `index.json` says, got {id}");
            return Err(head.format(FormatState::Damaged, bundle_at, message));
        }
        let contents: Contents = serde_json::from_slice(&raw).map_err(|error| {
            head.format(FormatState::Foreign, bundle_at, format!("`bundle.json`: {error}"))
        })?;
        check(&contents).map_err(|message| head.format(FormatState::Foreign, bundle_at, message))?;
        let expected = contents.index(&id);
        if index != expected {
            let differs = expected.iter().zip(&index).take_while(|(a, b)| a == b).count();
            let at = index_at.saturating_add(u64::try_from(differs).unwrap_or_default());
            let message = "`index.json` does not say what follows from `bundle.json`".to_owned();
            return Err(head.format(FormatState::Damaged, at, message));
        }
        let slots = Slots::new(&contents, bundle_size).map_err(|error| {
            head.format(FormatState::Foreign, bundle_at, format!("`bundle.json`: {error}"))
        })?;
        if length < slots.length() {
            let first = slots.iter().find(|slot| slot.offset.saturating_add(slot.size) > length);
            let lost =
                first.map(|slot| format!(", so blob {} is not whole", slot.digest)).unwrap_or_default();
            let message = format!("expected {} bytes, got {length} bytes{lost}", slots.length());
            return Err(head.format(FormatState::Incomplete, length, message));
        }
        Ok(Self {
            path: path.into(),
            contents: Arc::new(contents),
            raw: raw.into(),
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

    /// Returns where everything stands.
    pub fn slots(&self) -> &Slots {
        &self.slots
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

/// Where the entry after one with content at `at` begins.
fn next(at: u64, size: u64) -> u64 {
    at.saturating_add(size).next_multiple_of(BLOCK)
}

/// Says what makes well-formed contents unusable, before anything is computed from them.
fn check(contents: &Contents) -> Result<(), String> {
    if contents.format != contents::FORMAT {
        return Err(format!(
            "format {} is not one that this version reads ({})",
            contents.format,
            contents::FORMAT
        ));
    }
    if contents.count() > contents::MAX_ENTRIES {
        return Err(format!("{} entries are more than {}", contents.count(), contents::MAX_ENTRIES));
    }
    if let Some(large) = contents.manifests.iter().find(|blob| blob.size > manifest::MAX_SIZE) {
        return Err(format!("manifest {} is longer than {} bytes", large.digest, manifest::MAX_SIZE));
    }
    if let Some(large) = contents.configs.iter().find(|blob| blob.size > contents::MAX_CONFIG) {
        return Err(format!("config {} is longer than {} bytes", large.digest, contents::MAX_CONFIG));
    }
    let manifests: std::collections::HashSet<_> = contents.manifests.iter().map(|blob| blob.digest).collect();
    for artifact in &contents.artifacts {
        let name = &artifact.reference;
        if !manifests.contains(&artifact.digest) {
            return Err(format!(
                "artifact `{}` has root {}, which is not listed",
                printable(name),
                artifact.digest
            ));
        }
        if !media_type::is_manifest(&artifact.media_type) {
            return Err(format!(
                "artifact `{}` has media type `{}`",
                printable(name),
                printable(&artifact.media_type)
            ));
        }
        let texts = artifact.names.iter().chain(&artifact.wanted).chain([name]);
        if let Some(bad) =
            texts.into_iter().find(|text| text.len() > 1024 || text.chars().any(char::is_control))
        {
            return Err(format!("artifact `{}` has a name with control characters", printable(bad)));
        }
        if artifact.kind == crate::model::artifact::Kind::Image
            && name.parse::<reference::Reference>().is_err()
        {
            return Err(format!("`{}` is not a reference", printable(name)));
        }
    }
    Ok(())
}

/// Makes a text from outside safe for a terminal.
fn printable(text: &str) -> String {
    text.chars().take(200).flat_map(char::escape_debug).collect()
}

struct Head<'a> {
    file: &'a dyn ReadAt,
    path: &'a str,
}

impl Head<'_> {
    fn format(&self, state: FormatState, offset: u64, message: String) -> Error {
        Error::Format { path: self.path.to_owned(), state, offset, message }
    }

    fn content(&self, at: u64, size: u64) -> Result<Vec<u8>> {
        let mut content = vec![0; usize::try_from(size).unwrap_or_default()];
        self.file.read_exact_at(&mut content, at).map_err(|source| match source.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                let end = self.file.len().unwrap_or(at);
                self.format(FormatState::Incomplete, end, "the file ends in its head".to_owned())
            }
            _ => Error::Io { doing: format!("reading bundle `{}` at byte {at}", self.path), source },
        })?;
        Ok(content)
    }

    /// Checks the header at `at` and returns where the content begins, and its length.
    fn entry(&self, at: u64, name: &str, limit: u64) -> Result<(u64, u64)> {
        let block = self.content(at, BLOCK)?;
        let size = stated_size(&block);
        let good = size.filter(|size| entry_header(name, *size) == block);
        match good {
            Some(size) if size <= limit => Ok((at.saturating_add(BLOCK), size)),
            Some(size) => {
                let message = format!("`{name}` has {size} bytes, more than {limit}");
                Err(self.format(FormatState::Foreign, at, message))
            }
            None => {
                let (state, message) = describe(name, &block, size);
                Err(self.format(state, at, message))
            }
        }
    }

    /// Returns the id that `index.json` states, after what it requires has been understood.
    fn stated_id(&self, at: u64, index: &[u8]) -> Result<Digest> {
        let parsed: IndexHead = serde_json::from_slice(index)
            .map_err(|error| self.format(FormatState::Damaged, at, format!("`index.json`: {error}")))?;
        let requires = parsed.annotations.get(REQUIRES_ANNOTATION).map_or("", String::as_str);
        if let Some(word) = requires.split(',').map(str::trim).find(|word| !word.is_empty()) {
            let message = format!("it requires `{}`, which this version does not know", printable(word));
            return Err(self.format(FormatState::Foreign, at, message));
        }
        let id = parsed.annotations.get(ID_ANNOTATION).map_or("", String::as_str);
        id.parse().map_err(|_| {
            let message = format!("`index.json` has no bundle id in annotation `{ID_ANNOTATION}`");
            self.format(FormatState::Foreign, at, message)
        })
    }
}

/// Reads the size field of a plain header: 11 octal digits.
fn stated_size(block: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(block.get(124..135)?).ok()?;
    u64::from_str_radix(digits, 8).ok()
}

/// Tells a damaged header from a file that was never a bundle.
fn describe(name: &str, block: &[u8], size: Option<u64>) -> (FormatState, String) {
    let expected = entry_header(name, size.unwrap_or_default());
    let wrong = expected.iter().zip(block).filter(|(a, b)| a != b).count();
    let message = match block {
        [0x1f, 0x8b, ..] => "it is compressed with gzip; decompress it first".to_owned(),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "it is compressed with zstd; decompress it first".to_owned(),
        _ if wrong <= 16 => format!("the header of `{name}` has wrong bytes"),
        _ => {
            let found: String =
                block.iter().take(100).take_while(|byte| **byte != 0).map(|byte| char::from(*byte)).collect();
            let tar = block.get(257..262) == Some(b"ustar");
            let found =
                if tar { format!("entry `{}`", printable(&found)) } else { "no tar header".to_owned() };
            format!("expected entry `{name}`, got {found}")
        }
    };
    (if wrong <= 16 { FormatState::Damaged } else { FormatState::Foreign }, message)
}
