//! What refers to the chosen artifacts: each is imported for itself, into the repository of its subject and after it, so
//! that one which is refused does not take its artifact with it.

use std::collections::{HashMap, HashSet};

use super::names::{Chosen, DigestTags};
use super::plan::Claim;
use crate::commands::referrer_row::ReferrerRow;
use crate::commands::report::{ArtifactRow, Status};
use crate::model::artifact::Kind;
use crate::model::contents::Artifact;
use crate::model::digest::Digest;
use crate::model::error::Error;
use crate::model::reference::Reference;
use crate::model::referrer::Referrer;
use crate::model::target::Destination;

/// Something that refers to a chosen artifact.
#[derive(Clone, Debug)]
pub(super) struct Referring {
    /// The place of the artifact among the chosen.
    pub(super) owner: usize,
    /// What the bundle says of it.
    pub(super) referrer: Referrer,
    /// The path of the repository that it goes to.
    repository: String,
    /// What it is called at the source.
    reference: String,
}

impl Referring {
    /// Returns what refers to the chosen artifacts, in the order of those.
    pub(super) fn to(chosen: &[Chosen]) -> Vec<Self> {
        let of = |(owner, chosen): (usize, &Chosen)| {
            let (artifact, target) = (&chosen.artifact, &chosen.target);
            let all = artifact.referrers.iter().map(|referrer| Self {
                owner,
                referrer: referrer.clone(),
                repository: target.repository().to_owned(),
                reference: at_source(&artifact.reference, referrer),
            });
            all.collect::<Vec<_>>()
        };
        chosen.iter().enumerate().flat_map(of).collect()
    }

    /// Returns it as an artifact of its own, whose manifests are read and proven like those of any other.
    pub(super) fn artifact(&self) -> Artifact {
        let Referrer { digest, media_type, artifact_type, size, .. } = self.referrer.clone();
        Artifact {
            kind: Kind::Artifact,
            reference: self.reference.clone(),
            wanted: None,
            digest,
            media_type,
            artifact_type,
            names: vec![],
            platforms: vec![],
            sparse: false,
            omitted: vec![],
            source: None,
            referrers: vec![],
            size,
        }
    }

    /// Returns what is to be planned for it; `place` is its own place among everything that is imported.
    pub(super) fn claim(&self, place: usize) -> Claim<'_> {
        Claim {
            place,
            owner: self.owner,
            repository: &self.repository,
            tag: self.referrer.tag.clone(),
            root: self.referrer.digest,
            is_pinned: true,
            subject: Some(self.referrer.subject),
        }
    }

    /// Returns where it goes, with the registry.
    fn target(&self, to: &Destination) -> String {
        let (registry, repository) = (to.registry(), &self.repository);
        match &self.referrer.tag {
            Some(tag) => format!("{registry}/{repository}:{tag}"),
            None => format!("{registry}/{repository}@{}", self.referrer.digest),
        }
    }

    /// Returns its row, before anything has happened to it.
    pub(super) fn row(&self, to: &Destination) -> ReferrerRow {
        ReferrerRow { target: Some(self.target(to)), ..ReferrerRow::from(&self.referrer) }
    }

    /// Returns `SOURCE -> TARGET`.
    pub(super) fn shown(&self, to: &Destination) -> String {
        format!("{} -> {}", self.reference, self.target(to))
    }

    /// Returns the row that stands for it while failures are told together with those of artifacts.
    pub(super) fn own_row(&self) -> ArtifactRow {
        ArtifactRow {
            reference: self.reference.clone(),
            digest: Some(self.referrer.digest),
            ..ArtifactRow::default()
        }
    }

    /// Returns its row with what became of it; `own` is the one of [`Referring::own_row`].
    pub(super) fn told(&self, to: &Destination, own: ArtifactRow) -> ReferrerRow {
        let orphan = (own.status == Some(Status::Skipped))
            .then(|| format!("its subject {} is not in place", self.referrer.subject));
        ReferrerRow {
            status: own.status,
            target_digest: own.target_digest,
            previous_digest: own.previous_digest,
            error: own.error.or(orphan),
            ..self.row(to)
        }
    }
}

/// Returns the name at the source.
fn at_source(reference: &str, referrer: &Referrer) -> String {
    let tag = referrer.tag.as_deref();
    let digest = Some(referrer.digest).filter(|_| tag.is_none());
    let named = reference
        .parse::<Reference>()
        .ok()
        .and_then(|read| Reference::new(read.registry(), read.repository(), tag, digest).ok());
    named.map_or_else(|| referrer.digest.to_string(), |named| named.to_string())
}

/// Takes from `claims` those of referrers that want a tag which something else has or wants, and returns their places with
/// why.
pub(super) fn apart(claims: &mut Vec<Claim<'_>>) -> Vec<(usize, Error)> {
    let mut first: HashMap<(String, String), Digest> = HashMap::new();
    let mut refused = Vec::new();
    let mut lost: HashSet<usize> = HashSet::new();
    // Artifacts come before referrers, and were compared with each other already.
    for claim in claims.iter() {
        let Some(tag) = &claim.tag else { continue };
        let root = *first.entry((claim.repository.to_owned(), tag.clone())).or_insert(claim.root);
        if root == claim.root || claim.subject.is_none() {
            continue;
        }
        lost.insert(claim.place);
        refused.push((
            claim.place,
            Error::Conflict {
                message: format!("tag `{tag}` of `{}` is wanted for {root}, too", claim.repository),
                items: vec![],
                hint: Some("import one artifact without the other, with `--except`".to_owned()),
            },
        ));
    }
    claims.retain(|claim| !lost.contains(&claim.place));
    refused
}

/// Returns the claims of everything that is sound: `is_open` tells by the place.
pub(super) fn claims<'a>(
    chosen: &'a [Chosen],
    referring: &'a [Referring],
    digest_tags: DigestTags,
    is_open: impl Fn(usize) -> bool,
) -> Vec<Claim<'a>> {
    let artifacts = chosen.iter().enumerate().map(|(place, chosen)| chosen.claim(place, digest_tags));
    let after = chosen.len();
    let referrers = referring.iter().zip(after..).map(|(referring, place)| referring.claim(place));
    artifacts.chain(referrers).filter(|claim| is_open(claim.place) && is_open(claim.owner)).collect()
}
