//! Bundles of one snap, made by hand: honest at first, and of anything else after a change.

use std::collections::BTreeMap;

use airgap_bundle::model::media_type;
use airgap_bundle::model::sha3::Sha3_384;
use serde_json::json;

use super::place::Snap;
use crate::fixture::assertions::{Key, declaration, revision, root, store_key, stream};
use crate::fixture::{Blob, Graph, Pack};
use crate::site::Site;

/// A snap, what proves it, and what its manifest says.
pub(super) struct Crafted {
    pub(super) snap: Snap,
    pub(super) file: Vec<u8>,
    /// In a stream: key, declaration, revision.
    pub(super) chain: Vec<String>,
    pub(super) reference: String,
    titles: [String; 2],
    annotations: BTreeMap<String, String>,
}

impl Crafted {
    pub(super) fn new(snap: Snap) -> Self {
        let (file, id) = (snap.file(), snap.id());
        let chain = vec![
            store_key().to_owned(),
            declaration(&id, snap.name, "canonical").signed(Key::Store),
            revision(&file, &id, snap.revision.into(), "canonical").signed(Key::Store),
        ];
        let reference = format!("{}:{}", snap.name, snap.revision);
        let titles = ["snap", "assert"].map(|ending| format!("{}_{}.{ending}", snap.name, snap.revision));
        let (number, hash) = (snap.revision.to_string(), Sha3_384::of(&file).hex());
        let said = [
            ("name", Some(snap.name)),
            ("id", Some(&id)),
            ("revision", Some(&number)),
            ("sha3-384", Some(&hash)),
            ("base", snap.base),
            ("type", Some(snap.kind.unwrap_or("app"))),
            ("confinement", Some(snap.confinement)),
            ("publisher", Some("canonical")),
            ("publisher-validation", Some("verified")),
        ];
        let said = said.map(|(word, text)| (word, text.map(str::to_owned)));
        let honest = Self { snap, file, chain, reference, titles, annotations: BTreeMap::new() };
        said.into_iter().fold(honest, |honest, (word, text)| match text {
            Some(text) => honest.says(word, &text),
            None => honest,
        })
    }

    /// Says something else in an annotation of the manifest.
    pub(super) fn says(mut self, word: &str, text: &str) -> Self {
        self.annotations.insert(format!("dev.airgap-bundle.snap.{word}"), text.to_owned());
        self
    }

    /// Stands under another reference.
    pub(super) fn called(mut self, reference: &str) -> Self {
        reference.clone_into(&mut self.reference);
        self
    }

    /// Calls its files otherwise.
    pub(super) fn titled(mut self, snap: &str, assertions: &str) -> Self {
        self.titles = [snap, assertions].map(str::to_owned);
        self
    }

    /// Has another file, as long as the one that is meant.
    pub(super) fn with_file(mut self, change: impl Fn(&mut Vec<u8>)) -> Self {
        change(&mut self.file);
        self
    }

    /// Has other assertions.
    pub(super) fn with_chain(self, chain: Vec<String>) -> Self {
        Self { chain, ..self }
    }

    /// Has another one of its three assertions.
    pub(super) fn with_assertion(mut self, at: usize, text: String) -> Self {
        self.chain[at] = text;
        self
    }

    /// Adds it to a bundle.
    pub(super) fn into(self, pack: Pack) -> Pack {
        let chain: Vec<&str> = self.chain.iter().map(String::as_str).collect();
        let config = Blob::new(media_type::EMPTY, b"{}".to_vec());
        let snap = Blob::new(media_type::SQUASHFS, self.file.clone());
        let assertions = Blob::new(media_type::ASSERTION, stream(&chain).into_bytes());
        let layer = |blob: &Blob, title: &str| {
            let mut layer = blob.descriptor();
            layer["annotations"] = json!({"org.opencontainers.image.title": title});
            layer
        };
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_MANIFEST,
            "artifactType": media_type::SNAP,
            "config": config.descriptor(),
            "layers": [layer(&snap, &self.titles[0]), layer(&assertions, &self.titles[1])],
            "annotations": self.annotations,
        });
        let manifest = Blob::new(media_type::OCI_MANIFEST, serde_json::to_vec(&manifest).unwrap());
        let graph = Graph { blobs: vec![config, snap, assertions], manifests: vec![manifest] };
        pack.add(&graph, |artifact| {
            artifact.reference.clone_from(&self.reference);
            artifact.names = vec![format!("snaps/{}", self.reference)];
        })
    }

    /// Returns a place with a bundle of it alone.
    pub(super) fn site(self) -> Site {
        site(&self.into(Pack::new()))
    }
}

/// Returns a place with this bundle, and the root of the tests.
pub(super) fn site(pack: &Pack) -> Site {
    Site::new().file("root.assert", root()).bytes("airgap-bundle.tar", &pack.tar())
}
