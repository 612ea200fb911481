//! What the destination has: repositories, names, the receipt. Asked before anything is pushed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::naming;
use super::nodes::Node;
use super::plan::{Name, Place};
use super::receipt::Known;
use super::sparse;
use super::trial::Refusal;
use super::work::Work;
use crate::content::jobs::{self, OnFailure};
use crate::model::digest::{Algorithm, Digest};
use crate::model::error::{Error, Result};
use crate::model::manifest::Manifest;
use crate::stores::registry::client::By;

/// What the destination has.
#[derive(Debug)]
pub(super) struct Survey {
    /// Whether each repository of the plan may hold something.
    pub(super) exists: Vec<bool>,
    /// What each name of the plan points at.
    pub(super) names: Vec<Found>,
    /// What is below names that point where the receipt says, and so is not asked for.
    pub(super) vouched: HashSet<Place>,
    /// Repositories that take no upload.
    pub(super) refused: HashMap<usize, Arc<Refusal>>,
}

impl Survey {
    /// Takes the receipt's word for what is below the names that still point where it says: it was left when all of that
    /// was in place, and a registry keeps what a tag points at.
    pub(super) fn trust(&mut self, known: &Known, work: &Work) {
        for (name, found) in work.plan.names.iter().zip(&self.names) {
            let there = match found {
                Found::Same => name.root,
                Found::Instead(there) => *there,
                Found::Nothing | Found::More(_) | Found::Less | Found::Other(_) | Found::Unknown(_) => {
                    continue;
                }
            };
            let Ok(repository) = work.repository(name.repository) else { continue };
            if known.says(&name.written(repository), &name.root, &there) {
                for node in found.needs(work, name) {
                    let blobs = node.blobs.iter().map(|blob| blob.digest);
                    self.vouched.extend(blobs.chain([node.digest]).map(|digest| (name.repository, digest)));
                }
            }
        }
    }

    /// Leaves alone what only names need that point at more than they should already.
    pub(super) fn spare(&mut self, work: &Work) {
        let places = |is_spared: bool| {
            let names = work.plan.names.iter().zip(&self.names);
            let names = names.filter(move |(_, found)| matches!(found, Found::More(_)) == is_spared);
            names.flat_map(|(name, _)| naming::places(work, name)).collect::<HashSet<Place>>()
        };
        let spared = places(true);
        if !spared.is_empty() {
            let needed = places(false);
            self.vouched.extend(spared.difference(&needed));
        }
    }

    /// Returns the repositories that cannot be asked about any of their names, or take no upload and have none of them:
    /// nothing is pushed to them.
    pub(super) fn closed(&self, names: &[Name]) -> HashSet<usize> {
        let (unknown, known): (Vec<_>, Vec<_>) =
            names.iter().zip(&self.names).partition(|(name, found)| match found {
                Found::Unknown(_) => true,
                found => found.is_to_set() && self.refused.contains_key(&name.repository),
            });
        let known: HashSet<usize> = known.into_iter().map(|(name, _)| name.repository).collect();
        unknown
            .into_iter()
            .map(|(name, _)| name.repository)
            .filter(|number| !known.contains(number))
            .collect()
    }

    /// Returns the names that cannot be set because their repository takes no upload, by the artifacts that want them.
    pub(super) fn names_refused<'a>(
        &'a self,
        names: &'a [Name],
    ) -> impl Iterator<Item = (Arc<Refusal>, usize)> {
        let unset = names.iter().zip(&self.names).filter(|(_, found)| found.is_to_set());
        unset.flat_map(|(name, _)| {
            let refusal = self.refused.get(&name.repository);
            refusal
                .into_iter()
                .flat_map(|refusal| name.artifacts.iter().map(|place| (Arc::clone(refusal), *place)))
        })
    }

    /// Returns whether anything may be pushed anywhere.
    pub(super) fn is_open(&self, names: &[Name]) -> bool {
        let closed = self.closed(names);
        names.is_empty() || names.iter().any(|name| !closed.contains(&name.repository))
    }

    /// Returns the error where nothing is known of any name.
    pub(super) fn failure(&mut self) -> Option<Error> {
        if !self.names.iter().all(|found| matches!(found, Found::Unknown(_))) {
            return None;
        }
        self.names.drain(..).find_map(|found| match found {
            Found::Unknown(error) => Some(error),
            _ => None,
        })
    }
}

/// What a name points at.
#[derive(Debug)]
pub(super) enum Found {
    /// Nothing.
    Nothing,
    /// What it should.
    Same,
    /// What an earlier import put there instead of a sparse index, or the same bytes under another algorithm.
    Instead(Digest),
    /// What holds all that it should, and more: signatures that were added there.
    More(Digest),
    /// A part of what it should: it grows.
    Less,
    /// Something else.
    Other(Digest),
    /// It is not known.
    Unknown(Error),
}

impl Found {
    /// Returns whether the name has to be set, or moved.
    pub(super) const fn is_to_set(&self) -> bool {
        matches!(self, Self::Nothing | Self::Less | Self::Other(_))
    }

    /// Returns whether the name points at anything.
    const fn is_there(&self) -> bool {
        !matches!(self, Self::Nothing | Self::Unknown(_))
    }

    /// Returns the manifests that a name needs, children before parents. One that stands for something else than its
    /// sparse index does not need the sparse indexes below it, which the registry refused then.
    pub(super) fn needs<'a>(&self, work: &'a Work, name: &Name) -> impl Iterator<Item = &'a Node> + use<'a> {
        let refused = matches!(self, Self::Instead(_));
        let mut sparse: HashSet<Digest> = HashSet::new();
        work.nodes.closure(&name.root).into_iter().filter(move |node| {
            if node.sparse || node.children.iter().any(|child| sparse.contains(&child.digest)) {
                sparse.insert(node.digest);
            }
            !refused || !sparse.contains(&node.digest)
        })
    }
}

/// What may be there already of what is to be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// Anything, also in repositories without a tag, which registries deny to know: this bundle was imported before,
    /// or that cannot be told. Everything is asked for, the names first.
    Content,
    /// No import of this bundle has begun, so that a repository which the registry does not know holds nothing of it.
    Nothing,
}

/// Asks for everything.
pub(super) async fn survey(work: &Arc<Work>, expected: Expected) -> Result<Survey> {
    let count = work.plan.repositories.len();
    work.progress.phase("asking the registry", None, u64::try_from(work.plan.names.len()).ok());
    let every: Vec<usize> = (0..work.plan.names.len()).collect();
    let mut found: Vec<Option<Found>> = Vec::new();
    found.resize_with(every.len(), || None);
    if expected == Expected::Content {
        names(work, &every, &mut found).await;
    }
    let seen: HashSet<usize> = (work.plan.names.iter().zip(&found))
        .filter(|(_, found)| found.as_ref().is_some_and(Found::is_there))
        .map(|(name, _)| name.repository)
        .collect();
    // Where content is expected, only those are asked about of which names could not be asked.
    let unclear: HashSet<usize> = (work.plan.names.iter().zip(&found))
        .filter(|(_, found)| matches!(found, None | Some(Found::Unknown(_))))
        .map(|(name, _)| name.repository)
        .collect();
    let unseen: Vec<usize> =
        (0..count).filter(|number| !seen.contains(number) && unclear.contains(number)).collect();
    let asked = jobs::run(work.jobs, OnFailure::GoOn, unseen.clone(), |number| {
        let work = Arc::clone(work);
        async move { work.ask(work.client.repository_exists(work.repository(number)?)).await }
    })
    .await;
    let mut exists = vec![true; count];
    for (number, asked) in unseen.into_iter().zip(asked) {
        match (exists.get_mut(number), asked) {
            (Some(exists), Some(Ok(answer))) => *exists = answer || expected == Expected::Content,
            (_, Some(Err(error))) => fail(&work.plan.names, number, error, &mut found),
            _ => {}
        }
    }
    let left: Vec<usize> = (work.plan.names.iter().enumerate())
        .filter(|(place, name)| {
            matches!(found.get(*place), Some(None)) && exists.get(name.repository) == Some(&true)
        })
        .map(|(place, _)| place)
        .collect();
    names(work, &left, &mut found).await;
    let names = found.into_iter().map(|found| found.unwrap_or(Found::Nothing)).collect();
    Ok(Survey { exists, names, vouched: HashSet::new(), refused: HashMap::new() })
}

/// Notes for every name of a repository that nothing is known of it.
fn fail(names: &[Name], repository: usize, error: Error, found: &mut [Option<Found>]) {
    let mut error = Some(error);
    let of_repository = names.iter().zip(found).filter(|(name, _)| name.repository == repository);
    for (_, found) in of_repository {
        let again = || Error::Conflict {
            message: "its repository cannot be asked, as said for another artifact".to_owned(),
            items: vec![],
            hint: None,
        };
        *found = Some(Found::Unknown(error.take().unwrap_or_else(again)));
    }
}

/// Asks what names point at.
async fn names(work: &Arc<Work>, places: &[usize], found: &mut [Option<Found>]) {
    let asked = jobs::run(work.jobs, OnFailure::GoOn, places.to_vec(), |place| {
        let work = Arc::clone(work);
        async move { name(&work, place).await }
    })
    .await;
    for (place, asked) in places.iter().zip(asked) {
        if let (Some(found), Some(asked)) = (found.get_mut(*place), asked) {
            *found = Some(asked.unwrap_or_else(Found::Unknown));
        }
    }
}

async fn name(work: &Arc<Work>, place: usize) -> Result<Found> {
    let Some(name) = work.plan.names.get(place) else { return Ok(Found::Nothing) };
    let there = work.ask(work.client.head_manifest(work.repository(name.repository)?, name.by())).await?;
    let Some(there) = there.map(|descriptor| descriptor.digest) else { return Ok(Found::Nothing) };
    if there == name.root {
        return Ok(Found::Same);
    }
    let root = name.root;
    let closure = work.nodes.closure(&root);
    if root.algorithm() != Algorithm::Sha256 && Digest::sha256(&work.manifest(root).await?) == there {
        return Ok(Found::Instead(there));
    }
    if closure.iter().any(|node| node.sparse) {
        let other = Arc::clone(work);
        let instead =
            jobs::offload(move || sparse::instead(&other.stock, &other.nodes, &root)).await??.digest();
        if instead == Some(there) {
            return Ok(Found::Instead(there));
        }
    }
    if name.subjects.is_empty() {
        return Ok(Found::Other(there));
    }
    compared(work, name, there).await
}

/// Compares the layers of what a tag of cosign names with those of what it should name: each is a signature, and more of
/// them are added at the end.
async fn compared(work: &Arc<Work>, name: &Name, there: Digest) -> Result<Found> {
    let repository = work.repository(name.repository)?;
    let fetched = work.ask(work.client.manifest(repository, By::Digest(&there))).await?;
    let [theirs, ours] = [fetched.bytes, work.manifest(name.root).await?].map(|bytes| layers(&bytes));
    let (Some(theirs), Some(ours)) = (theirs, ours) else { return Ok(Found::Other(there)) };
    Ok(if theirs.is_superset(&ours) {
        Found::More(there)
    } else if ours.is_superset(&theirs) {
        Found::Less
    } else {
        Found::Other(there)
    })
}

/// Returns the layers of a manifest that has some.
fn layers(bytes: &[u8]) -> Option<HashSet<Digest>> {
    let manifest = Manifest::parse("", bytes).ok()?;
    let layers: HashSet<Digest> = manifest.layers.iter().map(|layer| layer.digest).collect();
    (!layers.is_empty()).then_some(layers)
}
