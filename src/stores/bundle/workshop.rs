//! The files of an unfinished bundle: `OUTPUT.partial`, which holds its plan, and `OUTPUT.partial.d/` with its lock and
//! journal, and with earlier unfinished bundles whose plan has changed; after a failure also with the manifests that were fetched.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use super::kept::Kept;
use super::previous::Previous;
use super::slots::head_bytes;
use super::unfinished::Unfinished;
use crate::model::contents::Contents;
use crate::model::error::{Error, Result};

/// More earlier plans than this are not kept: the oldest is the one to lose.
const MAX_PREVIOUS: u32 = 1000;

/// The folder of an unfinished bundle, locked against other exports to the same output.
#[derive(Debug)]
pub struct Workshop {
    output: Utf8PathBuf,
    folder: Utf8PathBuf,
    lock: File,
    kept: Arc<Kept>,
}

impl Workshop {
    /// Locks the unfinished bundle of `output`, making the folder where it is missing.
    ///
    /// Errors: [`Error::Conflict`] where another export holds it.
    pub fn open(output: &Utf8Path) -> Result<Self> {
        let folder = Utf8PathBuf::from(format!("{output}.partial.d"));
        let path = folder.join("lock");
        let doing = || format!("locking `{path}`");
        // Whoever finishes removes the folder, so a lock counts only while its file is still the one at that path.
        for _ in 0..16 {
            fs::create_dir_all(&folder).map_err(Error::io(format!("making folder `{folder}`")))?;
            let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
            let lock = match opened {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                other => other.map_err(Error::io(doing()))?,
            };
            match lock.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(in_use(output)),
                Err(TryLockError::Error(source)) => return Err(Error::Io { doing: doing(), source }),
            }
            let held = lock.metadata().map_err(Error::io(doing()))?;
            if fs::metadata(&path).is_ok_and(|there| there.ino() == held.ino() && there.dev() == held.dev()) {
                let kept = Arc::new(Kept::open(folder.join("manifests")));
                return Ok(Self { output: output.to_owned(), folder, lock, kept });
            }
        }
        Err(in_use(output))
    }

    /// Returns the path of the unfinished bundle: `OUTPUT.partial`.
    pub fn partial(&self) -> Utf8PathBuf {
        Utf8PathBuf::from(format!("{}.partial", self.output))
    }

    /// Returns the path of the journal.
    pub fn journal(&self) -> Utf8PathBuf {
        self.folder.join("journal")
    }

    /// Returns the manifests that earlier runs have fetched; those of this one are written where it does not come to
    /// its end.
    pub fn kept(&self) -> Arc<Kept> {
        Arc::clone(&self.kept)
    }

    /// Returns the folder for what must be fetched before its place is known, making it where it is missing.
    pub fn staging(&self) -> Result<Utf8PathBuf> {
        let staging = self.folder.join("staging");
        fs::create_dir_all(&staging).map_err(Error::io(format!("making folder `{staging}`")))?;
        Ok(staging)
    }

    /// Returns the unfinished bundles that are there, whatever their plans: the last one and those from before it.
    ///
    /// Errors: [`Error::Conflict`] where there is something else under the name of the unfinished bundle.
    pub fn earlier(&self) -> Result<Vec<Previous>> {
        let (partial, journal) = (self.partial(), self.journal());
        let last = Previous::unfinished(&partial, &journal)?;
        // Without its head it can only be told by its journal.
        let size = fs::metadata(&partial).map_or(0, |there| there.len());
        if last.is_none() && size > 0 && !journal.exists() {
            return Err(Error::Conflict {
                message: format!("`{partial}` is there already and is not an unfinished bundle"),
                items: Vec::new(),
                hint: Some("name another file with `--output`, or move that one away".to_owned()),
            });
        }
        let mut earlier: Vec<Previous> = last.into_iter().collect();
        earlier.extend(self.previous()?);
        Ok(earlier)
    }

    /// Returns the unfinished bundles of earlier plans.
    fn previous(&self) -> Result<Vec<Previous>> {
        let mut previous = Vec::new();
        for number in 1..=MAX_PREVIOUS {
            let [bundle, journal] = self.numbered(number);
            let Some(one) = Previous::unfinished(&bundle, &journal)? else { break };
            previous.push(one);
        }
        Ok(previous)
    }

    /// Returns the path under which the finished bundle will stand.
    pub fn output(&self) -> &Utf8Path {
        &self.output
    }

    /// Makes `head` that of the unfinished bundle and opens it. One with another plan becomes a [`Previous`], with
    /// those from before it.
    pub(super) fn plan(&self, head: &[u8]) -> Result<(File, Vec<Previous>)> {
        let partial = self.partial();
        let file = match Unfinished::open(&partial)? {
            Some(there) if there.has(head) => there.into_file(),
            there => {
                if there.is_some_and(|old| old.slots().is_some()) {
                    self.set_aside()?;
                }
                // The journal goes first: it must not be taken for that of the new plan.
                remove_file(&self.journal())?;
                Unfinished::create(&partial, head)?
            }
        };
        Ok((file, self.previous()?))
    }

    /// Removes the earlier unfinished bundles: everything worth keeping has been carried over.
    pub fn forget_previous(&self) -> Result<()> {
        // The last one may have been cut off when it had a journal only.
        let whole = (1..=MAX_PREVIOUS).take_while(|number| {
            let [bundle, _] = self.numbered(*number);
            bundle.exists()
        });
        let count = u32::try_from(whole.count()).unwrap_or(MAX_PREVIOUS);
        for number in (1..=count.saturating_add(1)).rev() {
            for path in self.numbered(number) {
                remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// Returns how many bytes of the disk the unfinished bundle takes already, if `contents` are its plan.
    pub fn occupied(&self, contents: &Contents) -> Result<u64> {
        let there = Unfinished::open(&self.partial())?;
        let same = there.filter(|there| there.has(&head_bytes(contents).1));
        Ok(same.map_or(0, |there| there.occupied()))
    }

    /// Removes the folder after the bundle has got its name.
    pub fn remove(self) -> Result<()> {
        self.forget_previous()?;
        self.kept.want(false);
        fs::remove_dir_all(&self.folder).map_err(Error::io(format!("removing folder `{}`", self.folder)))
    }

    fn numbered(&self, number: u32) -> [Utf8PathBuf; 2] {
        ["tar", "journal"].map(|ending| self.folder.join(format!("previous-{number}.{ending}")))
    }

    /// Copies the journal before the bundle itself gets a number, so that a kill in between loses nothing.
    fn set_aside(&self) -> Result<()> {
        let journal = self.journal();
        for number in 1..=MAX_PREVIOUS {
            let [bundle_to, journal_to] = self.numbered(number);
            if !bundle_to.exists() {
                remove_file(&journal_to)?;
                if journal.exists() {
                    fs::copy(&journal, &journal_to)
                        .map_err(Error::io(format!("copying `{journal}` to `{journal_to}`")))?;
                }
                let partial = self.partial();
                return fs::rename(&partial, &bundle_to)
                    .map_err(Error::io(format!("renaming `{partial}` to `{bundle_to}`")));
            }
        }
        Ok(())
    }
}

impl Drop for Workshop {
    /// Leaves nothing where nothing was begun; what was fetched stays. Both are the same to the next run, so that
    /// failures are nobody's.
    fn drop(&mut self) {
        self.kept.close();
        let lock = self.folder.join("lock");
        let held = self.lock.metadata().ok();
        let is_ours = |there: fs::Metadata| {
            held.is_some_and(|held| (held.ino(), held.dev()) == (there.ino(), there.dev()))
        };
        // Without staged files the folder of them goes; with them it stays.
        let _ = fs::remove_dir(self.folder.join("staging"));
        let empty = fs::read_dir(&self.folder).is_ok_and(|entries| entries.count() == 1);
        if empty && fs::metadata(&lock).is_ok_and(is_ours) {
            let _ = fs::remove_file(lock);
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

fn in_use(output: &Utf8Path) -> Error {
    Error::Conflict {
        message: format!("another export is writing `{output}`"),
        items: Vec::new(),
        hint: Some("wait for it to end, or name another file with `--output`".to_owned()),
    }
}

fn remove_file(path: &Utf8Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::Io { doing: format!("removing `{path}`"), source })
        }
        _ => Ok(()),
    }
}
