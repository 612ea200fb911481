//! What each repository holds: blobs, manifests and tags. The bytes are the store's.

use std::collections::{BTreeMap, BTreeSet};

use super::store::{Change, What};
use crate::model::digest::Digest;
use crate::model::manifest::Manifest;

/// What a registry says of a manifest without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Media type that it was pushed with.
    pub(super) media_type: String,
    /// Its length.
    pub(super) size: u64,
    /// What it refers to.
    pub(super) subject: Option<Digest>,
    /// Its artifact type; empty for none.
    pub(super) artifact_type: String,
    /// Its annotations.
    pub(super) annotations: BTreeMap<String, String>,
}

impl Entry {
    /// Describes a manifest's bytes; what cannot be parsed has neither subject nor annotations.
    pub(super) fn of(media_type: &str, bytes: &[u8]) -> Self {
        let parsed = Manifest::parse(media_type, bytes).ok();
        Self {
            media_type: media_type.to_owned(),
            size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            subject: parsed.as_ref().and_then(|manifest| Some(manifest.subject.as_ref()?.digest)),
            artifact_type: parsed
                .as_ref()
                .map_or_else(String::new, |manifest| manifest.type_of_artifact().to_owned()),
            annotations: parsed.map(|manifest| manifest.annotations).unwrap_or_default(),
        }
    }
}

/// One repository.
#[derive(Debug, Default)]
pub(super) struct Repository {
    pub(super) blobs: BTreeSet<Digest>,
    pub(super) manifests: BTreeMap<Digest, Entry>,
    pub(super) tags: BTreeMap<String, Digest>,
}

impl Repository {
    fn is_empty(&self) -> bool {
        self.blobs.is_empty() && self.manifests.is_empty() && self.tags.is_empty()
    }

    /// Returns the manifests that refer to `subject`, by digest.
    pub(super) fn referrers(&self, subject: &Digest) -> impl Iterator<Item = (&Digest, &Entry)> {
        let subject = *subject;
        self.manifests.iter().filter(move |(_, entry)| entry.subject == Some(subject))
    }
}

/// All repositories, by name; one without content does not exist.
#[derive(Debug, Default)]
pub(super) struct Repositories {
    by_name: BTreeMap<String, Repository>,
}

impl Repositories {
    /// Returns a repository that has content.
    pub(super) fn get(&self, name: &str) -> Option<&Repository> {
        self.by_name.get(name)
    }

    /// Applies a change; `entry` describes the manifest of a [`What::Manifest`].
    pub(super) fn apply(&mut self, change: Change, entry: Option<Entry>) {
        let repository = self.by_name.entry(change.repository.clone()).or_default();
        match (change.what, entry) {
            (What::Blob(digest), _) => {
                repository.blobs.insert(digest);
            }
            (What::BlobGone(digest), _) => {
                repository.blobs.remove(&digest);
            }
            (What::Manifest(digest, _), Some(entry)) => {
                repository.manifests.insert(digest, entry);
            }
            (What::Manifest(..), None) => {}
            (What::ManifestGone(digest), _) => {
                repository.manifests.remove(&digest);
            }
            (What::Tag(tag, digest), _) => {
                repository.tags.insert(tag, digest);
            }
            (What::TagGone(tag), _) => {
                repository.tags.remove(&tag);
            }
        }
        if repository.is_empty() {
            self.by_name.remove(&change.repository);
        }
    }
}
