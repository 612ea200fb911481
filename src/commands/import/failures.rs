//! What failed, said once: what several artifacts have in common is one error that lists them.

use super::trial;
use super::verb::Verb;
use super::work::Failure;
use crate::commands::report::{ArtifactRow, whole};
use crate::commands::together;
use crate::model::artifact::Kind;
use crate::model::digest::Digest;
use crate::model::error::Error;

/// An error, and the rows of those whom it concerns.
struct Group {
    digest: Option<Digest>,
    error: Error,
    rows: Vec<usize>,
}

/// Writes into the rows why each failed, and returns the errors. `failed` holds the place of each row.
pub(super) fn tell(verb: &Verb, failed: Vec<(usize, Failure)>, rows: &mut [ArtifactRow]) -> Vec<Error> {
    let mut groups: Vec<Group> = Vec::new();
    let mut shared = Vec::new();
    let mut refusals = Vec::new();
    for (row, failure) in failed {
        let (digest, error) = match failure {
            Failure::Own(error) => (None, error),
            Failure::Of(digest, error) => (Some(digest), error),
            Failure::Shared(digest) => {
                shared.push((row, digest));
                continue;
            }
            Failure::Refused(refusal) => {
                if let Some(row) = rows.get_mut(row) {
                    row.error = Some(told(verb, row, refusal.text()));
                    refusals.push((refusal, row.reference.clone()));
                }
                continue;
            }
        };
        let text = whole(&error);
        match groups.iter_mut().find(|group| group.digest == digest && whole(&group.error) == text) {
            Some(group) => group.rows.push(row),
            None => groups.push(Group { digest, error, rows: vec![row] }),
        }
    }
    for (row, digest) in shared {
        match groups.iter_mut().find(|group| group.digest == Some(digest)) {
            Some(group) => group.rows.push(row),
            None => groups.push(Group {
                digest: Some(digest),
                error: Error::Conflict {
                    message: format!("{digest} could not be put there"),
                    items: vec![],
                    hint: None,
                },
                rows: vec![row],
            }),
        }
    }
    let told = groups.into_iter().map(|mut group| {
        group.rows.sort_unstable();
        let text = whole(&group.error);
        let mut names = Vec::new();
        let mut kinds: Vec<&str> = Vec::new();
        for row in group.rows {
            let Some(row) = rows.get_mut(row) else { continue };
            let kind = row.kind.map(Kind::word).unwrap_or_default();
            row.error = Some(told(verb, row, &text));
            names.push(row.reference.clone());
            kinds.push(kind);
        }
        kinds.dedup();
        let noun = if let [kind] = kinds.as_slice() { kind } else { "" };
        together::could_not(verb.command, noun, &names, group.error)
    });
    trial::error(&refusals).into_iter().chain(told).collect()
}

/// Returns what is said of one artifact.
fn told(verb: &Verb, row: &ArtifactRow, why: &str) -> String {
    let kind = row.kind.map(Kind::word).unwrap_or_default();
    format!("could not {} {kind} `{}`\ncause: {why}", verb.command, row.reference)
}
