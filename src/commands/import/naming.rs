//! Names, set last: a name points at something only after everything below it is in place.

use std::collections::HashSet;
use std::sync::Arc;

use super::MovedTags;
use super::manifests::is_refusal;
use super::plan::{Name, Place};
use super::sparse::{self, Instead};
use super::survey::{Found, Survey};
use super::work::{Failure, Ledger, Work};
use crate::commands::report::Status;
use crate::content::jobs::{self, OnFailure};
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::target::Tag;
use crate::stores::registry::client::{By, Repository};

/// What became of a name.
#[derive(Debug)]
pub(super) enum Named {
    /// It points where it should, and did so before.
    Present(Digest),
    /// It was set.
    Set(Change),
    /// It was not set.
    Failed(Failure),
    /// It was not tried, since something else failed before.
    Skipped,
}

/// What a name points at now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    /// What it points at.
    pub(super) digest: Digest,
    /// What it pointed at before.
    pub(super) previous: Option<Digest>,
    /// Bytes that were sent.
    sent: u64,
}

/// A name that can be set.
#[derive(Clone, Debug)]
struct Ready {
    name: Name,
    place: usize,
    previous: Option<Digest>,
    /// Whether the registry has refused an index below the root already.
    refused: bool,
}

/// Sets every name whose content is in place, what refers to something after that, and returns what became of each, in the
/// order of the plan.
pub(super) async fn set(work: &Arc<Work>, survey: Survey, ledger: &mut Ledger) -> Vec<Named> {
    let mut named: Vec<Named> = Vec::with_capacity(work.plan.names.len());
    let mut waiting = Vec::new();
    let mut in_place: HashSet<Place> = HashSet::new();
    let Survey { names: found, refused, .. } = survey;
    for (place, (name, found)) in work.plan.names.iter().zip(found).enumerate() {
        if let Some(refusal) = refused.get(&name.repository).filter(|_| found.is_to_set()) {
            for place in name.artifacts.iter().filter(|place| **place < work.artifacts) {
                work.seen.settle(*place, |row| {
                    row.status = Some(Status::Failed);
                    row.error = Some(refusal.text().to_owned());
                });
            }
            named.push(Named::Failed(Failure::Refused(Arc::clone(refusal))));
            continue;
        }
        let needed = places(work, name);
        named.push(match (found, ledger.reason(&needed)) {
            (Found::Unknown(error), _) => Named::Failed(error.into()),
            (_, Some(failure)) => Named::Failed(failure),
            _ if ledger.stopped => Named::Skipped,
            (Found::Same, None) => {
                ledger.held.insert(name.root);
                in_place.extend(held(work, name, name.root));
                present(work, name, name.root)
            }
            (Found::Instead(digest), None) => {
                ledger.held.insert(name.root);
                in_place.extend(held(work, name, digest));
                present(work, name, digest)
            }
            (Found::More(digest), None) => {
                ledger.held.insert(name.root);
                present(work, name, digest)
            }
            (Found::Other(there), None) if !name.subjects.is_empty() && work.moved == MovedTags::Refuse => {
                Named::Failed(Failure::Own(taken(name, &there)))
            }
            (found, None) => {
                let previous = if let Found::Other(digest) = found { Some(digest) } else { None };
                let refused = needed.iter().any(|place| ledger.refused.contains(place));
                waiting.push(Ready { name: name.clone(), place, previous, refused });
                Named::Skipped
            }
        });
    }
    work.progress.phase("setting names", None, u64::try_from(waiting.len()).ok());
    loop {
        let is_ready = |ready: &Ready| {
            let Name { subjects, repository, .. } = &ready.name;
            subjects.is_empty() || subjects.iter().any(|subject| in_place.contains(&(*repository, *subject)))
        };
        let (ready, rest): (Vec<Ready>, Vec<Ready>) = waiting.into_iter().partition(is_ready);
        if ready.is_empty() || ledger.stopped {
            return named;
        }
        waiting = rest;
        for (ready, result) in round(work, ready).await {
            let (Some(named), Some(result)) = (named.get_mut(ready.place), result) else { continue };
            *named = match result {
                Ok(change) => {
                    ledger.transferred = ledger.transferred.saturating_add(change.sent);
                    in_place.extend(held(work, &ready.name, change.digest));
                    Named::Set(change)
                }
                Err(error) => {
                    ledger.stopped |= work.on_failure == OnFailure::Stop;
                    Named::Failed(error.into())
                }
            };
        }
    }
}

/// Sets names that nothing else has to be set before.
async fn round(work: &Arc<Work>, ready: Vec<Ready>) -> Vec<(Ready, Option<Result<Change>>)> {
    let results = jobs::run(work.jobs, work.on_failure, ready.clone(), |ready| {
        let work = Arc::clone(work);
        async move {
            let result = work.ask(one(&work, &ready)).await;
            remember(&work, &ready.name, &result);
            result
        }
    });
    ready.into_iter().zip(results.await).collect()
}

/// Returns the manifests that are in place when a name points at `digest`.
fn held(work: &Work, name: &Name, digest: Digest) -> Vec<Place> {
    let found = if digest == name.root { Found::Same } else { Found::Instead(digest) };
    found.needs(work, name).map(|node| (name.repository, node.digest)).collect()
}

/// Says that the tag of a referrer names something else.
fn taken(name: &Name, there: &Digest) -> Error {
    let tag = name.tag.as_deref().unwrap_or_default();
    Error::Conflict {
        message: format!(
            "tag `{tag}` names {there} there, which holds something that {} does not",
            name.root
        ),
        items: vec![],
        hint: Some("`--move-tags` moves it, and keeps what it names under a `digest-` tag".to_owned()),
    }
}

/// A name that is as it should be: nothing is done about it.
fn present(work: &Work, name: &Name, digest: Digest) -> Named {
    for place in name.artifacts.iter().filter(|place| **place < work.artifacts) {
        work.seen.settle(*place, |row| row.status = Some(Status::Present));
    }
    Named::Present(digest)
}

/// Remembers what became of a name, for where the import is ended before it can say so itself.
fn remember(work: &Work, name: &Name, result: &Result<Change>) {
    for place in name.artifacts.iter().filter(|place| **place < work.artifacts) {
        work.seen.end(*place, result);
        if let Ok(change) = result {
            work.seen.settle(*place, |row| {
                row.target_digest = Some(change.digest).filter(|digest| Some(*digest) != row.digest);
                row.previous_digest = change.previous;
            });
        }
    }
}

/// Returns everything that has to be in place before a name is set: what is below the root, and the root where it is
/// pushed by digest first.
pub(super) fn places(work: &Work, name: &Name) -> Vec<Place> {
    let closure = work.nodes.closure(&name.root);
    let digests =
        closure.into_iter().flat_map(|node| node.blobs.iter().map(|blob| blob.digest).chain([node.digest]));
    digests.map(|digest| (name.repository, digest)).collect()
}

async fn one(work: &Arc<Work>, ready: &Ready) -> Result<Change> {
    let name = &ready.name;
    let repository = work.repository(name.repository)?;
    if let Some(previous) = &ready.previous {
        keep(work, repository, previous).await?;
    }
    let (root, previous) = (name.root, ready.previous);
    let Some(node) = work.nodes.get(&root) else { return Err(Error::Interrupted(15)) };
    if !ready.refused {
        let bytes = work.manifest(root).await?;
        match work.client.put_manifest(repository, name.by(), &node.media_type, bytes).await {
            Ok(_) => return Ok(Change { digest: root, previous, sent: node.size }),
            Err(error) if node.sparse && is_refusal(&error) => {}
            Err(error) => return Err(error),
        }
    }
    if name.is_pinned {
        return Err(Error::Unsupported {
            message: format!(
                "index {root} is sparse, the registry takes no sparse index, and the reference pins its digest"
            ),
            hint: Some("export it whole: without `platform=` on its line".to_owned()),
        });
    }
    let (digest, sent) = put_instead(work, repository, name).await?;
    Ok(Change { digest, previous, sent })
}

/// Gives the manifest that a name points at now a tag of its own, so that going back is possible.
async fn keep(work: &Work, repository: &Repository, previous: &Digest) -> Result<()> {
    let there = work.client.manifest(repository, By::Digest(previous)).await?;
    let tag = Tag::of_digest(previous);
    let by = By::Tag(tag.as_str());
    work.client.put_manifest(repository, by, &there.descriptor.media_type, there.bytes).await?;
    Ok(())
}

/// Sets a name to what takes the place of a sparse index, and returns that and how many bytes were sent.
async fn put_instead(work: &Arc<Work>, repository: &Repository, name: &Name) -> Result<(Digest, u64)> {
    let (other, root) = (Arc::clone(work), name.root);
    let instead = jobs::offload(move || sparse::instead(&other.stock, &other.nodes, &root)).await??;
    match instead {
        Instead::Image(image) => {
            let Some(node) = work.nodes.get(&image) else { return Err(Error::Interrupted(15)) };
            let bytes = work.manifest(image).await?;
            let by = name.tag.as_deref().map_or(By::Digest(&image), By::Tag);
            work.client.put_manifest(repository, by, &node.media_type, bytes).await?;
            Ok((image, node.size))
        }
        Instead::Indexes(made) => {
            let mut sent = 0_u64;
            let mut last = name.root;
            for (place, index) in made.iter().enumerate() {
                let tag = name.tag.as_deref().filter(|_| place.saturating_add(1) == made.len());
                let by = tag.map_or(By::Digest(&index.digest), By::Tag);
                work.client.put_manifest(repository, by, &index.media_type, index.bytes.clone()).await?;
                sent = sent.saturating_add(u64::try_from(index.bytes.len()).unwrap_or(u64::MAX));
                last = index.digest;
            }
            Ok((last, sent))
        }
    }
}
