//! Follows what every artifact names, from its root down, and proves that all of it is there.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::node::{Child, Distribution, Node, Role};
use super::problem::{Place, Problem};
use crate::content::jobs::Stop;
use crate::model::artifact::Kind;
use crate::model::contents::{Artifact, Contents, MAX_CONFIG};
use crate::model::digest::Digest;
use crate::model::error::{FormatState, Result};
use crate::model::manifest::{MAX_DEPTH, Manifest};
use crate::model::media_type;
use crate::stores::bundle::reader::Bundle;
use crate::stores::bundle::slots::Slot;

/// So many children of manifests are kept in memory, so that a manifest in many artifacts is parsed once.
const KEPT: usize = 500_000;
/// So many artifacts are named beside a blob.
const NAMED: usize = 4;

/// What may be missing below a root.
#[derive(Clone, Copy)]
pub(super) struct Allowed<'a> {
    /// Manifests that an index names.
    sparse: bool,
    /// Layers that need not be distributed.
    omitted: &'a [Digest],
}

impl Allowed<'_> {
    /// Nothing may be missing.
    pub(super) const NOTHING: Self = Self { sparse: false, omitted: &[] };
}

/// What is known of what lies below a root while it is walked.
pub(super) struct Walk<'a> {
    number: usize,
    allowed: Allowed<'a>,
    seen: HashSet<Digest>,
    walked: HashSet<usize>,
    /// The root itself, once it has been read.
    pub(super) root: Option<Arc<Node>>,
    /// The manifests that were met.
    pub(super) manifests: Vec<Digest>,
    pub(super) sum: Sum,
}

/// What was found below a root.
#[derive(Clone, Copy)]
pub(super) struct Sum {
    /// Bytes of all blobs, each once.
    pub(super) size: u64,
    /// Manifests that are no indexes.
    images: usize,
    /// Whether an index names manifests at all.
    named: bool,
    /// Whether every manifest could be followed.
    pub(super) whole: bool,
}

impl Default for Sum {
    fn default() -> Self {
        Self { size: 0, images: 0, named: false, whole: true }
    }
}

/// Which artifacts use a blob: the first few, and how many in all.
#[derive(Clone, Debug, Default)]
pub(super) struct Users {
    pub(super) first: Vec<usize>,
    pub(super) count: usize,
}

/// Walks artifact after artifact.
#[derive(Debug)]
pub(super) struct Closure<'a> {
    pub(super) bundle: &'a Bundle,
    contents: &'a Contents,
    /// Blobs, by their number, that are not what they should be.
    bad: &'a HashSet<usize>,
    /// Blobs from this number on are not whole in the file.
    held: usize,
    nodes: HashMap<usize, Option<Arc<Node>>>,
    kept: usize,
    used: Vec<Used>,
    /// Users of the blobs that are bad.
    pub(super) users: HashMap<usize, Users>,
    pub(super) problems: Vec<Problem>,
    /// Whether some manifest could not be followed, so that what is below it is unknown.
    blind: bool,
    /// Artifacts, by number, that need what lies beyond the end of the file.
    pub(super) cut: BTreeSet<usize>,
    /// Artifacts, by number, that do not have all they need, with the first reason.
    pub(super) lacking: BTreeMap<usize, String>,
}

/// How a blob was named by whatever was walked so far.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    manifest: bool,
    config: bool,
    layer: bool,
}

impl<'a> Closure<'a> {
    pub(super) fn new(bundle: &'a Bundle, bad: &'a HashSet<usize>, held: usize) -> Self {
        Self {
            bundle,
            contents: bundle.contents(),
            bad,
            held,
            nodes: HashMap::new(),
            kept: 0,
            used: vec![Used::default(); bundle.slots().count()],
            users: HashMap::new(),
            problems: Vec::new(),
            blind: false,
            cut: BTreeSet::new(),
            lacking: BTreeMap::new(),
        }
    }

    /// Walks all artifacts, then looks for what none of them names.
    pub(super) fn walk(&mut self, stop: &Stop) -> Result<()> {
        for (number, artifact) in self.contents.artifacts.iter().enumerate() {
            stop.check()?;
            self.artifact(number, artifact);
        }
        if !self.blind {
            self.groups();
        }
        Ok(())
    }

    pub(super) fn wrong(&mut self, number: usize, offset: u64, state: FormatState, message: &str) {
        let reference = self.contents.artifacts.get(number).map_or("", |artifact| &artifact.reference);
        self.lacking.entry(number).or_insert_with(|| message.to_owned());
        let message = format!("{message}, in `{reference}`");
        self.problems.push(Problem::new(offset, state, message, Place::Artifact(number)));
    }

    fn artifact(&mut self, number: usize, artifact: &Artifact) {
        let allowed = Allowed { sparse: artifact.sparse, omitted: &artifact.omitted };
        let walk = self.below(number, &artifact.digest, &artifact.media_type, allowed);
        if let Some(root) = &walk.root {
            let offset = self.bundle.slots().get(&artifact.digest).map_or(0, |slot| slot.offset);
            self.root(number, artifact, root, offset);
        }
        if walk.sum.whole && !self.lacking.contains_key(&number) {
            self.sums(number, artifact, walk.sum);
        }
        self.referrers(number, artifact, walk);
    }

    /// Walks everything below a root.
    pub(super) fn below<'b>(
        &mut self,
        number: usize,
        root: &Digest,
        media_type: &str,
        allowed: Allowed<'b>,
    ) -> Walk<'b> {
        let root = Child {
            digest: *root,
            size: self.bundle.slots().get(root).map_or(0, |slot| slot.size),
            media_type: media_type.to_owned(),
            role: Role::Manifest,
        };
        let mut walk = Walk {
            number,
            allowed,
            seen: HashSet::new(),
            walked: HashSet::new(),
            root: None,
            manifests: vec![],
            sum: Sum::default(),
        };
        let mut level = vec![root];
        for depth in 0..=MAX_DEPTH.saturating_add(1) {
            let mut below = Vec::new();
            for child in &level {
                self.child(&mut walk, child, depth, &mut below);
            }
            level = below;
        }
        walk
    }

    /// Looks at one child, and adds what it names to the level below.
    fn child(&mut self, walk: &mut Walk<'_>, child: &Child, depth: usize, below: &mut Vec<Child>) {
        let number = walk.number;
        let fresh = walk.seen.insert(child.digest);
        let Some((index, slot)) = self.present(walk, child, fresh) else { return };
        if fresh {
            walk.sum.size = walk.sum.size.saturating_add(slot.size);
        }
        if child.role != Role::Manifest || !walk.walked.insert(index) {
            return;
        }
        walk.manifests.push(child.digest);
        if depth > MAX_DEPTH {
            let message = format!("manifest {} lies more than {MAX_DEPTH} deep", child.digest);
            return self.wrong(number, slot.offset, FormatState::Foreign, &message);
        }
        let Some(node) = self.node(number, child, index, &slot) else {
            walk.sum.whole = false;
            return;
        };
        if depth == 0 {
            walk.root = Some(Arc::clone(&node));
        }
        walk.sum.images =
            walk.sum.images.saturating_add(usize::from(!media_type::is_index(&node.media_type)));
        walk.sum.named |= node.children.iter().any(|child| child.role == Role::Manifest);
        below.extend(node.children.iter().cloned());
    }

    fn sums(&mut self, number: usize, artifact: &Artifact, sum: Sum) {
        let size = sum.size;
        let offset = self.bundle.slots().get(&artifact.digest).map_or(0, |slot| slot.offset);
        let fits = if artifact.sparse { artifact.size <= size } else { artifact.size == size };
        if !fits {
            let message = format!("`bundle.json` says {} bytes, expected {size}", artifact.size);
            self.wrong(number, offset, FormatState::Foreign, &message);
        }
        if artifact.sparse && sum.named && sum.images == 0 {
            let message = format!("index {} has none of its manifests", artifact.digest);
            self.wrong(number, offset, FormatState::Incomplete, &message);
        }
    }

    /// Compares what `bundle.json` says of a root with what the root says.
    fn root(&mut self, number: usize, artifact: &Artifact, node: &Node, offset: u64) {
        let kind = artifact.kind;
        // What is a file or a snap by its form is an artifact where it came out of a registry.
        let agrees = match kind {
            Kind::Artifact => !matches!(node.kind, Kind::Image | Kind::Chart),
            _ => node.kind == kind,
        };
        if !agrees {
            let message = format!("root {} is of kind {}, expected {kind}", artifact.digest, node.kind);
            self.wrong(number, offset, FormatState::Foreign, &message);
        }
        let types = [&artifact.artifact_type, &node.artifact_type]
            .map(|text| text.as_deref().filter(|text| !text.is_empty()));
        if types[0] != types[1] {
            let message =
                format!("root {} has another artifact type than `bundle.json` says", artifact.digest);
            self.wrong(number, offset, FormatState::Foreign, &message);
        }
    }

    /// Returns number and slot of a child that the bundle lists, and notes how it was named.
    fn present(&mut self, walk: &Walk<'_>, child: &Child, fresh: bool) -> Option<(usize, Slot)> {
        let Walk { number, allowed, .. } = *walk;
        let Some(index) = self.bundle.slots().position(&child.digest) else {
            let may_miss = match child.role {
                Role::Manifest => allowed.sparse,
                Role::Layer(Distribution::Optional) => allowed.omitted.binary_search(&child.digest).is_ok(),
                Role::Config | Role::Layer(Distribution::Wanted) => false,
            };
            if !may_miss && fresh {
                let message = format!("blob {} is named, but is not in the bundle", child.digest);
                self.wrong(number, 0, FormatState::Incomplete, &message);
            }
            return None;
        };
        let slot = *self.bundle.slots().at(index)?;
        if slot.size != child.size {
            let message =
                format!("blob {}: expected {} bytes, got {} bytes", child.digest, child.size, slot.size);
            self.wrong(number, slot.header, FormatState::Foreign, &message);
        }
        if let Some(used) = self.used.get_mut(index) {
            match child.role {
                Role::Manifest => used.manifest = true,
                Role::Config => used.config = true,
                Role::Layer(_) => used.layer = true,
            }
        }
        if fresh && (index >= self.held || self.bad.contains(&index)) {
            let how = if index < self.held { "is damaged" } else { "lies beyond the end of the file" };
            self.lacking.entry(number).or_insert_with(|| format!("blob {} {how}", child.digest));
            if index >= self.held {
                self.cut.insert(number);
            } else {
                let users = self.users.entry(index).or_default();
                users.count = users.count.saturating_add(1);
                if users.first.len() < NAMED {
                    users.first.push(number);
                }
            }
        }
        Some((index, slot))
    }

    /// Parses a manifest, once.
    fn node(&mut self, number: usize, child: &Child, index: usize, slot: &Slot) -> Option<Arc<Node>> {
        if index >= self.held {
            self.blind = true;
            return None;
        }
        if let Some(known) = self.nodes.get(&index) {
            let known = known.clone()?;
            if !child.media_type.is_empty() && child.media_type != known.media_type {
                let message = format!(
                    "manifest {} is named with media type `{}`, expected `{}`",
                    child.digest,
                    child.media_type.escape_debug(),
                    known.media_type
                );
                self.wrong(number, slot.offset, FormatState::Foreign, &message);
            }
            return Some(known);
        }
        let parsed = if slot.size > crate::model::manifest::MAX_SIZE {
            Err(format!("is longer than {} bytes", crate::model::manifest::MAX_SIZE))
        } else {
            self.bundle.manifest(&child.digest).map_err(|error| error.to_string()).and_then(|raw| {
                Manifest::parse(&child.media_type, &raw)
                    .map(|manifest| Arc::new(Node::of(&manifest)))
                    .map_err(|error| error.to_string())
            })
        };
        let node = match parsed {
            Ok(node) => Some(node),
            // Told already; where only the header or the padding is wrong, the manifest can be followed.
            Err(_) if self.bad.contains(&index) => {
                self.blind = true;
                None
            }
            Err(error) => {
                self.blind = true;
                let message = format!("manifest {}: {}", child.digest, error.escape_debug());
                self.wrong(number, slot.offset, FormatState::Foreign, &message);
                None
            }
        };
        let children = node.as_ref().map_or(0, |node| node.children.len());
        if self.kept.saturating_add(children) <= KEPT {
            self.kept = self.kept.saturating_add(children).saturating_add(1);
            self.nodes.insert(index, node.clone());
        }
        node
    }

    /// Looks for blobs that nobody names, and for blobs that stand in another group than they are used as.
    fn groups(&mut self) {
        let (manifests, configs) = (self.contents.manifests.len(), self.contents.configs.len());
        for (index, (used, slot)) in self.used.iter().zip(self.bundle.slots().iter()).enumerate() {
            let group = match index {
                index if index < manifests => "manifests",
                index if index < manifests.saturating_add(configs) => "configs",
                _ => "blobs",
            };
            let expected = match used {
                Used { manifest: false, config: false, layer: false } => None,
                Used { manifest: true, .. } => Some("manifests"),
                Used { config: true, .. } if slot.size <= MAX_CONFIG => Some("configs"),
                _ => Some("blobs"),
            };
            let message = match expected {
                Some(expected) if expected == group => continue,
                Some(expected) => format!("blob {} stands in `{group}`, expected `{expected}`", slot.digest),
                None => format!("blob {} is named by no artifact", slot.digest),
            };
            self.problems.push(Problem::new(slot.header, FormatState::Foreign, message, Place::Blob(index)));
        }
    }
}
