//! Names at the destination, settled before anything is asked of it.

use super::Options;
use super::plan::Claim;
use crate::model::contents::Artifact;
use crate::model::error::{Error, Result};
use crate::model::target::{Destination, Layout, Tag, Target, collisions, host_path_helps};

/// An artifact that is to be imported, and where it lands.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    /// The artifact.
    pub(super) artifact: Artifact,
    /// Its name at the destination.
    pub(super) target: Target,
}

/// Whether what has no other name gets a tag that keeps it from garbage collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestTags {
    /// It gets `digest-<16 hex>`.
    Set,
    /// It is pushed by digest alone: `--no-digest-tags`.
    Omit,
}

impl Chosen {
    /// Returns whether its name is a tag, as opposed to its digest.
    pub(super) fn is_tagged(&self, digest_tags: DigestTags) -> bool {
        matches!(self.target.tag(), Tag::Name(_)) || digest_tags == DigestTags::Set
    }

    /// Returns what is to be planned for it.
    pub(super) fn claim(&self, place: usize, digest_tags: DigestTags) -> Claim<'_> {
        Claim {
            place,
            owner: place,
            repository: self.target.repository(),
            tag: self.is_tagged(digest_tags).then(|| self.target.tag().to_string()),
            root: self.artifact.digest,
            is_pinned: self.artifact.reference.contains('@'),
            subject: None,
        }
    }

    /// Returns the whole name: `registry.internal:5000/mirror/nginx:1.27`.
    pub(super) fn shown(&self, to: &Destination, digest_tags: DigestTags) -> String {
        if self.is_tagged(digest_tags) {
            format!("{}/{}", to.registry(), self.target)
        } else {
            format!("{}/{}@{}", to.registry(), self.target.repository(), self.artifact.digest)
        }
    }
}

/// Names every artifact.
///
/// Errors: [`Error::Conflict`] with every artifact that has no valid name.
pub(super) fn choose(artifacts: Vec<Artifact>, options: &Options) -> Result<Vec<Chosen>> {
    let mut wrong = Vec::new();
    let mut chosen = Vec::with_capacity(artifacts.len());
    for artifact in artifacts {
        match Target::of_artifact(options.to.prefix(), options.layout, &artifact) {
            Ok(target) => {
                chosen.push(Chosen { artifact, target: target.within(options.max_components) });
            }
            Err(error) => wrong.push(format!("`{}`: {error}", artifact.reference)),
        }
    }
    if wrong.is_empty() { Ok(chosen) } else { Err(without_names(wrong)) }
}

/// Says which artifacts have no valid name.
pub(in crate::commands) fn without_names(items: Vec<String>) -> Error {
    Error::Conflict {
        message: format!("{} without a valid name at the destination", artifacts_word(items.len())),
        items,
        hint: Some("choose another prefix or `--layout`, or leave them out with `--except`".to_owned()),
    }
}

/// Refuses artifacts that want one name with different digests.
pub(super) fn refuse_collisions(chosen: &[Chosen], options: &Options) -> Result<()> {
    let found = collisions(chosen.iter().map(|chosen| (&chosen.target, &chosen.artifact.digest)));
    if found.is_empty() {
        return Ok(());
    }
    let claim = |chosen: &Chosen| format!("`{}` ({})", chosen.artifact.reference, chosen.artifact.digest);
    let items = found.iter().map(|collision| {
        let claims = collision.claims.iter().filter_map(|place| chosen.get(*place)).map(claim);
        format!("`{}` is wanted by {}", collision.target, claims.collect::<Vec<_>>().join(" and by "))
    });
    let apart = |claims: &[usize]| {
        let claims = claims.iter().filter_map(|place| chosen.get(*place)).map(|chosen| &chosen.artifact);
        host_path_helps(options.to.prefix(), options.max_components, claims)
    };
    let hint = if options.layout != Layout::HostPath && found.iter().all(|collision| apart(&collision.claims))
    {
        "keep them apart with `--layout host-path`, or leave all but one out with `--except`"
    } else {
        "leave all but one out with `--except`, or give them different `as=` in the list"
    };
    Err(Error::Conflict {
        message: format!("{} of the destination would each name two things", names_word(found.len())),
        items: items.collect(),
        hint: Some(hint.to_owned()),
    })
}

fn names_word(count: usize) -> String {
    if count == 1 { "1 name".to_owned() } else { format!("{count} names") }
}

/// Returns a number of artifacts in words.
pub(super) fn artifacts_word(count: usize) -> String {
    if count == 1 { "1 artifact".to_owned() } else { format!("{count} artifacts") }
}
