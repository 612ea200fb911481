//! The plan: every blob once, with digest and size, in a fixed order, and where each can be read.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use bytes::Bytes;

use super::graph::{Graph, Part, Role};
use crate::model::contents::{self, Artifact, Blob, Contents, FORMAT, Missing};
use crate::model::descriptor::Descriptor;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::platform::Platform;
use crate::model::referrer::Referrer;

/// A resolved artifact: what it is, its graph, and where its blobs are. `O` says where a blob can be read.
#[derive(Clone, Debug)]
pub struct Item<O> {
    /// What goes into `bundle.json`; [`Plan::new`] fills in the size.
    pub artifact: Artifact,
    /// Its manifests.
    pub graph: Graph,
    /// The platforms that it was narrowed to; empty for all.
    pub platforms: Vec<Platform>,
    /// Whether other platforms on the command line would narrow it otherwise.
    pub narrows: bool,
    /// Where each blob can be read, by digest.
    pub origins: HashMap<Digest, O>,
    /// The manifests of what the artifact names as its referrers, by the digest of each.
    pub referring: HashMap<Digest, Graph>,
    /// Those of its referrers without which it must not go, by the digest of each: signatures that were asked for.
    pub needed: BTreeSet<Digest>,
    /// The blobs whose sha256 is known only once they have been read: the digest that proves each, by the one that stands in
    /// for it in the manifest ([`Digest::stand_in`]).
    pub late: BTreeMap<Digest, Digest>,
}

impl<O> Item<O> {
    /// Returns what is carried of it: the artifact itself, narrowed to its platforms.
    pub fn part(&self) -> Part<'_> {
        self.graph.part(&self.platforms)
    }

    /// Returns what is carried of its referrers, each whole, in their order.
    pub fn referrers(&self) -> impl Iterator<Item = (&Referrer, Part<'_>)> {
        self.artifact.referrers.iter().filter_map(|referrer| {
            self.referring.get(&referrer.digest).map(|graph| (referrer, graph.part(&[])))
        })
    }

    /// Returns the digests of all that is carried of it, with its referrers.
    pub fn digests(&self) -> BTreeSet<Digest> {
        let parts = self.referrers().map(|(_, part)| part).chain([self.part()]);
        parts.flat_map(|part| part.sizes().into_keys()).collect()
    }

    /// Leaves out the referrers that `keep` does not want, and those whose subject went with them.
    pub fn keep_referrers(&mut self, keep: impl Fn(&Referrer, &Part<'_>) -> bool) {
        let kept: Vec<(Referrer, Vec<Digest>)> = self
            .referrers()
            .filter(|(referrer, part)| keep(referrer, part))
            .map(|(referrer, part)| {
                (referrer.clone(), part.nodes.iter().map(|node| node.descriptor.digest).collect())
            })
            .collect();
        let edges = kept.iter().map(|(referrer, nodes)| (referrer.subject, nodes.as_slice()));
        let own = self.part();
        let anchored = anchored(own.nodes.iter().map(|node| node.descriptor.digest), edges);
        let kept = kept.into_iter().map(|(referrer, _)| referrer);
        self.artifact.referrers = kept.filter(|referrer| anchored.contains(&referrer.subject)).collect();
        let digests: HashSet<Digest> =
            self.artifact.referrers.iter().map(|referrer| referrer.digest).collect();
        self.referring.retain(|digest, _| digests.contains(digest));
    }
}

/// Returns the manifests that hang together with those of an artifact: its own, `carried`, and those of every referrer
/// whose subject is among them. Each referrer is its subject, and the manifests that come with it.
pub fn anchored<'a>(
    carried: impl IntoIterator<Item = Digest>,
    referrers: impl IntoIterator<Item = (Digest, &'a [Digest])>,
) -> HashSet<Digest> {
    let mut by_subject: HashMap<Digest, Vec<&[Digest]>> = HashMap::new();
    for (subject, nodes) in referrers {
        by_subject.entry(subject).or_default().push(nodes);
    }
    let mut waiting: Vec<Digest> = carried.into_iter().collect();
    let mut anchored: HashSet<Digest> = waiting.iter().copied().collect();
    while let Some(subject) = waiting.pop() {
        for nodes in by_subject.remove(&subject).into_iter().flatten() {
            waiting.extend(nodes.iter().filter(|digest| anchored.insert(**digest)));
        }
    }
    anchored
}

/// What a bundle will hold, and where each blob comes from.
#[derive(Clone, Debug)]
pub struct Plan<O> {
    /// `bundle.json` to be.
    pub contents: Contents,
    /// Manifests by digest.
    pub manifests: HashMap<Digest, Bytes>,
    /// Every other blob, in the order of the tar, with all the places that have it. The digest is the one that proves it: in
    /// `contents` and `manifests` its [stand-in](Digest::stand_in) holds the place of one whose sha256 is not known yet.
    pub blobs: Vec<(Descriptor, Vec<O>)>,
}

impl<O> Plan<O> {
    /// Returns the digest that proves each blob whose sha256 is not known yet, by the one that stands in for it.
    pub fn late(&self) -> HashMap<Digest, Digest> {
        let late = self.blobs.iter().map(|(blob, _)| (blob.digest.stand_in(), blob.digest));
        late.filter(|(stand_in, proof)| stand_in != proof).collect()
    }
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
                _ if manifests.contains(&blob.digest.stand_in()) => {}
                Role::Config if blob.size <= contents::MAX_CONFIG => configs.push((blob, origins)),
                _ => others.push((blob, origins)),
            }
        }
        let short = |list: &[(Descriptor, Vec<O>)]| {
            let short =
                |(blob, _): &(Descriptor, _)| Blob { digest: blob.digest.stand_in(), size: blob.size };
            list.iter().map(short).collect::<Vec<_>>()
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
    /// Adds an artifact and what refers to it, and returns the bytes of its own closure.
    fn add(&mut self, item: &Item<O>) -> Result<u64> {
        let size = self.add_part(item, &item.part(), &item.artifact.omitted)?;
        for (_, part) in item.referrers() {
            self.add_part(item, &part, &[])?;
        }
        Ok(size)
    }

    fn add_part(&mut self, item: &Item<O>, part: &Part<'_>, omitted: &[Digest]) -> Result<u64> {
        one_size_each(item, part)?;
        for node in &part.nodes {
            let digest = node.descriptor.digest;
            if self.bytes.insert(digest, node.bytes.clone()).is_none() {
                self.manifests.push(Blob { digest, size: node.descriptor.size });
            }
        }
        let omitted: BTreeSet<&Digest> = omitted.iter().collect();
        let sizes = part.sizes();
        let counted = sizes.iter().filter(|(digest, _)| !omitted.contains(digest));
        let size = counted.fold(0_u64, |sum, (_, size)| sum.saturating_add(*size));
        for (blob, role) in part.blobs.iter().filter(|(blob, _)| !omitted.contains(&blob.digest)) {
            let origin = item.origins.get(&blob.digest);
            match self.place.get(&blob.digest).and_then(|index| self.blobs.get_mut(*index)) {
                Some((known, _, _)) if known.size != blob.size => {
                    return Err(two_sizes(&item.artifact, &blob.digest, blob.size, known.size));
                }
                Some((_, known_role, origins)) => {
                    *known_role = (*known_role).min(*role);
                    origins.extend(origin.filter(|origin| !origins.contains(origin)).cloned());
                }
                None => {
                    self.place.insert(blob.digest, self.blobs.len());
                    let proof = *item.late.get(&blob.digest).unwrap_or(&blob.digest);
                    let blob = Descriptor { digest: proof, ..(*blob).clone() };
                    self.blobs.push((blob, *role, origin.cloned().into_iter().collect()));
                }
            }
        }
        Ok(size)
    }
}

/// Refuses an artifact whose manifests state two sizes for one digest: no bytes can satisfy both.
fn one_size_each<O>(item: &Item<O>, part: &Part<'_>) -> Result<()> {
    let nodes = part.nodes.iter().map(|node| (node.descriptor.digest, node.descriptor.size));
    let mut sizes: HashMap<Digest, u64> = nodes.collect();
    for child in part.nodes.iter().flat_map(|node| node.manifest.blobs().chain(&node.manifest.manifests)) {
        let known = *sizes.entry(child.digest).or_insert(child.size);
        if known != child.size {
            return Err(two_sizes(&item.artifact, &child.digest, child.size, known));
        }
    }
    Ok(())
}

pub(super) fn two_sizes(artifact: &Artifact, blob: &Digest, size: u64, known: u64) -> Error {
    Error::Mismatch {
        what: format!("`{}`: the size of blob {blob}", artifact.reference),
        expected: format!("{known} bytes, as another manifest says"),
        got: format!("{size} bytes"),
    }
}

/// What one platform alone would come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    /// Bytes of all blobs, what is shared counted once.
    pub size: u64,
    /// Images that are not for this platform, and not in the sum.
    pub lacking: u64,
}

/// Returns what each platform alone would weigh, by platform. What platforms do not narrow is in every sum.
pub fn weights<O>(items: &[Item<O>]) -> BTreeMap<Platform, Weight> {
    let parse = |text: &String| text.parse::<Platform>().ok().map(|platform| platform.normalize());
    let held = |item: &Item<O>| item.artifact.platforms.iter().filter_map(parse).collect::<BTreeSet<_>>();
    let platforms: BTreeSet<Platform> = items.iter().filter(|item| item.narrows).flat_map(held).collect();
    let weight = |platform: &Platform| {
        let (mut sizes, mut lacking) = (BTreeMap::new(), 0_u64);
        for item in items {
            if item.narrows && !held(item).contains(platform) {
                lacking = lacking.saturating_add(1);
                continue;
            }
            let narrowed = if item.narrows { std::slice::from_ref(platform) } else { &item.platforms };
            let part = item.graph.part(narrowed);
            let mut own = part.sizes();
            own.retain(|digest, _| !item.artifact.omitted.contains(digest));
            sizes.extend(own);
            sizes.extend(referring_sizes(item, &part));
        }
        Weight { size: sizes.values().fold(0_u64, |sum, size| sum.saturating_add(*size)), lacking }
    };
    platforms.iter().map(|platform| (platform.clone(), weight(platform))).collect()
}

/// Returns the bytes of what refers to the manifests of a part of an artifact.
fn referring_sizes<O>(item: &Item<O>, own: &Part<'_>) -> BTreeMap<Digest, u64> {
    let parts: Vec<(Digest, Part<'_>, Vec<Digest>)> = item
        .referrers()
        .map(|(referrer, part)| {
            let nodes = part.nodes.iter().map(|node| node.descriptor.digest).collect();
            (referrer.subject, part, nodes)
        })
        .collect();
    let carried = own.nodes.iter().map(|node| node.descriptor.digest);
    let anchored = anchored(carried, parts.iter().map(|(subject, _, nodes)| (*subject, nodes.as_slice())));
    let kept = parts.iter().filter(|(subject, _, _)| anchored.contains(subject));
    kept.flat_map(|(_, part, _)| part.sizes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::graph::Node;
    use crate::model::media_type;

    /// An image with a config and layers, each named by its content.
    fn item(reference: &str, config: &str, layers: &[&str]) -> Item<String> {
        let child = |media_type: &str, content: &str| {
            let digest = Digest::sha256(content.as_bytes());
            format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{}}}"#, content.len())
        };
        let list: Vec<String> = layers.iter().map(|layer| child("l", layer)).collect();
        let config_child = child(media_type::OCI_CONFIG, config);
        let raw = format!(r#"{{"schemaVersion":2,"config":{config_child},"layers":[{}]}}"#, list.join(","));
        let bytes = Bytes::from(raw);
        let root = Node::new(Descriptor::of(media_type::OCI_MANIFEST, &bytes), bytes).unwrap();
        let artifact = Artifact {
            names: vec![reference.to_owned()],
            ..Artifact::image(reference, root.descriptor.digest)
        };
        let contents = layers.iter().chain([&config]);
        let origins = contents
            .map(|content| (Digest::sha256(content.as_bytes()), format!("{reference} {content}")))
            .collect();
        Item {
            artifact,
            graph: Graph::leaf(root),
            platforms: vec![],
            narrows: false,
            origins,
            referring: HashMap::new(),
            needed: BTreeSet::new(),
            late: BTreeMap::new(),
        }
    }

    fn plan(items: &[Item<String>]) -> Plan<String> {
        Plan::new(items, vec![], BTreeMap::new()).unwrap()
    }

    #[test]
    fn the_order_is_that_of_the_artifacts_and_not_of_the_list() {
        let (a, b) = (item("r/a:1", "ca", &["base", "a"]), item("r/b:1", "cb", &["base", "b", "ca"]));
        let (one, other) = (plan(&[a.clone(), b.clone()]), plan(&[b.clone(), a.clone(), b]));
        assert_eq!(one.contents, other.contents);
        let digest = |content: &str| Digest::sha256(content.as_bytes());
        let digests = |list: &[Blob]| list.iter().map(|blob| blob.digest).collect::<Vec<_>>();
        assert_eq!(digests(&one.contents.configs), [digest("ca"), digest("cb")]);
        assert_eq!(digests(&one.contents.blobs), [digest("base"), digest("a"), digest("b")]);
        let base = &one.blobs[2];
        assert_eq!(
            (base.0.digest, base.1.clone()),
            (digest("base"), vec!["r/a:1 base".to_owned(), "r/b:1 base".to_owned()])
        );
        let manifest = one.contents.manifests[0].size;
        assert_eq!(one.contents.artifacts[0].size, manifest + 2 + 4 + 1);
    }

    #[test]
    fn what_is_left_out_has_no_slot() {
        let mut image = item("r/a:1", "c", &["foreign", "own"]);
        image.artifact.omitted = vec![Digest::sha256(b"foreign")];
        let plan = plan(&[image]);
        assert_eq!(plan.contents.blobs.iter().map(|blob| blob.size).collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn two_sizes_for_one_digest_are_refused() {
        let digest = Digest::sha256(b"x");
        for raw in [
            format!(r#"{{"layers":[{{"digest":"{digest}","size":1}},{{"digest":"{digest}","size":2}}]}}"#),
            format!(
                r#"{{"config":{{"digest":"{digest}","size":1}},"layers":[{{"digest":"{digest}","size":2}}]}}"#
            ),
        ] {
            let bytes = Bytes::from(raw);
            let root = Node::new(Descriptor::of(media_type::OCI_MANIFEST, &bytes), bytes).unwrap();
            let wrong = Item { graph: Graph::leaf(root), ..item("r/a:1", "c", &[]) };
            let error = Plan::new(&[wrong], vec![], BTreeMap::new()).unwrap_err();
            assert_eq!(error.exit_code(), 3, "{error}");
        }
        let mut other = item("r/b:1", "c", &["shared"]);
        let bytes =
            Bytes::from(format!(r#"{{"layers":[{{"digest":"{}","size":7}}]}}"#, Digest::sha256(b"shared")));
        let root = Node::new(Descriptor::of(media_type::OCI_MANIFEST, &bytes), bytes).unwrap();
        other.graph = Graph::leaf(root);
        assert!(Plan::new(&[item("r/a:1", "c", &["shared"]), other], vec![], BTreeMap::new()).is_err());
    }
}
