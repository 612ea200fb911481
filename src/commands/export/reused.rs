//! What older bundles spare an export.

use std::fmt;

use bytesize::ByteSize;
use camino::Utf8PathBuf;

use crate::content::plan::Plan;
use crate::kinds::Origin;
use crate::model::descriptor::Descriptor;
use crate::stores::bundle::previous::Previous;

/// How many bytes came, or would come, from a bundle of `--reuse`.
#[derive(Debug)]
pub(super) struct Reused {
    pub(super) path: Utf8PathBuf,
    pub(super) bytes: u64,
}

impl fmt::Display for Reused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} reused from `{}`", ByteSize(self.bytes), self.path)
    }
}

/// Says what an export would take from the bundles of `--reuse`, and what it would fetch.
pub(super) fn line<'a>(plan: &Plan<Origin>, bundles: impl Iterator<Item = &'a Previous>) -> Option<String> {
    let mut bundles: Vec<(&Previous, u64)> = bundles.map(|bundle| (bundle, 0)).collect();
    let mut rest = 0_u64;
    for blob in plan.contents.entries() {
        let descriptor = Descriptor::new("", blob.digest, blob.size);
        let bytes = match bundles.iter_mut().find(|(bundle, _)| bundle.claims(&descriptor)) {
            Some((_, bytes)) => bytes,
            None => &mut rest,
        };
        *bytes = bytes.saturating_add(blob.size);
    }
    let said = bundles.into_iter().map(|(bundle, bytes)| Reused { path: bundle.path().to_owned(), bytes });
    let said: Vec<String> = said.map(|reused| reused.to_string()).collect();
    (!said.is_empty()).then(|| format!("{}, {} to fetch", said.join(", "), ByteSize(rest)))
}
