//! One place after the other, until one has it.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{By, RegistryClient, Repository};
use crate::content::progress::Progress;
use crate::model::error::{Error, Result};
use crate::stores::registry::auth::Access;
use crate::stores::registry::mirrors::Mirrors;

/// The places to ask for something that is read.
#[derive(Debug)]
pub(super) struct Tour {
    mirrors: Mirrors,
    progress: Arc<dyn Progress>,
    left: VecDeque<Repository>,
    failed: Vec<(Repository, Error)>,
}

impl RegistryClient {
    /// Begins before the first place. What is written has one.
    pub(super) fn tour(&self, repository: &Repository, by: By<'_>) -> Result<Tour> {
        let left = match self.access {
            Access::Pull => self.mirrors.places(repository, by)?,
            Access::Push => vec![repository.clone()],
        };
        let progress = Arc::clone(self.http.progress());
        Ok(Tour { mirrors: self.mirrors.clone(), progress, left: left.into(), failed: Vec::new() })
    }

    /// Finds out which place has a manifest that was fetched by an earlier run, where there are mirrors and none has
    /// served: lists of what is in the repository are asked for there.
    pub async fn find_place(&self, repository: &Repository, by: By<'_>) -> Result<()> {
        let places = self.mirrors.places(repository, by)?;
        if self.mirrors.serving(repository) == *repository && places != [repository.clone()] {
            self.head_manifest(repository, by).await?;
        }
        Ok(())
    }

    /// Returns where to ask for lists of what is in a repository.
    pub(super) fn lists_of(&self, repository: &Repository) -> Repository {
        match self.access {
            Access::Pull => self.mirrors.serving(repository),
            Access::Push => repository.clone(),
        }
    }

    /// Returns the flags of mirrors that nothing was looked for at.
    pub fn mirrors_in_vain(&self) -> Vec<String> {
        self.mirrors.in_vain()
    }
}

impl Tour {
    /// Returns the next place.
    pub(super) fn next(&mut self) -> Option<Repository> {
        self.left.pop_front()
    }

    /// Returns whether there is a place after this one.
    pub(super) fn goes_on(&self) -> bool {
        !self.left.is_empty()
    }

    /// Returns the places after this one, as a tour of its own.
    pub(super) fn rest(&self) -> Self {
        let (mirrors, progress) = (self.mirrors.clone(), Arc::clone(&self.progress));
        Self { mirrors, progress, left: self.left.clone(), failed: Vec::new() }
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
            self.failed.push((place, error));
            return Err(self.sum_up());
        }
        self.passed_over(&place, &whole(&error));
        if !matches!(error.root(), Error::NotFound { .. }) && self.mirrors.give_up(&place, error.root()) {
            let next = self.next_place();
            self.progress.warn(&format!("mirror `{place}` is passed over: {}{next}", whole(&error)));
        }
        self.failed.push((place, error));
        Ok(())
    }

    /// Returns the error that tells of every place. Its root, and with it its hint, is of a mirror that failed otherwise
    /// than by lacking something, rather of one that may serve another time: what passes there passes for all.
    fn sum_up(&mut self) -> Error {
        let mut all = std::mem::take(&mut self.failed);
        let failed = |(_, error): &(Repository, Error)| !matches!(error.root(), Error::NotFound { .. });
        let passes = all.iter().position(|(_, error)| error.may_pass());
        let chosen = passes.or_else(|| all.iter().position(failed)).unwrap_or(all.len().saturating_sub(1));
        let (_, error) = all.remove(chosen);
        let tell = |error: Error, (place, why): (Repository, Error)| {
            error.during(format!("`{place}` was tried, too: {}", whole(&why)))
        };
        all.into_iter().rev().fold(error, tell)
    }

    /// Says that a place has not served.
    pub(super) fn passed_over(&self, place: &Repository, why: &str) {
        self.progress.request(&format!("mirror `{place}` does not serve it: {why}{}", self.next_place()));
    }

    fn next_place(&self) -> String {
        self.left.front().map(|next| format!("; asking `{next}`")).unwrap_or_default()
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
