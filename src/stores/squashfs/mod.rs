//! Files inside a squashfs image (`Documentation/filesystems/squashfs.rst` of Linux, version 4.0), which is what a snap
//! is. Read from anywhere that reads by position, so that a few parts of a snap serve where it is far away.
//!
//! What is in an image is nobody's word yet: whatever it says of sizes and places is bounded before it is believed.

mod compression;
mod content;
mod fields;
mod folder;
mod inode;
mod metadata;
mod snap_yaml;
mod superblock;
mod walk;

use std::fmt;
use std::io;
use std::sync::Arc;

pub use folder::{Entry, EntryKind};
pub use snap_yaml::SnapYaml;

use self::metadata::Decoded;
use self::superblock::Superblock;
use crate::content::read_at::ReadAt;
use crate::model::error::{Error, FormatState, Result};

/// The largest file that is read, unless a caller says less: 4 MiB.
pub const MAX_FILE: u64 = 4 << 20;

/// A squashfs image that is open for reading.
pub struct Squashfs {
    image: Arc<dyn ReadAt>,
    /// What it is called in messages.
    name: String,
    superblock: Superblock,
    decoded: Decoded,
    /// How many folders have been looked into.
    steps: u32,
}

impl fmt::Debug for Squashfs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Squashfs").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Squashfs {
    /// Reads what an image says of itself. `name` is what it is called in messages.
    ///
    /// Errors: [`Error::Unsupported`] where it is no image of squashfs 4.0, or is compressed in a way that no snap is;
    /// [`Error::Format`] where it contradicts itself or ends too early.
    pub fn open(image: Arc<dyn ReadAt>, name: &str) -> Result<Self> {
        let size = image.len().map_err(|error| failed(name, error, 0))?;
        let superblock = Superblock::read(&*image, size, name)?;
        Ok(Self { image, name: name.to_owned(), superblock, decoded: Decoded::default(), steps: 0 })
    }

    /// Fills `buffer` from `offset`; nothing beyond what the image says is its own is read.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<()> {
        let length = u64::try_from(buffer.len()).unwrap_or(u64::MAX);
        if offset.checked_add(length).is_none_or(|end| end > self.superblock.bytes_used) {
            return Err(
                self.damaged(offset, format!("{length} bytes should be here, which is beyond its end"))
            );
        }
        self.image.read_exact_at(buffer, offset).map_err(|error| failed(&self.name, error, offset))
    }

    /// Makes the error for an image that contradicts itself at an offset.
    fn damaged(&self, offset: u64, message: impl Into<String>) -> Error {
        damaged(&self.name, offset, message)
    }
}

fn damaged(name: &str, offset: u64, message: impl Into<String>) -> Error {
    let (path, message) = (name.to_owned(), message.into());
    Error::Format { path, state: FormatState::Damaged, offset, message }
}

/// Says why reading failed; an error of whoever reads for us stays what it is.
fn failed(name: &str, error: io::Error, offset: u64) -> Error {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        let (path, message) = (name.to_owned(), "the file ends too early".to_owned());
        return Error::Format { path, state: FormatState::Incomplete, offset, message };
    }
    error.downcast().unwrap_or_else(|source| Error::Io { doing: format!("reading `{name}`"), source })
}
