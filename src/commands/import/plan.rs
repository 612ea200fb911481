//! What has to be where: every blob and manifest once for each repository, and the names after them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::names::{Chosen, DigestTags};
use super::nodes::Nodes;
use crate::model::contents::Blob;
use crate::model::digest::{Algorithm, Digest};
use crate::model::error::Result;
use crate::model::target::Destination;
use crate::stores::registry::client::{By, Repository};

/// Content of a repository: which one, by its place in [`Plan::repositories`], and what.
pub(super) type Place = (usize, Digest);

/// What an import does, before it is known what is there already.
#[derive(Debug)]
pub(super) struct Plan {
    /// The repositories that are written to, sorted.
    pub(super) repositories: Vec<Repository>,
    /// Blobs, the largest first, so that none is left alone at the end.
    pub(super) blobs: Vec<PlannedBlob>,
    /// Manifests that are pushed by digest, level by level, children before parents.
    pub(super) manifests: Vec<Vec<Place>>,
    /// The names to set, sorted.
    pub(super) names: Vec<Name>,
}

/// A blob and where it has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PlannedBlob {
    /// Digest and size.
    pub(super) blob: Blob,
    /// The repositories that need it, sorted.
    pub(super) repositories: BTreeSet<usize>,
    /// The place of the first artifact that needs it.
    pub(super) owner: usize,
}

/// A name to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// The repository.
    pub(super) repository: usize,
    /// The tag; without one the root is pushed by digest.
    pub(super) tag: Option<String>,
    /// What it names.
    pub(super) root: Digest,
    /// Whether the reference of one of them states the digest of the root.
    pub(super) is_pinned: bool,
    /// The artifacts that are called so, by their places.
    pub(super) artifacts: Vec<usize>,
}

impl Name {
    /// Returns how the root is pushed under this name.
    pub(super) fn by(&self) -> By<'_> {
        self.tag.as_deref().map_or(By::Digest(&self.root), By::Tag)
    }
}

impl Plan {
    /// Plans the import of `chosen`, each with its place among all artifacts.
    pub(super) fn new(
        to: &Destination,
        chosen: &[(usize, &Chosen)],
        nodes: &Nodes,
        digest_tags: DigestTags,
    ) -> Result<Self> {
        let paths: BTreeSet<&str> = chosen.iter().map(|(_, chosen)| chosen.target.repository()).collect();
        let numbers: HashMap<&str, usize> = paths.iter().copied().zip(0..).collect();
        let mut names: BTreeMap<(usize, Option<String>, Digest), Name> = BTreeMap::new();
        let mut blobs: HashMap<Digest, PlannedBlob> = HashMap::new();
        let mut manifests: BTreeMap<Place, usize> = BTreeMap::new();
        for (place, chosen) in chosen {
            let Some(&repository) = numbers.get(chosen.target.repository()) else { continue };
            let root = chosen.artifact.digest;
            let tag = chosen.is_tagged(digest_tags).then(|| chosen.target.tag().to_string());
            let mut levels: HashMap<Digest, usize> = HashMap::new();
            for node in nodes.closure(&root) {
                let below = node.children.iter().filter_map(|child| levels.get(&child.digest)).max();
                let level = below.map_or(0, |level| level.saturating_add(1));
                levels.insert(node.digest, level);
                // A registry computes the sha256 of what is pushed by tag, so another digest has to be said first.
                if node.digest != root || (tag.is_some() && root.algorithm() != Algorithm::Sha256) {
                    manifests.insert((repository, node.digest), level);
                }
                for blob in &node.blobs {
                    let new = || PlannedBlob { blob: *blob, repositories: BTreeSet::new(), owner: *place };
                    blobs.entry(blob.digest).or_insert_with(new).repositories.insert(repository);
                }
            }
            let new = Name { repository, tag: tag.clone(), root, is_pinned: false, artifacts: vec![] };
            let name = names.entry((repository, tag, root)).or_insert(new);
            name.is_pinned |= chosen.artifact.reference.contains('@');
            name.artifacts.push(*place);
        }
        let mut blobs: Vec<PlannedBlob> = blobs.into_values().collect();
        blobs.sort_by_key(|planned| (Reverse(planned.blob.size), planned.blob.digest));
        let depth = manifests.values().max().map_or(0, |level| level.saturating_add(1));
        let mut levels = vec![Vec::new(); depth];
        for (place, level) in manifests {
            if let Some(level) = levels.get_mut(level) {
                level.push(place);
            }
        }
        let repositories = paths.into_iter().map(|path| Repository::new(to.registry(), path));
        Ok(Self {
            repositories: repositories.collect::<Result<_>>()?,
            blobs,
            manifests: levels,
            names: names.into_values().collect(),
        })
    }
}
