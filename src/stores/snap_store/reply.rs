//! The answer to a refresh, as JSON. What is absent or null is empty; what matters is looked at afterwards.

use serde::Deserialize;

/// The whole answer.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    pub(super) results: Vec<Outcome>,
    /// What is wrong with the request as such.
    #[serde(default, rename = "error-list")]
    pub(super) errors: Vec<Fault>,
}

/// What came of one action.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Outcome {
    #[serde(default)]
    pub(super) result: String,
    #[serde(default)]
    pub(super) instance_key: String,
    pub(super) effective_channel: Option<String>,
    pub(super) redirect_channel: Option<String>,
    pub(super) snap: Option<Snap>,
    pub(super) error: Option<Fault>,
}

/// An error.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Fault {
    #[serde(default)]
    pub(super) code: String,
    #[serde(default)]
    pub(super) message: String,
    pub(super) extra: Option<Extra>,
}

/// What a store adds to an error.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Extra {
    #[serde(default)]
    pub(super) releases: Vec<Release>,
}

/// Where a snap is released to.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Release {
    #[serde(default)]
    pub(super) architecture: String,
    #[serde(default)]
    pub(super) channel: String,
}

/// A snap.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Snap {
    pub(super) name: Option<String>,
    pub(super) snap_id: Option<String>,
    pub(super) revision: Option<u64>,
    pub(super) version: Option<String>,
    pub(super) base: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) confinement: Option<String>,
    #[serde(default)]
    pub(super) architectures: Vec<String>,
    pub(super) publisher: Option<Publisher>,
    pub(super) download: Option<Download>,
}

/// An account.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Publisher {
    pub(super) id: Option<String>,
    pub(super) username: Option<String>,
    pub(super) validation: Option<String>,
}

/// A file.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Download {
    pub(super) url: Option<String>,
    pub(super) size: Option<u64>,
    #[serde(rename = "sha3-384")]
    pub(super) sha3_384: Option<String>,
}
