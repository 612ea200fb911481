//! One place after the other, until one has it.

use std::collections::VecDeque;

use super::{By, RegistryClient, Repository};
use crate::content::progress::Progress;
use crate::model::error::{Error, Result};
use crate::stores::registry::auth::Access;
use crate::stores::registry::mirrors::Mirrors;

/// The places to ask for something that is read.
pub(super) struct Tour<'a> {
    mirrors: &'a Mirrors,
    progress: &'a dyn Progress,
    left: VecDeque<Repository>,
    failed: Vec<(Repository, Error)>,
}

impl RegistryClient {
    /// Begins before the first place. What is written has one.
    pub(super) fn tour(&self, repository: &Repository, by: By<'_>) -> Result<Tour<'_>> {
        let left = match self.access {
            Access::Pull => self.mirrors.places(repository, by)?,
            Access::Push => vec![repository.clone()],
        };
        let progress = self.http.progress().as_ref();
        Ok(Tour { mirrors: &self.mirrors, progress, left: left.into(), failed: Vec::new() })
    }

    /// Returns where to ask for lists of what is in a repository.
    pub(super) fn lists_of(&self, repository: &Repository) -> Repository {
        match self.access {
            Access::Pull => self.mirrors.serving(repository),
            Access::Push => repository.clone(),
        }
    }
}

impl Tour<'_> {
    /// Returns the next place.
    pub(super) fn next(&mut self) -> Option<Repository> {
        self.left.pop_front()
    }

    /// Returns whether there is a place after this one.
    pub(super) fn goes_on(&self) -> bool {
        !self.left.is_empty()
    }

    /// Takes note that a place has served a manifest.
    pub(super) fn served(&self, repository: &Repository, place: &Repository) {
        self.mirrors.serves(repository, place);
    }

    /// Takes note that a place has not served, or returns the error where no other is to be asked: wrong bytes and
    /// mistakes of the call are nothing that another place could make good.
    pub(super) fn failed(&mut self, place: Repository, error: Error) -> Result<()> {
        if matches!(error.root(), Error::Mismatch { .. } | Error::Usage { .. }) {
            return Err(error);
        }
        if self.left.is_empty() {
            let tried = self.failed.drain(..).rev();
            return Err(tried.fold(error, |error, (place, why)| {
                error.during(format!("mirror `{place}` was tried before: {}", whole(&why)))
            }));
        }
        if matches!(error.root(), Error::Network { .. }) {
            self.mirrors.give_up(&place);
        }
        self.passed_over(&place, &whole(&error));
        self.failed.push((place, error));
        Ok(())
    }

    /// Says that a place has not served.
    pub(super) fn passed_over(&self, place: &Repository, why: &str) {
        let next = self.left.front().map(|next| format!("; asking `{next}`")).unwrap_or_default();
        self.progress.request(&format!("mirror `{place}` does not serve it: {why}{next}"));
    }
}

/// Returns an error with its causes in one line.
fn whole(error: &Error) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// The error for a tour without a place, which there is none of.
pub(super) fn nowhere(repository: &Repository) -> Error {
    Error::NotFound { what: format!("a place to read `{repository}` from"), hint: None }
}
