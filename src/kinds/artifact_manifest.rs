//! The manifest, and the artifact, of what is none by itself: files, assertions, snaps (bundle-format.md, "Plain files" and "Snaps").

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;
use serde::Serialize;

use super::Origin;
use crate::content::graph::{Graph, Node};
use crate::content::plan;
use crate::model::artifact::Kind;
use crate::model::contents::Artifact;
use crate::model::descriptor::{Descriptor, TITLE};
use crate::model::digest::Digest;
use crate::model::error::Result;
use crate::model::list::Rename;
use crate::model::media_type;

/// The bytes of the config: an empty object.
const EMPTY: Bytes = Bytes::from_static(b"{}");

/// A file in a layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layer<'a> {
    pub(super) media_type: &'a str,
    pub(super) digest: Digest,
    pub(super) size: u64,
    /// Its name on the far side.
    pub(super) title: &'a str,
}

/// Makes the manifest of an artifact of this type, with an empty config, these layers and annotations.
pub(super) fn node(
    artifact_type: &str,
    layers: &[Layer<'_>],
    annotations: &BTreeMap<String, String>,
) -> Result<Node> {
    let config = config();
    let manifest = Manifest {
        schema_version: 2,
        media_type: media_type::OCI_MANIFEST,
        artifact_type,
        config: Child {
            media_type: media_type::EMPTY,
            digest: config.digest,
            size: config.size,
            annotations: BTreeMap::new(),
        },
        layers: layers.iter().map(Child::from).collect(),
        annotations,
    };
    // Plain data with string keys, which JSON can always hold.
    let bytes: Bytes = serde_json::to_vec(&manifest).unwrap_or_default().into();
    Node::new(Descriptor::of(media_type::OCI_MANIFEST, &bytes), bytes)
}

/// Makes the artifact of such a manifest. `name` is what `index.json` calls it; `origins` say where its layers are.
pub(super) fn item(
    kind: Kind,
    reference: String,
    name: String,
    rename: Option<&Rename>,
    root: Node,
    origins: impl IntoIterator<Item = (Digest, Origin)>,
) -> plan::Item<Origin> {
    let artifact = Artifact {
        kind,
        reference,
        wanted: rename.map(ToString::to_string),
        digest: root.descriptor.digest,
        media_type: root.descriptor.media_type.clone(),
        artifact_type: root.manifest.artifact_type.clone(),
        names: vec![name],
        platforms: vec![],
        sparse: false,
        omitted: vec![],
        source: None,
        referrers: vec![],
        size: 0,
    };
    // A layer may be the same two bytes as the config: the order lets the layer win.
    let config = [(config().digest, Origin::Memory(EMPTY))];
    plan::Item {
        artifact,
        graph: Graph::leaf(root),
        platforms: vec![],
        narrows: false,
        origins: config.into_iter().chain(origins).collect(),
        referring: HashMap::new(),
        needed: BTreeSet::new(),
        late: BTreeMap::new(),
    }
}

/// Returns the descriptor of the config.
fn config() -> Descriptor {
    Descriptor::of(media_type::EMPTY, &EMPTY)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    schema_version: u32,
    media_type: &'a str,
    artifact_type: &'a str,
    config: Child<'a>,
    layers: Vec<Child<'a>>,
    annotations: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Child<'a> {
    media_type: &'a str,
    digest: Digest,
    size: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'a str, &'a str>,
}

impl<'a> From<&Layer<'a>> for Child<'a> {
    fn from(layer: &Layer<'a>) -> Self {
        let Layer { media_type, digest, size, title } = *layer;
        Self { media_type, digest, size, annotations: BTreeMap::from([(TITLE, title)]) }
    }
}
