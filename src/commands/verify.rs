//! Proves every byte of a bundle, offline, without unpacking it.

use std::sync::Arc;

use bytesize::ByteSize;

use super::open::{self, Choice, Extent};
use super::report::{ArtifactRow, Report, Status, counted};
use crate::content::progress::Progress;
use crate::model::error::{Error, FormatState, Result};
use crate::stores::bundle::verify::{Problem, Reserved, Verified, verify};

/// So many problems are told one by one.
const TOLD: usize = 1000;

/// What to verify, and how.
#[derive(Debug)]
pub struct Options {
    /// The bundle.
    pub choice: Choice,
    /// Where the bytes are read from.
    pub from: From,
    /// How many threads hash.
    pub jobs: usize,
    /// Who watches.
    pub progress: Arc<dyn Progress>,
}

/// Where the bytes are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The medium: the system forgets first what it remembers of it.
    Medium,
    /// Wherever the system has them.
    Cache,
}

/// Proves every byte, and reports all that is wrong.
pub async fn run(options: Options) -> Result<Report> {
    let opened = open::open(&options.choice, Extent::Head, options.progress.as_ref())?;
    let bundle = &opened.bundle;
    let mut report = opened.report("verify");
    if options.from == From::Medium
        && let Err(error) = bundle.file().forget_cached()
    {
        report.warnings.push(format!("the medium may not have been read: {error}"));
    }
    let verified = verify(bundle, options.jobs, options.progress).await?;

    report.artifacts = rows(&opened, &verified);
    report.warnings.extend(uncovered(&verified.reserved));
    if verified.problems.is_empty() {
        report.summary = vec![
            format!(
                "proved {}, {}, {}",
                counted(report.totals.artifacts, "artifact"),
                counted(report.totals.blobs, "blob"),
                ByteSize(bundle.length())
            ),
            format!("bundle id {}", bundle.id()),
        ];
    } else {
        report.summary.push(failed_line(&verified, report.totals.artifacts));
        let lacks = |problem: &Problem| problem.state == FormatState::Incomplete;
        if let Some(bundle) = &mut report.bundle {
            bundle.complete &= !verified.problems.iter().any(lacks);
        }
    }
    let path = options.choice.path.as_str();
    let more = verified.problems.len().saturating_sub(TOLD);
    report.failures = verified.problems.into_iter().take(TOLD).map(|problem| problem.error(path)).collect();
    if more > 0 {
        let message = format!("{more} more problems are not told one by one");
        let path = path.to_owned();
        let offset = bundle.length();
        report.failures.push(Error::Format { path, state: FormatState::Damaged, offset, message });
    }
    opened.conclude(&mut report);
    Ok(report)
}

fn rows(opened: &open::Opened, verified: &Verified) -> Vec<ArtifactRow> {
    let artifacts = opened.bundle.contents().artifacts.iter().enumerate();
    let row = |(number, artifact)| {
        let error = verified.lacking.get(&number).cloned();
        let status = Some(if error.is_some() { Status::Failed } else { Status::Done });
        ArtifactRow { status, error, ..ArtifactRow::from(artifact) }
    };
    artifacts.map(row).collect()
}

fn failed_line(verified: &Verified, artifacts: u64) -> String {
    let count = |state| {
        let count = verified.problems.iter().filter(|problem| problem.state == state).count();
        u64::try_from(count).unwrap_or(u64::MAX)
    };
    let states = [
        (count(FormatState::Damaged), "damaged place"),
        (count(FormatState::Incomplete), "missing part"),
        (count(FormatState::Foreign), "breach of the format"),
    ];
    let counts: Vec<String> = states
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| match what.split_once(' ') {
            Some(("breach", of)) if count > 1 => format!("{count} breaches {of}"),
            _ => counted(count, what),
        })
        .collect();
    let whole = artifacts.saturating_sub(u64::try_from(verified.lacking.len()).unwrap_or(u64::MAX));
    format!("the bundle is not good: {}; {whole} of {artifacts} artifacts are whole", counts.join(", "))
}

/// Says what stands in the reserved tail, which anyone could have added.
fn uncovered(reserved: &[Reserved]) -> Option<String> {
    let first = reserved.first()?;
    let size = reserved.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.size));
    let more = match reserved.len().saturating_sub(1) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!("not covered by the bundle id: entry `{}`{more}, {size} bytes", first.name))
}
