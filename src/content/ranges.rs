//! Bytes that are far away, fetched in blocks as they are needed.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::read_at::ReadAt;

/// The length of a block: 256 KiB, so that the tables of most squashfs images are in one or two.
const BLOCK: usize = 256 << 10;
/// So many blocks are kept, 8 MiB, and fetched at once at most.
const MAX_KEPT: u8 = 32;

/// Fetches so many bytes from an offset on; all of them, or an error.
type Fetch = Box<dyn Fn(u64, usize) -> io::Result<Bytes> + Send + Sync>;

/// A file that is read in ranges. What was fetched lately is kept.
pub struct Ranges {
    size: u64,
    fetch: Fetch,
    /// Blocks by their numbers, the one that was used last at the end.
    kept: Mutex<VecDeque<(u64, Bytes)>>,
}

impl fmt::Debug for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ranges").field("size", &self.size).finish_non_exhaustive()
    }
}

impl Ranges {
    /// Reads a file of `size` bytes through `fetch`, which is called with an offset and a length inside of it.
    pub fn new(size: u64, fetch: impl Fn(u64, usize) -> io::Result<Bytes> + Send + Sync + 'static) -> Self {
        Self { size, fetch: Box::new(fetch), kept: Mutex::default() }
    }

    /// Returns how long the first block of a file of `size` bytes is.
    pub fn first_block(size: u64) -> usize {
        usize::try_from(size).unwrap_or(usize::MAX).min(BLOCK)
    }

    /// Keeps the first block, where somebody has fetched it to see whether ranges are to be had.
    #[must_use]
    pub fn with_first_block(self, bytes: Bytes) -> Self {
        if bytes.len() == Self::first_block(self.size) {
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).push_back((0, bytes));
        }
        self
    }

    /// Returns the blocks from `first` to `last` (at most [`MAX_KEPT`]); those that are missing are fetched, and each run
    /// of them at once.
    fn blocks(&self, first: u64, last: u64) -> io::Result<Vec<Bytes>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let block = u64::try_from(BLOCK).unwrap_or(u64::MAX);
        let mut found: Vec<Bytes> = Vec::new();
        let mut next = first;
        while next <= last {
            if let Some(at) = kept.iter().position(|(number, _)| *number == next) {
                if let Some((number, bytes)) = kept.remove(at) {
                    found.push(bytes.clone());
                    kept.push_back((number, bytes));
                }
                next = next.saturating_add(1);
                continue;
            }
            let mut run = next;
            while run < last && kept.iter().all(|(number, _)| *number != run.saturating_add(1)) {
                run = run.saturating_add(1);
            }
            let begin = next.saturating_mul(block);
            let end = run.saturating_add(1).saturating_mul(block).min(self.size);
            let length = usize::try_from(end.saturating_sub(begin)).map_err(io::Error::other)?;
            let mut bytes = (self.fetch)(begin, length)?;
            if bytes.len() != length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            for number in next..=run {
                let one = bytes.split_to(bytes.len().min(BLOCK));
                found.push(one.clone());
                kept.push_back((number, one));
            }
            while kept.len() > usize::from(MAX_KEPT) {
                kept.pop_front();
            }
            next = run.saturating_add(1);
        }
        Ok(found)
    }
}

impl ReadAt for Ranges {
    fn len(&self) -> io::Result<u64> {
        Ok(self.size)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let (block, length) = (u64::try_from(BLOCK), u64::try_from(buffer.len()));
        let (block, length) = (block.map_err(io::Error::other)?, length.map_err(io::Error::other)?);
        let end = offset.checked_add(length).filter(|end| *end <= self.size);
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut at = offset;
        let mut rest = buffer;
        while at < end {
            let first = at / block;
            let last = (end.saturating_sub(1) / block)
                .min(first.saturating_add(u64::from(MAX_KEPT).saturating_sub(1)));
            let mut skip = usize::try_from(at % block).map_err(io::Error::other)?;
            for bytes in self.blocks(first, last)? {
                let from = bytes.get(skip..).unwrap_or_default();
                skip = 0;
                let taken = from.len().min(rest.len());
                let (filled, left) = std::mem::take(&mut rest).split_at_mut(taken);
                filled.copy_from_slice(from.get(..taken).unwrap_or_default());
                rest = left;
                at = at.saturating_add(u64::try_from(taken).map_err(io::Error::other)?);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    type Asked = Arc<Mutex<Vec<(u64, usize)>>>;

    fn ranges(size: usize) -> (Vec<u8>, Ranges, Asked) {
        let content: Vec<u8> =
            (0..size).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1] ^ n.to_le_bytes()[2]).collect();
        let (source, asked) = (Bytes::from(content.clone()), Asked::default());
        let noted = Arc::clone(&asked);
        let fetch = move |offset, length| {
            noted.lock().unwrap().push((offset, length));
            let offset = usize::try_from(offset).unwrap();
            Ok(source.slice(offset..offset + length))
        };
        (content, Ranges::new(size.try_into().unwrap(), fetch), asked)
    }

    fn read(ranges: &Ranges, offset: usize, length: usize) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0; length];
        ranges.read_exact_at(&mut buffer, offset.try_into().unwrap()).map(|()| buffer)
    }

    #[test]
    fn the_first_block_is_not_fetched_twice() {
        for size in [1, BLOCK, BLOCK + 1, 3 * BLOCK] {
            let (content, ranges, asked) = ranges(size);
            let first = Ranges::first_block(u64::try_from(size).unwrap());
            assert_eq!(first, size.min(BLOCK));
            // What is no block is not kept.
            let other = Bytes::from_static(b"another length");
            let ranges =
                ranges.with_first_block(other).with_first_block(Bytes::copy_from_slice(&content[..first]));
            assert_eq!(read(&ranges, 0, size).unwrap(), content);
            assert!(asked.lock().unwrap().iter().all(|(offset, _)| *offset > 0), "{size}");
        }
    }

    #[test]
    fn every_part_is_what_it_is_and_fetched_once() {
        let (content, ranges, asked) = ranges(3 * BLOCK + 100);
        for (offset, length) in [
            (0, 96),
            (10, 5),
            (BLOCK - 1, 2),
            (3 * BLOCK + 99, 1),
            (0, 3 * BLOCK + 100),
            (BLOCK, 0),
            (7, 2 * BLOCK),
        ] {
            assert!(
                read(&ranges, offset, length).unwrap() == content[offset..offset + length],
                "{offset} {length}"
            );
        }
        let block = u64::try_from(BLOCK).unwrap();
        assert_eq!(
            *asked.lock().unwrap(),
            [(0, BLOCK), (block, BLOCK), (3 * block, 100), (2 * block, BLOCK)]
        );
    }

    #[test]
    fn neighbours_are_fetched_together() {
        let (content, ranges, asked) = ranges(10 * BLOCK);
        assert!(read(&ranges, 5, 3 * BLOCK).unwrap() == content[5..5 + 3 * BLOCK]);
        assert_eq!(*asked.lock().unwrap(), [(0, 4 * BLOCK)]);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let (content, ranges, asked) = ranges((usize::from(MAX_KEPT) + 8) * BLOCK);
        assert!(read(&ranges, 0, content.len()).unwrap() == content);
        assert_eq!(ranges.kept.lock().unwrap().len(), usize::from(MAX_KEPT));
        let before = asked.lock().unwrap().len();
        read(&ranges, content.len() - 1, 1).unwrap();
        assert_eq!(asked.lock().unwrap().len(), before, "the last one is kept");
        read(&ranges, 0, 1).unwrap();
        assert_eq!(asked.lock().unwrap().len(), before + 1, "the first one is not");
    }

    #[test]
    fn the_end_is_the_end() {
        let (_, ranges, asked) = ranges(100);
        for (offset, length) in [(0, 101), (100, 1), (usize::MAX, 1)] {
            assert_eq!(read(&ranges, offset, length).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
        assert!(asked.lock().unwrap().is_empty());
        let short = Ranges::new(100, |_, _| Ok(Bytes::from_static(b"short")));
        assert_eq!(read(&short, 0, 1).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
