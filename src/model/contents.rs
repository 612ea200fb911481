//! `bundle.json`: what a bundle carries, never how it is stored. Its sha256 is the bundle id.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::artifact::Kind;
use super::digest::Digest;
use super::media_type;
use super::object::{list, objects};
use super::referrer::{MAX_REFERRERS, Referrer};

/// The version of the format that this program writes and reads (`bundle-format.md`).
pub const FORMAT: u32 = 1;
/// The longest `bundle.json` that is read: 64 MiB.
pub const MAX_SIZE: u64 = 64 << 20;
/// The most entries of a bundle.
pub const MAX_ENTRIES: usize = 1_000_000;
/// The most names, platforms or omitted layers of one artifact, and the most labels.
pub const MAX_LIST: usize = 1000;
/// The longest config that stands among the configs: 4 MiB. A longer one is an ordinary blob.
pub const MAX_CONFIG: u64 = 4 << 20;

/// The content of `bundle.json`, in the order of its fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// [`FORMAT`].
    pub format: u32,
    /// What was asked for and is here, sorted.
    #[serde(deserialize_with = "objects::<MAX_ENTRIES, _, _>")]
    pub artifacts: Vec<Artifact>,
    /// Manifests and indexes, in the order of the tar.
    #[serde(deserialize_with = "objects::<MAX_ENTRIES, _, _>")]
    pub manifests: Vec<Blob>,
    /// Configs of at most [`MAX_CONFIG`] bytes, in the order of the tar.
    #[serde(deserialize_with = "objects::<MAX_ENTRIES, _, _>")]
    pub configs: Vec<Blob>,
    /// Every other blob, in the order of the tar.
    #[serde(deserialize_with = "objects::<MAX_ENTRIES, _, _>")]
    pub blobs: Vec<Blob>,
    /// What was asked for and is not here (`export --keep-going`), sorted.
    #[serde(deserialize_with = "objects::<MAX_ENTRIES, _, _>")]
    pub missing: Vec<Missing>,
    /// Free text for people, by name.
    #[serde(deserialize_with = "unique")]
    pub labels: BTreeMap<String, String>,
}

/// One artifact of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// What it is.
    pub kind: Kind,
    /// The normalised reference that the list names; of a local file its name.
    pub reference: String,
    /// The name that the list wants at the destination (`as=`).
    #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<String>,
    /// Digest of the root manifest.
    pub digest: Digest,
    /// Media type of the root manifest.
    pub media_type: String,
    /// Artifact type of the root manifest, where it says one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Names in `index.json`, sorted.
    #[serde(deserialize_with = "list::<MAX_LIST, _, _>")]
    pub names: Vec<String>,
    /// Platforms that are here, sorted; empty for what has none.
    #[serde(deserialize_with = "list::<MAX_LIST, _, _>")]
    pub platforms: Vec<String>,
    /// Whether an index names manifests that were left out by platform.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sparse: bool,
    /// Non-distributable layers that were left out (`--no-foreign-layers`), sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "list::<MAX_LIST, _, _>")]
    pub omitted: Vec<Digest>,
    /// The address that a file comes from, as [`super::source`] writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What refers to its manifests and is here, sorted by subject, digest and tag.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "objects::<MAX_REFERRERS, _, _>"
    )]
    pub referrers: Vec<Referrer>,
    /// Bytes of all its blobs, each counted once, also those shared with other artifacts, without its referrers.
    pub size: u64,
}

#[cfg(test)]
impl Artifact {
    /// An image with this reference and root, and nothing else said of it.
    pub(crate) fn image(reference: &str, root: Digest) -> Self {
        Self {
            kind: Kind::Image,
            reference: reference.to_owned(),
            wanted: None,
            digest: root,
            media_type: media_type::OCI_MANIFEST.to_owned(),
            artifact_type: None,
            names: vec![],
            platforms: vec![],
            sparse: false,
            omitted: vec![],
            source: None,
            referrers: vec![],
            size: 0,
        }
    }
}

/// One entry under `blobs/` of the tar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Blob {
    /// Digest of the bytes.
    pub digest: Digest,
    /// Length of the bytes.
    pub size: u64,
}

/// An artifact that could not be exported.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Missing {
    /// What the list says that it is, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// The normalised reference that the list names.
    pub reference: String,
}

impl Contents {
    /// Returns the bytes of `bundle.json`: JSON without white space, fields in the order above, and a line feed.
    pub fn to_bytes(&self) -> Vec<u8> {
        json_line(self)
    }

    /// Returns the bytes of `index.json`, which follow from the contents and the id alone.
    pub fn index(&self, id: &Digest) -> Vec<u8> {
        let sizes: HashMap<&Digest, u64> =
            self.manifests.iter().map(|blob| (&blob.digest, blob.size)).collect();
        let mut seen = HashSet::new();
        let mut manifests = Vec::new();
        for artifact in &self.artifacts {
            for name in &artifact.names {
                if seen.insert((name, &artifact.digest)) {
                    manifests.push(IndexEntry {
                        media_type: &artifact.media_type,
                        digest: artifact.digest,
                        size: sizes.get(&artifact.digest).copied().unwrap_or_default(),
                        artifact_type: artifact.artifact_type.as_deref(),
                        annotations: Some(IndexNames {
                            containerd: (artifact.kind == Kind::Image).then_some(name),
                            name,
                        }),
                    });
                }
            }
        }
        let mut seen: HashSet<Digest> = manifests.iter().map(|entry: &IndexEntry<'_>| entry.digest).collect();
        for referrer in self.referrers().filter(|referrer| seen.insert(referrer.digest)) {
            manifests.push(IndexEntry {
                media_type: &referrer.media_type,
                digest: referrer.digest,
                size: sizes.get(&referrer.digest).copied().unwrap_or_default(),
                artifact_type: referrer.artifact_type.as_deref(),
                annotations: None,
            });
        }
        json_line(&Index {
            schema_version: 2,
            media_type: media_type::OCI_INDEX,
            manifests,
            annotations: BundleAnnotations { id },
        })
    }

    /// Returns kind and reference of every artifact, as selectors look at them.
    pub fn named(&self) -> Vec<(Kind, &str)> {
        self.artifacts.iter().map(|artifact| (artifact.kind, artifact.reference.as_str())).collect()
    }

    /// Returns what refers to artifacts, artifact by artifact; one thing may be there several times.
    pub fn referrers(&self) -> impl Iterator<Item = &Referrer> {
        self.artifacts.iter().flat_map(|artifact| &artifact.referrers)
    }

    /// Returns how many manifests refer to artifacts, each counted once.
    pub fn count_referrers(&self) -> u64 {
        let digests: HashSet<&Digest> = self.referrers().map(|referrer| &referrer.digest).collect();
        u64::try_from(digests.len()).unwrap_or(u64::MAX)
    }

    /// Returns every entry under `blobs/`, in the order of the tar.
    pub fn entries(&self) -> impl Iterator<Item = &Blob> {
        self.manifests.iter().chain(&self.configs).chain(&self.blobs)
    }

    /// Returns how many entries there are under `blobs/`.
    pub fn count(&self) -> usize {
        self.manifests.len().saturating_add(self.configs.len()).saturating_add(self.blobs.len())
    }

    /// Returns the bytes of all blobs.
    pub fn size(&self) -> u64 {
        self.entries().fold(0, |sum, blob| sum.saturating_add(blob.size))
    }
}

/// Reads a map in which no name stands twice: of two readers, each might take another of the two.
fn unique<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    struct Unique;
    impl<'de> Visitor<'de> for Unique {
        type Value = BTreeMap<String, String>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of strings, each name once")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut labels = BTreeMap::new();
            while let Some((name, text)) = map.next_entry::<String, String>()? {
                if labels.contains_key(&name) {
                    return Err(A::Error::custom(format!("label `{}` stands twice", name.escape_debug())));
                }
                if labels.len() == MAX_LIST {
                    return Err(A::Error::custom(format!("more than {MAX_LIST} labels")));
                }
                labels.insert(name, text);
            }
            Ok(labels)
        }
    }
    deserializer.deserialize_map(Unique)
}

fn json_line(value: &impl Serialize) -> Vec<u8> {
    // Values of these types are plain data with string keys, which JSON can always hold.
    let mut bytes = serde_json::to_vec(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Annotation of `index.json` that holds the bundle id.
pub const ID_ANNOTATION: &str = "dev.airgap-bundle.id";
/// Annotation of `index.json` that names what a reader must understand, comma-separated.
pub const REQUIRES_ANNOTATION: &str = "dev.airgap-bundle.requires";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Index<'a> {
    schema_version: u32,
    media_type: &'a str,
    manifests: Vec<IndexEntry<'a>>,
    annotations: BundleAnnotations<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IndexEntry<'a> {
    media_type: &'a str,
    digest: Digest,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<IndexNames<'a>>,
}

#[derive(Serialize)]
struct IndexNames<'a> {
    #[serde(rename = "io.containerd.image.name", skip_serializing_if = "Option::is_none")]
    containerd: Option<&'a String>,
    #[serde(rename = "org.opencontainers.image.ref.name")]
    name: &'a str,
}

#[derive(Serialize)]
struct BundleAnnotations<'a> {
    #[serde(rename = "dev.airgap-bundle.id")]
    id: &'a Digest,
}

/// The annotations of `index.json` that a reader looks at before anything else.
#[derive(Debug, Deserialize)]
pub struct IndexHead {
    /// Those of them that this version knows.
    #[serde(default)]
    pub annotations: IndexAnnotations,
}

/// What `index.json` says of the bundle.
#[derive(Debug, Default, Deserialize)]
pub struct IndexAnnotations {
    /// The bundle id.
    #[serde(rename = "dev.airgap-bundle.id", default)]
    pub id: String,
    /// What a reader must understand, comma-separated.
    #[serde(rename = "dev.airgap-bundle.requires", default)]
    pub requires: String,
}
