//! Side-loading: every image of a bundle becomes a tar in the folder from which containerd imports.

use std::sync::Arc;

use camino::Utf8PathBuf;

mod closure;
mod names;
mod outcome;
mod place;
mod plan;
mod presets;
mod room;
mod summary;
mod write;

use self::closure::Host;
use self::outcome::Outcome;
use self::plan::JOBS;
use self::summary::Purged;
use crate::commands::open::{self, Choice, Extent};
use crate::commands::report::Report;
use crate::commands::together;
use crate::content::jobs::{self, OnFailure};
use crate::content::progress::Progress;
use crate::model::error::{Error, Result};
use crate::model::platform::Platform;
use crate::model::selector::Selection;
use crate::stores::bundle::reader::Bundle;
use crate::stores::containerd::folder::ImageFolder;
use crate::stores::room::Room;

pub use self::place::Destination;
pub use self::presets::Preset;
pub use self::write::Loaded;
use self::write::Step;

/// Whether anything is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The tars are written.
    Write,
    /// It is only said what would be written.
    DryRun,
}

/// What to side-load, and where to.
#[derive(Clone, Debug)]
pub struct Options {
    /// The bundle.
    pub choice: Choice,
    /// Where the tars go.
    pub destination: Destination,
    /// The folder that holds the host's `/var`: `/`.
    pub host_root: Utf8PathBuf,
    /// The platform that runs the images. One: in containerd a name points at one manifest.
    pub platform: Platform,
    /// Which artifacts.
    pub selection: Selection,
    /// What to do with tars that were imported.
    pub loaded: Loaded,
    /// Whether anything is changed.
    pub mode: Mode,
    /// Who watches.
    pub progress: Arc<dyn Progress>,
}

/// Side-loads the images of a bundle. What fails is in the report, and the others go on.
///
/// Errors: [`Error::Usage`] where the folder cannot be the one that was meant; [`Error::NoSpace`] before the first byte.
pub async fn run(options: &Options) -> Result<Report> {
    let place = place::find(&options.destination, &options.host_root)?;
    let progress = &options.progress;
    let opened = open::open(&options.choice, Extent::Whole, progress.as_ref())?;
    let bundle = &opened.bundle;
    let host = Host {
        platform: options.platform.clone(),
        takes_every_platform: place.preset.is_some_and(Preset::takes_every_platform),
    };
    progress.phase("planning", None, None);
    let plan = plan::make(bundle, &options.selection, &host).await?;
    together::refuse_nothing(&options.selection, plan.images.len(), "images")?;
    let nothing_to_write = plan.images.iter().all(|(_, planned)| planned.is_err());
    let mut warnings: Vec<String> = place.warning.iter().cloned().chain(plan.warnings).collect();
    let mut outcomes: Vec<Outcome> = plan.images.into_iter().map(Outcome::from).collect();
    let seen = &options.choice.seen;
    let remember = |outcomes: &[Outcome]| {
        let rows = outcomes.iter().map(|outcome| outcome.row_before(&place.folder));
        seen.plan(rows.chain(plan.others.iter().map(outcome::row)));
    };
    remember(&outcomes);
    let folder = Arc::new(match options.mode {
        Mode::Write if !nothing_to_write => ImageFolder::open(&place.folder, &place.staging)?,
        _ => ImageFolder::look(&place.folder),
    });
    decide(&folder, &mut outcomes, options.loaded).await;
    remember(&outcomes);
    let purged = match options.loaded {
        Loaded::Purge => purge(&folder, options.mode)?,
        Loaded::Leave | Loaded::Again => Purged::default(),
    };
    let sizes: Vec<u64> = outcomes.iter().filter_map(Outcome::to_write).collect();
    if options.mode == Mode::Write && !sizes.is_empty() {
        folder.check_writable()?;
    }
    let is_loaded = || folder.loaded().is_ok_and(|loaded| !loaded.is_empty());
    warnings.extend(room::check(&Room::of(&place.folder)?, &place.folder, &sizes, is_loaded)?);
    if options.mode == Mode::Write && !nothing_to_write {
        progress.phase("side-loading", Some(sizes.iter().sum()), u64::try_from(sizes.len()).ok());
        write(&folder, &mut outcomes, bundle, options).await;
        folder.sync().await?;
    }
    if let Some(signal) = outcomes.iter().find_map(Outcome::interrupted) {
        return Err(Error::Interrupted(signal));
    }
    let mut report = Report { warnings, ..opened.report("sideload") };
    summary::fill(&mut report, bundle, options, &place, outcomes, &plan.others, purged);
    if options.mode == Mode::Write {
        opened.conclude(&mut report);
    }
    Ok(report)
}

async fn decide(folder: &Arc<ImageFolder>, outcomes: &mut [Outcome], loaded: Loaded) {
    let planned = outcomes.iter().map(|outcome| outcome.planned.clone());
    let results = jobs::run(JOBS, OnFailure::GoOn, planned, |planned| {
        let folder = Arc::clone(folder);
        async move {
            match planned {
                Some(planned) => write::decide(&folder, planned, loaded).await.map(Some),
                None => Ok(None),
            }
        }
    })
    .await;
    for (outcome, result) in outcomes.iter_mut().zip(results) {
        match result {
            Some(Ok(Some((planned, step)))) => {
                outcome.planned = Some(planned);
                outcome.step = Some(step);
            }
            Some(Ok(None)) => {}
            Some(Err(error)) => outcome.fail(error),
            None => outcome.fail(Error::Interrupted(15)),
        }
    }
}

async fn write(folder: &Arc<ImageFolder>, outcomes: &mut [Outcome], bundle: &Bundle, options: &Options) {
    let steps = outcomes.iter().map(|outcome| Some((outcome.planned.clone()?, outcome.step?)));
    let results = jobs::run(JOBS, OnFailure::GoOn, steps.enumerate(), |(number, step)| {
        let (folder, bundle) = (Arc::clone(folder), bundle.clone());
        let (progress, seen) = (Arc::clone(&options.progress), options.choice.seen.clone());
        async move {
            let Some((planned, step)) = step else { return Ok(()) };
            let result = write::take(&folder, &planned, step, &bundle, progress.as_ref()).await;
            if matches!(step, Step::Write { .. } | Step::Again) || result.is_err() {
                seen.end(number, &result);
            }
            result
        }
    })
    .await;
    for (outcome, result) in outcomes.iter_mut().zip(results) {
        match result {
            Some(Ok(())) => {}
            Some(Err(error)) => outcome.fail(error),
            None => outcome.fail(Error::Interrupted(15)),
        }
    }
}

/// Removes the tars of this program that containerd has imported, whichever bundle they came from.
fn purge(folder: &ImageFolder, mode: Mode) -> Result<Purged> {
    let mut purged = Purged::default();
    for (name, existing) in folder.loaded()? {
        if mode == Mode::Write {
            folder.remove(&name)?;
        }
        purged.tars = purged.tars.saturating_add(1);
        purged.bytes = purged.bytes.saturating_add(existing.size());
    }
    Ok(purged)
}
