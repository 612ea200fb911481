//! Proves every byte of a bundle, offline, without unpacking it.

use std::sync::Arc;

use bytesize::ByteSize;

use super::open::{self, Choice, Damaged, Extent};
use super::referrer_row::counted_with_referrers;
use super::report::{ArtifactRow, BundleRow, Report, Status, Totals, counted};
use crate::content::progress::Progress;
use crate::content::read_at::ReadAt;
use crate::kinds::Prover;
use crate::model::error::{Error, FormatState, Result};
use crate::model::selector::Selection;
use crate::model::signature::PublicKey;
use crate::stores::bundle::verify::{MAX_TOLD, Problem, Reserved, Strewn, Verified, prove_strewn, verify};

mod assertions;
mod signed;

/// What to verify, and how.
#[derive(Debug)]
pub struct Options {
    /// The bundle.
    pub choice: Choice,
    /// Where the bytes are read from.
    pub from: From,
    /// Of these keys one must have signed each artifact that came from a registry; none asks for nothing.
    pub keys: Vec<PublicKey>,
    /// Which artifacts they must have signed.
    pub selection: Selection,
    /// What snaps are proven with.
    pub prover: Prover,
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
    let progress = options.progress.as_ref();
    let (opened, known) = match open::open(&options.choice, Extent::Head, progress) {
        Ok(opened) => (opened, None),
        Err(refused) => match open::open_damaged(&options.choice, refused, progress)? {
            Damaged::Listed(opened, problem) => (*opened, problem),
            Damaged::Strewn { file, row, problems } => return strewn(options, file, row, problems).await,
        },
    };
    let bundle = &opened.bundle;
    let mut report = opened.report("verify");
    report.warnings.extend(forget_cached(bundle.file().as_ref(), options.from));
    let mut verified = verify(bundle, options.jobs, options.progress).await?;
    if let Some(problem) = known {
        verified.add(problem);
    }

    report.artifacts = rows(&opened, &verified);
    report.warnings.extend(uncovered(&verified.reserved));
    let whole = verified.problems.is_empty();
    if whole {
        report.summary = vec![
            format!(
                "proved {}, {}, {}",
                counted_with_referrers(&report),
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
    tell(&mut report, options.choice.path.as_str(), bundle.length(), verified.problems, 0);
    let proofs = assertions::check(bundle, &options.prover, &mut report).await;
    if let Some(first) = report.summary.first_mut().filter(|_| whole && proofs.is_bad()) {
        *first = format!("the bundle is not good, though every byte of it is whole: {proofs}");
    } else if proofs.is_any() {
        report.summary.push(proofs.to_string());
    }
    if options.keys.is_empty() {
        opened.conclude(&mut report);
    } else {
        signed::check(bundle, &options.keys, &options.selection, &mut report).await;
    }
    Ok(report)
}

/// Proves what stands in a bundle that does not say any more what it carries.
async fn strewn(
    options: Options,
    file: Arc<dyn ReadAt>,
    row: BundleRow,
    known: Vec<Problem>,
) -> Result<Report> {
    let mut report = Report { command: "verify", ..Report::default() };
    report.warnings.extend(forget_cached(file.as_ref(), options.from));
    let Strewn { problems, more, blobs, bytes, whole } = prove_strewn(file, options.progress).await?;
    let is_new = |other: &Problem| known.iter().all(|known| known.offset != other.offset);
    let mut problems: Vec<Problem> = problems.into_iter().filter(is_new).collect();
    problems.extend(known);
    problems.sort_by_key(|problem| problem.offset);
    report.totals = Totals { blobs, bytes, ..Totals::default() };
    report.summary = vec![format!(
        "the bundle is not good: what it carries is unknown; {whole} of {} under their own names are whole",
        counted(blobs, "blob")
    )];
    let (path, size) = (row.path.clone(), row.size);
    report.bundle = Some(row);
    tell(&mut report, &path, size, problems, more);
    Ok(report)
}

/// Lets the system forget what it remembers of the file, where the medium is to be read.
fn forget_cached(file: &dyn ReadAt, from: From) -> Option<String> {
    let forgotten = if from == From::Medium { file.forget_cached() } else { Ok(()) };
    forgotten.err().map(|error| format!("the medium may not have been read: {error}"))
}

/// Adds the problems to the report, up to a bound. There are `more` of them beyond those that are known.
fn tell(report: &mut Report, path: &str, length: u64, problems: Vec<Problem>, more: u64) {
    let beyond = u64::try_from(problems.len().saturating_sub(MAX_TOLD)).unwrap_or(u64::MAX);
    let more = more.saturating_add(beyond);
    report.failures = problems.into_iter().take(MAX_TOLD).map(|problem| problem.error(path)).collect();
    if more > 0 {
        let message = format!("{more} more problems are not told one by one");
        let path = path.to_owned();
        report.failures.push(Error::Format { path, state: FormatState::Damaged, offset: length, message });
    }
}

fn rows(opened: &open::Opened, verified: &Verified) -> Vec<ArtifactRow> {
    let artifacts = opened.bundle.contents().artifacts.iter().enumerate();
    let row = |(number, artifact)| {
        let error = verified.lacking.get(&number).cloned();
        let status = Some(if error.is_some() { Status::Failed } else { Status::Done });
        ArtifactRow { error, ..ArtifactRow::with_referrers(artifact, status) }
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
