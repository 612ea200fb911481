//! Manifests that were fetched for a plan, kept beside an unfinished bundle: a plan that dies at a rate limit does not
//! begin again. They are in memory while all goes well, and are written only where it does not.
//!
//! The file is a line of JSON, which says what follows it, and the bytes of each manifest. It is a hint only: whatever
//! it says is proven by its digest before it counts.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::model::digest::{Digest, Hasher};

/// Not more bytes are kept than this: 64 MiB.
const MAX_BYTES: u64 = 64 << 20;
/// The longest first line: 32 MiB.
const MAX_LINE: u64 = 32 << 20;
/// Not more manifests are kept than this, nor more tags.
const MAX_COUNT: usize = 100_000;

/// What was fetched by this run and by those before it that did not come to an end.
#[derive(Debug, Default)]
pub struct Kept {
    /// Where it is written to; nowhere where nothing is to be kept.
    path: Option<Utf8PathBuf>,
    state: Mutex<State>,
    /// Whether a run that ends now would go on from here.
    unwanted: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    tags: BTreeMap<String, Digest>,
    manifests: BTreeMap<Digest, (String, Bytes)>,
    bytes: u64,
    /// Whether anything is not in the file yet.
    fresh: bool,
}

/// The first line of the file.
#[derive(Serialize, Deserialize)]
struct Line {
    /// What each reference named when it was last asked.
    tags: BTreeMap<String, Digest>,
    /// Digest, media type and size of each manifest, in the order of their bytes.
    manifests: Vec<(Digest, String, u64)>,
}

impl Kept {
    /// Reads the file at `path` as far as it makes sense, and will write there.
    pub(super) fn open(path: Utf8PathBuf) -> Self {
        let state = read(&path).unwrap_or_default();
        Self { path: Some(path), state: Mutex::new(state), unwanted: AtomicBool::new(false) }
    }

    /// Returns what a reference named when it was last asked.
    pub fn tag(&self, reference: &str) -> Option<Digest> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).tags.get(reference).copied()
    }

    /// Returns media type and bytes of a manifest, proven.
    pub fn manifest(&self, digest: &Digest) -> Option<(String, Bytes)> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (media_type, bytes) = state.manifests.get(digest)?.clone();
        drop(state);
        let mut hasher = Hasher::new(digest.algorithm());
        hasher.update(&bytes);
        (hasher.finish() == *digest).then_some((media_type, bytes))
    }

    /// Keeps a manifest, as long as there is room.
    pub fn keep(&self, digest: Digest, media_type: &str, bytes: &Bytes) {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = state.bytes.saturating_add(size) <= MAX_BYTES && state.manifests.len() < MAX_COUNT;
        if self.path.is_some() && fits && !state.manifests.contains_key(&digest) {
            state.manifests.insert(digest, (media_type.to_owned(), bytes.clone()));
            state.bytes = state.bytes.saturating_add(size);
            state.fresh = true;
        }
    }

    /// Remembers what a reference names.
    pub fn keep_tag(&self, reference: String, digest: Digest) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.path.is_some() && state.tags.len() < MAX_COUNT {
            state.fresh |= state.tags.insert(reference, digest) != Some(digest);
        }
    }

    /// Says whether what is fetched would help the same command another time: after a fault that passes, or a signal, but
    /// not after a mistake.
    pub fn want(&self, wanted: bool) {
        self.unwanted.store(!wanted, Ordering::Relaxed);
    }

    /// Returns whether what is fetched would be kept, and there is something.
    pub fn is_wanted(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        !self.unwanted.load(Ordering::Relaxed) && !state.manifests.is_empty()
    }

    /// Writes what is not in the file yet, where that is wanted.
    pub(super) fn close(&self) {
        let wanted = !self.unwanted.load(Ordering::Relaxed);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = std::mem::take(&mut state.fresh);
        if let (Some(path), true, true) = (&self.path, wanted, fresh) {
            // What cannot be written is fetched again: nobody's failure.
            if write(path, &state).is_err() {
                let _ = fs::remove_file(beside(path));
            }
        }
    }
}

fn beside(path: &Utf8Path) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{path}.new"))
}

fn write(path: &Utf8Path, state: &State) -> io::Result<()> {
    let manifests = state.manifests.iter().map(|(digest, (media_type, bytes))| {
        (*digest, media_type.clone(), u64::try_from(bytes.len()).unwrap_or(u64::MAX))
    });
    let line = Line { tags: state.tags.clone(), manifests: manifests.collect() };
    let mut file = BufWriter::new(File::create(beside(path))?);
    serde_json::to_writer(&mut file, &line)?;
    file.write_all(b"\n")?;
    for (_, bytes) in state.manifests.values() {
        file.write_all(bytes)?;
    }
    file.into_inner().map_err(io::IntoInnerError::into_error)?;
    fs::rename(beside(path), path)
}

fn read(path: &Utf8Path) -> Option<State> {
    let mut file = BufReader::new(File::open(path).ok()?);
    let mut line = Vec::new();
    file.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).ok()?;
    let line: Line = serde_json::from_slice(&line).ok()?;
    let mut state = State { tags: line.tags, ..State::default() };
    for (digest, media_type, size) in line.manifests.into_iter().take(MAX_COUNT) {
        state.bytes = state.bytes.checked_add(size).filter(|bytes| *bytes <= MAX_BYTES)?;
        let mut bytes = Vec::new();
        file.by_ref().take(size).read_to_end(&mut bytes).ok()?;
        state.manifests.insert(digest, (media_type, bytes.into()));
    }
    Some(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::try_from(folder.path().join("manifests")).unwrap();
        (folder, path)
    }

    #[test]
    fn what_was_kept_is_there_again_and_proven() {
        let (_folder, path) = place();
        let (one, two) = (Bytes::from_static(b"{}"), Bytes::from_static(b"{\"a\":1}\n"));
        let kept = Kept::open(path.clone());
        kept.keep(Digest::sha256(&one), "a/b", &one);
        kept.keep(Digest::sha256(&two), "", &two);
        kept.keep_tag("h/r:1".to_owned(), Digest::sha256(&one));
        kept.close();
        let again = Kept::open(path.clone());
        assert_eq!(again.tag("h/r:1"), Some(Digest::sha256(&one)));
        assert_eq!(again.manifest(&Digest::sha256(&one)), Some(("a/b".to_owned(), one.clone())));
        assert_eq!(again.manifest(&Digest::sha256(&two)), Some((String::new(), two.clone())));
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, &bytes).unwrap();
        let damaged = Kept::open(path.clone());
        let held = [&one, &two].map(|bytes| damaged.manifest(&Digest::sha256(bytes)).is_some());
        assert_eq!(held.iter().filter(|held| **held).count(), 1, "the last one is not what it was");
        for text in ["", "{", "{}\n", "{\"tags\":{},\"manifests\":[[\"sha256:..\",\"\",1]]}\n"] {
            fs::write(&path, text).unwrap();
            assert_eq!(Kept::open(path.clone()).tag("h/r:1"), None, "{text}");
        }
    }

    #[test]
    fn nothing_is_written_where_nothing_is_new_or_wanted() {
        let (_folder, path) = place();
        let bytes = Bytes::from_static(b"{}");
        let kept = Kept::open(path.clone());
        kept.keep(Digest::sha256(&bytes), "", &bytes);
        kept.want(false);
        kept.close();
        assert!(!path.exists());
        Kept::open(path.clone()).close();
        assert!(!path.exists());
        Kept::default().keep(Digest::sha256(&bytes), "", &bytes);
        assert_eq!(Kept::default().manifest(&Digest::sha256(&bytes)), None);
    }

    #[test]
    fn not_more_is_kept_than_there_is_room_for() {
        let (_folder, path) = place();
        let kept = Kept::open(path);
        let held = (0..9_u8).filter(|number| {
            let bytes = Bytes::from(vec![*number; 8 << 20]);
            // The digest is not looked at before it is read.
            let digest = Digest::sha256(&[*number]);
            kept.keep(digest, "", &bytes);
            kept.state.lock().unwrap().manifests.contains_key(&digest)
        });
        assert_eq!(held.count(), 8);
    }
}
