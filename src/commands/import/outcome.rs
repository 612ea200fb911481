//! What became of each artifact.

use std::sync::Arc;

use super::naming::{self, Named};
use super::work::{Failure, Ledger, Work};
use crate::commands::report::{ArtifactRow, Status};
use crate::model::digest::Digest;
use crate::model::error::Error;

/// What became of an artifact.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Nothing yet, and nothing later either where the import stopped.
    Open,
    /// It is there under its name.
    There {
        /// Whether anything had to be pushed for it.
        status: Status,
        /// What its name points at.
        digest: Digest,
        /// What the name pointed at before.
        previous: Option<Digest>,
    },
    /// It failed.
    Failed(Failure),
}

impl From<Option<Error>> for Outcome {
    fn from(defect: Option<Error>) -> Self {
        defect.map_or(Self::Open, |error| Self::Failed(error.into()))
    }
}

impl Outcome {
    /// Returns whether nothing has become of it yet.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }

    /// Returns whether it failed.
    pub(super) const fn is_failed(&self) -> bool {
        matches!(self, Self::Failed(_))
    }

    /// Writes it into a row, and returns why it failed.
    pub(super) fn tell(self, row: &mut ArtifactRow) -> Option<Failure> {
        match self {
            Self::Open => row.status = Some(Status::Skipped),
            Self::There { status, digest, previous } => {
                row.status = Some(status);
                row.target_digest = Some(digest).filter(|digest| Some(*digest) != row.digest);
                row.previous_digest = previous;
            }
            Self::Failed(failure) => {
                row.status = Some(Status::Failed);
                return Some(failure);
            }
        }
        None
    }
}

/// Turns what became of names into what became of artifacts.
pub(super) fn settle(work: &Work, named: Vec<Named>, ledger: &Ledger, outcomes: &mut [Outcome]) {
    for (name, named) in work.plan.names.iter().zip(named) {
        let there = |digest, status, previous| Outcome::There { status, digest, previous };
        let mut failure = None;
        let outcome = || match &named {
            Named::Present(digest) => {
                let pushed = !ledger.pushed.is_empty()
                    && naming::places(work, name).iter().any(|place| ledger.pushed.contains(place));
                there(*digest, if pushed { Status::Done } else { Status::Present }, None)
            }
            Named::Set(change) => there(change.digest, Status::Done, change.previous),
            Named::Failed(Failure::Of(digest, _) | Failure::Shared(digest)) => {
                Outcome::Failed(Failure::Shared(*digest))
            }
            Named::Failed(Failure::Refused(refusal)) => {
                Outcome::Failed(Failure::Refused(Arc::clone(refusal)))
            }
            Named::Failed(Failure::Own(_)) => Outcome::Failed(Failure::Own(Error::Conflict {
                message: "its name is that of another artifact, which failed".to_owned(),
                items: vec![],
                hint: None,
            })),
            Named::Skipped => Outcome::Open,
        };
        let mut all: Vec<Outcome> = name.artifacts.iter().map(|_| outcome()).collect();
        if let Named::Failed(error) = named {
            failure = Some(error);
        }
        if let (Some(first), Some(error)) = (all.first_mut(), failure) {
            *first = Outcome::Failed(error);
        }
        for (place, outcome) in name.artifacts.iter().zip(all) {
            if let Some(slot) = outcomes.get_mut(*place) {
                *slot = outcome;
            }
        }
    }
}
