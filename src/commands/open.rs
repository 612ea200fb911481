//! Opens the bundle that a command reads: the right one, told apart from a wrong one before anything else is read.

use std::sync::Arc;

use camino::Utf8PathBuf;

use super::report::{BundleRow, Report, Totals};
use super::seen::Seen;
use crate::content::progress::Progress;
use crate::content::read_at::ReadAt;
use crate::model::contents::{Contents, FORMAT};
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::stores::bundle::reader::{Bundle, open_file};
use crate::stores::bundle::verify::{Problem, Salvaged, salvage};

/// How many of the artifacts that a bundle lacks are announced by name.
const NAMED: usize = 5;

/// What the summary says where nobody said which bundle is expected.
const INTEGRITY_ONLY: &str =
    "integrity only: nothing here proves who made this bundle; `--expect sha256:…` does";

/// Which bundle a person wants.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Where it is.
    pub path: Utf8PathBuf,
    /// The bundle id that it must have.
    pub expect: Option<Digest>,
    /// What to do with a bundle that lacks something that was asked for at export.
    pub on_incomplete: OnIncomplete,
    /// Who remembers it once it is open, and what became of it.
    pub seen: Seen,
}

/// What a bundle that announces that it lacks something does to the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnIncomplete {
    /// It becomes 4.
    Tell,
    /// Nothing: the person knows.
    Allow,
}

/// How much of the file must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// The head: the command tells itself what is lost.
    Head,
}

/// An open bundle, and what is to be said of it.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The bundle.
    pub bundle: Bundle,
    choice: Choice,
}

/// Opens the bundle, refuses one with another id, and announces one that is incomplete.
///
/// Errors: those of [`Bundle::open`]; [`Error::Mismatch`] for another id.
pub fn open(choice: &Choice, extent: Extent, progress: &dyn Progress) -> Result<Opened> {
    let bundle = Bundle::open_head(&choice.path)?;
    choice.check_id(bundle.id())?;
    if extent == Extent::Whole {
        bundle.check_length()?;
    }
    Ok(Opened::announced(bundle, choice, progress))
}

/// What is left of a bundle whose head is damaged.
#[derive(Debug)]
pub enum Damaged {
    /// What it carries is known. The problem is one that proving it does not find.
    Listed(Box<Opened>, Option<Problem>),
    /// What it carries is not known.
    Strewn {
        /// The file.
        file: Arc<dyn ReadAt>,
        /// What is known of the bundle.
        row: BundleRow,
        /// Why what it carries is not known, by offset.
        problems: Vec<Problem>,
    },
}

/// Opens a bundle that [`open`] has `refused`, for a command that tells all that is wrong with it.
///
/// Errors: `refused`, where it is about more than wrong bytes; [`Error::Mismatch`] for another id.
pub fn open_damaged(choice: &Choice, refused: Error, progress: &dyn Progress) -> Result<Damaged> {
    if !matches!(refused.root(), Error::Format { .. } | Error::Io { .. }) {
        return Err(refused);
    }
    let Ok(file) = open_file(&choice.path) else { return Err(refused) };
    let file: Arc<dyn ReadAt> = Arc::new(file);
    match salvage(&file, choice.path.as_str(), refused)? {
        Salvaged::Listed { bundle, problem } => {
            choice.check_id(bundle.id())?;
            Ok(Damaged::Listed(Box::new(Opened::announced(*bundle, choice, progress)), problem))
        }
        Salvaged::Strewn { problems, id } => {
            if let Some(id) = &id {
                choice.check_id(id)?;
            }
            let size = file.len().unwrap_or_default();
            let row = BundleRow { path: choice.path.to_string(), id, size, format: FORMAT, complete: false };
            choice.seen.open(row.clone());
            Ok(Damaged::Strewn { file, row, problems })
        }
    }
}

impl Choice {
    fn check_id(&self, got: &Digest) -> Result<()> {
        match self.expect {
            Some(expected) if expected != *got => Err(Error::Mismatch {
                what: format!("the bundle id of `{}`", self.path),
                expected: expected.to_string(),
                got: got.to_string(),
            }
            .with_hint(
                "`airgap-bundle inspect` shows what is in this one; ask whoever exported it for its bundle id",
            )),
            _ => Ok(()),
        }
    }

    /// Lets it be known which bundle was found, and what that lacks.
    pub(super) fn announce(&self, row: BundleRow, contents: &Contents, progress: &dyn Progress) {
        self.seen.open(row);
        if let Some(line) = announcement(contents) {
            progress.announce(&line);
        }
    }

    /// Begins the report of a command on the bundle of this row.
    pub(super) fn report(&self, command: &'static str, row: BundleRow, contents: &Contents) -> Report {
        Report {
            command,
            bundle: Some(row),
            totals: Totals {
                artifacts: u64::try_from(contents.artifacts.len()).unwrap_or(u64::MAX),
                referrers: contents.count_referrers(),
                blobs: u64::try_from(contents.count()).unwrap_or(u64::MAX),
                bytes: contents.size(),
                ..Totals::default()
            },
            incomplete: !contents.missing.is_empty() && self.on_incomplete == OnIncomplete::Tell,
            ..Report::default()
        }
    }

    /// Ends the summary of what was done with a bundle: where that went well and nobody said which bundle it must be,
    /// it says what that is worth.
    pub(super) fn conclude(&self, report: &mut Report) {
        if self.expect.is_none() && report.failures.is_empty() {
            report.summary.push(INTEGRITY_ONLY.to_owned());
        }
    }
}

impl Opened {
    /// Lets the bundle be known.
    fn announced(bundle: Bundle, choice: &Choice, progress: &dyn Progress) -> Self {
        let opened = Opened { bundle, choice: choice.clone() };
        choice.announce(opened.row(), opened.bundle.contents(), progress);
        opened
    }

    /// Begins the report of a command on this bundle.
    pub fn report(&self, command: &'static str) -> Report {
        self.choice.report(command, self.row(), self.bundle.contents())
    }

    fn row(&self) -> BundleRow {
        BundleRow {
            path: self.choice.path.to_string(),
            id: Some(*self.bundle.id()),
            size: self.bundle.length(),
            format: self.bundle.contents().format,
            complete: self.bundle.contents().missing.is_empty() && self.bundle.check_length().is_ok(),
        }
    }

    /// Ends the summary of what was done with it, as [`Choice`] does.
    pub fn conclude(&self, report: &mut Report) {
        self.choice.conclude(report);
    }
}

/// Returns the first and last line of every command on a bundle that was exported without what failed.
fn announcement(contents: &Contents) -> Option<String> {
    let (missing, here) = (contents.missing.len(), contents.artifacts.len());
    let all = missing.saturating_add(here);
    let first = contents.missing.iter().take(NAMED).map(|missing| format!("`{}`", missing.reference));
    let more = missing.saturating_sub(NAMED);
    let more = (more > 0).then(|| format!("and {more} more, which `airgap-bundle inspect` lists"));
    let said = first.chain(more).collect::<Vec<_>>().join(", ");
    (missing > 0).then(|| format!("INCOMPLETE: {missing} of {all} artifacts were not exported: {said}"))
}
