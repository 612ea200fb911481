//! Reads a stretch of a bundle from its beginning to its end through one buffer.

use std::io;

use crate::content::jobs::Stop;
use crate::content::progress::Progress;
use crate::content::read_at::{PIECE, ReadAt};
use crate::model::digest::Hasher;
use crate::model::error::Error;

/// So many bytes are read at a time after a read has failed: the smallest piece that a medium loses.
const SMALL: u64 = 4096;

/// A stretch of a file, read in order. Positions are bytes from the start of the file.
#[derive(Debug)]
pub(super) struct Sequential<'a> {
    file: &'a dyn ReadAt,
    stop: &'a Stop,
    progress: &'a dyn Progress,
    buffer: Vec<u8>,
    /// What of the buffer is not used yet.
    from: usize,
    to: usize,
    /// Where the byte after `to` stands in the file, and where the stretch ends.
    at: u64,
    end: u64,
}

/// Why a read ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// The medium does not give the bytes at this position.
    Unreadable(u64, io::Error),
    /// Nobody waits any more.
    Stopped(Error),
}

impl<'a> Sequential<'a> {
    /// Begins at `at`; nothing at or after `end` is read.
    pub(super) fn new(
        file: &'a dyn ReadAt,
        at: u64,
        end: u64,
        stop: &'a Stop,
        progress: &'a dyn Progress,
    ) -> Self {
        let length = end.saturating_sub(at).min(u64::try_from(PIECE).unwrap_or(u64::MAX));
        let buffer = vec![0; usize::try_from(length).unwrap_or(PIECE)];
        Self { file, stop, progress, buffer, from: 0, to: 0, at, end }
    }

    /// Returns where the next byte stands.
    pub(super) fn position(&self) -> u64 {
        let left = self.to.saturating_sub(self.from);
        self.at.saturating_sub(u64::try_from(left).unwrap_or_default())
    }

    /// Returns where the stretch ends.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Goes on at `position`, which is not before the present one.
    pub(super) fn skip_to(&mut self, position: u64) {
        if position < self.at {
            let left = usize::try_from(self.at.saturating_sub(position)).unwrap_or(usize::MAX);
            self.from = self.to.saturating_sub(left).max(self.from);
        } else {
            (self.from, self.to, self.at) = (0, 0, position);
        }
    }

    /// Returns the next bytes, at least one and at most `limit`; none at the end of the stretch.
    pub(super) fn next(&mut self, limit: u64) -> Result<&[u8], Ended> {
        if self.from == self.to {
            self.fill()?;
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let end = self.to.min(self.from.saturating_add(limit));
        let bytes = self.buffer.get(self.from..end).unwrap_or_default();
        self.from = end;
        Ok(bytes)
    }

    /// Returns the next `size` bytes, fewer at the end of the stretch.
    pub(super) fn take(&mut self, size: u64) -> Result<Vec<u8>, Ended> {
        let end = self.position().saturating_add(size).min(self.end);
        let mut bytes = Vec::new();
        while self.position() < end {
            bytes.extend_from_slice(self.next(end.saturating_sub(self.position()))?);
        }
        Ok(bytes)
    }

    fn fill(&mut self) -> Result<(), Ended> {
        self.stop.check().map_err(Ended::Stopped)?;
        let rest = self.end.saturating_sub(self.at);
        let length = usize::try_from(rest).unwrap_or(usize::MAX).min(self.buffer.len());
        let small = usize::try_from(SMALL - self.at % SMALL).unwrap_or(length).min(length);
        let mut read = Err(io::ErrorKind::UnexpectedEof.into());
        for length in [length, small] {
            let piece = self.buffer.get_mut(..length).unwrap_or_default();
            read = self.file.read_exact_at(piece, self.at).map(|()| length);
            if read.is_ok() {
                break;
            }
        }
        let length = read.map_err(|error| Ended::Unreadable(self.at, error))?;
        (self.from, self.to) = (0, length);
        self.at = self.at.saturating_add(u64::try_from(length).unwrap_or_default());
        self.progress.moved(u64::try_from(length).unwrap_or_default());
        Ok(())
    }

    /// Reads as many bytes as `expected` has and returns where the first one differs.
    pub(super) fn expect(&mut self, mut expected: &[u8]) -> Result<Option<u64>, Ended> {
        let mut differs = None;
        while !expected.is_empty() {
            let position = self.position();
            let got = self.next(u64::try_from(expected.len()).unwrap_or(u64::MAX))?;
            if got.is_empty() {
                return Ok(differs.or(Some(position)));
            }
            let (now, later) = expected.split_at_checked(got.len()).unwrap_or_default();
            if differs.is_none() && now != got {
                let same = now.iter().zip(got).take_while(|(a, b)| a == b).count();
                differs = Some(position.saturating_add(u64::try_from(same).unwrap_or_default()));
            }
            expected = later;
        }
        Ok(differs)
    }

    /// Reads `size` zeros, at most two blocks, and returns where the first byte is not zero.
    pub(super) fn expect_zeros(&mut self, size: u64) -> Result<Option<u64>, Ended> {
        let zeros = [0; 1024];
        self.expect(zeros.get(..usize::try_from(size).unwrap_or(usize::MAX)).unwrap_or(&zeros))
    }

    /// Reads `size` bytes into `hasher`.
    pub(super) fn hash(&mut self, size: u64, hasher: &mut Hasher) -> Result<(), Ended> {
        let mut left = size;
        while left > 0 {
            let got = self.next(left)?;
            if got.is_empty() {
                break;
            }
            hasher.update(got);
            left = left.saturating_sub(u64::try_from(got.len()).unwrap_or(left));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::progress::Silent;
    use crate::model::digest::{Algorithm, Digest};

    /// Gives no byte of one page, as a worn stick does.
    #[derive(Debug)]
    struct Worn(Vec<u8>, u64);

    impl ReadAt for Worn {
        fn len(&self) -> io::Result<u64> {
            ReadAt::len(&self.0)
        }
        fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
            let end = offset + u64::try_from(buffer.len()).unwrap();
            if offset < self.1 + SMALL && self.1 < end {
                return Err(io::Error::other("worn out"));
            }
            self.0.read_exact_at(buffer, offset)
        }
    }

    #[test]
    fn says_where_bytes_differ() {
        let file: Vec<u8> = (0..2_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
        let stop = Stop::default();
        let mut reader = Sequential::new(&file, 0, 2_000_000, &stop, &Silent);
        let mut wrong = file[..700_000].to_vec();
        wrong[600_000] ^= 1;
        assert_eq!(reader.expect(&wrong).unwrap(), Some(600_000));
        assert_eq!(reader.position(), 700_000);
        reader.skip_to(700_007);
        assert_eq!(reader.expect(&file[700_007..800_000]).unwrap(), None);
        reader.skip_to(1_999_000);
        let mut hasher = Hasher::new(Algorithm::Sha256);
        reader.hash(1000, &mut hasher).unwrap();
        assert_eq!(hasher.finish(), Digest::sha256(&file[1_999_000..]));
        assert_eq!(reader.expect_zeros(1).unwrap(), Some(2_000_000));
    }

    #[test]
    fn a_bad_page_costs_itself_alone() {
        let worn = Worn(vec![7; 100_000], 40_960);
        let stop = Stop::default();
        let mut reader = Sequential::new(&worn, 100, 100_000, &stop, &Silent);
        let mut hasher = Hasher::new(Algorithm::Sha256);
        assert!(matches!(reader.hash(99_900, &mut hasher), Err(Ended::Unreadable(40_960, _))));
        reader.skip_to(45_056);
        assert_eq!(reader.expect(&vec![7; 54_944]).unwrap(), None);
    }
}
