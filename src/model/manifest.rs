//! What a manifest or an index says of its children. The raw bytes stay what is carried: nothing here writes JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};

use super::descriptor::{Descriptor, null_as_default};
use super::media_type;

/// The longest manifest that is read: 8 MiB.
pub const MAX_SIZE: u64 = 8 << 20;
/// How deep indexes may nest.
pub const MAX_DEPTH: usize = 8;

/// A parsed manifest: the graph's node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Media type: what the bytes say, else what the descriptor or the registry said.
    pub media_type: String,
    /// `artifactType`, where there is one.
    pub artifact_type: Option<String>,
    /// The config; an index has none.
    pub config: Option<Descriptor>,
    /// Layers, or `blobs` of an OCI artifact manifest.
    pub layers: Vec<Descriptor>,
    /// Child manifests of an index.
    pub manifests: Vec<Descriptor>,
    /// What it refers to; not a child.
    pub subject: Option<Descriptor>,
    /// Annotations, sorted.
    pub annotations: BTreeMap<String, String>,
}

/// Says why bytes are not a manifest that can be carried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON, or not of the shape of a manifest.
    #[error("the manifest cannot be read: {0}")]
    Json(String),
    /// A media type that is not a manifest.
    #[error("media type `{0}` is not a manifest")]
    MediaType(String),
    /// Docker schema 1.
    #[error("the manifest is Docker schema 1, which names no sizes and cannot be carried unchanged")]
    Schema1,
    /// The bytes say another media type than the registry or the descriptor (OCI image spec, "mediaType").
    #[error("the manifest says media type `{inside}`, but was served as `{outside}`")]
    Contradiction {
        /// The `mediaType` field.
        inside: String,
        /// The `Content-Type`, or the parent's descriptor.
        outside: String,
    },
    /// Both an index and an image, or keys that differ only in case (CVE-2021-41190).
    #[error("the manifest is ambiguous: {0}")]
    Ambiguous(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    schema_version: Option<u64>,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    artifact_type: Option<String>,
    #[serde(default)]
    config: Option<Descriptor>,
    #[serde(default, deserialize_with = "null_as_default")]
    layers: Vec<Descriptor>,
    #[serde(default, deserialize_with = "null_as_default")]
    blobs: Vec<Descriptor>,
    #[serde(default, deserialize_with = "null_as_default")]
    manifests: Vec<Descriptor>,
    #[serde(default)]
    subject: Option<Descriptor>,
    #[serde(default, deserialize_with = "null_as_default")]
    annotations: BTreeMap<String, String>,
}

/// The keys of an object, in any case, with their values skipped.
struct Keys(BTreeSet<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Keys;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = BTreeSet::new();
                while let Some((key, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
                    keys.insert(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(KeyVisitor)
    }
}

impl Manifest {
    /// Parses `raw`, which was served as `outside`: the `Content-Type` without parameters, or the media type of the
    /// descriptor that points here. An empty `outside` leaves the decision to the bytes.
    pub fn parse(outside: &str, raw: &[u8]) -> Result<Self, ManifestError> {
        let json = |error: serde_json::Error| ManifestError::Json(error.to_string());
        let Keys(keys) = serde_json::from_slice(raw).map_err(json)?;
        check_keys(&keys)?;
        if matches!(outside, media_type::DOCKER_SCHEMA1 | media_type::DOCKER_SCHEMA1_SIGNED) {
            return Err(ManifestError::Schema1);
        }
        let fields: Raw = serde_json::from_slice(raw).map_err(json)?;
        if fields.schema_version == Some(1) {
            return Err(ManifestError::Schema1);
        }
        let inside = fields.media_type.as_deref().unwrap_or_default();
        let media_type = match (inside, outside) {
            ("", "") if keys.contains("manifests") => media_type::OCI_INDEX,
            ("", "") => media_type::OCI_MANIFEST,
            ("", outside) => outside,
            (inside, "") => inside,
            (inside, outside) if inside == outside => inside,
            (inside, outside) => {
                return Err(ManifestError::Contradiction {
                    inside: inside.to_owned(),
                    outside: outside.to_owned(),
                });
            }
        };
        if !media_type::is_manifest(media_type) {
            return Err(ManifestError::MediaType(media_type.to_owned()));
        }
        // An index may be empty and an image may lack layers; what neither may have is the other's children.
        if media_type::is_index(media_type) && (keys.contains("layers") || keys.contains("config")) {
            return Err(ManifestError::Ambiguous("an index with `layers` or `config`".to_owned()));
        }
        if !media_type::is_index(media_type) && keys.contains("manifests") {
            return Err(ManifestError::Ambiguous("an image with `manifests`".to_owned()));
        }
        let mut layers = fields.layers;
        if media_type == media_type::OCI_ARTIFACT {
            layers.extend(fields.blobs);
        }
        Ok(Self {
            media_type: media_type.to_owned(),
            artifact_type: fields.artifact_type,
            config: fields.config,
            layers,
            manifests: fields.manifests,
            subject: fields.subject,
            annotations: fields.annotations,
        })
    }

    /// Returns whether its children are manifests.
    pub fn is_index(&self) -> bool {
        media_type::is_index(&self.media_type)
    }

    /// Returns what the artifact is: its `artifactType`, else the media type of its config.
    pub fn type_of_artifact(&self) -> &str {
        match (self.artifact_type.as_deref(), &self.config) {
            (Some(artifact_type), _) if !artifact_type.is_empty() => artifact_type,
            (_, Some(config)) => &config.media_type,
            _ => "",
        }
    }

    /// Returns the blobs that are not manifests: the config, then the layers, in the manifest's order.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        self.config.iter().chain(&self.layers)
    }
}

/// Refuses keys that some reader would take for one of the fields that decide what the manifest is.
fn check_keys(keys: &BTreeSet<String>) -> Result<(), ManifestError> {
    let deciding = ["manifests", "layers", "config", "mediaType", "schemaVersion", "subject", "blobs"];
    for key in keys {
        if let Some(field) = deciding.iter().find(|field| field.eq_ignore_ascii_case(key) && *field != key) {
            return Err(ManifestError::Ambiguous(format!("key `{key}` differs from `{field}` only in case")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn parse(outside: &str, raw: &str) -> Result<Manifest, ManifestError> {
        Manifest::parse(outside, raw.as_bytes())
    }

    #[test]
    fn reads_an_image() {
        let raw = format!(
            r#"{{"schemaVersion":2,"config":{{"mediaType":"c","digest":"{D}","size":2}},
               "layers":[{{"mediaType":"l","digest":"{D}","size":3,"unknown":true}}],"extra":[1]}}"#
        );
        let manifest = parse(media_type::OCI_MANIFEST, &raw).unwrap();
        assert_eq!(manifest.blobs().map(|blob| blob.size).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(manifest.type_of_artifact(), "c");
    }

    #[test]
    fn reads_empty_and_null_lists() {
        assert!(parse(media_type::OCI_INDEX, r#"{"schemaVersion":2,"manifests":[]}"#).unwrap().is_index());
        assert!(parse("", r#"{"schemaVersion":2,"manifests":null}"#).unwrap().is_index());
        assert!(
            parse(media_type::OCI_MANIFEST, r#"{"schemaVersion":2,"layers":null}"#)
                .unwrap()
                .layers
                .is_empty()
        );
    }

    #[test]
    fn refuses_ambiguous_manifests() {
        for raw in [
            r#"{"schemaVersion":2,"manifests":[],"layers":[]}"#,
            r#"{"schemaVersion":2,"Manifests":[]}"#,
            r#"{"schemaVersion":2,"manifests":[],"CONFIG":{}}"#,
        ] {
            assert!(matches!(parse("", raw), Err(ManifestError::Ambiguous(_))), "{raw}");
        }
        let contradiction = format!(r#"{{"schemaVersion":2,"mediaType":"{}"}}"#, media_type::OCI_INDEX);
        assert!(matches!(
            parse(media_type::OCI_MANIFEST, &contradiction),
            Err(ManifestError::Contradiction { .. })
        ));
        assert!(matches!(
            parse("", r#"{"schemaVersion":2,"layers":[],"layers":[]}"#),
            Err(ManifestError::Json(_))
        ));
    }

    #[test]
    fn refuses_what_cannot_be_carried() {
        assert_eq!(parse("", r#"{"schemaVersion":1}"#), Err(ManifestError::Schema1));
        assert_eq!(parse(media_type::DOCKER_SCHEMA1_SIGNED, "{}"), Err(ManifestError::Schema1));
        assert!(matches!(parse("text/html", "{}"), Err(ManifestError::MediaType(_))));
        assert!(matches!(parse("", "<html>"), Err(ManifestError::Json(_))));
        let negative =
            r#"{"schemaVersion":2,"layers":[{"mediaType":"l","digest":"D","size":-1}]}"#.replace('D', D);
        assert!(matches!(parse("", &negative), Err(ManifestError::Json(_))));
    }
}
