//! Bundles made in memory, byte by byte, without the writer that `export` uses.

use std::collections::{BTreeMap, BTreeSet};

use airgap_bundle::model::artifact::Kind;
use airgap_bundle::model::contents::{self, Artifact, Contents, FORMAT, Missing};
use airgap_bundle::model::digest::Digest;
use airgap_bundle::model::manifest::Manifest;
use airgap_bundle::model::media_type;
use airgap_bundle::model::reference::Reference;
use airgap_bundle::stores::bundle::header::{blob_name, entry_header};
use airgap_bundle::stores::bundle::slots::head_bytes;
use serde_json::json;

use crate::fixture::{Blob, Graph};

/// A bundle in the making.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pack {
    artifacts: Vec<Artifact>,
    manifests: Vec<Blob>,
    configs: BTreeSet<Digest>,
    blobs: Vec<Blob>,
    missing: Vec<Missing>,
    labels: BTreeMap<String, String>,
}

impl Pack {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds what a registry has under `reference`, its kind read from the root.
    pub(crate) fn graph(self, reference: &str, graph: &Graph) -> Self {
        let reference: Reference = reference.parse().unwrap();
        self.add(graph, |artifact| {
            artifact.reference = reference.to_string();
            artifact.names = reference.lookup_names();
        })
    }

    /// Adds a plain file as `export` does.
    pub(crate) fn file(self, name: &str, bytes: &[u8]) -> Self {
        let config = Blob::new(media_type::EMPTY, b"{}".to_vec());
        let layer = Blob::new(media_type::OCTET_STREAM, bytes.to_vec());
        let mut descriptor = layer.descriptor();
        descriptor["annotations"] = json!({"org.opencontainers.image.title": name});
        let root = json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_MANIFEST,
            "artifactType": media_type::FILE,
            "config": config.descriptor(),
            "layers": [descriptor],
            "annotations": {"dev.airgap-bundle.file.mode": "0644"},
        });
        let root = Blob::new(media_type::OCI_MANIFEST, serde_json::to_vec(&root).unwrap());
        let tag = format!("files/{name}:digest-{}", root.digest.short());
        let graph = Graph { blobs: vec![config, layer], manifests: vec![root] };
        self.add(&graph, |artifact| {
            artifact.reference = name.to_owned();
            artifact.names = vec![tag.clone()];
        })
    }

    /// Says that an artifact is missing, as `export --keep-going` does.
    pub(crate) fn missing(mut self, reference: &str) -> Self {
        self.missing.push(Missing { kind: None, reference: reference.to_owned() });
        self
    }

    /// Adds a graph, with what `change` makes of the artifact that follows from it.
    pub(crate) fn add(mut self, graph: &Graph, change: impl Fn(&mut Artifact)) -> Self {
        let root = Manifest::parse(&graph.root().media_type, &graph.root().bytes).unwrap();
        let all: BTreeMap<Digest, usize> =
            graph.blobs.iter().chain(&graph.manifests).map(|blob| (blob.digest, blob.bytes.len())).collect();
        let platforms = root.manifests.iter().filter_map(|child| child.platform.as_ref());
        let mut artifact = Artifact {
            kind: Kind::of(&root),
            reference: String::new(),
            wanted: None,
            digest: graph.digest(),
            media_type: root.media_type.clone(),
            artifact_type: root.artifact_type.clone(),
            names: vec![],
            platforms: platforms.map(|platform| platform.normalize().to_string()).collect(),
            sparse: false,
            omitted: vec![],
            size: all.values().map(|size| u64::try_from(*size).unwrap()).sum(),
        };
        artifact.platforms.sort();
        artifact.platforms.dedup();
        change(&mut artifact);
        self.artifacts.push(artifact);
        for manifest in graph.manifests.iter().rev() {
            let parsed = Manifest::parse(&manifest.media_type, &manifest.bytes).unwrap();
            self.configs.extend(parsed.config.iter().map(|config| config.digest));
            if self.manifests.iter().all(|known| known.digest != manifest.digest) {
                self.manifests.push(manifest.clone());
            }
        }
        for blob in &graph.blobs {
            if self.blobs.iter().all(|known| known.digest != blob.digest) {
                self.blobs.push(blob.clone());
            }
        }
        self
    }

    /// Sets a label.
    pub(crate) fn label(mut self, name: &str, text: &str) -> Self {
        self.labels.insert(name.to_owned(), text.to_owned());
        self
    }

    /// Returns what `bundle.json` says.
    pub(crate) fn contents(&self) -> Contents {
        let short = |blobs: &[&Blob]| -> Vec<contents::Blob> {
            let size = |blob: &Blob| u64::try_from(blob.bytes.len()).unwrap();
            blobs.iter().map(|blob| contents::Blob { digest: blob.digest, size: size(blob) }).collect()
        };
        let (configs, others): (Vec<&Blob>, Vec<&Blob>) =
            self.blobs.iter().partition(|blob| self.configs.contains(&blob.digest));
        let mut artifacts = self.artifacts.clone();
        artifacts.sort();
        Contents {
            format: FORMAT,
            artifacts,
            manifests: short(&self.manifests.iter().collect::<Vec<_>>()),
            configs: short(&configs),
            blobs: short(&others),
            missing: self.missing.clone(),
            labels: self.labels.clone(),
        }
    }

    /// Returns the bundle.
    pub(crate) fn tar(&self) -> Vec<u8> {
        self.tar_of(&self.contents())
    }

    /// Returns a bundle that says `contents`, with the blobs of this one.
    pub(crate) fn tar_of(&self, contents: &Contents) -> Vec<u8> {
        let (_, mut tar) = head_bytes(contents);
        for entry in contents.entries() {
            let held = self.manifests.iter().chain(&self.blobs).find(|blob| blob.digest == entry.digest);
            let bytes = held.map(|blob| blob.bytes.as_slice()).unwrap_or_default();
            put(&mut tar, &blob_name(&entry.digest), bytes);
        }
        tar.resize(tar.len() + 1024, 0);
        tar
    }
}

/// Appends an entry as a bundle has it.
pub(crate) fn put(tar: &mut Vec<u8>, name: &str, bytes: &[u8]) {
    tar.extend(entry_header(name, bytes.len().try_into().unwrap()));
    tar.extend_from_slice(bytes);
    tar.resize(tar.len().next_multiple_of(512), 0);
}
