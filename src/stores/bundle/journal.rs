//! What an unfinished bundle remembers: which slots were filled, and how far the long ones are. It is a hint only:
//! whatever it says is hashed again before it counts, so nothing depends on what a power cut left.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};

use camino::Utf8Path;

use crate::model::contents::MAX_ENTRIES;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};

/// The longest journal that is read: a line for each entry, several for the long ones.
const MAX_SIZE: u64 = 256 << 20;

/// An append-only file of lines `DIGEST BYTES`.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: String,
}

impl Journal {
    /// Opens the journal at `path`, making it where it is missing, and returns how many bytes of each blob it claims.
    pub fn open(path: &Utf8Path) -> Result<(Self, HashMap<Digest, u64>)> {
        let doing = || format!("opening `{path}`");
        let mut file =
            OpenOptions::new().create(true).read(true).append(true).open(path).map_err(Error::io(doing()))?;
        let mut bytes = Vec::new();
        std::io::Read::by_ref(&mut file)
            .take(MAX_SIZE)
            .read_to_end(&mut bytes)
            .map_err(Error::io(doing()))?;
        Ok((Self { file, path: path.to_string() }, parse(&bytes)))
    }

    /// Notes that the first `bytes` bytes of a blob are in its slot.
    pub fn note(&self, digest: &Digest, bytes: u64) -> Result<()> {
        (&self.file)
            .write_all(format!("{digest} {bytes}\n").as_bytes())
            .map_err(Error::io(format!("writing `{}`", self.path)))
    }
}

/// Reads the lines that are whole and makes sense of the last one for each blob; a torn line says nothing.
fn parse(bytes: &[u8]) -> HashMap<Digest, u64> {
    let mut claims = HashMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let parsed = std::str::from_utf8(line).ok().and_then(|line| {
            let (digest, bytes) = line.split_once(' ')?;
            Some((digest.parse().ok()?, bytes.parse().ok()?))
        });
        if let Some((digest, bytes)) = parsed.filter(|_| claims.len() < MAX_ENTRIES) {
            claims.insert(digest, bytes);
        }
    }
    claims
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_whole_line_counts() {
        let (a, b) = (Digest::sha256(b"a"), Digest::sha256(b"b"));
        let text = format!("{a} 5\n\nnonsense\n{a} 9\n{b} 7\n{b}");
        assert_eq!(parse(text.as_bytes()), HashMap::from([(a, 9), (b, 7)]));
        assert!(parse(&[0xff, b'\n', b' ']).is_empty());
    }
}
