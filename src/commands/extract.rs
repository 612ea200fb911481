//! Extracting: files, assertions and charts of a bundle become files in a folder.

use std::sync::Arc;

use camino::Utf8PathBuf;
use futures_util::FutureExt;

mod item;
mod summary;

use self::item::Item;
use super::open::{self, Choice, Extent};
use super::report::Report;
use super::together;
use crate::content::jobs::{self, OnFailure};
use crate::content::progress::Progress;
use crate::model::error::{Error, Result};
use crate::model::file_name::{FileName, clashes};
use crate::model::selector::Selection;
use crate::stores::bundle::reader::Bundle;
use crate::stores::folder::{Folder, Found, Replace};
use crate::stores::room::Room;

/// So many files are compared, or written, at once.
const JOBS: usize = 4;

/// Whether anything is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The files are written.
    Write,
    /// It is only said what would be written.
    DryRun,
}

/// What to extract, and where to.
#[derive(Debug)]
pub struct Options {
    /// The bundle.
    pub choice: Choice,
    /// The folder.
    pub to: Utf8PathBuf,
    /// Which artifacts.
    pub selection: Selection,
    /// What to do with files that are there with other content.
    pub replace: Replace,
    /// Whether anything is changed.
    pub mode: Mode,
    /// Who watches.
    pub progress: Arc<dyn Progress>,
}

/// Extracts the files of a bundle. What fails is in the report, and the others go on.
///
/// Errors: before anything is written, [`Error::Conflict`] where two would take one name; [`Error::NoSpace`].
pub async fn run(options: &Options) -> Result<Report> {
    let progress = &options.progress;
    let opened = open::open(&options.choice, Extent::Whole, progress.as_ref())?;
    let (bundle, selection) = (opened.bundle.clone(), options.selection.clone());
    let mut items = jobs::offload(move || item::all(&bundle, &selection)).await?;
    let files = items.iter().filter(|item| item.name.is_some() || item.error.is_some()).count();
    together::refuse_nothing(&options.selection, files, "files and charts")?;
    refuse_clashes(&items)?;
    let looked_at = Folder::look(&options.to)?;
    let seen = &options.choice.seen;
    seen.plan(items.iter().map(|item| summary::row_before(item, options)));
    each(&mut items, |_, item| look(looked_at.clone(), item)).await;
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
        each(&mut items, |number, item| {
            let (seen, is_work) = (seen.clone(), item.is_to_write() || item.is_to_permit());
            let put = put(folder.clone(), item, opened.bundle.clone(), options.replace, Arc::clone(progress));
            put.inspect(move |result| {
                if is_work || result.is_err() {
                    seen.end(number, result);
                }
            })
        })
        .await;
    }
    let mut report = opened.report("extract");
    summary::fill(&mut report, &opened.bundle, options, items);
    if options.mode == Mode::Write {
        opened.conclude(&mut report);
    }
    Ok(report)
}

/// Works on every item that has not failed, each with its number, and notes what fails.
async fn each<Fut>(items: &mut [Item], work: impl Fn(usize, Item) -> Fut)
where
    Fut: Future<Output = Result<Found>> + Send + 'static,
{
    let good: Vec<(usize, &mut Item)> =
        items.iter_mut().enumerate().filter(|(_, item)| item.error.is_none()).collect();
    let work_on: Vec<(usize, Item)> =
        good.iter().map(|(number, item)| (*number, item.without_error())).collect();
    let results = jobs::run(JOBS, OnFailure::GoOn, work_on, |(number, item)| work(number, item)).await;
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

async fn put(
    folder: Folder,
    item: Item,
    bundle: Bundle,
    replace: Replace,
    progress: Arc<dyn Progress>,
) -> Result<Found> {
    if let Some(name) = item.name.as_ref().filter(|_| item.is_to_permit()) {
        return folder.permit(name, item.permissions).await.map(|()| item.found);
    }
    let Some(name) = item.name.as_ref().filter(|_| item.is_to_write()) else { return Ok(item.found) };
    progress.begun(name.as_str());
    let body = bundle.blob(&item.layer.digest)?;
    let put = folder.put(name, body, item.permissions, replace, progress.as_ref()).await;
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
