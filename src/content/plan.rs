//! The plan: every blob once, with digest and size, in a fixed order, and where each can be read.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use bytes::Bytes;

use super::graph::{Graph, Role};
use crate::model::contents::{self, Artifact, Blob, Contents, FORMAT, Missing};
use crate::model::descriptor::Descriptor;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::platform::Platform;

/// A resolved artifact: what it is, its graph, and where its blobs are. `O` says where a blob can be read.
#[derive(Clone, Debug)]
pub struct Item<O> {
    /// What goes into `bundle.json`; [`Plan::new`] fills in the size.
    pub artifact: Artifact,
    /// Its manifests.
    pub graph: Graph,
    /// The platforms that it was narrowed to; empty for all.
    pub platforms: Vec<Platform>,
    /// Where each blob can be read, by digest.
    pub origins: HashMap<Digest, O>,
}

/// What a bundle will hold, and where each blob comes from.
#[derive(Clone, Debug)]
pub struct Plan<O> {
    /// `bundle.json` to be.
    pub contents: Contents,
    /// Manifests by digest.
    pub manifests: HashMap<Digest, Bytes>,
    /// Every other blob, in the order of the tar, with all the places that have it.
    pub blobs: Vec<(Descriptor, Vec<O>)>,
}

#[derive(Default)]
struct Collected<O> {
    manifests: Vec<Blob>,
    bytes: HashMap<Digest, Bytes>,
    blobs: Vec<(Descriptor, Role, Vec<O>)>,
    place: HashMap<Digest, usize>,
}

impl<O: Clone + PartialEq> Plan<O> {
    /// Puts everything into the order of the tar. The order depends on what the artifacts are, not on how they were
    /// listed or when they were resolved.
    ///
    /// Errors: [`Error::Mismatch`] where two manifests state different sizes for one digest, [`Error::Unsupported`]
    /// where there are too many entries.
    pub fn new(items: &[Item<O>], missing: Vec<Missing>, labels: BTreeMap<String, String>) -> Result<Self> {
        let mut sorted: Vec<&Item<O>> = items.iter().collect();
        sorted.sort_by(|a, b| a.artifact.cmp(&b.artifact));
        sorted.dedup_by(|a, b| a.artifact == b.artifact);
        let mut collected =
            Collected { manifests: vec![], bytes: HashMap::new(), blobs: vec![], place: HashMap::new() };
        let mut artifacts = Vec::with_capacity(sorted.len());
        for item in sorted {
            let size = collected.add(item)?;
            artifacts.push(Artifact { size, ..item.artifact.clone() });
        }
        let manifests: HashSet<Digest> = collected.manifests.iter().map(|blob| blob.digest).collect();
        let (mut configs, mut others) = (Vec::new(), Vec::new());
        for (blob, role, origins) in collected.blobs {
            match role {
                _ if manifests.contains(&blob.digest) => {}
                Role::Config if blob.size <= contents::MAX_CONFIG => configs.push((blob, origins)),
                _ => others.push((blob, origins)),
            }
        }
        let short = |list: &[(Descriptor, Vec<O>)]| {
            list.iter().map(|(blob, _)| Blob { digest: blob.digest, size: blob.size }).collect::<Vec<_>>()
        };
        let mut missing = missing;
        missing.sort();
        missing.dedup();
        let contents = Contents {
            format: FORMAT,
            artifacts,
            manifests: collected.manifests,
            configs: short(&configs),
            blobs: short(&others),
            missing,
            labels,
        };
        if contents.count() > contents::MAX_ENTRIES {
            let message = format!("{} entries are more than {}", contents.count(), contents::MAX_ENTRIES);
            return Err(Error::Unsupported {
                message,
                hint: Some("split the list into several bundles".to_owned()),
            });
        }
        configs.extend(others);
        Ok(Self { contents, manifests: collected.bytes, blobs: configs })
    }
}

impl<O: Clone + PartialEq> Collected<O> {
    /// Adds an artifact and returns the bytes of its closure.
    fn add(&mut self, item: &Item<O>) -> Result<u64> {
        let part = item.graph.part(&item.platforms);
        for node in &part.nodes {
            let digest = node.descriptor.digest;
            if self.bytes.insert(digest, node.bytes.clone()).is_none() {
                self.manifests.push(Blob { digest, size: node.descriptor.size });
            }
        }
        let omitted: BTreeSet<&Digest> = item.artifact.omitted.iter().collect();
        let mut size = part.nodes.iter().fold(0_u64, |sum, node| sum.saturating_add(node.descriptor.size));
        for (blob, role) in part.blobs.iter().filter(|(blob, _)| !omitted.contains(&blob.digest)) {
            size = size.saturating_add(blob.size);
            let origin = item.origins.get(&blob.digest);
            match self.place.get(&blob.digest).and_then(|index| self.blobs.get_mut(*index)) {
                Some((known, _, _)) if known.size != blob.size => {
                    return Err(Error::Mismatch {
                        what: format!("`{}`: the size of blob {}", item.artifact.reference, blob.digest),
                        expected: format!("{} bytes, as another manifest says", known.size),
                        got: format!("{} bytes", blob.size),
                    });
                }
                Some((_, known_role, origins)) => {
                    *known_role = (*known_role).min(*role);
                    origins.extend(origin.filter(|origin| !origins.contains(origin)).cloned());
                }
                None => {
                    self.place.insert(blob.digest, self.blobs.len());
                    self.blobs.push(((*blob).clone(), *role, origin.cloned().into_iter().collect()));
                }
            }
        }
        Ok(size)
    }
}

/// Returns what each platform alone would weigh, by platform: the bytes of all blobs, what is shared counted once.
/// Artifacts without platforms are in every sum.
pub fn weights<O>(items: &[Item<O>]) -> BTreeMap<Platform, u64> {
    let platforms: BTreeSet<Platform> = items.iter().flat_map(|item| item.graph.platforms()).collect();
    let weight = |platform: &Platform| {
        let mut sizes = BTreeMap::new();
        for item in items {
            sizes.extend(item.graph.part(std::slice::from_ref(platform)).sizes());
        }
        sizes.values().fold(0_u64, |sum, size| sum.saturating_add(*size))
    };
    platforms.iter().map(|platform| (platform.clone(), weight(platform))).collect()
}
