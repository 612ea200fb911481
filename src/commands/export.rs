//! `export`: resolve the list, plan the bundle, fill its slots, give it its name.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytesize::ByteSize;
use camino::Utf8PathBuf;

use super::report::{ArtifactRow, BundleRow, Report, Status, Totals, whole};
use crate::content::jobs::{self, OnFailure};
use crate::content::plan::{Item, Plan};
use crate::content::progress::Progress;
use crate::kinds::{self, Origin, Places, Resolved, Wanted};
use crate::model::contents::{FORMAT, Missing};
use crate::model::error::{Error, Result};
use crate::model::list::{self, Entry, Require, Source, Subject};
use crate::model::selector::Selection;
use crate::stores::bundle::workshop::Workshop;

mod dry_run;
mod fill;
mod names;
mod output;

pub use output::Overwrite;

/// What `export` is asked to do.
#[derive(Debug)]
pub struct Options {
    /// The lists, read.
    pub lists: Vec<(Source, Vec<u8>)>,
    /// References of the command line.
    pub references: Vec<String>,
    /// The bundle to make.
    pub output: Utf8PathBuf,
    /// What every reference must name.
    pub require: Require,
    /// `--only` and `--except`.
    pub selection: Selection,
    /// What is wanted of every artifact.
    pub wanted: Wanted,
    /// Where artifacts are resolved; the staging folder is set here.
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
    /// Who watches.
    pub progress: Arc<dyn Progress>,
}

/// Whether a command does its work or says what it would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It does it.
    Do,
    /// It says it: `--dry-run`.
    Say,
}

/// What the list came to.
#[derive(Debug, Default)]
struct Found {
    items: Vec<Item<Origin>>,
    warnings: Vec<String>,
    failures: Vec<(ArtifactRow, Error)>,
    missing: Vec<Missing>,
    kept_whole: (usize, u64),
}

/// Makes a bundle of everything that the lists name.
pub async fn run(mut options: Options) -> Result<Report> {
    let asked = list::collect(&options.lists, &options.references, options.require)?;
    let staging = match options.action {
        Action::Do => None,
        Action::Say => {
            let beside =
                options.output.parent().filter(|folder| !folder.as_str().is_empty()).unwrap_or(".".into());
            let folder = tempfile::Builder::new().prefix(".airgap-bundle-").tempdir_in(beside);
            Some(folder.map_err(Error::io(format!("making a temporary folder in `{beside}`")))?)
        }
    };
    let workshop = match &staging {
        None => Some(Workshop::open(&options.output)?),
        Some(folder) => {
            options.places.staging = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap_or_default();
            None
        }
    };
    if let Some(workshop) = &workshop {
        options.places.staging = workshop.staging()?;
    }
    let mut found = resolve(&options, asked.entries).await;
    found.warnings.splice(0..0, asked.warning);
    let stop = options.on_failure == OnFailure::Stop || found.items.is_empty();
    if !found.failures.is_empty() && stop {
        workshop.map_or(Ok(()), Workshop::leave)?;
        return Ok(not_made(found));
    }
    names::check(&found.items)?;
    found.warnings.extend(names::collisions(&found.items));
    let plan = Plan::new(&found.items, found.missing.clone(), BTreeMap::new())?;
    let Some(workshop) = workshop else { return Ok(dry_run::report(&options, found, &plan)) };
    if let Some(report) = output::check(&options, &found, &plan).await? {
        workshop.remove()?;
        return Ok(report);
    }
    fill::run(&options, workshop, found, plan).await
}

/// Resolves every entry and keeps what is selected.
async fn resolve(options: &Options, entries: Vec<Entry>) -> Found {
    let count = u64::try_from(entries.len()).ok();
    options.progress.phase("resolving", None, count);
    let entries: Vec<Arc<Entry>> = entries
        .into_iter()
        .filter(|entry| may_be_selected(&options.selection, entry))
        .map(Arc::new)
        .collect();
    let results = jobs::run(options.jobs, OnFailure::GoOn, &entries, |entry| {
        let (entry, places, wanted) = (Arc::clone(entry), options.places.clone(), options.wanted.clone());
        let progress = Arc::clone(&options.progress);
        async move {
            let name = kinds::shown(&entry);
            progress.begun(&name);
            let resolved = kinds::resolve(&entry, &places, &wanted).await;
            progress.ended(&name);
            resolved
        }
    })
    .await;
    let mut found = Found::default();
    for (entry, result) in entries.iter().zip(results) {
        match result {
            Some(Ok(resolved)) => found.take(resolved, &options.selection),
            Some(Err(error)) => found.fail(entry, error),
            None => {}
        }
    }
    found
}

/// Returns whether an entry can be selected at all, before its kind is known.
fn may_be_selected(selection: &Selection, entry: &Entry) -> bool {
    let Subject::Registry(reference) = &entry.subject else { return true };
    let reference = reference.to_string();
    crate::model::artifact::Kind::ALL.iter().any(|kind| selection.takes(*kind, &reference))
}

impl Found {
    fn take(&mut self, resolved: Resolved, selection: &Selection) {
        let takes = |item: &Item<Origin>| selection.takes(item.artifact.kind, &item.artifact.reference);
        self.items.extend(resolved.items.into_iter().filter(takes));
        self.warnings.extend(resolved.warnings);
        if let Some(bytes) = resolved.kept_whole {
            self.kept_whole = (self.kept_whole.0.saturating_add(1), self.kept_whole.1.saturating_add(bytes));
        }
    }

    fn fail(&mut self, entry: &Entry, error: Error) {
        let reference = kinds::shown(entry);
        self.missing.push(Missing { kind: entry.kind, reference: reference.clone() });
        let error = error.during(format!("could not export `{reference}` ({})", entry.position));
        self.failures.push((failed_row(entry.kind, &reference, &error), error));
    }

    /// Says how many images an index digest kept whole, and what that costs.
    fn kept_whole_line(&self) -> Option<String> {
        let (count, bytes) = self.kept_whole;
        (count > 0).then(|| format!("{count} kept whole, pinned by index digest, +{}", ByteSize(bytes)))
    }
}

fn failed_row(kind: Option<crate::model::artifact::Kind>, reference: &str, error: &Error) -> ArtifactRow {
    ArtifactRow {
        kind,
        name: reference.to_owned(),
        reference: reference.to_owned(),
        digest: None,
        platforms: vec![],
        size: None,
        status: Some(Status::Failed),
        target: None,
        target_digest: None,
        previous_digest: None,
        error: Some(whole(error)),
    }
}

/// The report of an export whose failures stop it before anything is fetched.
fn not_made(found: Found) -> Report {
    let mut artifacts: Vec<ArtifactRow> = rows(&found.items, None);
    let (failed, failures): (Vec<_>, Vec<_>) = found.failures.into_iter().unzip();
    artifacts.extend(failed);
    let (count, all) = (failures.len(), artifacts.len());
    Report {
        command: "export",
        artifacts,
        warnings: found.warnings,
        failures,
        summary: vec![
            format!("{count} of {all} artifacts failed; no bundle was made"),
            "mend the list and run the same command again, or add `--keep-going` for a bundle without them"
                .to_owned(),
        ],
        ..Report::default()
    }
}

/// Returns a row for each artifact.
fn rows(items: &[Item<Origin>], status: Option<Status>) -> Vec<ArtifactRow> {
    let mut rows: Vec<ArtifactRow> = items
        .iter()
        .map(|item| {
            let sizes = item.graph.part(&item.platforms).sizes();
            let omitted = |digest| item.artifact.omitted.contains(digest);
            ArtifactRow {
                kind: Some(item.artifact.kind),
                name: names::short(&item.artifact),
                reference: item.artifact.reference.clone(),
                digest: Some(item.artifact.digest),
                platforms: item.artifact.platforms.clone(),
                size: Some(sizes.iter().filter(|(digest, _)| !omitted(digest)).map(|(_, size)| size).sum()),
                status,
                target: None,
                target_digest: None,
                previous_digest: None,
                error: None,
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
        blobs: u64::try_from(plan.contents.count()).unwrap_or(u64::MAX),
        bytes,
        transferred,
        present: bytes.saturating_sub(transferred),
    }
}

fn bundle_row(options: &Options, plan: &Plan<Origin>, size: u64) -> BundleRow {
    BundleRow {
        path: options.output.to_string(),
        id: Some(crate::model::digest::Digest::sha256(&plan.contents.to_bytes())),
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
        for digest in item.graph.part(&item.platforms).sizes().into_keys() {
            owners.entry(digest).or_insert_with(|| Arc::clone(&name));
        }
    }
    owners
}
