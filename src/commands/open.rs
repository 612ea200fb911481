//! Opens the bundle that a command reads: the right one, told apart from a wrong one before anything else is read.

use camino::Utf8PathBuf;

use super::report::{BundleRow, Report, Totals};
use crate::content::progress::Progress;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::stores::bundle::reader::Bundle;

/// What the summary says where nobody said which bundle is expected.
const INTEGRITY_ONLY: &str = "integrity only: nothing here proves who made this bundle";

/// Which bundle a person wants.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Where it is.
    pub path: Utf8PathBuf,
    /// The bundle id that it must have.
    pub expect: Option<Digest>,
    /// What to do with a bundle that lacks something that was asked for at export.
    pub on_incomplete: OnIncomplete,
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
    if let Some(expected) = choice.expect.filter(|expected| expected != bundle.id()) {
        return Err(Error::Mismatch {
            what: format!("the bundle id of `{}`", choice.path),
            expected: expected.to_string(),
            got: bundle.id().to_string(),
        });
    }
    if extent == Extent::Whole {
        bundle.check_length()?;
    }
    let opened = Opened { bundle, choice: choice.clone() };
    if let Some(line) = opened.announcement() {
        progress.announce(&line);
    }
    Ok(opened)
}

impl Opened {
    /// Begins the report of a command on this bundle.
    pub fn report(&self, command: &'static str) -> Report {
        let contents = self.bundle.contents();
        Report {
            command,
            bundle: Some(BundleRow {
                path: self.choice.path.to_string(),
                id: Some(*self.bundle.id()),
                size: self.bundle.length(),
                format: contents.format,
                complete: contents.missing.is_empty(),
            }),
            totals: Totals {
                artifacts: u64::try_from(contents.artifacts.len()).unwrap_or(u64::MAX),
                blobs: u64::try_from(contents.count()).unwrap_or(u64::MAX),
                bytes: contents.size(),
                ..Totals::default()
            },
            incomplete: !contents.missing.is_empty() && self.choice.on_incomplete == OnIncomplete::Tell,
            ..Report::default()
        }
    }

    /// Ends the summary of a report with what is to be said of the bundle.
    pub fn conclude(&self, report: &mut Report) {
        if self.choice.expect.is_none() {
            report.summary.push(INTEGRITY_ONLY.to_owned());
        }
        report.summary.extend(self.announcement());
    }

    /// Returns the first and last line of every command on a bundle that was exported without what failed.
    pub fn announcement(&self) -> Option<String> {
        let contents = self.bundle.contents();
        let (missing, here) = (contents.missing.len(), contents.artifacts.len());
        let all = missing.saturating_add(here);
        (missing > 0).then(|| format!("INCOMPLETE: {missing} of {all} artifacts were not exported"))
    }
}
