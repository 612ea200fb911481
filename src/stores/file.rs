//! Plain files on this machine, as sources of blobs.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use futures_util::future::BoxFuture;
use rustix::fs::{Mode, OFlags};

use crate::content::body::RawBody;
use crate::content::copy::Source;
use crate::content::jobs::{self, Stop};
use crate::content::read_at::{self, PIECE};
use crate::model::descriptor::Descriptor;
use crate::model::digest::{Algorithm, Digest, Hasher};
use crate::model::error::{Error, Result};

/// Opens a file to be read, without waiting on a pipe that nobody writes to.
pub(super) fn open_at_once(path: &Utf8Path) -> std::io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path.as_std_path(), flags, Mode::empty())?.into())
}

/// Reads a file, which may be a pipe. Of one that is longer than `limit` bytes one more comes, by which that is seen.
pub fn read_at_most(path: &Utf8Path, limit: usize) -> std::io::Result<Vec<u8>> {
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A file whose bytes are a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalFile {
    path: Utf8PathBuf,
}

/// What a file is before it is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// sha256 of the content.
    pub digest: Digest,
    /// Length in bytes.
    pub size: u64,
    /// Whether its owner may execute it.
    pub executable: bool,
}

impl LocalFile {
    /// Names the file at `path`.
    pub fn new(path: impl Into<Utf8PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Reads the whole file once to learn its digest.
    ///
    /// Errors: [`Error::NotFound`], [`Error::Io`], [`Error::Unsupported`] where it is no regular file.
    pub fn measure(&self, stop: &Stop) -> Result<Measured> {
        let file = self.open_regular()?;
        let (hasher, size) = self.hash(&file, Algorithm::Sha256, stop)?;
        let metadata = file.metadata().map_err(Error::io(format!("reading `{}`", self.path)))?;
        let executable = metadata.permissions().mode() & 0o100 != 0;
        Ok(Measured { digest: hasher.finish(), size, executable })
    }

    /// Reads all of `file`, which it was opened as, and returns its hash and its length.
    pub fn hash(&self, file: &File, algorithm: Algorithm, stop: &Stop) -> Result<(Hasher, u64)> {
        let (mut hasher, mut size) = (Hasher::new(algorithm), 0_u64);
        let mut piece = vec![0; PIECE];
        loop {
            stop.check()?;
            let read =
                file.read_at(&mut piece, size).map_err(Error::io(format!("reading `{}`", self.path)))?;
            if read == 0 {
                break;
            }
            hasher.update(piece.get(..read).unwrap_or_default());
            size = size.saturating_add(u64::try_from(read).unwrap_or_default());
        }
        Ok((hasher, size))
    }

    /// Opens it without waiting on a pipe that nobody writes to.
    pub fn open_regular(&self) -> Result<File> {
        let file = open_at_once(&self.path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => {
                Error::NotFound { what: format!("file `{}`", self.path), hint: None }
            }
            _ => Error::Io { doing: format!("opening `{}`", self.path), source },
        })?;
        let kind = file.metadata().map_err(Error::io(format!("opening `{}`", self.path)))?;
        if kind.is_file() {
            return Ok(file);
        }
        Err(Error::Unsupported {
            message: format!("`{}` is neither a plain file nor a folder", self.path),
            hint: None,
        })
    }
}

impl Source for LocalFile {
    fn open<'a>(&'a self, blob: &'a Descriptor, offset: u64) -> BoxFuture<'a, Result<RawBody>> {
        Box::pin(async move {
            let this = self.clone();
            let file = Arc::new(jobs::offload(move || this.open_regular()).await??);
            Ok(read_at::body(file, offset, blob.size.saturating_sub(offset), &self.place()))
        })
    }

    fn place(&self) -> String {
        format!("`{}`", self.path)
    }
}

/// Lists the files under a folder as paths relative to it, sorted, at most `limit` of them.
///
/// Errors: [`Error::Unsupported`] for a symbolic link, a device or a name that is not UTF-8: what it would mean on the
/// other side is anybody's guess.
pub fn files_under(folder: &Utf8Path, limit: usize) -> Result<Vec<Utf8PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![Utf8PathBuf::new()];
    while let Some(relative) = folders.pop() {
        let path = folder.join(&relative);
        let reading = || format!("reading folder `{path}`");
        for entry in fs::read_dir(&path).map_err(Error::io(reading()))? {
            let entry = entry.map_err(Error::io(reading()))?;
            let refuse = |why: &str| {
                let shown = entry.path().display().to_string();
                Error::Unsupported { message: format!("`{}` {why}", shown.escape_debug()), hint: None }
            };
            let name = entry.file_name().into_string().map_err(|_| refuse("has a name that is not UTF-8"))?;
            let kind = entry.file_type().map_err(Error::io(reading()))?;
            let inner = if relative.as_str().is_empty() { name.into() } else { relative.join(name) };
            if kind.is_dir() {
                folders.push(inner);
            } else if kind.is_file() {
                found.push(inner);
            } else if kind.is_symlink() {
                return Err(refuse("is a symbolic link; name the file that it points at"));
            } else {
                return Err(refuse("is neither a plain file nor a folder"));
            }
            if found.len().saturating_add(folders.len()) > limit {
                return Err(refuse(&format!("and its neighbours are more than {limit} files")));
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::body::ProvenBody;

    fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::try_from(folder.path().to_owned()).unwrap();
        (folder, path)
    }

    #[tokio::test]
    async fn what_is_measured_is_what_is_read() {
        let (_folder, path) = folder();
        let file = LocalFile::new(path.join("a.sh"));
        fs::write(&file.path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&file.path, fs::Permissions::from_mode(0o755)).unwrap();
        let measured = file.measure(&Stop::default()).unwrap();
        assert_eq!(measured, Measured { digest: Digest::sha256(b"#!/bin/sh\n"), size: 10, executable: true });
        let blob = Descriptor::new("", measured.digest, measured.size);
        let body = ProvenBody::new(&blob, file.open(&blob, 0).await.unwrap(), &file.place());
        assert_eq!(body.bytes().await.unwrap(), "#!/bin/sh\n");
    }

    #[test]
    fn folders_are_listed_and_links_refused() {
        let (_folder, path) = folder();
        for name in ["b", "a/y", "a/x"] {
            fs::create_dir_all(path.join(name).parent().unwrap()).unwrap();
            fs::write(path.join(name), name).unwrap();
        }
        assert_eq!(files_under(&path, 100).unwrap(), ["a/x", "a/y", "b"]);
        assert!(files_under(&path, 2).is_err());
        std::os::unix::fs::symlink("b", path.join("a/link")).unwrap();
        let error = files_under(&path, 100).unwrap_err().to_string();
        assert!(error.ends_with("a/link` is a symbolic link; name the file that it points at"), "{error}");
        assert!(matches!(
            LocalFile::new(path.join("none")).measure(&Stop::default()),
            Err(Error::NotFound { .. })
        ));
        assert!(matches!(LocalFile::new(path).measure(&Stop::default()), Err(Error::Unsupported { .. })));
    }
}
