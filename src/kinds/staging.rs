//! The folder for what must be fetched before it is known what it is.

use std::sync::{Arc, Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use tempfile::TempDir;

use crate::model::error::{Error, Result};

/// What helps where no temporary folder can be made.
const HINT: &str = "add `sha256=` to the line, so that the file need not be fetched to be weighed, or set `TMPDIR` to a \
                    folder that may be written to";

/// Where fetched files are put.
#[derive(Clone, Debug)]
pub enum Staging {
    /// A folder that is there, whose content a later run goes on with.
    Kept(Utf8PathBuf),
    /// A folder that is made in another one once something is put there, and removed with the last clone.
    Temporary(Utf8PathBuf, Arc<Mutex<Option<TempDir>>>),
}

impl Staging {
    /// Makes a temporary one below `parent`.
    pub fn temporary(parent: Utf8PathBuf) -> Self {
        Self::Temporary(parent, Arc::default())
    }

    /// Returns the folder, if it is there.
    pub(super) fn there(&self) -> Option<Utf8PathBuf> {
        match self {
            Self::Kept(folder) => Some(folder.clone()),
            Self::Temporary(_, made) => {
                let made = made.lock().unwrap_or_else(PoisonError::into_inner);
                made.as_ref().and_then(|made| Utf8Path::from_path(made.path())).map(Utf8Path::to_owned)
            }
        }
    }

    /// Returns the folder, making it where it is missing.
    pub(super) fn folder(&self) -> Result<Utf8PathBuf> {
        let (parent, made) = match self {
            Self::Kept(folder) => return Ok(folder.clone()),
            Self::Temporary(parent, made) => (parent, made),
        };
        let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = match made.take() {
            Some(folder) => folder,
            None => {
                tempfile::Builder::new().prefix("airgap-bundle-").tempdir_in(parent).map_err(|source| {
                    let doing = format!("making a temporary folder in `{parent}`");
                    Error::Io { doing, source }.with_hint(HINT)
                })?
            }
        };
        let path = folder.path().to_owned();
        *made = Some(folder);
        Ok(Utf8PathBuf::from_path_buf(path).unwrap_or_default())
    }
}
