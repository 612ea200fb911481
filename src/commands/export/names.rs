//! Names that two artifacts would share on the far side.

use std::collections::BTreeMap;

use super::Item;
use crate::kinds::Origin;
use crate::model::artifact::Kind;
use crate::model::contents::Artifact;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::reference::Reference;
use crate::model::target::{Layout, Target, collisions as find, host_path_helps};

/// Refuses two files of one name and different content: extracted, one would overwrite the other.
pub(super) fn check(items: &[Item<Origin>]) -> Result<()> {
    let mut files: BTreeMap<&str, Vec<&Digest>> = BTreeMap::new();
    for artifact in items.iter().map(|item| &item.artifact) {
        if matches!(artifact.kind, Kind::File | Kind::Assert) {
            let digests = files.entry(&artifact.reference).or_default();
            if !digests.contains(&&artifact.digest) {
                digests.push(&artifact.digest);
            }
        }
    }
    let twice: Vec<String> = files
        .into_iter()
        .filter(|(_, digests)| digests.len() > 1)
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    if twice.is_empty() {
        return Ok(());
    }
    Err(Error::Conflict {
        message: "files of the same name with different content".to_owned(),
        items: twice,
        hint: Some("give one of them another name with `name=` on its line".to_owned()),
    })
}

/// Warns of artifacts that would take one name in the default layout.
pub(super) fn collisions(items: &[Item<Origin>]) -> Vec<String> {
    let named: Vec<(&Artifact, Target)> = items
        .iter()
        .filter_map(|item| {
            Some((&item.artifact, Target::of_artifact("", Layout::Path, &item.artifact).ok()?))
        })
        .collect();
    let found = find(named.iter().map(|(artifact, target)| (target, &artifact.digest)));
    let lines = found.iter().map(|collision| {
        let claims = collision.claims.iter().filter_map(|claim| named.get(*claim));
        let claims: Vec<&Artifact> = claims.map(|(artifact, _)| *artifact).collect();
        let hint = if host_path_helps("", claims.iter().copied()) {
            "give all but one `as=` on its line, or import with `--layout host-path`"
        } else {
            "give each another `as=` on its line"
        };
        let claims: Vec<String> = claims.iter().map(|artifact| format!("`{}`", artifact.reference)).collect();
        format!("{} would all be `{}` at the destination; {hint}", claims.join(" and "), collision.target)
    });
    lines.collect()
}

/// Returns the last part of an artifact's name, as a table shows it.
pub(super) fn short(artifact: &Artifact) -> String {
    match artifact.reference.parse::<Reference>() {
        Ok(reference) if !matches!(artifact.kind, Kind::File | Kind::Assert) => {
            reference.repository().rsplit('/').next().unwrap_or_default().to_owned()
        }
        _ => artifact.reference.clone(),
    }
}
