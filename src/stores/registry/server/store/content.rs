//! Bytes that a store hands out, whole or in part.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;

use bytes::Bytes;

/// How much is read from a file at a time: 512 KiB.
const PIECE: u64 = 512 << 10;

/// The bytes of one digest.
#[derive(Debug)]
pub enum Content {
    /// In memory; handing them out copies nothing.
    Memory(Bytes),
    /// A stretch of a file.
    File {
        /// The file, with a position of its own.
        file: File,
        /// Where the bytes begin in it.
        offset: u64,
        /// How many there are.
        size: u64,
    },
}

impl Content {
    /// Returns the number of bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::Memory(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::File { size, .. } => *size,
        }
    }

    /// Returns the bytes of a range in pieces; what lies beyond the end is left out.
    pub fn pieces(self, range: Range<u64>) -> io::Result<Pieces> {
        let end = range.end.min(self.size());
        let start = range.start.min(end);
        match self {
            Self::Memory(bytes) => {
                let index = |at: u64| usize::try_from(at).map_err(io::Error::other);
                Ok(Pieces::Memory(bytes.slice(index(start)?..index(end)?)))
            }
            Self::File { mut file, offset, .. } => {
                file.seek(SeekFrom::Start(offset.saturating_add(start)))?;
                Ok(Pieces::File { file, left: end - start })
            }
        }
    }

    /// Reads everything, at most `limit` bytes.
    pub fn read(self, limit: u64) -> io::Result<Bytes> {
        if self.size() > limit {
            return Err(io::Error::other(format!("more than {limit} bytes")));
        }
        let mut whole = Vec::new();
        let size = self.size();
        for piece in self.pieces(0..size)? {
            let piece = piece?;
            if whole.is_empty() && u64::try_from(piece.len()).is_ok_and(|length| length == size) {
                return Ok(piece);
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.into())
    }
}

/// The pieces of some content, in order; none is longer than 512 KiB unless it is in memory already.
#[derive(Debug)]
pub enum Pieces {
    /// What is left, in memory.
    Memory(Bytes),
    /// What is left, from the file's position on.
    File {
        /// The file.
        file: File,
        /// How many bytes are left.
        left: u64,
    },
}

impl Pieces {
    /// Returns how many bytes are left.
    pub fn left(&self) -> u64 {
        match self {
            Self::Memory(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::File { left, .. } => *left,
        }
    }
}

impl Iterator for Pieces {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left() == 0 {
            return None;
        }
        match self {
            Self::Memory(bytes) => Some(Ok(std::mem::take(bytes))),
            Self::File { file, left } => {
                let want = PIECE.min(*left);
                let mut piece = Vec::with_capacity(usize::try_from(want).unwrap_or_default());
                match file.by_ref().take(want).read_to_end(&mut piece) {
                    Ok(read) if u64::try_from(read).is_ok_and(|read| read == want) => *left -= want,
                    Ok(_) => {
                        *left = 0;
                        return Some(Err(io::ErrorKind::UnexpectedEof.into()));
                    }
                    Err(error) => {
                        *left = 0;
                        return Some(Err(error));
                    }
                }
                Some(Ok(piece.into()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn both(bytes: &[u8]) -> [Content; 2] {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"head").unwrap();
        file.write_all(bytes).unwrap();
        let size = u64::try_from(bytes.len()).unwrap();
        [Content::Memory(Bytes::copy_from_slice(bytes)), Content::File { file, offset: 4, size }]
    }

    fn joined(content: Content, range: Range<u64>) -> Vec<u8> {
        content.pieces(range).unwrap().flat_map(|piece| piece.unwrap().to_vec()).collect()
    }

    #[test]
    fn hands_out_ranges() {
        for (range, expected) in
            [(0..5, "hello"), (1..3, "el"), (4..99, "o"), (5..9, ""), (9..99, ""), (0..0, "")]
        {
            for content in both(b"hello") {
                assert_eq!(joined(content, range.clone()), expected.as_bytes(), "{range:?}");
            }
        }
    }

    #[test]
    fn reads_more_than_one_piece() {
        let bytes: Vec<u8> = (0..=250).cycle().take(1_300_000).collect();
        for content in both(&bytes) {
            assert_eq!(joined(content, 0..u64::MAX), bytes);
        }
        for content in both(&bytes) {
            assert_eq!(content.read(1_300_000).unwrap(), bytes);
        }
        for content in both(&bytes) {
            assert!(content.read(1_299_999).is_err());
        }
    }

    #[test]
    fn says_where_a_file_is_too_short() {
        let file = tempfile::tempfile().unwrap();
        let mut pieces = Content::File { file, offset: 0, size: 3 }.pieces(0..3).unwrap();
        assert!(pieces.next().unwrap().is_err());
        assert!(pieces.next().is_none());
    }
}
