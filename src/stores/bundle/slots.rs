//! Where everything stands in a bundle, computed from sizes alone.

use std::collections::HashMap;

use super::header::{END, blob_name, entry_header, header_length, padding};
use crate::model::contents::{self, Blob, Contents};
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};

/// The longest `index.json` that is read or written: 64 MiB.
pub const MAX_INDEX: u64 = 64 << 20;
/// The content of the first entry.
pub const OCI_LAYOUT: &[u8] = b"{\"imageLayoutVersion\":\"1.0.0\"}\n";

/// The place of one blob in the tar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Digest of the bytes.
    pub digest: Digest,
    /// Length of the bytes.
    pub size: u64,
    /// Where the entry's header begins.
    pub header: u64,
    /// Where the bytes begin.
    pub offset: u64,
}

impl Slot {
    /// Returns where the bytes end and padding begins.
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(self.size)
    }
}

/// The places of everything in a bundle.
#[derive(Clone, Debug)]
pub struct Slots {
    all: Vec<Slot>,
    by_digest: HashMap<Digest, usize>,
    head: u64,
    length: u64,
}

impl Slots {
    /// Computes the places from the contents.
    ///
    /// Errors: [`Error::Unsupported`] where the sizes add up to more than a file can hold, a digest is there twice, or
    /// `bundle.json` or `index.json` is longer than a reader takes.
    pub fn new(contents: &Contents) -> Result<Self> {
        // The id has a fixed length, so the length of the index does not depend on it.
        let index = contents.index(&Digest::Sha256([0; 32]));
        let [bundle, index] =
            [contents.to_bytes(), index].map(|bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Self::after_head(contents, bundle, index)
    }

    /// As [`Slots::new`], where the lengths of `bundle.json` and `index.json` are known.
    pub(super) fn after_head(contents: &Contents, bundle_length: u64, index_length: u64) -> Result<Self> {
        let mut position = Position(0);
        let layout_length = u64::try_from(OCI_LAYOUT.len()).unwrap_or(u64::MAX);
        for (name, length, limit) in [
            ("oci-layout", layout_length, layout_length),
            ("index.json", index_length, MAX_INDEX),
            ("bundle.json", bundle_length, contents::MAX_SIZE),
        ] {
            if length > limit {
                return Err(Error::Unsupported {
                    message: format!("`{name}` has {length} bytes, more than {limit}"),
                    hint: Some("split the list into several bundles".to_owned()),
                });
            }
            position.entry(name.len(), length)?;
        }
        let head = position.0;
        let mut slots = Vec::with_capacity(contents.count());
        let mut by_digest = HashMap::with_capacity(contents.count());
        for &Blob { digest, size } in contents.entries() {
            let header = position.0;
            let offset = position.entry(blob_name(&digest).len(), size)?;
            if by_digest.insert(digest, slots.len()).is_some() {
                return Err(Error::Unsupported {
                    message: format!("blob {digest} is listed twice"),
                    hint: None,
                });
            }
            slots.push(Slot { digest, size, header, offset });
        }
        let length = position.advance(END)?;
        Ok(Self { all: slots, by_digest, head, length })
    }

    /// Returns all places in the order of the tar.
    pub fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.all.iter()
    }

    /// Returns the place of a blob.
    pub fn get(&self, digest: &Digest) -> Option<&Slot> {
        self.at(self.position(digest)?)
    }

    /// Returns the place of the `position`th blob, counted from 0.
    pub fn at(&self, position: usize) -> Option<&Slot> {
        self.all.get(position)
    }

    /// Returns which blob of the tar it is, counted from 0.
    pub fn position(&self, digest: &Digest) -> Option<usize> {
        self.by_digest.get(digest).copied()
    }

    /// Returns how many blobs there are.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// Returns the length of what stands before the blobs.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// Returns the length of the whole file, without reserved entries at its end.
    pub fn length(&self) -> u64 {
        self.length
    }
}

struct Position(u64);

impl Position {
    fn advance(&mut self, by: u64) -> Result<u64> {
        let sum = self.0.checked_add(by).filter(|sum| i64::try_from(*sum).is_ok());
        self.0 = sum.ok_or_else(|| Error::Unsupported {
            message: "the sizes add up to more bytes than a file can hold".to_owned(),
            hint: None,
        })?;
        Ok(self.0)
    }

    /// Passes over an entry and returns where its content begins.
    fn entry(&mut self, name_length: usize, size: u64) -> Result<u64> {
        let offset = self.advance(header_length(name_length, size))?;
        self.advance(size)?;
        self.advance(padding(size))?;
        Ok(offset)
    }
}

/// Returns everything before the blobs: `oci-layout`, `index.json` and `bundle.json`, with headers and padding.
pub fn head_bytes(contents: &Contents) -> (Digest, Vec<u8>) {
    let bundle = contents.to_bytes();
    let id = Digest::sha256(&bundle);
    let mut head = Vec::new();
    for (name, content) in
        [("oci-layout", OCI_LAYOUT), ("index.json", &contents.index(&id)), ("bundle.json", &bundle)]
    {
        head.extend(entry_header(name, u64::try_from(content.len()).unwrap_or(u64::MAX)));
        head.extend_from_slice(content);
        head.resize(head.len().next_multiple_of(512), 0);
    }
    (id, head)
}
