//! What became of one image.

use super::plan::Planned;
use super::write::Step;
use crate::commands::report::{ArtifactRow, Status, whole};
use crate::model::contents::Artifact;
use crate::model::error::{Error, Result};
use camino::Utf8Path;

/// An image on its way.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) artifact: Artifact,
    pub(super) planned: Option<Planned>,
    pub(super) step: Option<Step>,
    pub(super) error: Option<Error>,
}

impl From<(Artifact, Result<Planned>)> for Outcome {
    fn from((artifact, planned): (Artifact, Result<Planned>)) -> Self {
        let mut outcome = Self { artifact, planned: None, step: None, error: None };
        match planned {
            Ok(planned) => outcome.planned = Some(planned),
            Err(error) => outcome.fail(error),
        }
        outcome
    }
}

impl Outcome {
    /// Notes why it failed; nothing more is done about it.
    pub(super) fn fail(&mut self, error: Error) {
        self.step = None;
        self.error = Some(error);
    }

    /// Returns the signal that ended it.
    pub(super) fn interrupted(&self) -> Option<u8> {
        match self.error {
            Some(Error::Interrupted(signal)) => Some(signal),
            _ => None,
        }
    }

    /// Returns the length of its tar, where that is written.
    pub(super) fn to_write(&self) -> Option<u64> {
        matches!(self.step, Some(Step::Write { .. })).then(|| self.size())
    }

    /// Returns the length of its tar.
    pub(super) fn size(&self) -> u64 {
        self.planned.as_ref().map_or(0, |planned| planned.tar.length())
    }

    /// Returns its row before anything is written.
    pub(super) fn row_before(&self, folder: &Utf8Path) -> ArtifactRow {
        let row = self.row(folder);
        let is_settled =
            self.error.is_some() || matches!(self.step, Some(Step::Present | Step::LoadedBefore));
        ArtifactRow { status: row.status.filter(|_| is_settled), ..row }
    }

    /// Returns its row in the report.
    pub(super) fn row(&self, folder: &Utf8Path) -> ArtifactRow {
        let planned = self.planned.as_ref();
        let previous = match self.step {
            Some(Step::Write { previous }) => previous,
            _ => None,
        };
        ArtifactRow {
            status: Some(match self.step {
                Some(Step::Write { .. } | Step::Again) => Status::Done,
                Some(Step::Present) => Status::Present,
                Some(Step::LoadedBefore) => Status::LoadedBefore,
                None => Status::Failed,
            }),
            target: planned.map(|planned| folder.join(&planned.file).into_string()),
            target_digest: planned
                .map(|planned| planned.manifest)
                .filter(|manifest| *manifest != self.artifact.digest),
            previous_digest: previous,
            error: self.error.as_ref().map(|error| {
                format!("could not side-load `{}`\ncause: {}", self.artifact.reference, whole(error))
            }),
            ..ArtifactRow::from(&self.artifact)
        }
    }
}

/// Returns the row of an artifact that is left alone.
pub(super) fn row(artifact: &Artifact) -> ArtifactRow {
    ArtifactRow { status: Some(Status::Skipped), ..ArtifactRow::from(artifact) }
}
