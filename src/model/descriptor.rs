//! The descriptor of the OCI image spec: it names bytes by digest and size.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::digest::Digest;
use super::platform::Platform;

/// What a manifest says of one of its children. Fields that are not listed are carried in the raw bytes and ignored here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Media type of the bytes; some old manifests leave it out.
    #[serde(default)]
    pub media_type: String,
    /// Digest of the bytes.
    pub digest: Digest,
    /// Length of the bytes.
    pub size: u64,
    /// The platform, in an index.
    #[serde(default)]
    pub platform: Option<Platform>,
    /// Where a non-distributable layer may be fetched.
    #[serde(default, deserialize_with = "null_as_default")]
    pub urls: Vec<String>,
    /// Annotations, sorted.
    #[serde(default, deserialize_with = "null_as_default")]
    pub annotations: BTreeMap<String, String>,
    /// Artifact type of the manifest that is pointed at.
    #[serde(default)]
    pub artifact_type: Option<String>,
}

/// The annotation of a layer that holds the name of its file (OCI image spec, "Pre-Defined Annotation Keys").
pub const TITLE: &str = "org.opencontainers.image.title";

impl Descriptor {
    /// Returns the name of its file, where it has one.
    pub fn title(&self) -> Option<&str> {
        self.annotations.get(TITLE).map(String::as_str)
    }

    /// Names bytes of which only type, digest and size are known.
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest,
            size,
            platform: None,
            urls: Vec::new(),
            annotations: BTreeMap::new(),
            artifact_type: None,
        }
    }

    /// Names `bytes` by their sha256.
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        // A slice is never longer than u64::MAX.
        Self::new(media_type, Digest::sha256(bytes), u64::try_from(bytes.len()).unwrap_or(u64::MAX))
    }
}

/// Reads JSON `null` as the empty value, as Go's encoders write it for empty lists and maps.
pub(super) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
