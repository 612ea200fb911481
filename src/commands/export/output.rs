//! What is at the output already, and whether there is room.

use std::collections::BTreeSet;
use std::sync::Arc;

use camino::Utf8Path;

use super::{Action, Found, Options, Report, Status, bundle_row, rows, totals};
use crate::content::plan::Plan;
use crate::kinds::Origin;
use crate::model::artifact::Kind;
use crate::model::error::{Error, FormatState, Result};
use crate::model::list::{Entry, Subject};
use crate::model::selector::Selection;
use crate::stores::bundle::reader::Bundle;
use crate::stores::bundle::verify;

/// What may be overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// Nothing.
    No,
    /// Another bundle: `--force`. What is no bundle stays in any case.
    Bundle,
}

/// Refuses, before anything is asked of anybody, to overwrite what is no bundle, and without `--force` what is plainly
/// another one than the list asks for.
pub(super) fn look(options: &Options, entries: &[Entry]) -> Result<()> {
    let (output, overwrite) = (&options.output, options.overwrite);
    if !output.exists() {
        return Ok(());
    }
    let damaged = |error: &Error| match error {
        Error::Format { state, .. } => *state != FormatState::Foreign && was_a_bundle(output),
        _ => false,
    };
    match Bundle::open(output) {
        Ok(bundle) if options.action == Action::Do && is_another(&bundle, options, entries) => {
            refuse_other(options, &bundle)
        }
        Ok(_) => Ok(()),
        Err(error) if overwrite == Overwrite::Bundle && damaged(&error) => Ok(()),
        Err(error) if damaged(&error) => Err(in_the_way(output, "is not a whole bundle", overwrite)),
        Err(_) => Err(in_the_way(output, "is not a bundle", Overwrite::Bundle)),
    }
}

/// Returns whether a bundle names other references than the entries do, as far as that can be told without asking.
fn is_another(bundle: &Bundle, options: &Options, entries: &[Entry]) -> bool {
    // What a snap needs is known once it has been asked for.
    let implies = entries.iter().any(|entry| !entry.renderings.is_empty());
    if options.selection != Selection::default() || implies {
        return false;
    }
    let contents = bundle.contents();
    let of_registries = contents.artifacts.iter().filter(|artifact| !is_file(artifact.kind));
    let held: BTreeSet<&str> = of_registries.map(|artifact| artifact.reference.as_str()).collect();
    let missing: BTreeSet<&str> = contents.missing.iter().map(|missing| missing.reference.as_str()).collect();
    let asked: BTreeSet<String> = entries
        .iter()
        .filter_map(|entry| match &entry.subject {
            Subject::Registry(reference) => Some(reference.to_string()),
            _ => None,
        })
        .collect();
    held.iter().any(|reference| !asked.contains(*reference))
        || asked
            .iter()
            .any(|reference| !held.contains(reference.as_str()) && !missing.contains(reference.as_str()))
}

fn is_file(kind: Kind) -> bool {
    matches!(kind, Kind::File | Kind::Assert | Kind::Snap)
}

/// Refuses to overwrite another bundle without `--force`.
fn refuse_other(options: &Options, bundle: &Bundle) -> Result<()> {
    match options.overwrite {
        Overwrite::Bundle => Ok(()),
        Overwrite::No => {
            Err(in_the_way(&options.output, &format!("is bundle {}", bundle.id()), options.overwrite))
        }
    }
}

/// Returns the warning of a dry run that the export would be refused.
pub(super) fn refusal(options: &Options, plan: &Plan<Origin>) -> Option<String> {
    let bundle = Bundle::open(&options.output).ok()?;
    let is_same = bundle.raw()[..] == plan.contents.to_bytes()[..];
    let error = refuse_other(options, &bundle).err().filter(|_| !is_same)?;
    Some(format!("{error}: {}", error.hint().unwrap_or_default()))
}

/// Returns the report of success where the very bundle is there already, proven; refuses to overwrite anything else.
pub(super) async fn check(
    options: &Options,
    found: &mut Found,
    plan: &Plan<Origin>,
) -> Result<Option<Report>> {
    let output = &options.output;
    if !output.exists() {
        return Ok(None);
    }
    let Ok(bundle) = Bundle::open(output) else { return Ok(None) };
    if bundle.raw()[..] != plan.contents.to_bytes()[..] {
        return refuse_other(options, &bundle).map(|()| None);
    }
    if !is_proven(&bundle, options).await? {
        return Ok(None);
    }
    let mut artifacts = rows(&found.items, Some(Status::Present));
    let (kept_whole, incomplete) = (found.kept_whole_line(), found.incomplete_line());
    let (failed, failures): (Vec<_>, Vec<_>) = std::mem::take(&mut found.failures).into_iter().unzip();
    artifacts.extend(failed);
    let mut report = Report {
        command: "export",
        artifacts,
        failures,
        went_without: true,
        bundle: Some(bundle_row(options, plan, bundle.length())),
        warnings: found.warnings.clone(),
        totals: totals(plan, 0),
        summary: vec![format!("`{output}` is this very bundle already")],
        closing: format!("bundle id {}\n", bundle.id()).into_bytes(),
        incomplete: !plan.contents.missing.is_empty(),
        ..Report::default()
    };
    report.summary.extend(kept_whole.into_iter().chain(incomplete));
    Ok(Some(report))
}

/// Returns whether every byte of a bundle is right; one that is not is made anew.
async fn is_proven(bundle: &Bundle, options: &Options) -> Result<bool> {
    let verified = verify::verify(bundle, options.jobs, Arc::clone(&options.progress)).await?;
    Ok(verified.problems.is_empty())
}

/// Returns whether a damaged file begins as a bundle does.
fn was_a_bundle(path: &Utf8Path) -> bool {
    use std::io::Read;
    let mut name = [0; 10];
    std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut name)).is_ok()
        && &name == b"oci-layout"
}

fn in_the_way(output: &Utf8Path, what: &str, overwrite: Overwrite) -> Error {
    let hint = match overwrite {
        Overwrite::No if what.starts_with("is bundle") => format!(
            "overwrite it with `--force`, or name another file with `--output` (and `--reuse {output}` to take from it \
             what is unchanged)"
        ),
        Overwrite::No => "name another file with `--output`, or overwrite a bundle with `--force`".to_owned(),
        Overwrite::Bundle => {
            "name another file with `--output`; `--force` overwrites nothing but bundles".to_owned()
        }
    };
    Error::Conflict {
        message: format!("`{output}` is there already and {what}"),
        items: vec![],
        hint: Some(hint),
    }
}
