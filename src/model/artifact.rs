//! Kinds of artifacts: what a person calls the thing that a root digest names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::manifest::Manifest;
use super::media_type;

/// What an artifact is, for lists, tables and destinations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A container image: a manifest with an image config, or an index.
    Image,
    /// A Helm chart.
    Chart,
    /// A snap with its assertions.
    Snap,
    /// A file of snap assertions.
    Assert,
    /// A plain file.
    File,
    /// Any other OCI artifact.
    Artifact,
}

impl Kind {
    /// Every kind, in the order in which tables and bundles list them.
    pub const ALL: [Self; 6] =
        [Self::Image, Self::Chart, Self::Snap, Self::Assert, Self::File, Self::Artifact];

    /// Returns the word of lists and tables.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Chart => "chart",
            Self::Snap => "snap",
            Self::Assert => "assert",
            Self::File => "file",
            Self::Artifact => "artifact",
        }
    }

    /// Returns what a root manifest is. An index is an image unless its `artifactType` says otherwise. A file is nothing
    /// that could be run: an image that calls itself a file is an artifact.
    pub fn of(manifest: &Manifest) -> Self {
        match manifest.type_of_artifact() {
            media_type::OCI_CONFIG | media_type::DOCKER_CONFIG => Self::Image,
            media_type::HELM_CONFIG => Self::Chart,
            media_type::ASSERT if is_file(manifest, &[media_type::ASSERTION]) => Self::Assert,
            media_type::FILE if is_file(manifest, &[media_type::OCTET_STREAM]) => Self::File,
            media_type::SNAP if is_file(manifest, &[media_type::SQUASHFS, media_type::ASSERTION]) => {
                Self::Snap
            }
            "" if manifest.is_index() => Self::Image,
            _ => Self::Artifact,
        }
    }
}

/// Returns whether a manifest has the empty config and layers of these types (bundle-format.md, "Plain files" and "Snaps").
fn is_file(manifest: &Manifest, types: &[&str]) -> bool {
    let config = manifest.config.as_ref().map(|config| config.media_type.as_str());
    let layers: Vec<&str> = manifest.layers.iter().map(|layer| layer.media_type.as_str()).collect();
    config == Some(media_type::EMPTY) && layers == types
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.word() == text).ok_or(())
    }
}
