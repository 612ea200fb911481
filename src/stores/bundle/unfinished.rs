//! A bundle in the making, as a file: it has its whole head, which is its plan, but for the first block. That block,
//! written last, is what makes it a bundle.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use camino::Utf8Path;

use super::head::Head;
use super::header::{BLOCK, entry_header};
use super::slots::{OCI_LAYOUT, Slots};
use crate::content::read_at::ReadAt;
use crate::model::error::{Error, Result};

/// The file of an unfinished bundle, read as if its first block were there.
#[derive(Debug)]
pub(super) struct Unfinished {
    file: File,
    path: String,
}

/// Any bytes, read as if they began as a bundle does.
#[derive(Debug)]
pub(super) struct Begun<'a>(pub(super) &'a dyn ReadAt);

impl Unfinished {
    /// Opens the file at `path`; `None` where there is none.
    pub(super) fn open(path: &Utf8Path) -> Result<Option<Self>> {
        let opened = OpenOptions::new().read(true).write(true).open(path);
        let file = match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(Error::io(format!("opening `{path}`")))?,
        };
        Ok(Some(Self { file, path: path.to_string() }))
    }

    /// Makes the file at `path` an unfinished bundle with this head and nothing in it.
    pub(super) fn create(path: &Utf8Path, head: &[u8]) -> Result<File> {
        let rest = head.get(first_block().len()..).unwrap_or_default();
        let opened = OpenOptions::new().create(true).truncate(true).read(true).write(true).open(path);
        let written = opened.and_then(|file| file.write_all_at(rest, BLOCK).map(|()| file));
        written.map_err(Error::io(format!("writing to `{path}`")))
    }

    /// Returns whether the file has this head.
    pub(super) fn has(&self, head: &[u8]) -> bool {
        let mut there = vec![0; head.len()];
        self.read_exact_at(&mut there, 0).is_ok() && there == head
    }

    /// Returns where everything stands by the plan, if there is one that makes sense.
    pub(super) fn slots(&self) -> Option<Slots> {
        let head = Head::read(self, &self.path).ok()?;
        head.slots().ok()
    }

    /// Returns how many bytes of the disk the file takes.
    pub(super) fn occupied(&self) -> u64 {
        self.file.metadata().map_or(0, |there| there.blocks().saturating_mul(512))
    }

    /// Gives the file to write to.
    pub(super) fn into_file(self) -> File {
        self.file
    }
}

/// What a bundle begins with and an unfinished one does not.
pub(super) fn first_block() -> Vec<u8> {
    entry_header("oci-layout", u64::try_from(OCI_LAYOUT.len()).unwrap_or(u64::MAX))
}

impl ReadAt for Unfinished {
    fn len(&self) -> io::Result<u64> {
        ReadAt::len(&self.file)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        Begun(&self.file).read_exact_at(buffer, offset)
    }
}

impl ReadAt for Begun<'_> {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)?;
        if offset < BLOCK {
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            for (to, from) in buffer.iter_mut().zip(first_block().into_iter().skip(start)) {
                *to = from;
            }
        }
        Ok(())
    }
}
