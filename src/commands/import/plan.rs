//! What has to be where: every blob and manifest once for each repository, and the names after them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

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

/// Something that is to have a name: an artifact, or what refers to one.
#[derive(Clone, Debug)]
pub(super) struct Claim<'a> {
    /// Its place among everything that is imported.
    pub(super) place: usize,
    /// The place of the artifact that it is or belongs to.
    pub(super) owner: usize,
    /// The path of the repository.
    pub(super) repository: &'a str,
    /// The tag; without one it is pushed by digest.
    pub(super) tag: Option<String>,
    /// Digest of its root.
    pub(super) root: Digest,
    /// Whether its reference states that digest.
    pub(super) is_pinned: bool,
    /// What it refers to; an artifact has none.
    pub(super) subject: Option<Digest>,
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
    /// The artifacts and referrers that are called so, by their places.
    pub(super) artifacts: Vec<usize>,
    /// What it refers to: it is set only where one of those is in place. Empty for the name of an artifact.
    pub(super) subjects: BTreeSet<Digest>,
}

impl Name {
    /// Returns how the root is pushed under this name.
    pub(super) fn by(&self) -> By<'_> {
        self.tag.as_deref().map_or(By::Digest(&self.root), By::Tag)
    }

    /// Returns it as it is written, without the registry: `mirror/nginx:1.27`.
    pub(super) fn written(&self, repository: &Repository) -> String {
        let path = repository.path();
        self.tag.as_ref().map_or_else(|| format!("{path}@{}", self.root), |tag| format!("{path}:{tag}"))
    }
}

impl Plan {
    /// Plans the import of everything in `claims`.
    pub(super) fn new(to: &Destination, claims: &[Claim<'_>], nodes: &Nodes) -> Result<Self> {
        let paths: BTreeSet<&str> = claims.iter().map(|claim| claim.repository).collect();
        let numbers: HashMap<&str, usize> = paths.iter().copied().zip(0..).collect();
        let mut names: BTreeMap<(usize, Option<String>, Digest), Name> = BTreeMap::new();
        let mut blobs: HashMap<Digest, PlannedBlob> = HashMap::new();
        let mut manifests: BTreeMap<Place, usize> = BTreeMap::new();
        for claim in claims {
            let Some(&repository) = numbers.get(claim.repository) else { continue };
            let (root, tag) = (claim.root, claim.tag.clone());
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
                    let new =
                        || PlannedBlob { blob: *blob, repositories: BTreeSet::new(), owner: claim.owner };
                    blobs.entry(blob.digest).or_insert_with(new).repositories.insert(repository);
                }
            }
            let subjects = claim.subject.into_iter().collect();
            let new =
                Name { repository, tag: tag.clone(), root, is_pinned: false, artifacts: vec![], subjects };
            let name = names.entry((repository, tag, root)).or_insert(new);
            name.is_pinned |= claim.is_pinned;
            name.artifacts.push(claim.place);
            match claim.subject {
                Some(subject) if !name.subjects.is_empty() => _ = name.subjects.insert(subject),
                Some(_) => {}
                // What is asked for by itself waits for nothing.
                None => name.subjects.clear(),
            }
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

#[cfg(test)]
mod tests {
    use super::super::names::{Chosen, DigestTags};
    use super::*;
    use crate::model::contents::Artifact;
    use crate::model::target::{Layout, Target};

    fn digest(text: &str) -> Digest {
        Digest::sha256(text.as_bytes())
    }

    fn chosen(reference: &str, root: Digest) -> Chosen {
        let artifact = Artifact::image(reference, root);
        let target = Target::of_artifact("", Layout::Path, &artifact).unwrap();
        Chosen { artifact, target }
    }

    /// An index of two images, the second of which is also there alone; all share a layer.
    fn plan(digest_tags: DigestTags) -> Plan {
        let nodes = Nodes::made(&[
            ("index", &["one", "two"], &[]),
            ("one", &[], &["shared", "a"]),
            ("two", &[], &["shared", "b"]),
        ]);
        let pinned = format!("q.io/x/two@{}", digest("two"));
        let all = [
            chosen("q.io/x/index:1", digest("index")),
            chosen("r.io/x/index:1", digest("index")),
            chosen(&pinned, digest("two")),
            chosen("q.io/x/index:two", digest("two")),
        ];
        let claims = all.iter().enumerate().map(|(place, chosen)| chosen.claim(place, digest_tags));
        Plan::new(&"registry".parse().unwrap(), &claims.collect::<Vec<_>>(), &nodes).unwrap()
    }

    #[test]
    fn everything_is_planned_once_for_each_repository() {
        let plan = plan(DigestTags::Set);
        let paths: Vec<&str> = plan.repositories.iter().map(Repository::path).collect();
        assert_eq!(paths, ["x/index", "x/two"]);
        let mut blobs: Vec<_> = plan
            .blobs
            .iter()
            .map(|planned| {
                (planned.blob.digest, planned.repositories.iter().copied().collect(), planned.owner)
            })
            .collect();
        blobs.sort_by_key(|(digest, _, _)| *digest);
        let mut expected =
            vec![(digest("shared"), vec![0, 1], 0), (digest("a"), vec![0], 0), (digest("b"), vec![0, 1], 0)];
        expected.sort_by_key(|(digest, _, _)| *digest);
        assert_eq!(blobs, expected);
        let mut level: Vec<Place> = vec![(0, digest("one")), (0, digest("two"))];
        level.sort_unstable();
        assert_eq!(plan.manifests, [level]);
        let names: Vec<_> = plan
            .names
            .iter()
            .map(|name| (name.tag.clone(), name.is_pinned, name.artifacts.clone()))
            .collect();
        assert_eq!(
            names,
            [
                (Some("1".to_owned()), false, vec![0, 1]),
                (Some("two".to_owned()), false, vec![3]),
                (Some(format!("digest-{}", digest("two").short())), true, vec![2]),
            ]
        );
    }

    #[test]
    fn without_a_tag_the_root_is_the_name() {
        let plan = plan(DigestTags::Omit);
        let name = plan.names.iter().find(|name| name.repository == 1).unwrap();
        assert_eq!((name.tag.as_deref(), name.by()), (None, By::Digest(&digest("two"))));
        assert!(plan.manifests.iter().flatten().all(|(repository, _)| *repository == 0));
    }
}
