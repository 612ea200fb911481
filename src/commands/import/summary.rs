//! What is said in the end.

use std::collections::HashSet;
use std::fmt::Write as _;

use bytesize::ByteSize;

use super::names::Chosen;
use super::outcome::Outcome;
use super::referring::Referring;
use super::work::{Ledger, Work};
use super::{Options, Receipt, Stock, failures};
use crate::commands::referrer_row::counted_with_referrers;
use crate::commands::report::{ArtifactRow, Report, Status, counted};
use crate::commands::together;
use crate::model::digest::Digest;
use crate::model::error::Error;

/// Says where everything would land: `SOURCE -> TARGET`, one a line.
pub(super) fn dry_run(
    stock: &Stock,
    options: &Options,
    chosen: &[Chosen],
    collision: Option<Error>,
) -> Report {
    let mut report = stock.report();
    let mut text = String::new();
    for chosen in chosen {
        let row = row(options, chosen);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} -> {}", row.reference, row.target.as_deref().unwrap_or_default());
        report.artifacts.push(row);
    }
    for referring in Referring::to(chosen) {
        let _ = writeln!(text, "{}", referring.shown(&options.to));
        if let Some(row) = report.artifacts.get_mut(referring.owner) {
            row.referrers.push(referring.row(&options.to));
        }
    }
    report.artifacts.extend_from_slice(stock.failed());
    report.output = text.into_bytes();
    report.warnings = idle(stock, options);
    report.failures.extend(collision);
    if let Stock::Gathered(_) = stock {
        let totals = &report.totals;
        let (artifacts, blobs) = (counted(totals.artifacts, "artifact"), counted(totals.blobs, "blob"));
        report.summary.push(format!("{artifacts}, {blobs}, {} at most to move", ByteSize(totals.bytes)));
    }
    let asked = match stock {
        Stock::Bundle(_) => "nothing was asked of the registry",
        Stock::Gathered(_) => "manifests alone were read, nothing was asked of the destination",
    };
    report.summary.push(format!("{asked}, and nothing was pushed"));
    report
}

/// The report of an import that is refused before anything is pushed.
pub(super) fn not_begun(stock: &Stock, options: &Options, chosen: &[Chosen], error: Error) -> Report {
    let mut report = stock.report();
    let skipped = |chosen: &Chosen| ArtifactRow { status: Some(Status::Skipped), ..row(options, chosen) };
    report.artifacts = chosen.iter().map(skipped).chain(stock.failed().iter().cloned()).collect();
    report.warnings = idle(stock, options);
    report.failures.push(error);
    report.summary.push("nothing was pushed".to_owned());
    report
}

/// The report of an import.
pub(super) fn report(
    stock: &Stock,
    options: &Options,
    work: &Work,
    (chosen, referring): (&[Chosen], &[Referring]),
    outcomes: Vec<Outcome>,
    ledger: &Ledger,
) -> Report {
    let mut report = stock.report();
    report.warnings = idle(stock, options);
    let mut failed = Vec::new();
    let rows = chosen.iter().map(|chosen| row(options, chosen));
    report.artifacts = rows.chain(referring.iter().map(Referring::own_row)).collect();
    for (place, (row, outcome)) in report.artifacts.iter_mut().zip(outcomes).enumerate() {
        failed.extend(outcome.tell(row).map(|failure| (place, failure)));
    }
    report.failures = failures::tell(stock.verb(), failed, &mut report.artifacts);
    let mut told = report.artifacts.split_off(chosen.len()).into_iter().zip(referring).peekable();
    for (place, row) in report.artifacts.iter_mut().enumerate() {
        let mut referrers = Vec::new();
        while let Some((own, referring)) = told.next_if(|(_, referring)| referring.owner == place) {
            referrers.push(referring.told(&options.to, own));
        }
        row.referrers = referrers;
    }
    report.artifacts.extend_from_slice(stock.failed());
    report.warnings.extend(orphans(&report));
    report.loud.extend(instead(&report));
    let mut seen = HashSet::new();
    let roots = chosen.iter().map(|chosen| chosen.artifact.digest);
    let roots: HashSet<Digest> = roots.chain(referring.iter().map(|one| one.referrer.digest)).collect();
    let nodes = roots.iter().flat_map(|root| work.nodes.closure(root));
    let sizes = nodes.flat_map(|node| {
        node.blobs.iter().map(|blob| (blob.digest, blob.size)).chain([(node.digest, node.size)])
    });
    let (mut blobs, mut bytes, mut present) = (0_u64, 0_u64, 0_u64);
    for (digest, size) in sizes.filter(|(digest, _)| seen.insert(*digest)) {
        blobs = blobs.saturating_add(1);
        bytes = bytes.saturating_add(size);
        if ledger.held.contains(&digest) {
            present = present.saturating_add(size);
        }
    }
    report.totals.artifacts = u64::try_from(report.artifacts.len()).unwrap_or(u64::MAX);
    let referrers: HashSet<Digest> = referring.iter().map(|one| one.referrer.digest).collect();
    report.totals.referrers = u64::try_from(referrers.len()).unwrap_or(u64::MAX);
    report.totals.blobs = blobs;
    report.totals.bytes = bytes;
    report.totals.transferred = ledger.transferred;
    report.totals.present = present;
    report.summary = lines(stock, options, &report);
    report
}

/// Says how much was left alone because what it refers to is not there.
fn orphans(report: &Report) -> Option<String> {
    let referrers = report.artifacts.iter().flat_map(|row| &row.referrers);
    let count = referrers.filter(|row| row.status == Some(Status::Skipped)).count();
    (count > 0).then(|| {
        let what = if count == 1 { "1 referrer was" } else { &format!("{count} referrers were") };
        format!("{what} not pushed, because what is referred to is not in place")
    })
}

/// Returns the row of an artifact that nothing has happened to yet.
pub(super) fn row(options: &Options, chosen: &Chosen) -> ArtifactRow {
    ArtifactRow {
        target: Some(chosen.shown(&options.to, options.digest_tags)),
        ..ArtifactRow::from(&chosen.artifact)
    }
}

/// Says which names stand for something else than at the source, whether they were set now or before.
fn instead(report: &Report) -> Option<String> {
    let set =
        report.artifacts.iter().filter(|row| matches!(row.status, Some(Status::Done | Status::Present)));
    let changed: Vec<String> = set
        .filter_map(|row| {
            Some(format!("`{}`  {} -> {}", row.target.as_ref()?, row.digest?, row.target_digest?))
        })
        .collect();
    let tags = if changed.len() == 1 {
        "1 name has another digest than at the source, because this registry refuses an index".to_owned()
    } else {
        let count = changed.len();
        format!("{count} names have another digest than at the source, because this registry refuses indexes")
    };
    (!changed.is_empty()).then(|| {
        format!(
            "{tags} with missing platforms; pulls by the old digest fail, and an export without `--platform` keeps \
             digests:{}",
            together::lines(&changed)
        )
    })
}

fn lines(stock: &Stock, options: &Options, report: &Report) -> Vec<String> {
    let count = |status: Status| report.artifacts.iter().filter(|row| row.status == Some(status)).count();
    let parts = [
        (count(Status::Done), stock.verb().done),
        (count(Status::Present), "there already"),
        (count(Status::Failed), "failed"),
        (count(Status::Skipped), "not tried"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let sent = report.totals.transferred;
    let mut lines = vec![format!(
        "{} for `{}`: {}; {} sent, {} there already",
        counted_with_referrers(report),
        options.to,
        if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") },
        ByteSize(sent),
        ByteSize(report.totals.present),
    )];
    let moved = report.artifacts.iter().filter_map(|row| Some((row.target.as_ref()?, row.previous_digest?)));
    lines.extend(moved.map(|(target, previous)| {
        format!("`{target}` was {previous}, which is `digest-{}` now", previous.short())
    }));
    let good = report.artifacts.iter().find(|row| matches!(row.status, Some(Status::Done | Status::Present)));
    let is_damaged = report.failures.iter().any(|error| error.exit_code() == 3);
    if is_damaged && matches!(stock, Stock::Bundle(_)) {
        lines.push(together::CARRY_AGAIN.to_owned());
    } else if count(Status::Failed) > 0 {
        let receipt = match options.receipt {
            Receipt::Leave => ", and the receipt is left then",
            Receipt::Omit => "",
        };
        lines.push(format!(
            "next: mend what failed and run the same command again; only what is missing is moved{receipt}"
        ));
    } else if let Some(target) = good.and_then(|row| row.target.as_deref()) {
        lines.push(format!("next: pull from there, for example `{target}`"));
    }
    lines
}

/// Returns the selectors that take nothing, as warnings.
fn idle(stock: &Stock, options: &Options) -> Vec<String> {
    together::idle(&options.selection, &stock.contents().named(), "takes nothing in the bundle")
}
