//! Finds `bundle.json` and `index.json` in a head whose headers may be wrong.

use crate::content::read_at::{PIECE, ReadAt};
use crate::model::contents;
use crate::stores::bundle::header::{BLOCK, entry_header, is_intact, stated_size};
use crate::stores::bundle::reader::Bundle;
use crate::stores::bundle::slots::{MAX_INDEX, Slot};

/// The smallest piece that a medium loses: 4 KiB.
const PAGE: u64 = 4096;
/// Where `index.json` begins: after `oci-layout`, its header and its padding.
const INDEX: u64 = 2 * BLOCK;
/// So many wrong bytes are damage to a header; with more it is none.
const WRONG: usize = 8;

/// The head of a file.
#[derive(Debug)]
pub(super) struct Remains<'a> {
    file: &'a dyn ReadAt,
    length: u64,
}

impl<'a> Remains<'a> {
    pub(super) fn new(file: &'a dyn ReadAt) -> Self {
        Self { file, length: file.len().unwrap_or_default() }
    }

    /// Reads up to `size` bytes, fewer at the end of the file; zeros in the place of pages that cannot be read.
    pub(super) fn read(&self, at: u64, size: u64) -> Vec<u8> {
        let size = size.min(self.length.saturating_sub(at));
        let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
        if self.file.read_exact_at(&mut bytes, at).is_ok() {
            return bytes;
        }
        let (mut from, mut rest) = (at, bytes.as_mut_slice());
        while !rest.is_empty() {
            let length = usize::try_from(PAGE - from % PAGE).unwrap_or(rest.len()).min(rest.len());
            let (page, after) = rest.split_at_mut_checked(length).unwrap_or_default();
            if self.file.read_exact_at(page, from).is_err() {
                page.fill(0);
            }
            from = from.saturating_add(u64::try_from(length).unwrap_or_default());
            rest = after;
        }
        bytes
    }

    /// Returns where the content of `bundle.json` begins, and what it is.
    pub(super) fn bundle_json(&self) -> Option<(u64, Vec<u8>)> {
        let header = self.after_index().or_else(|| self.search())?;
        let at = header.saturating_add(BLOCK);
        let raw = match whole_size("bundle.json", &self.read(header, BLOCK)) {
            Some(size) if size <= contents::MAX_SIZE => self.read(at, size),
            Some(_) => return None,
            None => self.text(at),
        };
        (!raw.is_empty()).then_some((at, raw))
    }

    /// Returns the content of `index.json`, where that of `bundle.json` begins at `bundle`.
    pub(super) fn index_json(&self, bundle: u64) -> Vec<u8> {
        let start = INDEX.saturating_add(BLOCK);
        let mut index = self.read(start, bundle.saturating_sub(BLOCK).saturating_sub(start));
        let end = index.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
        index.truncate(end);
        index
    }

    /// Returns whether the first block holds nothing but zeros.
    pub(super) fn begins_empty(&self) -> bool {
        let block = self.read(0, BLOCK);
        !block.is_empty() && block.iter().all(|byte| *byte == 0)
    }

    /// Returns how many blobs have nothing but zeros in the place of their headers.
    pub(super) fn unwritten(&self, bundle: &Bundle) -> usize {
        let is_empty = |slot: &&Slot| self.read(slot.header, BLOCK).iter().all(|byte| *byte == 0);
        bundle.slots().iter().filter(is_empty).count()
    }

    /// Returns where `bundle.json` begins by the header of `index.json`.
    fn after_index(&self) -> Option<u64> {
        let size = whole_size("index.json", &self.read(INDEX, BLOCK)).filter(|size| *size <= MAX_INDEX)?;
        Some(INDEX.saturating_add(BLOCK).saturating_add(size).next_multiple_of(BLOCK))
    }

    /// Searches the header of `bundle.json`, block by block.
    fn search(&self) -> Option<u64> {
        let end = INDEX.saturating_add(BLOCK).saturating_add(MAX_INDEX).min(self.length);
        let piece = u64::try_from(PIECE).unwrap_or(PAGE);
        let mut at = INDEX;
        while at <= end {
            let bytes = self.read(at, piece);
            let blocks = bytes.chunks(usize::try_from(BLOCK).unwrap_or(PIECE));
            if let Some(number) = blocks.into_iter().position(|block| is_near("bundle.json", block)) {
                return Some(at.saturating_add(BLOCK.saturating_mul(u64::try_from(number).ok()?)));
            }
            at = at.saturating_add(piece);
        }
        None
    }

    /// Reads a text whose length is not known. It ends with a brace and a line feed before the first zero, behind which
    /// there may be the name of the next entry.
    fn text(&self, at: u64) -> Vec<u8> {
        let mut text: Vec<u8> = Vec::new();
        let piece = u64::try_from(PIECE).unwrap_or(PAGE);
        loop {
            let from = at.saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX));
            let bytes = self.read(from, piece);
            let zero = bytes.iter().position(|byte| *byte == 0);
            text.extend_from_slice(bytes.get(..zero.unwrap_or(bytes.len())).unwrap_or_default());
            let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
            if zero.is_some() || bytes.is_empty() || length > contents::MAX_SIZE {
                break;
            }
        }
        let end = text.windows(2).rposition(|two| two == b"}\n").map_or(0, |brace| brace.saturating_add(2));
        text.truncate(end);
        text
    }
}

/// Returns the size of an entry whose header is as it must be.
fn whole_size(name: &str, block: &[u8]) -> Option<u64> {
    stated_size(block).filter(|size| entry_header(name, *size) == block)
}

/// Returns whether the block is the header of `name`, but for some wrong bytes.
fn is_near(name: &str, block: &[u8]) -> bool {
    let expected = entry_header(name, stated_size(block).unwrap_or_default());
    let wrong = expected.iter().zip(block).filter(|(a, b)| a != b).count();
    block.len() == expected.len() && (wrong == 0 || wrong <= WRONG && !is_intact(block))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_with_some_wrong_bytes_is_told_from_another_one() {
        let header = entry_header("bundle.json", 4711);
        let mut near = header.clone();
        near[3] ^= 1;
        near[130] = b'x';
        assert!(is_near("bundle.json", &header) && is_near("bundle.json", &near));
        for other in [entry_header("index.json", 4711), vec![0; 512], vec![b' '; 512], header[..511].to_vec()]
        {
            assert!(!is_near("bundle.json", &other), "{other:?}");
        }
    }

    #[test]
    fn a_text_ends_with_its_last_brace() {
        for (file, expected) in [
            ("{\"a\":{}}\n\0\0\0", "{\"a\":{}}\n"),
            ("{}\nblobs/sha256/00\0", "{}\n"),
            ("{}\n", "{}\n"),
            ("{\0}\n", ""),
            ("", ""),
        ] {
            let file = file.as_bytes().to_vec();
            assert_eq!(Remains::new(&file).text(0), expected.as_bytes());
        }
    }
}
