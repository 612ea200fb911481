//! What a manifest says, as far as the closure of a bundle depends on it.

use crate::model::artifact::Kind;
use crate::model::digest::Digest;
use crate::model::manifest::Manifest;
use crate::model::media_type;

/// How a manifest names a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Manifest,
    Config,
    /// A layer; one that need not be distributed may be omitted.
    Layer(Distribution),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Distribution {
    Wanted,
    Optional,
}

#[derive(Clone, Debug)]
pub(super) struct Child {
    pub(super) digest: Digest,
    pub(super) size: u64,
    pub(super) media_type: String,
    pub(super) role: Role,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) media_type: String,
    pub(super) artifact_type: Option<String>,
    /// The artifact type, or the media type of the config.
    pub(super) type_of_artifact: String,
    pub(super) kind: Kind,
    pub(super) children: Vec<Child>,
    /// What it refers to.
    pub(super) subject: Option<Digest>,
}

impl Node {
    /// Takes from a manifest what it names, what it is, and what it refers to.
    pub(super) fn of(manifest: &Manifest) -> Self {
        let child = |blob: &crate::model::descriptor::Descriptor, role| Child {
            digest: blob.digest,
            size: blob.size,
            media_type: if role == Role::Manifest { blob.media_type.clone() } else { String::new() },
            role,
        };
        let distribution = |media_type: &str| {
            if media_type::is_non_distributable(media_type) {
                Distribution::Optional
            } else {
                Distribution::Wanted
            }
        };
        // An index may name what is no manifest; that is not carried.
        let manifests = manifest
            .manifests
            .iter()
            .filter(|blob| blob.media_type.is_empty() || media_type::is_manifest(&blob.media_type))
            .map(|blob| child(blob, Role::Manifest));
        let configs = manifest.config.iter().map(|blob| child(blob, Role::Config));
        let layers =
            manifest.layers.iter().map(|blob| child(blob, Role::Layer(distribution(&blob.media_type))));
        Self {
            media_type: manifest.media_type.clone(),
            artifact_type: manifest.artifact_type.clone(),
            type_of_artifact: manifest.type_of_artifact().to_owned(),
            kind: Kind::of(manifest),
            subject: manifest.subject.as_ref().map(|subject| subject.digest),
            children: manifests.chain(configs).chain(layers).collect(),
        }
    }
}
