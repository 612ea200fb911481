//! What is at the output already, and whether there is room.

use std::sync::Arc;

use camino::Utf8Path;

use super::{Found, Options, Report, Status, bundle_row, rows, totals};
use crate::content::plan::Plan;
use crate::kinds::Origin;
use crate::model::error::{Error, FormatState, Result};
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

/// Refuses, before anything is asked of anybody, to overwrite what is no bundle.
pub(super) fn look(options: &Options) -> Result<()> {
    let (output, overwrite) = (&options.output, options.overwrite);
    if !output.exists() {
        return Ok(());
    }
    let damaged = |error: &Error| match error {
        Error::Format { state, .. } => *state != FormatState::Foreign && was_a_bundle(output),
        _ => false,
    };
    match Bundle::open(output) {
        Ok(_) => Ok(()),
        Err(error) if overwrite == Overwrite::Bundle && damaged(&error) => Ok(()),
        Err(error) if damaged(&error) => Err(in_the_way(output, "is not a whole bundle", overwrite)),
        Err(_) => Err(in_the_way(output, "is not a bundle", Overwrite::Bundle)),
    }
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
        return match options.overwrite {
            Overwrite::Bundle => Ok(None),
            Overwrite::No => {
                Err(in_the_way(output, &format!("is bundle {}", bundle.id()), options.overwrite))
            }
        };
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
        Overwrite::No => "name another file with `--output`, or overwrite a bundle with `--force`",
        Overwrite::Bundle => "name another file with `--output`; `--force` overwrites nothing but bundles",
    };
    Error::Conflict {
        message: format!("`{output}` is there already and {what}"),
        items: vec![],
        hint: Some(hint.to_owned()),
    }
}
