//! The graph of an artifact: its manifests in memory, and the blobs that they name.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::future::Future;

use bytes::Bytes;

use super::budget::Share;
use super::jobs;
use crate::model::descriptor::Descriptor;
use crate::model::digest::{Digest, Hasher};
use crate::model::error::{Error, Result};
use crate::model::manifest::{MAX_DEPTH, MAX_SIZE, Manifest};
use crate::model::media_type;
use crate::model::platform::Platform;
use crate::model::selection::{is_platform_image, select};

/// The most manifests of one artifact.
const MAX_NODES: usize = 100_000;

/// A manifest with its bytes.
#[derive(Clone, Debug)]
pub struct Node {
    /// What names it.
    pub descriptor: Descriptor,
    /// Its bytes, unchanged.
    pub bytes: Bytes,
    /// What they say.
    pub manifest: Manifest,
}

/// An artifact's manifests, from the root down.
#[derive(Clone, Debug)]
pub struct Graph {
    nodes: Vec<Node>,
    by_digest: HashMap<Digest, usize>,
}

/// Whether a blob is the config of some manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It is.
    Config,
    /// It is a layer, or another blob.
    Other,
}

/// The part of a graph that some platforms need.
#[derive(Clone, Debug, Default)]
pub struct Part<'a> {
    /// Manifests, parents before children.
    pub nodes: Vec<&'a Node>,
    /// Blobs, each once, in the order of first use.
    pub blobs: Vec<(&'a Descriptor, Role)>,
    /// Whether an index names manifests that are not in this part.
    pub sparse: bool,
}

impl Node {
    /// Parses `bytes` and checks them against the digest and size that `descriptor` states.
    pub fn new(descriptor: Descriptor, bytes: Bytes) -> Result<Self> {
        let what = || format!("manifest {}", descriptor.digest);
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if length != descriptor.size {
            let (expected, got) = (format!("{} bytes", descriptor.size), format!("{length} bytes"));
            return Err(Error::Mismatch { what: what(), expected, got });
        }
        let mut hasher = Hasher::new(descriptor.digest.algorithm());
        hasher.update(&bytes);
        let got = hasher.finish();
        if got != descriptor.digest {
            let expected = descriptor.digest.to_string();
            return Err(Error::Mismatch { what: what(), expected, got: got.to_string() });
        }
        let manifest = Manifest::parse(&descriptor.media_type, &bytes)
            .map_err(|error| Error::Unsupported { message: format!("{}: {error}", what()), hint: None })?;
        let descriptor = Descriptor { media_type: manifest.media_type.clone(), ..descriptor };
        Ok(Self { descriptor, bytes, manifest })
    }
}

impl Graph {
    /// Makes the graph of a manifest without children of its own kind.
    pub fn leaf(node: Node) -> Self {
        Self { by_digest: HashMap::from([(node.descriptor.digest, 0)]), nodes: vec![node] }
    }

    /// Fetches the children of `root` that `platforms` need, `limit` at a time, level by level. Their room is taken of
    /// `share` before they are; that of the root is the caller's to take.
    ///
    /// Errors: [`Error::Unsupported`] where indexes nest deeper than [`MAX_DEPTH`] or are too many, and those of
    /// [`Share::take`].
    pub async fn walk<F, Fut>(
        root: Node,
        platforms: &[Platform],
        limit: usize,
        share: &Share,
        fetch: F,
    ) -> Result<Self>
    where
        F: Fn(Descriptor) -> Fut,
        Fut: Future<Output = Result<Bytes>> + Send + 'static,
    {
        let mut graph = Self::leaf(root);
        let mut level = vec![0];
        for _ in 0..=MAX_DEPTH {
            let mut wanted: Vec<Descriptor> = Vec::new();
            let mut seen: HashSet<Digest> = HashSet::new();
            for child in level
                .iter()
                .filter_map(|index| graph.nodes.get(*index))
                .flat_map(|node| children(node, platforms))
            {
                if child.size > MAX_SIZE {
                    return Err(unsupported(format!(
                        "manifest {} is longer than {MAX_SIZE} bytes",
                        child.digest
                    )));
                }
                if !graph.by_digest.contains_key(&child.digest) && seen.insert(child.digest) {
                    wanted.push(child.clone());
                }
            }
            if wanted.is_empty() {
                return Ok(graph);
            }
            if graph.nodes.len().saturating_add(wanted.len()) > MAX_NODES {
                return Err(unsupported(format!("it has more than {MAX_NODES} manifests")));
            }
            wanted.iter().try_for_each(|child| share.take(child.size))?;
            let nodes = jobs::run_all(limit, wanted, |descriptor| {
                let fetched = fetch(descriptor.clone());
                async move { Node::new(descriptor, fetched.await?) }
            })
            .await?;
            level = (graph.nodes.len()..graph.nodes.len().saturating_add(nodes.len())).collect();
            for node in nodes {
                graph.by_digest.insert(node.descriptor.digest, graph.nodes.len());
                graph.nodes.push(node);
            }
        }
        Err(unsupported(format!("its indexes nest deeper than {MAX_DEPTH}")))
    }

    /// Returns the root; a graph always has one.
    pub fn root(&self) -> Option<&Node> {
        self.nodes.first()
    }

    /// Returns what `platforms` need of the manifests that were fetched; none means all of them.
    pub fn part(&self, platforms: &[Platform]) -> Part<'_> {
        let mut part = Part::default();
        let mut seen_nodes = HashSet::new();
        let mut seen_blobs: HashMap<Digest, usize> = HashMap::new();
        let mut stack: Vec<&Node> = self.root().into_iter().collect();
        while let Some(node) = stack.pop() {
            if !seen_nodes.insert(node.descriptor.digest) {
                continue;
            }
            part.nodes.push(node);
            let chosen: Vec<_> = children(node, platforms);
            let held: Vec<&Node> = chosen.iter().filter_map(|child| self.get(&child.digest)).collect();
            part.sparse |= held.len() < node.manifest.manifests.len();
            stack.extend(held.into_iter().rev());
            let config = node.manifest.config.iter().map(|blob| (blob, Role::Config));
            for (blob, role) in config.chain(node.manifest.layers.iter().map(|blob| (blob, Role::Other))) {
                let known = seen_blobs.get(&blob.digest).and_then(|index| part.blobs.get_mut(*index));
                if let Some((_, known_role)) = known {
                    *known_role = role.min(*known_role);
                } else {
                    seen_blobs.insert(blob.digest, part.blobs.len());
                    part.blobs.push((blob, role));
                }
            }
        }
        part
    }

    /// Returns a manifest.
    pub fn get(&self, digest: &Digest) -> Option<&Node> {
        self.nodes.get(*self.by_digest.get(digest)?)
    }

    /// Returns the platforms that the indexes name and whose manifests are here, sorted, in normal form.
    pub fn platforms(&self) -> BTreeSet<Platform> {
        let children = self.nodes.iter().flat_map(|node| &node.manifest.manifests);
        let held =
            children.filter(|child| is_platform_image(child) && self.by_digest.contains_key(&child.digest));
        held.filter_map(|child| child.platform.as_ref()).map(Platform::normalize).collect()
    }
}

impl Part<'_> {
    /// Returns the bytes of everything in it, by digest, so that parts can be added up with what they share once.
    pub fn sizes(&self) -> BTreeMap<Digest, u64> {
        let nodes = self.nodes.iter().map(|node| (node.descriptor.digest, node.descriptor.size));
        nodes.chain(self.blobs.iter().map(|(blob, _)| (blob.digest, blob.size))).collect()
    }
}

fn children<'a>(node: &'a Node, platforms: &[Platform]) -> Vec<&'a Descriptor> {
    let kept = select(&node.manifest, platforms);
    // An index may name blobs that are no manifests; they cannot be fetched as such, and nothing pulls them.
    kept.into_iter()
        .filter(|child| child.media_type.is_empty() || media_type::is_manifest(&child.media_type))
        .collect()
}

fn unsupported(message: String) -> Error {
    Error::Unsupported { message, hint: None }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::content::budget::Budget;

    /// Manifests by digest, and which of them were asked for.
    #[derive(Clone, Default)]
    struct Shelf {
        manifests: Arc<Mutex<HashMap<Digest, Bytes>>>,
        asked: Arc<Mutex<Vec<Digest>>>,
    }

    impl Shelf {
        fn put(&self, raw: String) -> Descriptor {
            let bytes = Bytes::from(raw);
            let media_type = Manifest::parse("", &bytes).unwrap().media_type;
            let descriptor = Descriptor::of(&media_type, &bytes);
            self.manifests.lock().unwrap().insert(descriptor.digest, bytes);
            descriptor
        }

        fn image(&self, layers: &[&str]) -> Descriptor {
            let layer = |content: &&str| {
                format!(r#"{{"digest":"{}","size":{}}}"#, Digest::sha256(content.as_bytes()), content.len())
            };
            let layers: Vec<String> = layers.iter().map(layer).collect();
            self.put(format!(r#"{{"schemaVersion":2,"layers":[{}]}}"#, layers.join(",")))
        }

        fn index(&self, children: &[(&Descriptor, &str)]) -> Descriptor {
            let child = |(child, platform): &(&Descriptor, &str)| {
                let platform = match platform.split_once('/') {
                    Some((os, architecture)) => {
                        format!(r#","platform":{{"os":"{os}","architecture":"{architecture}"}}"#)
                    }
                    None => String::new(),
                };
                let (media_type, digest, size) = (&child.media_type, child.digest, child.size);
                format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{size}{platform}}}"#)
            };
            let children: Vec<String> = children.iter().map(child).collect();
            self.put(format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, children.join(",")))
        }

        fn node(&self, descriptor: &Descriptor) -> Node {
            let bytes = self.manifests.lock().unwrap()[&descriptor.digest].clone();
            Node::new(descriptor.clone(), bytes).unwrap()
        }

        async fn walk(&self, root: &Descriptor, platforms: &[&str]) -> Result<Graph> {
            self.walk_within(root, platforms, &Budget::default()).await
        }

        async fn walk_within(&self, root: &Descriptor, platforms: &[&str], budget: &Budget) -> Result<Graph> {
            let platforms: Vec<Platform> = platforms.iter().map(|text| text.parse().unwrap()).collect();
            Graph::walk(self.node(root), &platforms, 2, &budget.share(), |child| {
                let this = self.clone();
                async move {
                    this.asked.lock().unwrap().push(child.digest);
                    Ok(this.manifests.lock().unwrap()[&child.digest].clone())
                }
            })
            .await
        }
    }

    #[tokio::test]
    async fn only_what_platforms_need_is_fetched() {
        let shelf = Shelf::default();
        let (amd64, arm64) = (shelf.image(&["base", "amd"]), shelf.image(&["base", "arm"]));
        let root = shelf.index(&[(&amd64, "linux/amd64"), (&arm64, "linux/arm64")]);
        let graph = shelf.walk(&root, &["linux/arm64"]).await.unwrap();
        assert_eq!(*shelf.asked.lock().unwrap(), [arm64.digest]);
        assert_eq!(graph.platforms().iter().map(ToString::to_string).collect::<Vec<_>>(), ["linux/arm64"]);
        assert!(graph.part(&[]).sparse);

        let whole = shelf.walk(&root, &[]).await.unwrap();
        let part = whole.part(&[]);
        assert!(!part.sparse);
        assert_eq!(part.blobs.len(), 3);
        let narrow = whole.part(&["linux/amd64".parse().unwrap()]);
        assert!(narrow.sparse);
        assert_eq!(narrow.sizes().len(), 4);
    }

    #[tokio::test]
    async fn indexes_nest_and_share_but_not_without_end() {
        let shelf = Shelf::default();
        let image = shelf.image(&["l"]);
        let mut root = shelf.index(&[(&image, ""), (&image, "")]);
        for _ in 1..MAX_DEPTH {
            root = shelf.index(&[(&root, ""), (&image, "")]);
        }
        let graph = shelf.walk(&root, &[]).await.unwrap();
        assert_eq!(graph.part(&[]).nodes.len(), MAX_DEPTH + 1);
        assert_eq!(shelf.asked.lock().unwrap().len(), MAX_DEPTH);
        let deeper = shelf.index(&[(&shelf.index(&[(&root, "")]), "")]);
        let error = shelf.walk(&deeper, &[]).await.unwrap_err();
        assert_eq!(error.to_string(), "its indexes nest deeper than 8");
    }

    #[tokio::test]
    async fn manifests_beyond_the_budget_are_not_fetched() {
        let shelf = Shelf::default();
        let padded = |name: &str| {
            shelf.put(format!(r#"{{"schemaVersion":2,"layers":[],"pad":"{name}{}"}}"#, "x".repeat(9_000)))
        };
        let (one, two) = (padded("a"), padded("b"));
        let root = shelf.index(&[(&one, "linux/amd64"), (&two, "linux/arm64")]);
        let budget = Budget::new(30_000, 15_000);
        let error = shelf.walk_within(&root, &[], &budget).await.unwrap_err();
        assert_eq!(error.to_string(), "its manifests come to more than 14.6 KiB");
        assert!(shelf.asked.lock().unwrap().is_empty());
        assert!(shelf.walk_within(&root, &["linux/arm64"], &budget).await.is_ok());
    }

    #[tokio::test]
    async fn a_child_of_other_bytes_is_refused() {
        let shelf = Shelf::default();
        let image = shelf.image(&["l"]);
        let root = shelf.index(&[(&image, "")]);
        shelf.manifests.lock().unwrap().insert(image.digest, Bytes::from_static(b"{}"));
        assert_eq!(shelf.walk(&root, &[]).await.unwrap_err().exit_code(), 3);
    }
}
