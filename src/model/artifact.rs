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

    /// Returns what a root manifest is. An index is an image unless its `artifactType` says otherwise.
    pub fn of(manifest: &Manifest) -> Self {
        match manifest.type_of_artifact() {
            media_type::OCI_CONFIG | media_type::DOCKER_CONFIG => Self::Image,
            media_type::HELM_CONFIG => Self::Chart,
            media_type::ASSERT => Self::Assert,
            media_type::FILE => Self::File,
            "" if manifest.is_index() => Self::Image,
            _ => Self::Artifact,
        }
    }
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
