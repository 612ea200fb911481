//! Names, set last: a name points at something only after everything below it is in place.

use std::sync::Arc;

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

/// Sets every name whose content is in place, and returns what became of each, in the order of the plan.
pub(super) async fn set(work: &Arc<Work>, survey: Survey, ledger: &mut Ledger) -> Vec<Named> {
    let mut named: Vec<Named> = Vec::with_capacity(work.plan.names.len());
    let mut ready = Vec::new();
    let Survey { names: found, refused, .. } = survey;
    for (place, (name, found)) in work.plan.names.iter().zip(found).enumerate() {
        if let (Found::Nothing | Found::Other(_), Some(refusal)) = (&found, refused.get(&name.repository)) {
            for place in &name.artifacts {
                work.seen.settle(*place, |row| {
                    row.status = Some(Status::Failed);
                    row.error = Some(refusal.text().to_owned());
                });
            }
            named.push(Named::Failed(Failure::Refused(Arc::clone(refusal))));
            continue;
        }
        let needed = places(work, name);
        let previous = match (found, ledger.reason(&needed)) {
            (Found::Unknown(error), _) => {
                named.push(Named::Failed(error.into()));
                continue;
            }
            (_, Some(failure)) => {
                named.push(Named::Failed(failure));
                continue;
            }
            (Found::Same, None) if !ledger.stopped => {
                ledger.held.insert(name.root);
                named.push(present(work, name, name.root));
                continue;
            }
            (Found::Instead(digest), None) if !ledger.stopped => {
                ledger.held.insert(name.root);
                named.push(present(work, name, digest));
                continue;
            }
            (Found::Other(digest), None) => Some(digest),
            _ => None,
        };
        named.push(Named::Skipped);
        if !ledger.stopped {
            let refused = needed.iter().any(|place| ledger.refused.contains(place));
            ready.push(Ready { name: name.clone(), place, previous, refused });
        }
    }
    work.progress.phase("setting names", None, u64::try_from(ready.len()).ok());
    let places: Vec<usize> = ready.iter().map(|ready| ready.place).collect();
    let results = jobs::run(work.jobs, work.on_failure, ready, |ready| {
        let work = Arc::clone(work);
        async move {
            let result = work.ask(one(&work, &ready)).await;
            remember(&work, &ready.name, &result);
            result
        }
    })
    .await;
    for (place, result) in places.into_iter().zip(results) {
        let (Some(named), Some(result)) = (named.get_mut(place), result) else { continue };
        *named = match result {
            Ok(change) => {
                ledger.transferred = ledger.transferred.saturating_add(change.sent);
                Named::Set(change)
            }
            Err(error) => {
                ledger.stopped |= work.on_failure == OnFailure::Stop;
                Named::Failed(error.into())
            }
        };
    }
    named
}

/// A name that is as it should be: nothing is done about it.
fn present(work: &Work, name: &Name, digest: Digest) -> Named {
    for place in &name.artifacts {
        work.seen.settle(*place, |row| row.status = Some(Status::Present));
    }
    Named::Present(digest)
}

/// Remembers what became of a name, for where the import is ended before it can say so itself.
fn remember(work: &Work, name: &Name, result: &Result<Change>) {
    for place in &name.artifacts {
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
