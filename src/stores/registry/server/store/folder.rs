//! A store in a folder, which outlives the server.
//!
//! ```text
//! blobs/sha256/HEX                             the bytes, once for all repositories
//! repositories/NAME/_blobs/sha256/HEX          empty: the repository holds this blob
//! repositories/NAME/_manifests/sha256/HEX      its media type: the repository holds this manifest
//! repositories/NAME/_tags/TAG                  the digest that the tag points at
//! uploads/                                     bytes that have no name yet; emptied at start
//! lock                                         held by the server that uses the folder
//! ```
//! A part of a repository path never begins with `_`, so no repository can take the place of these folders. Files get
//! their names by rename and are not synced: after a power cut, push again.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{Change, Content, Stage, Store, What};
use crate::model::digest::Digest;
use crate::model::reference::{is_repository, is_tag};

/// The longest record file that is read: a media type or a digest.
const RECORD: u64 = 4096;

/// Content in a folder.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    /// Locked for as long as it is open.
    _lock: File,
}

impl Folder {
    /// Opens the store in `root`, which is created where it is missing, and drops uploads that were never finished.
    /// Two servers cannot use one folder at the same time.
    pub fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        let lock = File::create(root.join("lock"))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::Error(error) => error,
            TryLockError::WouldBlock => {
                io::Error::new(io::ErrorKind::ResourceBusy, "another server uses this folder")
            }
        })?;
        let uploads = root.join("uploads");
        match fs::remove_dir_all(&uploads) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        for folder in ["blobs/sha256", "blobs/sha512", "repositories", "uploads"] {
            fs::create_dir_all(root.join(folder))?;
        }
        Ok(Self { root: root.to_owned(), _lock: lock })
    }

    fn temporary(&self) -> io::Result<NamedTempFile> {
        NamedTempFile::new_in(self.root.join("uploads"))
    }

    /// Writes a record under its final name in one step.
    fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = self.temporary()?;
        file.write_all(text.as_bytes())?;
        file.persist(path)?;
        Ok(())
    }

    fn repository(&self, name: &str) -> PathBuf {
        self.root.join("repositories").join(name)
    }

    /// Collects the records of one repository.
    fn load_repository(&self, name: &str, changes: &mut Vec<Change>) -> io::Result<()> {
        let folder = self.repository(name);
        let mut add = |what| changes.push(Change { repository: name.to_owned(), what });
        for algorithm in ["sha256", "sha512"] {
            for (hex, path) in list(&folder.join("_blobs").join(algorithm))? {
                add(What::Blob(digest(algorithm, &hex, &path)?));
            }
            for (hex, path) in list(&folder.join("_manifests").join(algorithm))? {
                add(What::Manifest(digest(algorithm, &hex, &path)?, read(&path)?));
            }
        }
        for (tag, path) in list(&folder.join("_tags"))? {
            let target = read(&path)?.parse().map_err(|error| foreign(&path, &error))?;
            if !is_tag(&tag) {
                return Err(foreign(&path, &"not a tag"));
            }
            add(What::Tag(tag, target));
        }
        Ok(())
    }
}

impl Store for Folder {
    fn load(&self) -> io::Result<Vec<Change>> {
        let mut changes = Vec::new();
        // A repository path has at most 255 bytes, which bounds how deep this goes.
        let mut waiting = vec![String::new()];
        while let Some(name) = waiting.pop() {
            if !name.is_empty() {
                self.load_repository(&name, &mut changes)?;
            }
            for (part, path) in list(&self.repository(&name))? {
                if part.starts_with('_') {
                    continue;
                }
                let deeper = if name.is_empty() { part } else { format!("{name}/{part}") };
                if !is_repository(&deeper) {
                    return Err(foreign(&path, &"not a repository"));
                }
                waiting.push(deeper);
            }
        }
        Ok(changes)
    }

    fn record(&self, change: &Change) -> io::Result<()> {
        let folder = self.repository(&change.repository);
        let at = |kind: &str, digest: &Digest| {
            folder.join(kind).join(digest.algorithm().name()).join(digest.hex())
        };
        match &change.what {
            What::Blob(digest) => self.write(&at("_blobs", digest), ""),
            What::BlobGone(digest) => remove(&at("_blobs", digest)),
            What::Manifest(digest, media_type) => self.write(&at("_manifests", digest), media_type),
            What::ManifestGone(digest) => remove(&at("_manifests", digest)),
            What::Tag(tag, digest) => self.write(&folder.join("_tags").join(tag), &digest.to_string()),
            What::TagGone(tag) => remove(&folder.join("_tags").join(tag)),
        }
    }

    fn open(&self, digest: &Digest) -> io::Result<Option<Content>> {
        match File::open(blob(&self.root, digest)) {
            Ok(file) => {
                let size = file.metadata()?.len();
                Ok(Some(Content::File { file, offset: 0, size }))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn stage(&self, _size: Option<u64>) -> io::Result<Box<dyn Stage>> {
        Ok(Box::new(Staged { root: self.root.clone(), file: self.temporary()? }))
    }
}

#[derive(Debug)]
struct Staged {
    root: PathBuf,
    file: NamedTempFile,
}

impl Stage for Staged {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn read(&self) -> io::Result<Content> {
        let file = self.file.reopen()?;
        let size = file.metadata()?.len();
        Ok(Content::File { file, offset: 0, size })
    }

    fn keep(self: Box<Self>, digest: &Digest) -> io::Result<()> {
        self.file.persist(blob(&self.root, digest))?;
        Ok(())
    }
}

fn blob(root: &Path, digest: &Digest) -> PathBuf {
    root.join("blobs").join(digest.algorithm().name()).join(digest.hex())
}

/// Returns the entries of a folder; none where it is missing.
fn list(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|_| foreign(&entry.path(), &"not UTF-8"))?;
        found.push((name, entry.path()));
    }
    Ok(found)
}

fn read(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > RECORD {
        return Err(foreign(path, &"too long"));
    }
    fs::read_to_string(path)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn digest(algorithm: &str, hex: &str, path: &Path) -> io::Result<Digest> {
    format!("{algorithm}:{hex}").parse().map_err(|error| foreign(path, &error))
}

fn foreign(path: &Path, why: &dyn std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("`{}`: {why}", path.display()))
}
