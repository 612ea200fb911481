//! What failed before there was a bundle: what is the same for many artifacts of one host is said once.

use super::ArtifactRow;
use crate::commands::together;
use crate::model::error::Error;
use crate::model::reference::Reference;

/// What makes errors of one host the same, whatever was being asked: what the other side said, and what helps.
type Said = (String, String, Option<String>);

/// Returns the rows of what failed, and the errors: one for all artifacts of a registry that failed in the same way.
pub(in crate::commands) fn tell(
    verb: &str,
    failed: Vec<(ArtifactRow, Error)>,
) -> (Vec<ArtifactRow>, Vec<Error>) {
    let mut rows = Vec::with_capacity(failed.len());
    let mut groups: Vec<(Option<Said>, Vec<String>, Error)> = Vec::new();
    for (row, error) in failed {
        let said = said(&row, &error);
        match groups.iter_mut().find(|(other, _, _)| said.is_some() && *other == said) {
            Some((_, names, _)) => names.push(row.reference.clone()),
            None => groups.push((said, vec![row.reference.clone()], error)),
        }
        rows.push(row);
    }
    let errors = groups.into_iter().map(|(_, names, error)| match error {
        Error::While { source, .. } if names.len() > 1 => together::could_not(verb, "", &names, *source),
        error => error,
    });
    (rows, errors.collect())
}

fn said(row: &ArtifactRow, error: &Error) -> Option<Said> {
    let (Error::Denied { why, hint, .. } | Error::Network { why, hint, .. }) = error.root() else {
        return None;
    };
    let reference: Reference = row.reference.parse().ok()?;
    Some((reference.registry().to_owned(), why.clone(), hint.clone()))
}

/// Returns what to do before the same command is run again.
pub(super) fn mend(errors: &[Error]) -> &'static str {
    let of_list = |error: &Error| {
        matches!(
            error.root(),
            Error::Usage { .. } | Error::List(_) | Error::NotFound { .. } | Error::Unsupported { .. }
        )
    };
    if errors.iter().all(of_list) { "mend the list" } else { "mend what failed" }
}
