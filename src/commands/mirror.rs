//! `mirror`: what a list names goes from its registries into another one, with no bundle between.

use std::collections::{BTreeMap, BTreeSet};

use super::export::found::{Asking, Found, may_be_selected, resolve};
use super::export::{Action, failures, names, nothing_to_carry};
use super::import::{self, Gathered, Stock};
use super::report::{ArtifactRow, Report, Status, counted};
use crate::content::jobs::{self, OnFailure};
use crate::content::plan::Plan;
use crate::kinds::{self, Places, Wanted};
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::list::{Collected, Subject};
use crate::model::target::{Origin, Target};
use crate::stores::bundle::rules;

/// What to mirror, and where to.
#[derive(Debug)]
pub struct Options {
    /// What the lists and the command line ask for.
    pub asked: Collected,
    /// What is wanted of every artifact.
    pub wanted: Wanted,
    /// Where artifacts are resolved.
    pub places: Places,
    /// How they are pushed.
    pub push: import::Options,
}

/// Returns the repositories that a mirror would write to, one a line; asks nobody. Of an artifact whose kind the list
/// does not say it is taken that it is selected.
pub async fn repositories(options: &Options) -> Result<Report> {
    let (entries, selection) = (options.asked.entries.clone(), options.push.selection.clone());
    let (prefix, layout, most) =
        (options.push.to.prefix().to_owned(), options.push.layout, options.push.max_components);
    let named = jobs::offload(move || {
        let mut targets = Vec::new();
        // The digest goes into tags alone.
        let root = Digest::sha256(b"");
        for entry in entries.iter().filter(|entry| may_be_selected(&selection, entry)) {
            let rename = entry.rename.as_ref();
            if let Subject::Registry(reference) = &entry.subject {
                let origin = Origin::Registry(reference);
                targets.push((kinds::shown(entry), Target::of(&prefix, layout, origin, &root, rename)));
            }
            for (_, name) in
                kinds::file_names(entry).into_iter().filter(|(kind, name)| selection.takes(*kind, name))
            {
                let target = Target::of(&prefix, layout, Origin::File { name: &name }, &root, rename);
                targets.push((name, target));
            }
        }
        targets
    });
    let (mut paths, mut wrong) = (BTreeSet::new(), Vec::new());
    for (name, target) in named.await? {
        match target {
            Ok(target) => drop(paths.insert(target.within(most).repository().to_owned())),
            Err(error) => wrong.push(format!("`{name}`: {error}")),
        }
    }
    if !wrong.is_empty() {
        return Err(import::without_names(wrong));
    }
    Ok(Report { command: "mirror", output: options.push.listed(paths)?, ..Report::default() })
}

/// Resolves everything that the lists name, and pushes it. What fails is in the report, and the others go on.
///
/// Errors: where nothing could begin: files of the list clash, names are wrong, the destination does not answer.
pub async fn run(mut options: Options) -> Result<Report> {
    let asked = std::mem::take(&mut options.asked);
    let push = &options.push;
    let asking = Asking {
        verb: "mirror",
        selection: &push.selection,
        wanted: &options.wanted,
        places: &options.places,
        on_failure: push.on_failure,
        jobs: push.jobs,
        seen: &push.seen,
        progress: &push.progress,
    };
    names::look(&asking, &asked.entries).await?;
    let mut found = resolve(&asking, asked.entries).await;
    found.warnings.splice(0..0, asked.warning);
    if found.items.is_empty() && found.failures.is_empty() {
        let failed = Report::failed("mirror", nothing_to_carry(&push.selection));
        return Ok(Report { warnings: found.warnings, ..failed });
    }
    if found.items.is_empty() || (!found.failures.is_empty() && push.on_failure == OnFailure::Stop) {
        return Ok(not_begun(found));
    }
    names::check(&found)?;
    let plan = Plan::new(&found.items, found.missing.clone(), BTreeMap::new())?;
    rules::check(&plan.contents).map_err(|why| Error::Unsupported {
        message: format!("no reader would take what the list comes to: {why}"),
        hint: None,
    })?;
    let first: Vec<String> = found.signed_line().into_iter().chain(found.kept_whole_line()).collect();
    let (failed, failures) = failures::tell("mirror", found.failures);
    let mut report = import::push(Stock::Gathered(Gathered::new(plan, failed)), push).await?;
    report.warnings.splice(0..0, found.warnings);
    // A dry run does nothing: what it was about is what could be resolved.
    report.went_without = push.action == Action::Say && report.failures.is_empty();
    // What failed first is told first.
    report.failures.splice(0..0, failures);
    report.summary.splice(0..0, first);
    Ok(report)
}

/// The report of a mirror of which nothing can be pushed, or nothing may.
fn not_begun(found: Found) -> Report {
    let skipped = |row: ArtifactRow| ArtifactRow { status: Some(Status::Skipped), ..row };
    let mut artifacts: Vec<ArtifactRow> =
        found.items.iter().map(|item| skipped(ArtifactRow::from(&item.artifact))).collect();
    let (failed, failures) = failures::tell("mirror", found.failures);
    let count = failed.len();
    artifacts.extend(failed);
    let all = counted(u64::try_from(artifacts.len()).unwrap_or(u64::MAX), "artifact");
    let summary = vec![format!("{count} of {all} failed; nothing was pushed")];
    Report { command: "mirror", artifacts, warnings: found.warnings, failures, summary, ..Report::default() }
}
