//! What happens to one tar: it is there, it was loaded, it is given back, or it is written.

use crate::content::progress::Progress;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::stores::bundle::reader::Bundle;
use crate::stores::containerd::existing::Existing;
use crate::stores::containerd::folder::ImageFolder;

use super::names;
use super::plan::Planned;

/// What to do with tars that containerd has imported (`*.tar.loaded`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loaded {
    /// Leave them, and their images, alone.
    Leave,
    /// Give them their names back, so that containerd imports them once more (`--again`).
    Again,
    /// Remove them (`--purge-loaded`).
    Purge,
}

/// What to do with a tar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing: it is there, byte for byte.
    Present,
    /// Nothing: containerd has imported it.
    LoadedBefore,
    /// Rename it back.
    Again,
    /// Write it, in place of one of the same name whose image had this digest.
    Write {
        /// The digest of the image whose tar it replaces, where that was another.
        previous: Option<Digest>,
    },
}

/// Decides what to do with a tar, and sets its file aside where another image has the name.
///
/// Errors: [`Error::Conflict`] where a file that this program did not write has the name.
pub(super) async fn decide(
    folder: &ImageFolder,
    mut planned: Planned,
    loaded: Loaded,
) -> Result<(Planned, Step)> {
    for _ in 0..2 {
        let Some(existing) = folder.find(&planned.file)? else {
            let step = decide_loaded(folder, &planned, loaded).await?;
            return Ok((planned, step));
        };
        if existing.is(&planned.tar).await? {
            return Ok((planned, Step::Present));
        }
        match root(&existing, &planned) {
            Whose::Ours(root) => {
                let previous = root.filter(|root| *root != planned.artifact.digest);
                return Ok((planned, Step::Write { previous }));
            }
            Whose::Anothers => planned.file = names::aside(&planned.file, &planned.artifact.digest),
            Whose::Foreign => return Err(taken(&existing)),
        }
    }
    Err(Error::Conflict {
        message: format!("`{}` is the tar of another image", folder.path().join(&planned.file)),
        items: Vec::new(),
        hint: None,
    })
}

async fn decide_loaded(folder: &ImageFolder, planned: &Planned, loaded: Loaded) -> Result<Step> {
    let existing = folder.find(&format!("{}.loaded", planned.file))?;
    let Some(existing) = existing.filter(|existing| existing.resembles(&planned.tar)) else {
        return Ok(Step::Write { previous: None });
    };
    Ok(match loaded {
        Loaded::Leave | Loaded::Purge => Step::LoadedBefore,
        // It gets its name only if it is still whole.
        Loaded::Again if existing.is(&planned.tar).await? => Step::Again,
        Loaded::Again => Step::Write { previous: None },
    })
}

enum Whose {
    /// It has the same reference; its image's root.
    Ours(Option<Digest>),
    Anothers,
    Foreign,
}

/// The last name of a tar is `repository@root`; the first is the tag, where there is one.
fn root(existing: &Existing, planned: &Planned) -> Whose {
    let Some(names) = existing.names() else { return Whose::Foreign };
    let root = names.iter().find_map(|(name, _)| {
        let (repository, digest) = name.split_once('@')?;
        Some((repository, digest.parse::<Digest>().ok()?))
    });
    let reference = planned.artifact.reference.as_str();
    let (tagged, _) = reference.split_once('@').unwrap_or((reference, ""));
    let same = names.iter().any(|(name, _)| name == tagged)
        || root.is_some_and(|(repository, digest)| {
            tagged.strip_prefix(repository).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
                && digest == planned.artifact.digest
        });
    if same { Whose::Ours(root.map(|(_, digest)| digest)) } else { Whose::Anothers }
}

fn taken(existing: &Existing) -> Error {
    Error::Conflict {
        message: format!("`{}` is there already and was not written by airgap-bundle", existing.path()),
        items: Vec::new(),
        hint: Some("move that file away, or leave the image out with `--except`".to_owned()),
    }
}

/// Does what was decided, unless nothing is to do.
pub(super) async fn take(
    folder: &ImageFolder,
    planned: &Planned,
    step: Step,
    bundle: &Bundle,
    progress: &dyn Progress,
) -> Result<()> {
    match step {
        Step::Present | Step::LoadedBefore => Ok(()),
        Step::Again => folder.again(&planned.file),
        Step::Write { .. } => {
            progress.begun(&planned.artifact.reference);
            let written = folder.put(&planned.file, &planned.tar, bundle, progress).await;
            progress.ended(&planned.artifact.reference);
            written
        }
    }
}
