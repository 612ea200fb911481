//! The folder of image tars: what is in it, and how a tar gets into it.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::Access;

use super::existing::Existing;
use super::image_tar::{ImageTar, header};
use super::temporary::{Temporary, sweep};
use crate::content::jobs;
use crate::content::progress::Progress;
use crate::model::error::{Error, Result};
use crate::stores::bundle::header::{END, padding};
use crate::stores::bundle::reader::Bundle;

/// Blobs up to this size are gathered before they are written: 256 KiB.
const GATHER: usize = 256 << 10;

/// A folder of image tars.
#[derive(Debug)]
pub struct ImageFolder {
    path: Utf8PathBuf,
    staging: Utf8PathBuf,
    /// Held as long as the folder is: one run at a time writes there.
    _lock: Option<File>,
}

impl ImageFolder {
    /// Looks at a folder, which need not exist, without changing anything.
    pub fn look(path: &Utf8Path) -> Self {
        Self { path: path.to_owned(), staging: path.to_owned(), _lock: None }
    }

    /// Makes the folder where it is missing, locks it against other runs, and removes what killed runs have left.
    /// Unfinished files stand in `staging`, on the same file system.
    ///
    /// Errors: [`Error::Conflict`] where another run writes there.
    pub fn open(path: &Utf8Path, staging: &Utf8Path) -> Result<Self> {
        make(path)?;
        let lock = File::open(path).map_err(Error::io(format!("opening folder `{path}`")))?;
        match lock.try_lock() {
            // Some network file systems lock no folders; what they lose is only this courtesy.
            Ok(()) | Err(TryLockError::Error(_)) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Conflict {
                    message: format!("another `airgap-bundle sideload` is writing to `{path}`"),
                    items: Vec::new(),
                    hint: None,
                });
            }
        }
        sweep(staging)?;
        Ok(Self { path: path.to_owned(), staging: staging.to_owned(), _lock: Some(lock) })
    }

    /// Checks that files can be made in it: where they cannot, that is one error and not one for each.
    pub fn check_writable(&self) -> Result<()> {
        for folder in [&self.path, &self.staging] {
            let access = rustix::fs::access(folder.as_std_path(), Access::WRITE_OK);
            let doing = format!("writing to folder `{folder}`");
            access.map_err(|error| Error::Io { doing, source: error.into() })?;
        }
        Ok(())
    }

    /// Returns where it is.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Returns what has the name `name`, if anything.
    pub fn find(&self, name: &str) -> Result<Option<Existing>> {
        Existing::open(&self.path.join(name))
    }

    /// Returns the tars of this program that containerd has imported (`*.tar.loaded`), by name.
    pub fn loaded(&self) -> Result<Vec<(String, Existing)>> {
        let doing = || format!("reading folder `{}`", self.path);
        let entries = match self.path.read_dir_utf8() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(Error::io(doing()))?,
        };
        let mut loaded = Vec::new();
        for entry in entries {
            let name = entry.map_err(Error::io(doing()))?.file_name().to_owned();
            if !name.ends_with(".tar.loaded") {
                continue;
            }
            if let Some(existing) = self.find(&name)?.filter(|existing| existing.names().is_some()) {
                loaded.push((name, existing));
            }
        }
        loaded.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(loaded)
    }

    /// Gives `NAME.loaded` its name back, so that containerd imports it once more.
    pub fn again(&self, name: &str) -> Result<()> {
        let (from, to) = (self.path.join(format!("{name}.loaded")), self.path.join(name));
        fs::rename(&from, &to).map_err(Error::io(format!("renaming `{from}` to `{to}`")))
    }

    /// Removes a file of this folder.
    pub fn remove(&self, name: &str) -> Result<()> {
        let path = self.path.join(name);
        fs::remove_file(&path).map_err(Error::io(format!("removing `{path}`")))
    }

    /// Writes `tar` out of `bundle`, every blob proven, and gives it the name `name` once it is on the disk. What has
    /// that name is replaced in one step.
    pub async fn put(
        &self,
        name: &str,
        tar: &ImageTar,
        bundle: &Bundle,
        progress: &dyn Progress,
    ) -> Result<()> {
        let target = self.path.join(name);
        let (temporary, file) = Temporary::create(&self.staging, name)?;
        let mut out = Out { file: Arc::new(file), gathered: Vec::new(), target: &target };
        out.add(tar.head())?;
        for blob in tar.blobs() {
            out.add(&header(blob))?;
            let mut body = bundle.blob(&blob.digest)?;
            while let Some(chunk) = body.next().await? {
                out.add(&chunk)?;
                progress.moved(u64::try_from(chunk.len()).unwrap_or_default());
            }
            out.zeros(padding(blob.size))?;
        }
        out.zeros(END)?;
        out.flush()?;
        let file = Arc::clone(&out.file);
        let doing = format!("writing `{}` to the disk", temporary.path());
        jobs::offload(move || file.sync_all()).await?.map_err(Error::io(doing))?;
        temporary.rename(&target)
    }

    /// Makes the names in the folder durable.
    pub async fn sync(&self) -> Result<()> {
        let (path, doing) = (self.path.clone(), format!("writing folder `{}` to the disk", self.path));
        jobs::offload(move || File::open(&path)?.sync_all()).await?.map_err(Error::io(doing))
    }
}

/// Makes a folder and its parents, and makes their names durable.
fn make(path: &Utf8Path) -> Result<()> {
    let missing: Vec<&Utf8Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
    let doing = || format!("making folder `{path}`");
    fs::create_dir_all(path).map_err(Error::io(doing()))?;
    for folder in missing {
        let parent = folder.parent().filter(|parent| !parent.as_str().is_empty()).unwrap_or(".".into());
        File::open(parent).and_then(|parent| parent.sync_all()).map_err(Error::io(doing()))?;
    }
    Ok(())
}

/// Gathers what is small and writes what is large as it is.
struct Out<'a> {
    file: Arc<File>,
    gathered: Vec<u8>,
    target: &'a Utf8Path,
}

impl Out<'_> {
    fn add(&mut self, bytes: &[u8]) -> Result<()> {
        if self.gathered.len().saturating_add(bytes.len()) > GATHER {
            self.flush()?;
            if bytes.len() > GATHER / 2 {
                return self.write(bytes);
            }
        }
        self.gathered.extend_from_slice(bytes);
        Ok(())
    }

    fn zeros(&mut self, count: u64) -> Result<()> {
        self.add(&vec![0; usize::try_from(count).unwrap_or_default()])
    }

    fn flush(&mut self) -> Result<()> {
        let gathered = std::mem::take(&mut self.gathered);
        self.write(&gathered)?;
        self.gathered = gathered;
        self.gathered.clear();
        Ok(())
    }

    fn write(&self, bytes: &[u8]) -> Result<()> {
        self.file.as_ref().write_all(bytes).map_err(Error::io(format!("writing to `{}`", self.target)))
    }
}
