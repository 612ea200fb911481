//! What refers to a manifest: signatures, attestations and whatever else names it as its subject, and the tags under which
//! such things are found.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::digest::{Algorithm, Digest};

/// The most referrers of one artifact.
pub const MAX_REFERRERS: usize = 10_000;
/// What cosign adds to the tag of a subject for a signature, attestations and a bill of materials.
const COSIGN: [&str; 3] = [".sig", ".att", ".sbom"];

/// A manifest that refers to one that an artifact carries, in the order of its fields in `bundle.json`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Referrer {
    /// What it refers to: a manifest of the artifact, or of another of its referrers.
    pub subject: Digest,
    /// Digest of the manifest.
    pub digest: Digest,
    /// The tag that says what it refers to (cosign); without one the manifest itself says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Media type of the manifest.
    pub media_type: String,
    /// Its artifact type, or the media type of its config.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Bytes of all its blobs, each counted once.
    pub size: u64,
}

impl Referrer {
    /// Returns what tells it from the other referrers of an artifact, and what they are sorted by.
    pub fn key(&self) -> (&Digest, &Digest, Option<&str>) {
        (&self.subject, &self.digest, self.tag.as_deref())
    }

    /// Returns what it is, for people: its artifact type, and for cosign's the end of its tag, since their type says only
    /// that they are made like images.
    pub fn shown_type(&self) -> &str {
        let cosign = self.tag.as_deref().and_then(|tag| tag.split_once('.')).map(|(_, end)| match end {
            "sig" => "cosign signature",
            "att" => "cosign attestation",
            _ => "cosign sbom",
        });
        cosign.or(self.artifact_type.as_deref()).unwrap_or_default()
    }
}

/// Returns the tag under which a registry without the referrers API keeps the list of what refers to `subject` (OCI
/// distribution spec, "Referrers Tag Schema"): the algorithm, and at most 64 digits.
pub fn list_tag(subject: &Digest) -> String {
    let hex: String = subject.hex().chars().take(64).collect();
    format!("{}-{hex}", subject.algorithm().name())
}

/// Returns the tags under which cosign looks for what refers to `subject`. Those of a sha512 would be too long for tags.
pub fn cosign_tags(subject: &Digest) -> Vec<String> {
    match subject.algorithm() {
        Algorithm::Sha256 => COSIGN.iter().map(|end| format!("{}{end}", list_tag(subject))).collect(),
        Algorithm::Sha512 | Algorithm::Sha3_384 => vec![],
    }
}

/// Returns whether a tag may be one of [`list_tag`] or [`cosign_tags`].
pub fn is_referring_tag(tag: &str) -> bool {
    let name = COSIGN.iter().find_map(|end| tag.strip_suffix(end)).unwrap_or(tag);
    ["sha256-", "sha512-"]
        .iter()
        .filter_map(|start| name.strip_prefix(start))
        .any(|hex| hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
}

/// What is done about referrers: `--referrers`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Referrers {
    /// They are not looked for.
    None,
    /// They go along; one that cannot is a warning.
    #[default]
    BestEffort,
    /// They go along; an artifact whose referrers cannot be asked for or fetched fails.
    Require,
}

impl Referrers {
    /// Returns the word of the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::BestEffort => "best-effort",
            Self::Require => "require",
        }
    }
}

impl std::fmt::Display for Referrers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Referrers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::None, Self::BestEffort, Self::Require]
            .into_iter()
            .find(|referrers| referrers.word() == text)
            .ok_or_else(|| format!("expected `none`, `best-effort` or `require`, got `{text}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_the_tag_of_the_spec_and_cosign_its_own() {
        let digest = Digest::sha256(b"x");
        let tag = format!("sha256-{}", digest.hex());
        assert_eq!(list_tag(&digest), tag);
        assert_eq!(cosign_tags(&digest), [".sig", ".att", ".sbom"].map(|end| format!("{tag}{end}")));
        let long = Digest::Sha512([0xab; 64]);
        assert_eq!(list_tag(&long), format!("sha512-{}", "ab".repeat(32)));
        assert!(cosign_tags(&long).is_empty());
        for found in cosign_tags(&digest).iter().chain([&tag, &list_tag(&long)]) {
            assert!(is_referring_tag(found), "{found}");
        }
        for other in
            ["latest", "sha256-12", &tag.to_uppercase(), &format!("{tag}.sig.sig"), &format!("{tag}.x")]
        {
            assert!(!is_referring_tag(other), "{other}");
        }
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for referrers in [Referrers::None, Referrers::BestEffort, Referrers::Require] {
            assert_eq!(referrers.to_string().parse(), Ok(referrers));
        }
        assert!("all".parse::<Referrers>().is_err());
    }
}
