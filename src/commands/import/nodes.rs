//! The manifests that the chosen artifacts need, read and proven once. Their bytes are read again when they are pushed,
//! so that memory grows with the number of blobs and not with their size.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::stock::Stock;
use crate::content::jobs::{self, OnFailure};
use crate::model::contents::{Artifact, Blob};
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::manifest::{MAX_DEPTH, Manifest};
use crate::model::media_type;
use crate::model::selection::is_platform_image;

/// A manifest of what is pushed.
#[derive(Debug)]
pub(super) struct Node {
    /// Its digest.
    pub(super) digest: Digest,
    /// Its length in bytes.
    pub(super) size: u64,
    /// Its media type.
    pub(super) media_type: String,
    /// The manifests of an index that are in the bundle, in the order of the index.
    pub(super) children: Vec<Child>,
    /// Whether the index names what is not in the bundle.
    pub(super) sparse: bool,
    /// Config and layers that are in the bundle.
    pub(super) blobs: Vec<Blob>,
    /// A blob that is named and neither in the bundle nor of those that may be left out.
    lacking: Option<Digest>,
    /// What it refers to.
    pub(super) subject: Option<Digest>,
}

/// A manifest that an index names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Child {
    /// Its digest.
    pub(super) digest: Digest,
    /// Whether it is an image for a platform, as opposed to an attestation or a nested index.
    pub(super) is_image: bool,
}

/// All manifests that are needed.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    read: HashMap<Digest, Node>,
    failed: HashMap<Digest, Option<Error>>,
}

impl Node {
    /// Parses a manifest; `media_type` is what the bundle says of a root, else empty.
    fn parse(stock: &Stock, held: &HashSet<Digest>, wanted: &Wanted) -> Result<Self> {
        let bytes = stock.manifest(&wanted.digest)?;
        let manifest = Manifest::parse(&wanted.media_type, &bytes).map_err(|error| Error::Unsupported {
            message: format!("manifest {}: {error}", wanted.digest),
            hint: None,
        })?;
        let children = manifest.manifests.iter().filter(|child| held.contains(&child.digest));
        let children: Vec<Child> = children
            .map(|child| Child { digest: child.digest, is_image: is_platform_image(child) })
            .collect();
        let mut seen = HashSet::new();
        let mut blobs = Vec::new();
        let mut lacking = None;
        for blob in manifest.blobs().filter(|blob| seen.insert(blob.digest)) {
            match stock.size(&blob.digest) {
                Some(size) => blobs.push(Blob { digest: blob.digest, size }),
                None if media_type::is_non_distributable(&blob.media_type) => {}
                None => lacking = lacking.or(Some(blob.digest)),
            }
        }
        Ok(Self {
            digest: wanted.digest,
            size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            sparse: children.len() < manifest.manifests.len(),
            media_type: manifest.media_type,
            children,
            blobs,
            lacking,
            subject: manifest.subject.map(|subject| subject.digest),
        })
    }
}

struct Wanted {
    digest: Digest,
    media_type: String,
}

impl Nodes {
    /// Reads what `artifacts` need, level by level from their roots.
    pub(super) async fn read(stock: &Arc<Stock>, artifacts: &[Artifact], limit: usize) -> Self {
        let held: Arc<HashSet<Digest>> =
            Arc::new(stock.contents().manifests.iter().map(|blob| blob.digest).collect());
        let mut nodes = Self::default();
        let roots = artifacts.iter().map(|artifact| (artifact.digest, artifact.media_type.clone()));
        let mut level: Vec<(Digest, String)> = roots.collect();
        for _ in 0..=MAX_DEPTH {
            let mut seen = HashSet::new();
            level.retain(|(digest, _)| {
                !nodes.read.contains_key(digest) && !nodes.failed.contains_key(digest) && seen.insert(*digest)
            });
            if level.is_empty() {
                break;
            }
            let digests: Vec<Digest> = level.iter().map(|(digest, _)| *digest).collect();
            let wanted = level.drain(..).map(|(digest, media_type)| Wanted { digest, media_type });
            let (stock, held) = (Arc::clone(stock), Arc::clone(&held));
            let results = jobs::run_blocking(limit, OnFailure::GoOn, wanted, move |wanted, stop| {
                stop.check()?;
                Node::parse(&stock, &held, &wanted)
            })
            .await;
            for (digest, result) in digests.into_iter().zip(results) {
                match result {
                    Some(Ok(node)) => {
                        level.extend(node.children.iter().map(|child| (child.digest, String::new())));
                        nodes.read.insert(digest, node);
                    }
                    Some(Err(error)) => {
                        nodes.failed.insert(digest, Some(error));
                    }
                    None => {}
                }
            }
        }
        nodes
    }

    /// Returns a manifest that was read.
    pub(super) fn get(&self, digest: &Digest) -> Option<&Node> {
        self.read.get(digest)
    }

    /// Returns the manifests below a root and the root itself, each once, children before parents.
    pub(super) fn closure(&self, root: &Digest) -> Vec<&Node> {
        let mut seen = HashSet::new();
        let mut closure = Vec::new();
        // Each manifest is met twice: on the way down, and after all that is below it.
        let mut stack = vec![(*root, false)];
        while let Some((digest, below_done)) = stack.pop() {
            let Some(node) = self.read.get(&digest) else { continue };
            if below_done {
                closure.push(node);
            } else if seen.insert(digest) {
                stack.push((digest, true));
                stack.extend(node.children.iter().rev().map(|child| (child.digest, false)));
            }
        }
        closure
    }

    /// Says why an artifact cannot be pushed, if that is plain from what there is.
    pub(super) fn defect(&mut self, stock: &Stock, artifact: &Artifact) -> Option<Error> {
        if let Some(error) = self.failure(&artifact.digest) {
            return Some(error);
        }
        let named: Vec<Digest> = self
            .closure(&artifact.digest)
            .iter()
            .flat_map(|node| node.children.iter().map(|child| child.digest))
            .collect();
        if let Some(error) = named.iter().find_map(|digest| self.failure(digest)) {
            return Some(error);
        }
        if named.iter().any(|digest| !self.read.contains_key(digest)) {
            let message = format!("its indexes nest deeper than {MAX_DEPTH}");
            return Some(Error::Unsupported { message, hint: None });
        }
        let closure = self.closure(&artifact.digest);
        if let Some(lacking) = closure.iter().find_map(|node| node.lacking.as_ref()) {
            return Some(stock.lacks(lacking));
        }
        let sparse = closure.iter().find(|node| node.sparse).filter(|_| !artifact.sparse)?;
        Some(stock.not_whole(&sparse.digest))
    }

    /// Returns why a manifest could not be read; the second time, that it could not.
    fn failure(&mut self, digest: &Digest) -> Option<Error> {
        self.failed.get_mut(digest).map(|error| {
            error.take().unwrap_or_else(|| Error::Conflict {
                message: format!("manifest {digest} cannot be read, as said above"),
                items: vec![],
                hint: None,
            })
        })
    }
}

#[cfg(test)]
impl Nodes {
    /// Makes nodes without a bundle: the digest's text, children, blobs.
    pub(super) fn made(nodes: &[(&str, &[&str], &[&str])]) -> Self {
        let digest = |text: &&str| Digest::sha256(text.as_bytes());
        let node = |(name, children, blobs): &(&str, &[&str], &[&str])| Node {
            digest: digest(name),
            size: 1,
            media_type: String::new(),
            children: children.iter().map(|child| Child { digest: digest(child), is_image: true }).collect(),
            sparse: false,
            blobs: blobs.iter().map(|blob| Blob { digest: digest(blob), size: 10 }).collect(),
            lacking: None,
            subject: None,
        };
        Self {
            read: nodes.iter().map(node).map(|node| (node.digest, node)).collect(),
            failed: HashMap::new(),
        }
    }
}
