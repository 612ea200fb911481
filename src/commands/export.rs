//! `export`: resolve the list, plan the bundle, fill its slots, give it its name.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use camino::Utf8PathBuf;

use super::report::{ArtifactRow, BundleRow, ContentRow, Report, Status, Totals, counted, whole};
use super::seen::Seen;
use crate::content::jobs::OnFailure;
use crate::content::plan::{Item, Plan};
use crate::content::progress::Progress;
use crate::kinds::{Earlier, Origin, Places, Staging, Wanted};
use crate::model::artifact::Kind;
use crate::model::contents::FORMAT;
use crate::model::error::{Error, Result};
use crate::model::list::Collected;
use crate::model::selector::Selection;
use crate::model::snap::SnapFacts;
use crate::stores::bundle::previous::Previous;
use crate::stores::bundle::reader::Bundle;
use crate::stores::bundle::rules;
use crate::stores::bundle::workshop::Workshop;

mod bases;
mod dry_run;
pub(super) mod failures;
mod fill;
pub(super) mod found;
pub(super) mod names;
mod output;
mod reused;
mod room;
mod weights;

use found::{Asking, Found};
pub use output::Overwrite;

/// What `export` is asked to do.
#[derive(Debug)]
pub struct Options {
    /// What the lists and the command line ask for.
    pub asked: Collected,
    /// The bundle to make.
    pub output: Utf8PathBuf,
    /// `--only` and `--except`.
    pub selection: Selection,
    /// What is wanted of every artifact.
    pub wanted: Wanted,
    /// Where artifacts are resolved; an export sets its own staging folder, a dry run keeps this one.
    pub places: Places,
    /// Whether to only say what would be done.
    pub action: Action,
    /// What may be overwritten.
    pub overwrite: Overwrite,
    /// Whether a failed artifact stops the bundle.
    pub on_failure: OnFailure,
    /// Older bundles to take blobs from.
    pub reuse: Vec<Utf8PathBuf>,
    /// How many things are done at once.
    pub jobs: usize,
    /// Who remembers what is to be done.
    pub seen: Seen,
    /// Who watches.
    pub progress: Arc<dyn Progress>,
}

impl Options {
    /// Returns what resolving needs of it.
    fn asking(&self) -> Asking<'_> {
        Asking {
            verb: "export",
            selection: &self.selection,
            wanted: &self.wanted,
            places: &self.places,
            on_failure: self.on_failure,
            jobs: self.jobs,
            seen: &self.seen,
            progress: &self.progress,
        }
    }
}

/// Whether a command does its work or says what it would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It does it.
    Do,
    /// It says it: `--dry-run`.
    Say,
}

/// Makes a bundle of everything that the lists name.
pub async fn run(mut options: Options) -> Result<Report> {
    let asked = std::mem::take(&mut options.asked);
    names::look(&options.asking(), &asked.entries).await?;
    output::look(&options, &asked.entries)?;
    let reuse = older(&options)?;
    let mut earlier = reuse.clone();
    let there = Bundle::open(&options.output).ok();
    earlier.extend(there.map(|bundle| Arc::new(Previous::finished(&bundle))));
    let workshop = match options.action {
        Action::Do => {
            let workshop = Workshop::open(&options.output)?;
            earlier.splice(0..0, workshop.earlier()?.into_iter().map(Arc::new));
            options.places.staging = Staging::Kept(workshop.staging()?);
            Some(workshop)
        }
        Action::Say => None,
    };
    let fetched = workshop.as_ref().map(Workshop::kept).unwrap_or_default();
    options.places.earlier = Earlier::new(earlier, Arc::clone(&fetched));
    let mut found = found::resolve(&options.asking(), asked.entries).await;
    found.warnings.splice(0..0, asked.warning);
    fetched.want(found.failures.iter().any(|(_, error)| error.may_pass()));
    if found.items.is_empty() && found.failures.is_empty() {
        return Ok(nothing_left(found, &options.selection));
    }
    if found.items.is_empty() || (!found.failures.is_empty() && options.on_failure == OnFailure::Stop) {
        let kept = workshop.is_some() && fetched.is_wanted();
        let mut report = not_made(&options, found);
        report.summary.extend(kept.then(|| kept_line(&options)));
        return Ok(report);
    }
    names::check(&found)?;
    found.warnings.extend(names::collisions(&found));
    let plan = Plan::new(&found.items, found.missing.clone(), BTreeMap::new())?;
    let unfit =
        |why| Error::Unsupported { message: format!("no reader would take the bundle: {why}"), hint: None };
    rules::check(&plan.contents).map_err(unfit)?;
    let Some(workshop) = workshop else { return Ok(dry_run::report(&options, found, &plan, &reuse)) };
    if let Some(report) = output::check(&options, &mut found, &plan).await? {
        workshop.remove()?;
        return Ok(report);
    }
    if options.wanted.platforms.is_empty() {
        let weights = weights::possible(&found.items);
        if !weights.is_empty() {
            options.progress.note(&format!("every platform is carried; {}", weights.join("; ")));
        }
    }
    // Nothing is done before the bundle has its name.
    let failed = found.failures.iter().map(|(row, _)| row.clone());
    options.seen.plan(rows(&found.items, None).into_iter().chain(failed));
    fill::run(&options, workshop, found, plan, reuse).await
}

/// Opens the bundles of `--reuse`.
fn older(options: &Options) -> Result<Vec<Arc<Previous>>> {
    let open = |path: &Utf8PathBuf| match Bundle::open(path) {
        Ok(bundle) => Ok(Arc::new(Previous::finished(&bundle))),
        Err(error) if matches!(error.root(), Error::NotFound { .. }) => {
            Err(Error::usage(format!("`--reuse {path}` was not found"), None))
        }
        Err(error) => {
            Err(error.during(format!("`--reuse {path}` cannot be used: name another, or leave it out")))
        }
    };
    options.reuse.iter().map(open).collect()
}

/// The report of an export whose failures leave no bundle.
fn not_made(options: &Options, found: Found) -> Report {
    let mut artifacts: Vec<ArtifactRow> = rows(&found.items, None);
    let (failed, failures) = failures::tell("export", found.failures);
    let all = failed.len().saturating_add(artifacts.len());
    let mut summary = vec![format!(
        "{} of {} failed; no bundle was made",
        failed.len(),
        counted(u64::try_from(all).unwrap_or(u64::MAX), "artifact")
    )];
    if !artifacts.is_empty() && options.on_failure == OnFailure::Stop {
        summary.push(format!(
            "{} and run the same command again, or add `--keep-going` for a bundle without them",
            failures::mend(&failures)
        ));
    }
    artifacts.extend(failed);
    Report { command: "export", artifacts, warnings: found.warnings, failures, summary, ..Report::default() }
}

/// Says that the next run does not begin again.
fn kept_line(options: &Options) -> String {
    format!("what was fetched is kept beside `{}`", options.output)
}

/// The report of an export of nothing at all.
fn nothing_left(found: Found, selection: &Selection) -> Report {
    Report { warnings: found.warnings, ..Report::failed("export", nothing_to_carry(selection)) }
}

/// Says that a list, or what was selected of it, comes to nothing.
pub(super) fn nothing_to_carry(selection: &Selection) -> Error {
    let (message, hint) = if *selection == Selection::default() {
        ("the list names nothing that could be carried", None)
    } else {
        ("`--only` and `--except` leave nothing of the list", Some("name less with them, or leave them out"))
    };
    Error::usage(message, hint)
}

/// Returns a row for each artifact.
fn rows(items: &[Item<Origin>], status: Option<Status>) -> Vec<ArtifactRow> {
    let mut rows: Vec<ArtifactRow> = items
        .iter()
        .map(|item| {
            let sizes = item.part().sizes();
            let omitted = |digest| item.artifact.omitted.contains(digest);
            let plain = matches!(item.artifact.kind, Kind::File | Kind::Assert);
            let is_known = item.late.is_empty();
            let snap = item.graph.root().filter(|_| item.artifact.kind == Kind::Snap);
            let root = item.graph.root().filter(|_| plain);
            ArtifactRow {
                content: root.and_then(|root| ContentRow::of(&root.manifest)),
                size: Some(sizes.iter().filter(|(digest, _)| !omitted(digest)).map(|(_, size)| size).sum()),
                snap: snap.and_then(|root| SnapFacts::of(&root.manifest)),
                digest: is_known.then_some(item.artifact.digest),
                ..ArtifactRow::with_referrers(&item.artifact, status)
            }
        })
        .collect();
    rows.sort_by(|a, b| (a.kind, &a.reference).cmp(&(b.kind, &b.reference)));
    rows
}

fn totals(plan: &Plan<Origin>, transferred: u64) -> Totals {
    let bytes = plan.contents.size();
    Totals {
        artifacts: u64::try_from(plan.contents.artifacts.len()).unwrap_or(u64::MAX),
        referrers: plan.contents.count_referrers(),
        blobs: u64::try_from(plan.contents.count()).unwrap_or(u64::MAX),
        bytes,
        transferred,
        present: bytes.saturating_sub(transferred),
    }
}

fn bundle_row(options: &Options, plan: &Plan<Origin>, size: u64) -> BundleRow {
    BundleRow {
        path: options.output.to_string(),
        id: plan.late().is_empty().then(|| crate::model::digest::Digest::sha256(&plan.contents.to_bytes())),
        size,
        format: FORMAT,
        complete: plan.contents.missing.is_empty(),
    }
}

/// Which artifact each blob belongs to, for people: the first that names it.
fn owners(items: &[Item<Origin>]) -> HashMap<crate::model::digest::Digest, Arc<str>> {
    let mut owners = HashMap::new();
    for item in items {
        let name: Arc<str> = item.artifact.reference.as_str().into();
        for digest in item.digests() {
            owners.entry(digest).or_insert_with(|| Arc::clone(&name));
        }
    }
    owners
}
