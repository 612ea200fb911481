//! Where a server keeps its content: bytes by digest, once for all repositories, and the record of which repository
//! holds what.
//!
//! Bytes are staged, and have no name before [`Stage::keep`] gives them the digest that the caller has proven. A store
//! may block on its disk; the server's own runtime has workers to spare for that.

mod content;
mod folder;
mod memory;

use std::fmt;
use std::io;

use crate::model::digest::Digest;

pub use content::{Content, Pieces};
pub use folder::Folder;
pub use memory::Memory;

/// A place for a server's content.
pub trait Store: fmt::Debug + Send + Sync {
    /// Returns the changes that lead to the recorded state, in any order in which content comes before tags.
    fn load(&self) -> io::Result<Vec<Change>>;

    /// Records one change, atomically. Recording one twice is not an error.
    fn record(&self, change: &Change) -> io::Result<()>;

    /// Opens the bytes of a digest; none where they were never kept.
    fn open(&self, digest: &Digest) -> io::Result<Option<Content>>;

    /// Begins new bytes. `size` is how many are expected, where that is known.
    fn stage(&self, size: Option<u64>) -> io::Result<Box<dyn Stage>>;
}

/// Bytes on their way into a store; dropping them forgets them.
pub trait Stage: fmt::Debug + Send + Sync {
    /// Adds bytes at the end.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Opens what has been added so far.
    fn read(&self) -> io::Result<Content>;

    /// Keeps the bytes under their digest, which the caller has proven.
    fn keep(self: Box<Self>, digest: &Digest) -> io::Result<()>;
}

/// A change of what a repository holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The repository path.
    pub repository: String,
    /// What changed in it.
    pub what: What,
}

/// What changed in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A blob is there.
    Blob(Digest),
    /// A blob is no longer there.
    BlobGone(Digest),
    /// A manifest is there, and was pushed with this media type.
    Manifest(Digest, String),
    /// A manifest is no longer there.
    ManifestGone(Digest),
    /// A tag points at a manifest.
    Tag(String, Digest),
    /// A tag is no longer there.
    TagGone(String),
}
