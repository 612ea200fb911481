//! The row of something that refers to an artifact, below the row of that artifact.

use serde::Serialize;

use super::report::{Report, Status, counted};
use crate::model::digest::Digest;
use crate::model::referrer::Referrer;

/// One referrer; what does not apply is left out.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReferrerRow {
    /// Its digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Its artifact type, or the media type of its config.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// What it refers to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Digest>,
    /// The tag that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Bytes of its blobs, each once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// What happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Where it went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The digest there, where it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_digest: Option<Digest>,
    /// What its tag named before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_digest: Option<Digest>,
    /// Why it failed, or was not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What it is, for people.
    #[serde(skip)]
    pub shown_type: String,
}

impl From<&Referrer> for ReferrerRow {
    /// Makes the row of a referrer that nothing has happened to yet.
    fn from(referrer: &Referrer) -> Self {
        Self {
            digest: Some(referrer.digest),
            artifact_type: referrer.artifact_type.clone(),
            subject: Some(referrer.subject),
            tag: referrer.tag.clone(),
            size: Some(referrer.size),
            shown_type: referrer.shown_type().to_owned(),
            ..Self::default()
        }
    }
}

/// Returns how many artifacts there are, and how much refers to them.
pub(super) fn counted_with_referrers(report: &Report) -> String {
    with_referrers(report.totals.artifacts, report.totals.referrers)
}

/// Returns so many artifacts and referrers in words: `2 artifacts, 3 signatures and other referrers`.
pub(super) fn with_referrers(artifacts: u64, referrers: u64) -> String {
    let artifacts = counted(artifacts, "artifact");
    match referrers {
        0 => artifacts,
        1 => format!("{artifacts}, 1 signature or other referrer"),
        more => format!("{artifacts}, {more} signatures and other referrers"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn referrers_are_counted_where_there_are_any() {
        for (artifacts, referrers, expected) in [
            (1, 0, "1 artifact"),
            (2, 1, "2 artifacts, 1 signature or other referrer"),
            (12, 3, "12 artifacts, 3 signatures and other referrers"),
        ] {
            assert_eq!(with_referrers(artifacts, referrers), expected);
        }
    }
}
