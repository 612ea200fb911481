//! Extracting: files, snaps, assertions and charts of a bundle become files in a folder, wherever the bundle is.

use std::sync::Arc;

use camino::Utf8PathBuf;
use futures_util::FutureExt;

mod item;
mod snaps;
mod stored;
mod summary;

use self::item::Item;
use self::stored::Stored;
pub use super::imported::Search;
use super::open::Choice;
use super::report::Report;
use super::seen::Seen;
use super::together;
use crate::content::jobs::{self, OnFailure};
use crate::content::progress::Progress;
use crate::kinds::Prover;
use crate::model::error::{Error, Result};
use crate::model::file_name::{FileName, clashes};
use crate::model::selector::Selection;
use crate::stores::folder::{Folder, Found, Replace};
use crate::stores::room::Room;

/// Whether anything is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The files are written.
    Write,
    /// It is only said what would be written.
    DryRun,
}

/// Where to extract from.
#[derive(Debug)]
pub enum Input {
    /// A bundle.
    Bundle(Choice),
    /// A registry that a bundle was imported into.
    Registry(Search),
}

impl Input {
    fn seen(&self) -> &Seen {
        match self {
            Self::Bundle(choice) | Self::Registry(Search { choice, .. }) => &choice.seen,
        }
    }
}

/// What to extract, and where to.
#[derive(Debug)]
pub struct Options {
    /// Where from.
    pub input: Input,
    /// The folder.
    pub to: Utf8PathBuf,
    /// Which artifacts.
    pub selection: Selection,
    /// What to do with files that are there with other content.
    pub replace: Replace,
    /// Whether anything is changed.
    pub mode: Mode,
    /// What snaps are proven with.
    pub prover: Prover,
    /// Who watches.
    pub progress: Arc<dyn Progress>,
}

/// Extracts the files of a bundle. What fails is in the report, and the others go on.
///
/// Errors: before anything is written, [`Error::Conflict`] where two would take one name; [`Error::NoSpace`].
pub async fn run(options: &Options) -> Result<Report> {
    let progress = &options.progress;
    let stored = Stored::open(&options.input, progress.as_ref()).await?;
    let mut items = item::all(&stored, &options.selection, progress).await;
    let files = items.iter().filter(|item| item.name.is_some() || item.error.is_some()).count();
    together::refuse_nothing(&options.selection, files, "files, charts, snaps and assertions")?;
    refuse_clashes(&items)?;
    let looked_at = Folder::look(&options.to)?;
    let seen = options.input.seen();
    seen.plan(items.iter().map(|item| summary::row_before(item, options)));
    let warnings = match (&stored, options.mode) {
        // What is not written is not fetched.
        (Stored::Registry(_), Mode::DryRun) => Vec::new(),
        _ => snaps::prove(&mut items, &options.prover, progress.as_ref()).await,
    };
    let jobs = stored.jobs();
    each(jobs, &mut items, |_, item| look(looked_at.clone(), item)).await;
    if options.replace == Replace::Never {
        items.iter_mut().filter(|item| item.found == Found::Other).for_each(refuse);
    }
    seen.plan(items.iter().map(|item| summary::row_before(item, options)));
    let has_work = items.iter().any(|item| item.is_to_write() || item.is_to_permit());
    let sizes: Vec<u64> =
        items.iter().filter(|item| item.is_to_write()).map(|item| item.layer.size).collect();
    Room::of(&options.to)?.fits(&options.to, &sizes, "extract less with `--only`, or free some room")?;
    if options.mode == Mode::Write && has_work {
        progress.phase("extracting", Some(sizes.iter().sum()), u64::try_from(sizes.len()).ok());
        let folder = Folder::open(&options.to)?;
        each(jobs, &mut items, |number, item| {
            let (seen, is_work) = (seen.clone(), item.is_to_write() || item.is_to_permit());
            let put = put(folder.clone(), item, options.replace, Arc::clone(progress));
            put.inspect(move |result| {
                if is_work || result.is_err() {
                    seen.end(number, result);
                }
            })
        })
        .await;
    }
    if options.mode == Mode::Write {
        snaps::look_into_unseen(&mut items, &options.to).await;
    }
    let mut report = stored.report();
    report.warnings.extend(warnings);
    summary::fill(&mut report, &stored, options, items);
    if options.mode == Mode::Write {
        stored.conclude(&mut report);
    }
    Ok(report)
}

/// Works on every item that has not failed, each with its number, and notes what fails.
async fn each<Fut>(jobs: usize, items: &mut [Item], work: impl Fn(usize, Item) -> Fut)
where
    Fut: Future<Output = Result<Found>> + Send + 'static,
{
    let good: Vec<(usize, &mut Item)> =
        items.iter_mut().enumerate().filter(|(_, item)| item.error.is_none()).collect();
    let work_on: Vec<(usize, Item)> =
        good.iter().map(|(number, item)| (*number, item.without_error())).collect();
    let results = jobs::run(jobs, OnFailure::GoOn, work_on, |(number, item)| work(number, item)).await;
    for ((_, item), result) in good.into_iter().zip(results) {
        match result.unwrap_or(Err(Error::Interrupted(15))) {
            Ok(found) => item.found = found,
            Err(error) => item.fail(error),
        }
    }
}

async fn look(folder: Folder, item: Item) -> Result<Found> {
    match &item.name {
        Some(name) => folder.find(name, &item.layer, item.permissions).await,
        None => Ok(Found::Nothing),
    }
}

async fn put(folder: Folder, item: Item, replace: Replace, progress: Arc<dyn Progress>) -> Result<Found> {
    if let Some(name) = item.name.as_ref().filter(|_| item.is_to_permit()) {
        return folder.permit(name, item.permissions).await.map(|()| item.found);
    }
    let Some((name, root)) = item.name.as_ref().zip(item.root.as_ref()).filter(|_| item.is_to_write()) else {
        return Ok(item.found);
    };
    progress.begun(name.as_str());
    let put = root.shelf.again(progress.as_ref(), || async {
        let body = root.shelf.blob(&item.layer).await?;
        folder.put(name, body, item.permissions, replace, progress.as_ref()).await
    });
    let put = put.await;
    progress.ended(name.as_str());
    put.map(|()| item.found)
}

/// Two files of one bundle under one name: nothing says which is meant.
fn refuse_clashes(items: &[Item]) -> Result<()> {
    let mut names: Vec<&FileName> = items.iter().filter_map(|item| item.name.as_ref()).collect();
    names.sort();
    let twice = names.windows(2).filter_map(|pair| match pair {
        [a, b] if a == b => Some(format!("`{a}`")),
        _ => None,
    });
    let alike = clashes(names.iter().copied()).into_iter().map(|(a, b)| format!("`{a}` and `{b}`"));
    let all: Vec<String> = twice.chain(alike).collect();
    if all.is_empty() {
        return Ok(());
    }
    Err(Error::Conflict {
        message: "several files of the bundle would take one name:".to_owned(),
        items: all,
        hint: Some(
            "extract them one after the other, with `--only` and `--except`, into different folders"
                .to_owned(),
        ),
    })
}

/// What is there stays, unless it may be replaced.
fn refuse(item: &mut Item) {
    item.fail(Error::Conflict {
        message: "something with other content is there already".to_owned(),
        items: Vec::new(),
        hint: Some("replace it with `--force`, or name another folder with `--to`".to_owned()),
    });
}
