//! Proves what `bundle.json` says of referrers: that each is whole, refers to what it is said to, and hangs together with
//! the artifact.

use super::closure::{Allowed, Closure, Walk};
use crate::content::plan::anchored;
use crate::model::contents::Artifact;
use crate::model::digest::Digest;
use crate::model::error::FormatState;
use crate::model::referrer::Referrer;

impl Closure<'_> {
    /// Walks the referrers of an artifact, whose own manifests were walked before.
    pub(super) fn referrers(&mut self, number: usize, artifact: &Artifact, own: Walk<'_>) {
        let mut whole = own.sum.whole;
        let mut walked: Vec<(&Referrer, Vec<Digest>)> = Vec::new();
        for referrer in &artifact.referrers {
            let walk = self.below(number, &referrer.digest, &referrer.media_type, Allowed::NOTHING);
            whole &= walk.sum.whole;
            self.referrer(number, referrer, &walk);
            walked.push((referrer, walk.manifests));
        }
        if !whole {
            return;
        }
        let edges = walked.iter().map(|(referrer, manifests)| (referrer.subject, manifests.as_slice()));
        let anchored = anchored(own.manifests, edges);
        for referrer in &artifact.referrers {
            let Referrer { subject, digest, .. } = referrer;
            if !anchored.contains(subject) {
                let message =
                    format!("referrer {digest} is of {subject}, which does not belong to the artifact");
                self.wrong(number, self.offset(digest), FormatState::Foreign, &message);
            }
        }
    }

    /// Compares what `bundle.json` says of a referrer with what it says itself.
    fn referrer(&mut self, number: usize, referrer: &Referrer, walk: &Walk<'_>) {
        let Referrer { subject, digest, .. } = referrer;
        let Some(root) = &walk.root else { return };
        let mut wrong = Vec::new();
        if referrer.tag.is_none() && root.subject != Some(*subject) {
            let got = root.subject.map_or_else(|| "none".to_owned(), |got| got.to_string());
            wrong.push(format!("referrer {digest} has another subject: expected {subject}, got {got}"));
        }
        if referrer.artifact_type.as_deref().unwrap_or_default() != root.type_of_artifact {
            wrong.push(format!("referrer {digest} has another artifact type than `bundle.json` says"));
        }
        if walk.sum.whole && !self.lacking.contains_key(&number) && referrer.size != walk.sum.size {
            let (said, size) = (referrer.size, walk.sum.size);
            wrong.push(format!("referrer {digest}: `bundle.json` says {said} bytes, expected {size}"));
        }
        for message in wrong {
            self.wrong(number, self.offset(digest), FormatState::Foreign, &message);
        }
    }

    fn offset(&self, digest: &Digest) -> u64 {
        self.bundle.slots().get(digest).map_or(0, |slot| slot.offset)
    }
}
