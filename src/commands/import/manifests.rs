//! Manifests below the roots: pushed by digest, children before parents, once everything that they name is in place.

use std::collections::HashSet;
use std::sync::Arc;

use super::plan::Place;
use super::survey::Survey;
use super::work::{Ledger, Work};
use crate::content::jobs;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::stores::registry::client::By;

/// What became of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Became {
    Present,
    Pushed(u64),
    /// The registry does not take an index whose manifests are not all there.
    Refused,
}

/// Puts every manifest that is not pushed under a name into every repository that needs it.
pub(super) async fn push(work: &Arc<Work>, survey: &Survey, ledger: &mut Ledger) {
    let needed = needed(work, survey);
    let closed = survey.closed(&work.plan.names);
    ledger.held.extend(survey.vouched.iter().map(|(_, digest)| *digest));
    let count: usize = work.plan.manifests.iter().map(Vec::len).sum();
    work.progress.phase("pushing manifests", None, u64::try_from(count).ok());
    for level in &work.plan.manifests {
        let mut ready = Vec::new();
        for place in level {
            let Some(node) = work.nodes.get(&place.1) else { continue };
            if closed.contains(&place.0) || ledger.lacks(place.0, node) {
                ledger.failed.insert(*place, None);
            } else if node.children.iter().any(|child| ledger.refused.contains(&(place.0, child.digest))) {
                ledger.refused.insert(*place);
            } else if needed.contains(place) && !survey.vouched.contains(place) {
                ready.push(*place);
            }
        }
        if ledger.stopped {
            return;
        }
        let results = jobs::run(work.jobs, work.on_failure, ready.clone(), |(number, digest)| {
            let work = Arc::clone(work);
            let exists = survey.exists.get(number) == Some(&true);
            async move { work.ask(one(&work, number, digest, exists)).await }
        })
        .await;
        for (place, result) in ready.into_iter().zip(results) {
            match result {
                Some(Ok(Became::Pushed(size))) => {
                    ledger.pushed.insert(place);
                    ledger.transferred = ledger.transferred.saturating_add(size);
                }
                Some(Ok(Became::Refused)) => {
                    ledger.refused.insert(place);
                }
                Some(Err(error)) => ledger.fail(place, error, work.on_failure),
                Some(Ok(Became::Present)) => {
                    ledger.held.insert(place.1);
                }
                None => {}
            }
        }
    }
}

/// Returns the manifests that some name needs.
fn needed(work: &Work, survey: &Survey) -> HashSet<Place> {
    let names = work.plan.names.iter().zip(&survey.names);
    names
        .flat_map(|(name, found)| found.needs(work, name).map(|node| (name.repository, node.digest)))
        .collect()
}

async fn one(work: &Arc<Work>, number: usize, digest: Digest, exists: bool) -> Result<Became> {
    let repository = work.repository(number)?;
    let by = By::Digest(&digest);
    if exists && work.client.head_manifest(repository, by).await?.is_some() {
        return Ok(Became::Present);
    }
    let Some(node) = work.nodes.get(&digest) else { return Ok(Became::Present) };
    let bytes = work.manifest(digest).await?;
    match work.client.put_manifest(repository, by, &node.media_type, bytes).await {
        Ok(_) => Ok(Became::Pushed(node.size)),
        Err(error) if node.sparse && is_refusal(&error) => Ok(Became::Refused),
        Err(error) => Err(error),
    }
}

/// Returns whether an error may mean that a registry takes no sparse index: they answer 400, 404, 412 or 422 then, with
/// different codes.
pub(super) fn is_refusal(error: &Error) -> bool {
    match error.root() {
        Error::NotFound { .. } => true,
        Error::Remote { status, .. } => matches!(status, 400 | 404 | 412 | 422),
        _ => false,
    }
}
