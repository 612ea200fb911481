//! A folder that files are put into, and nothing outside it: no link in it is ever followed.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::content::body::ProvenBody;
use crate::content::jobs;
use crate::content::progress::Progress;
use crate::content::read_at::{self, ReadAt};
use crate::model::descriptor::Descriptor;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::file_name::FileName;

/// Opens a folder below, and never through a link.
const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A folder, held open.
#[derive(Clone, Debug)]
pub struct Folder {
    path: Utf8PathBuf,
    handle: Option<Arc<OwnedFd>>,
}

/// What has a name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// A file with the very content.
    Same,
    /// A file with the very content that is executable and should not be, or the other way round.
    OtherMode,
    /// A file with other content, or a link.
    Other,
}

/// What to do with a file that has the name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replace {
    /// It stays, and putting fails.
    Never,
    /// It is replaced in one step.
    Always,
}

/// Who may do what with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permissions {
    /// `0644`.
    Plain,
    /// `0755`.
    Executable,
}

impl Permissions {
    fn mode(self) -> Mode {
        Mode::from_raw_mode(match self {
            Self::Plain => 0o644,
            Self::Executable => 0o755,
        })
    }
}

impl Folder {
    /// Looks at a folder, which need not exist, without making it.
    pub fn look(path: &Utf8Path) -> Result<Self> {
        let handle =
            match rustix::fs::open(path.as_std_path(), OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
                Ok(handle) => Some(Arc::new(handle)),
                Err(Errno::NOENT) => None,
                Err(error) => return Err(failed(format!("opening folder `{path}`"))(error)),
            };
        Ok(Self { path: path.to_owned(), handle })
    }

    /// Makes the folder where it is missing, and locks it against other runs. A link in the path that was typed is the
    /// typist's own.
    ///
    /// Errors: [`Error::Conflict`] where another run writes there.
    pub fn open(path: &Utf8Path) -> Result<Self> {
        std::fs::create_dir_all(path).map_err(Error::io(format!("making folder `{path}`")))?;
        let folder = Self::look(path)?;
        let lock =
            |handle: &Arc<OwnedFd>| rustix::fs::flock(handle, FlockOperation::NonBlockingLockExclusive);
        match folder.handle.as_ref().map(lock) {
            Some(Err(Errno::WOULDBLOCK)) => Err(Error::Conflict {
                message: format!("another `airgap-bundle extract` is writing to `{path}`"),
                items: Vec::new(),
                hint: None,
            }),
            // Some network file systems lock no folders; what they lose is only this courtesy.
            _ => Ok(folder),
        }
    }

    /// Returns the path as it was given.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Returns what has this name, compared with a content by digest.
    ///
    /// Errors: [`Error::Conflict`] where a folder, or something in the place of one above it, is in the way.
    pub async fn find(&self, name: &FileName, blob: &Descriptor, permissions: Permissions) -> Result<Found> {
        let path = self.path.join(name.as_str());
        let doing = || format!("reading `{path}`");
        let (folder, last) = match self.above(name, Missing::Leave) {
            Ok(Some(above)) => above,
            Ok(None) => return Ok(Found::Nothing),
            Err(error) => return Err(error),
        };
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(folder.as_fd(), last, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(Found::Nothing),
            // A link; or a socket.
            Err(Errno::LOOP | Errno::NXIO) => return Ok(Found::Other),
            Err(error) => return Err(failed(doing())(error)),
        };
        let kind = file.metadata().map_err(Error::io(doing()))?;
        if kind.is_dir() {
            return Err(in_the_way(&path));
        }
        if !kind.is_file() || kind.len() != blob.size {
            return Ok(Found::Other);
        }
        let file = Arc::new(file);
        let reading: Arc<dyn ReadAt> = Arc::<File>::clone(&file);
        let raw = read_at::body(reading, 0, blob.size, &format!("`{path}`"));
        let mut body = ProvenBody::new(blob, raw, &format!("`{path}`"));
        loop {
            match body.next().await {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(Error::Mismatch { .. }) => return Ok(Found::Other),
                Err(error) => return Err(error),
            }
        }
        let is_executable = kind.mode() & 0o100 != 0;
        let same = is_executable == (permissions == Permissions::Executable);
        Ok(if same { Found::Same } else { Found::OtherMode })
    }

    /// Gives a file that is there its permissions.
    pub async fn permit(&self, name: &FileName, permissions: Permissions) -> Result<()> {
        let path = self.path.join(name.as_str());
        let doing = || format!("setting the permissions of `{path}`");
        let missing = || Error::NotFound { what: format!("`{path}`"), hint: None };
        let (folder, last) = self.above(name, Missing::Leave)?.ok_or_else(missing)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(folder.as_fd(), last, flags, Mode::empty()).map_err(failed(doing()))?;
        rustix::fs::fchmod(&file, permissions.mode()).map_err(failed(doing()))?;
        jobs::offload(move || rustix::fs::fsync(file)).await?.map_err(failed(doing()))
    }

    /// Takes a file away again that was put.
    pub fn remove(&self, name: &FileName) -> Result<()> {
        let Some((folder, last)) = self.above(name, Missing::Leave)? else { return Ok(()) };
        let doing = format!("removing `{}`", self.path.join(name.as_str()));
        rustix::fs::unlinkat(folder.as_fd(), last, AtFlags::empty()).map_err(failed(doing))
    }

    /// Puts a content under a name, once all of it is proven and on the disk.
    ///
    /// Errors: [`Error::Conflict`] where something is in the way.
    pub async fn put(
        &self,
        name: &FileName,
        mut body: ProvenBody,
        permissions: Permissions,
        replace: Replace,
        progress: &dyn Progress,
    ) -> Result<()> {
        let path = self.path.join(name.as_str());
        let writing = || format!("writing to `{path}`");
        let Some((folder, last)) = self.above(name, Missing::Make)? else {
            return Err(Error::NotFound { what: format!("folder `{}`", self.path), hint: None });
        };
        let (temporary, file) = Temporary::create(folder, last, body.digest()).map_err(failed(writing()))?;
        while let Some(chunk) = body.next().await? {
            (&file).write_all(&chunk).map_err(Error::io(writing()))?;
            progress.moved(u64::try_from(chunk.len()).unwrap_or_default());
        }
        rustix::fs::fchmod(&file, permissions.mode()).map_err(failed(writing()))?;
        jobs::offload(move || file.sync_all()).await?.map_err(Error::io(writing()))?;
        let folder = temporary.rename(last, replace).map_err(|error| match error {
            Errno::EXIST | Errno::ISDIR | Errno::NOTEMPTY => in_the_way(&path),
            error => failed(writing())(error),
        })?;
        jobs::offload(move || rustix::fs::fsync(folder.as_fd())).await?.map_err(failed(writing()))
    }

    /// Opens the folder that a name stands in, part by part. `None` where it is not there and is not to be made.
    fn above<'a>(&self, name: &'a FileName, missing: Missing) -> Result<Option<(Arc<OwnedFd>, &'a str)>> {
        let Some(mut folder) = self.handle.clone() else { return Ok(None) };
        let (parts, last) = name.parts();
        let mut path = self.path.clone();
        for part in parts {
            path.push(part);
            let open = || rustix::fs::openat(folder.as_fd(), part, FOLDER, Mode::empty());
            let opened = match (open(), missing) {
                (Err(Errno::NOENT), Missing::Leave) => return Ok(None),
                (Err(Errno::NOENT), Missing::Make) => make(&folder, part).and_then(|()| open()),
                (opened, _) => opened,
            };
            folder = Arc::new(opened.map_err(|error| match error {
                Errno::LOOP | Errno::NOTDIR => in_the_way(&path),
                error => failed(format!("opening folder `{path}`"))(error),
            })?);
        }
        Ok(Some((folder, last)))
    }
}

/// What to do about folders that are not there.
#[derive(Clone, Copy)]
enum Missing {
    Make,
    Leave,
}

/// Makes a folder, which another job may have made meanwhile, and makes its name durable.
fn make(folder: &Arc<OwnedFd>, part: &str) -> rustix::io::Result<()> {
    match rustix::fs::mkdirat(folder.as_fd(), part, Mode::from_raw_mode(0o755)) {
        Ok(()) => rustix::fs::fsync(folder.as_fd()),
        Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error),
    }
}

fn failed(doing: String) -> impl FnOnce(Errno) -> Error {
    move |error| Error::Io { doing, source: io::Error::from(error) }
}

fn in_the_way(path: &Utf8Path) -> Error {
    Error::Conflict {
        message: format!("`{path}` is in the way"),
        items: Vec::new(),
        hint: Some("move it away, or name another folder with `--to`".to_owned()),
    }
}

/// An unfinished file, hidden, and gone when it is dropped.
struct Temporary {
    folder: Arc<OwnedFd>,
    name: String,
    named: bool,
}

impl Temporary {
    /// A name that only the same content for the same file takes, so that what a killed run left is found again.
    fn create(folder: Arc<OwnedFd>, last: &str, digest: &Digest) -> rustix::io::Result<(Self, File)> {
        let seed = format!("{last}\n{digest}");
        let name = format!(".airgap-bundle-{}", Digest::sha256(seed.as_bytes()).short());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let create = || rustix::fs::openat(folder.as_fd(), &name, flags, Mode::from_raw_mode(0o600));
        let file = match create() {
            Err(Errno::EXIST) => {
                rustix::fs::unlinkat(folder.as_fd(), &name, AtFlags::empty())?;
                create()?
            }
            other => other?,
        };
        Ok((Self { folder, name, named: false }, File::from(file)))
    }

    fn rename(mut self, last: &str, replace: Replace) -> rustix::io::Result<Arc<OwnedFd>> {
        let folder = self.folder.as_fd();
        let plain = || rustix::fs::renameat(folder, &self.name, folder, last);
        match replace {
            Replace::Always => plain()?,
            Replace::Never => {
                match rustix::fs::renameat_with(folder, &self.name, folder, last, RenameFlags::NOREPLACE) {
                    // A file system without that flag; nothing had the name when it was looked at.
                    Err(Errno::INVAL | Errno::NOSYS) => plain()?,
                    other => other?,
                }
            }
        }
        self.named = true;
        Ok(Arc::clone(&self.folder))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.named {
            // Should it fail, the next run of the same removes it.
            let _ = rustix::fs::unlinkat(self.folder.as_fd(), &self.name, AtFlags::empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use bytes::Bytes;

    use super::*;
    use crate::content::body::raw_of;
    use crate::content::progress::Silent;

    struct Site {
        _held: tempfile::TempDir,
        root: Utf8PathBuf,
        folder: Folder,
    }

    fn site() -> Site {
        let held = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::try_from(held.path().to_owned()).unwrap();
        std::fs::create_dir(root.join("outside")).unwrap();
        let folder = Folder::open(&root.join("in/side")).unwrap();
        Site { _held: held, root, folder }
    }

    impl Site {
        async fn put(&self, name: &str, content: &'static str, replace: Replace) -> Result<()> {
            let blob = Descriptor::of("", content.as_bytes());
            let body = ProvenBody::new(&blob, raw_of(vec![Bytes::from_static(content.as_bytes())]), "memory");
            self.folder.put(&name.parse().unwrap(), body, Permissions::Executable, replace, &Silent).await
        }

        async fn find(&self, name: &str, content: &str) -> Found {
            let blob = Descriptor::of("", content.as_bytes());
            self.folder.find(&name.parse().unwrap(), &blob, Permissions::Executable).await.unwrap()
        }

        async fn in_the_way(&self, name: &str) {
            let blob = Descriptor::of("", b"any");
            let found = self.folder.find(&name.parse().unwrap(), &blob, Permissions::Plain).await;
            assert!(matches!(found, Err(Error::Conflict { .. })), "{name}: {found:?}");
        }

        fn files(&self, folder: &str) -> Vec<String> {
            let entries = self.root.join(folder).read_dir_utf8().unwrap();
            let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().to_owned()).collect();
            names.sort();
            names
        }
    }

    #[tokio::test]
    async fn files_and_their_folders_are_put() {
        let site = site();
        assert_eq!(site.find("a/b/c.sh", "content").await, Found::Nothing);
        site.put("a/b/c.sh", "content", Replace::Never).await.unwrap();
        let path = site.root.join("in/side/a/b/c.sh");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "content");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(site.find("a/b/c.sh", "content").await, Found::Same);
        assert_eq!(site.find("a/b/c.sh", "CONTENT").await, Found::Other);
        site.in_the_way("a/b").await;
        site.in_the_way("a/b/c.sh/d").await;
        assert!(matches!(site.put("a/b/c.sh", "new", Replace::Never).await, Err(Error::Conflict { .. })));
        site.put("a/b/c.sh", "new", Replace::Always).await.unwrap();
        assert!(matches!(site.put("a/b", "new", Replace::Always).await, Err(Error::Conflict { .. })));
        assert_eq!(site.files("in/side/a/b"), ["c.sh"]);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(site.find("a/b/c.sh", "new").await, Found::OtherMode);
        site.folder.permit(&"a/b/c.sh".parse().unwrap(), Permissions::Executable).await.unwrap();
        assert_eq!(site.find("a/b/c.sh", "new").await, Found::Same);
    }

    #[tokio::test]
    async fn links_are_never_followed() {
        let site = site();
        let outside = site.root.join("outside");
        std::fs::write(outside.join("victim"), "old").unwrap();
        symlink(&outside, site.root.join("in/side/link")).unwrap();
        symlink(outside.join("victim"), site.root.join("in/side/file")).unwrap();
        symlink(outside.join("new"), site.root.join("in/side/dangling")).unwrap();
        for name in ["link/victim", "link/new"] {
            site.in_the_way(name).await;
            assert!(matches!(site.put(name, "evil", Replace::Always).await, Err(Error::Conflict { .. })));
        }
        for name in ["file", "dangling", "link"] {
            assert_eq!(site.find(name, "old").await, Found::Other);
            assert!(matches!(site.put(name, "evil", Replace::Never).await, Err(Error::Conflict { .. })));
            site.put(name, "evil", Replace::Always).await.unwrap();
            assert!(!site.root.join("in/side").join(name).is_symlink());
        }
        assert_eq!(site.files("outside"), ["victim"]);
        assert_eq!(std::fs::read_to_string(outside.join("victim")).unwrap(), "old");
    }

    #[tokio::test]
    async fn wrong_bytes_leave_nothing() {
        let site = site();
        let blob = Descriptor::of("", b"right");
        let body = ProvenBody::new(&blob, raw_of(vec![Bytes::from_static(b"wrong")]), "memory");
        let name = "a".parse().unwrap();
        let put = site.folder.put(&name, body, Permissions::Plain, Replace::Always, &Silent).await;
        assert!(matches!(put, Err(Error::Mismatch { .. })));
        assert!(site.files("in/side").is_empty());
    }
}
