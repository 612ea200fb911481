//! Proves the blobs of a bundle whose `bundle.json` cannot be read: each stands under its own digest.

use std::sync::Arc;

use super::problem::{Place, Problem};
use super::sequential::{Ended, Sequential};
use super::{MAX_TOLD, is_reserved};
use crate::content::jobs::{self, OnFailure, Stop};
use crate::content::progress::{Progress, Silent};
use crate::content::read_at::ReadAt;
use crate::model::digest::{Digest, Hasher};
use crate::model::error::{Error, FormatState, Result};
use crate::stores::bundle::header::{
    BLOCK, END, blob_name, describe, entry_header, is_intact, padding, stated,
};

/// What was found, entry by entry.
#[derive(Debug, Default)]
pub struct Strewn {
    /// What is wrong, in the order of the file.
    pub problems: Vec<Problem>,
    /// Problems beyond the first [`MAX_TOLD`].
    pub more: u64,
    /// Blobs whose entries are there.
    pub blobs: u64,
    /// Bytes of those blobs.
    pub bytes: u64,
    /// How many of them are what their names say.
    pub whole: u64,
}

impl Strewn {
    fn wrong(&mut self, state: FormatState, offset: u64, message: String) {
        if self.problems.len() < MAX_TOLD {
            self.problems.push(Problem::new(offset, state, message, Place::Frame));
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    fn damaged(&mut self, offset: u64, message: String) {
        self.wrong(FormatState::Damaged, offset, message);
    }
}

/// Walks the entries by their headers and proves every blob that one of them names. Memory does not grow with the file.
///
/// Errors: only where nobody waits any more.
pub async fn prove_strewn(file: Arc<dyn ReadAt>, progress: Arc<dyn Progress>) -> Result<Strewn> {
    progress.phase("verifying", file.len().ok(), None);
    let proven = jobs::run_blocking(1, OnFailure::Stop, [file], move |file, stop| {
        walk(file.as_ref(), stop, progress.as_ref())
    });
    proven.await.into_iter().flatten().next().unwrap_or(Err(Error::Interrupted(15)))
}

/// As [`prove_strewn`], on this thread: for a small file.
pub fn prove_strewn_here(file: &dyn ReadAt) -> Result<Strewn> {
    walk(file, &Stop::default(), &Silent)
}

fn walk(file: &dyn ReadAt, stop: &Stop, progress: &dyn Progress) -> Result<Strewn> {
    let length = file.len().unwrap_or_default();
    let mut reader = Sequential::new(file, 0, length, stop, progress);
    let mut found = Strewn::default();
    let mut lost = false;
    while reader.position() < length {
        match entry(&mut reader, length, &mut lost, &mut found) {
            Ok(()) => {}
            Err(Ended::Stopped(error)) => return Err(error),
            Err(Ended::Unreadable(offset, error)) => {
                found.damaged(offset, format!("it cannot be read: {error}"));
                // A page is a whole number of blocks.
                reader.skip_to(offset.saturating_add(1).next_multiple_of(4096));
                lost = true;
            }
        }
    }
    Ok(found)
}

/// Proves one entry, or passes over one block that is none. `lost` says whether that has been told.
fn entry(reader: &mut Sequential<'_>, length: u64, lost: &mut bool, found: &mut Strewn) -> Result<(), Ended> {
    let at = reader.position();
    let mut header = reader.take(BLOCK)?;
    let is_zero = header.iter().all(|byte| *byte == 0);
    if is_zero && at.saturating_add(END) == length {
        return reader.expect_zeros(BLOCK).map(|differs| {
            if let Some(offset) = differs {
                found.damaged(offset, "the end of the archive is not zero".to_owned());
            }
        });
    }
    if is_intact(&header) && header.get(156) == Some(&b'x') {
        header.extend(reader.take(BLOCK.saturating_mul(2))?);
    }
    let (name, size) = stated(&header);
    if !is_intact(&header) || entry_header(name, size) != header || !is_known(name) {
        if !*lost {
            let got = match &header {
                header if is_zero => format!("{} zeros or more", header.len()),
                header if is_intact(header) => describe(header),
                _ => "other bytes".to_owned(),
            };
            found.damaged(at, format!("expected the header of an entry, got {got}"));
        }
        *lost = true;
        return Ok(());
    }
    *lost = false;
    let start = reader.position();
    let Some(end) = start.checked_add(size).filter(|end| *end <= length) else {
        let here = length.saturating_sub(start);
        let message = format!("the file ends in entry `{name}`, after {here} of {size} bytes");
        found.wrong(FormatState::Incomplete, length, message);
        reader.skip_to(length);
        return Ok(());
    };
    content(reader, name, size, start, found)?;
    reader.skip_to(end);
    if end.saturating_add(padding(size)) > length {
        found.wrong(FormatState::Incomplete, length, format!("the file ends in the padding after `{name}`"));
        reader.skip_to(length);
    } else if let Some(offset) = reader.expect_zeros(padding(size))? {
        found.damaged(offset, format!("the padding after `{name}` is not zero"));
    }
    Ok(())
}

fn content(
    reader: &mut Sequential<'_>,
    name: &str,
    size: u64,
    start: u64,
    found: &mut Strewn,
) -> Result<(), Ended> {
    let Some(digest) = digest(name) else { return Ok(()) };
    found.blobs = found.blobs.saturating_add(1);
    found.bytes = found.bytes.saturating_add(size);
    let mut hasher = Hasher::new(digest.algorithm());
    if let Err(ended) = reader.hash(size, &mut hasher) {
        let Ended::Unreadable(offset, error) = ended else { return Err(ended) };
        found.damaged(offset, format!("entry `{name}` cannot be read: {error}"));
        return Ok(());
    }
    let got = hasher.finish();
    if got == digest {
        found.whole = found.whole.saturating_add(1);
    } else {
        found.damaged(start, format!("entry `{name}` has other bytes: got {got}"));
    }
    Ok(())
}

fn is_known(name: &str) -> bool {
    matches!(name, "oci-layout" | "index.json" | "bundle.json") || digest(name).is_some() || is_reserved(name)
}

/// Returns the digest that the name of a blob's entry holds.
fn digest(name: &str) -> Option<Digest> {
    let (algorithm, hex) = name.strip_prefix("blobs/")?.split_once('/')?;
    format!("{algorithm}:{hex}").parse().ok().filter(|digest| blob_name(digest) == name)
}
