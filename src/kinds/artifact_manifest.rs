//! The manifest of what is no OCI artifact by itself: files, assertions, snaps (bundle-format.md, "Plain files" and "Snaps").

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;

use crate::content::graph::Node;
use crate::model::descriptor::Descriptor;
use crate::model::digest::Digest;
use crate::model::error::Result;
use crate::model::media_type;

/// The annotation that holds a file's true name, on the layer (OCI image spec, "Pre-Defined Annotation Keys").
const TITLE: &str = "org.opencontainers.image.title";

/// The bytes of the config: an empty object.
pub(super) const EMPTY: Bytes = Bytes::from_static(b"{}");

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

/// Returns the descriptor of the config.
pub(super) fn config() -> Descriptor {
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
