//! What an unfinished bundle remembers: which slots were filled, and how far the long ones are. It is a hint only:
//! whatever it says is hashed again before it counts, so nothing depends on what a power cut left.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};

use camino::Utf8Path;

use crate::model::contents::MAX_ENTRIES;
use crate::model::error::{Error, Result};

/// The longest journal that is read: a line for each entry, several for the long ones.
const MAX_SIZE: u64 = 256 << 20;

/// An append-only file of lines `POSITION BYTES`: which blob of the plan, counted from 0, and how much of it is there.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: String,
}

impl Journal {
    /// Opens the journal at `path`, making it where it is missing, and returns how many bytes of each
    /// blob it claims.
    pub fn open(path: &Utf8Path) -> Result<(Self, HashMap<usize, u64>)> {
        let doing = || format!("opening `{path}`");
        let mut file =
            OpenOptions::new().create(true).read(true).append(true).open(path).map_err(Error::io(doing()))?;
        let mut bytes = Vec::new();
        std::io::Read::by_ref(&mut file)
            .take(MAX_SIZE)
            .read_to_end(&mut bytes)
            .map_err(Error::io(doing()))?;
        if bytes.last().is_some_and(|last| *last != b'\n') {
            // What a power cut tore must not run into what comes next.
            file.write_all(b"\n").map_err(Error::io(doing()))?;
        }
        Ok((Self { file, path: path.to_string() }, parse(&bytes)))
    }

    /// Notes that the first `bytes` bytes of the blob at `position` are in its slot.
    pub fn note(&self, position: usize, bytes: u64) -> Result<()> {
        (&self.file)
            .write_all(format!("{position} {bytes}\n").as_bytes())
            .map_err(Error::io(format!("writing `{}`", self.path)))
    }
}

/// Reads the lines that are whole and makes sense of the last one for each blob; a torn line says nothing.
fn parse(bytes: &[u8]) -> HashMap<usize, u64> {
    let mut claims = HashMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let parsed = std::str::from_utf8(line).ok().and_then(|line| {
            let (position, bytes) = line.split_once(' ')?;
            Some((position.parse().ok()?, bytes.parse().ok()?))
        });
        if let Some((position, bytes)) = parsed.filter(|(position, _)| *position < MAX_ENTRIES) {
            claims.insert(position, bytes);
        }
    }
    claims
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_whole_line_counts() {
        let text = "3 5\n\nnonsense\n3 9\n0 7\n1000000 7\n0";
        assert_eq!(parse(text.as_bytes()), HashMap::from([(3, 9), (0, 7)]));
        assert!(parse(&[0xff, b'\n', b' ']).is_empty());
    }

    #[test]
    fn a_torn_line_does_not_run_into_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = camino::Utf8PathBuf::try_from(folder.path().join("journal")).unwrap();
        std::fs::write(&path, "1 5\n2").unwrap();
        Journal::open(&path).unwrap().0.note(3, 4).unwrap();
        assert_eq!(Journal::open(&path).unwrap().1, HashMap::from([(1, 5), (3, 4)]));
    }
}
