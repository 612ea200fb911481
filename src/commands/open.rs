//! Opens the bundle that a command reads: the right one, told apart from a wrong one before anything else is read.

use std::sync::{Arc, OnceLock};

use camino::Utf8PathBuf;

use super::report::{BundleRow, Report, Totals};
use crate::content::progress::Progress;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::stores::bundle::reader::Bundle;

/// What the summary says where nobody said which bundle is expected.
const INTEGRITY_ONLY: &str =
    "integrity only: nothing here proves who made this bundle; `--expect sha256:…` does";

/// Remembers which bundle a command has opened, for what is said where the command itself says nothing any more.
#[derive(Clone, Debug, Default)]
pub struct Seen(Arc<OnceLock<BundleRow>>);

impl Seen {
    /// Returns the bundle, once it is open.
    pub fn bundle(&self) -> Option<BundleRow> {
        self.0.get().cloned()
    }
}

/// Which bundle a person wants.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Where it is.
    pub path: Utf8PathBuf,
    /// The bundle id that it must have.
    pub expect: Option<Digest>,
    /// What to do with a bundle that lacks something that was asked for at export.
    pub on_incomplete: OnIncomplete,
    /// Who remembers it once it is open.
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
    if let Some(expected) = choice.expect.filter(|expected| expected != bundle.id()) {
        return Err(Error::Mismatch {
            what: format!("the bundle id of `{}`", choice.path),
            expected: expected.to_string(),
            got: bundle.id().to_string(),
        }
        .with_hint(
            "`airgap-bundle inspect` shows what is in this one; ask whoever exported it for its bundle id",
        ));
    }
    if extent == Extent::Whole {
        bundle.check_length()?;
    }
    let opened = Opened { bundle, choice: choice.clone() };
    let _ = choice.seen.0.set(opened.row());
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
            bundle: Some(self.row()),
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

    fn row(&self) -> BundleRow {
        BundleRow {
            path: self.choice.path.to_string(),
            id: Some(*self.bundle.id()),
            size: self.bundle.length(),
            format: self.bundle.contents().format,
            complete: self.bundle.contents().missing.is_empty() && self.bundle.check_length().is_ok(),
        }
    }

    /// Ends the summary of what was done with a bundle: where that went well and nobody said which bundle it must be,
    /// it says what that is worth.
    pub fn conclude(&self, report: &mut Report) {
        if self.choice.expect.is_none() && report.failures.is_empty() {
            report.summary.push(INTEGRITY_ONLY.to_owned());
        }
    }

    /// Returns the first and last line of every command on a bundle that was exported without what failed.
    fn announcement(&self) -> Option<String> {
        let contents = self.bundle.contents();
        let (missing, here) = (contents.missing.len(), contents.artifacts.len());
        let all = missing.saturating_add(here);
        (missing > 0).then(|| format!("INCOMPLETE: {missing} of {all} artifacts were not exported"))
    }
}
