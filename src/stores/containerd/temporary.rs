//! A file that is not finished: hidden, under a name that no importer takes, and gone when it is dropped.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;

use camino::{Utf8Path, Utf8PathBuf};

use crate::model::error::{Error, Result};

/// What the names of unfinished files end with. Importers take `*.tar`.
const ENDING: &str = ".tar.airgap-bundle";

/// An unfinished file, removed on drop unless it was given its name.
#[derive(Debug)]
pub(super) struct Temporary {
    path: Utf8PathBuf,
    named: bool,
}

impl Temporary {
    /// Makes `.NAME.airgap-bundle` in `folder` for `name`, which ends with `.tar`.
    pub(super) fn create(folder: &Utf8Path, name: &str) -> Result<(Self, File)> {
        let path = folder.join(format!(".{name}.airgap-bundle"));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&path);
        let file = file.map_err(Error::io(format!("writing to `{path}`")))?;
        Ok((Self { path, named: false }, file))
    }

    /// Returns where it is for now.
    pub(super) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Gives the file its name, in place of whatever has it now.
    pub(super) fn rename(mut self, target: &Utf8Path) -> Result<()> {
        fs::rename(&self.path, target)
            .map_err(Error::io(format!("renaming `{}` to `{target}`", self.path)))?;
        self.named = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.named {
            // Should it fail, the next run sweeps it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes what killed runs have left in `folder`: only regular files with the names that [`Temporary`] gives.
pub(super) fn sweep(folder: &Utf8Path) -> Result<()> {
    let doing = || format!("reading folder `{folder}`");
    for entry in folder.read_dir_utf8().map_err(Error::io(doing()))? {
        let entry = entry.map_err(Error::io(doing()))?;
        let name = entry.file_name();
        if name.starts_with('.')
            && name.ends_with(ENDING)
            && entry.file_type().map_err(Error::io(doing()))?.is_file()
        {
            fs::remove_file(entry.path()).map_err(Error::io(format!("removing `{}`", entry.path())))?;
        }
    }
    Ok(())
}
