//! What is said in the end: how many files, and what became of them.

use bytesize::ByteSize;

use super::item::Item;
use super::stored::Stored;
use super::{Mode, Options, snaps};
use crate::commands::report::{ArtifactRow, Report, Status, Totals, counted, whole};
use crate::commands::together;
use crate::model::artifact::Kind;
use crate::model::error::Error;
use crate::stores::folder::Found;

/// Says in the report what became of each file.
pub(super) fn fill(report: &mut Report, stored: &Stored<'_>, options: &Options, items: Vec<Item>) {
    let listed = stored.contents().named();
    report.warnings.extend(together::idle(&options.selection, &listed, "takes nothing in the bundle"));
    report.artifacts = items.iter().map(|item| row(item, options)).collect();
    let to_write = |item: &&Item| item.is_to_write();
    let present = |item: &&Item| item.found == Found::Same;
    report.totals = Totals {
        artifacts: count(&items, |item| status(item) != Status::Skipped),
        referrers: 0,
        blobs: count(&items, |item| item.name.is_some()),
        bytes: size(items.iter().filter(|item| item.name.is_some())),
        transferred: size(items.iter().filter(to_write)),
        present: size(items.iter().filter(present)),
    };
    let verb = if options.mode == Mode::DryRun { "to write to" } else { "written to" };
    let written = counted(count(&items, Item::is_to_write), "file");
    let mut parts =
        vec![format!("{written} ({}) {verb} `{}`", ByteSize(report.totals.transferred), options.to)];
    for (many, what) in [
        (count(&items, Item::is_to_permit), "given its permissions"),
        (count(&items, |item| status(item) == Status::Present), "present"),
        (count(&items, |item| status(item) == Status::Failed), "failed"),
    ] {
        if many > 0 {
            parts.push(format!("{many} {what}"));
        }
    }
    let skipped = count(&items, |item| status(item) == Status::Skipped);
    if skipped > 0 {
        parts.push(format!("{} skipped", counted(skipped, "other artifact")));
    }
    report.summary = vec![parts.join(", ")];
    if options.mode == Mode::DryRun {
        report.output = items.iter().filter_map(|item| line(item, options)).collect::<String>().into_bytes();
    }
    if options.mode == Mode::Write {
        snaps::tell(report, &items, &options.to);
    }
    let failed = items.into_iter().filter_map(|item| {
        let error = item.error?;
        // A snap is two files: each fails by itself of what is there already, both of what is not proven.
        let by_file = item.artifact.kind == Kind::Snap && matches!(error.root(), Error::Conflict { .. });
        let file = item.name.filter(|_| by_file).map(|name| options.to.join(name.as_str()).into_string());
        Some((file.unwrap_or(item.artifact.reference), stored.advise(error)))
    });
    let groups = together::by_text(failed.collect());
    report.failures = groups
        .into_iter()
        .map(|(names, error)| match error {
            Error::Interrupted(signal) => Error::Interrupted(signal),
            error if names.len() == 1 => together::could_not("extract", "", &names, error),
            error => together::could_not("extract", "file", &names, error),
        })
        .collect();
}

fn status(item: &Item) -> Status {
    match (&item.error, &item.name, item.found) {
        (Some(_), _, _) => Status::Failed,
        (None, None, _) => Status::Skipped,
        (None, Some(_), Found::Same) => Status::Present,
        (None, Some(_), _) => Status::Done,
    }
}

/// Returns the row of a file before anything is written.
pub(super) fn row_before(item: &Item, options: &Options) -> ArtifactRow {
    let row = row(item, options);
    ArtifactRow { status: row.status.filter(|status| *status != Status::Done), ..row }
}

fn row(item: &Item, options: &Options) -> ArtifactRow {
    ArtifactRow {
        status: Some(status(item)),
        target: item.name.as_ref().map(|name| options.to.join(name.as_str()).into_string()),
        error: item
            .error
            .as_ref()
            .map(|error| format!("could not extract `{}`\ncause: {}", item.artifact.reference, whole(error))),
        ..ArtifactRow::from(&item.artifact)
    }
}

/// One line of a dry run: what would be written where.
fn line(item: &Item, options: &Options) -> Option<String> {
    let target = options.to.join(item.name.as_ref()?.as_str());
    let note = match item.found {
        _ if item.error.is_some() => return None,
        Found::Nothing => "",
        Found::Same => " (present)",
        Found::OtherMode => " (permissions)",
        Found::Other => " (replaced)",
    };
    Some(format!("{} -> {target}{note}\n", item.artifact.reference))
}

fn count(items: &[Item], counts: impl Fn(&Item) -> bool) -> u64 {
    u64::try_from(items.iter().filter(|item| counts(item)).count()).unwrap_or(u64::MAX)
}

fn size<'a>(items: impl Iterator<Item = &'a Item>) -> u64 {
    items.fold(0, |sum, item| sum.saturating_add(item.layer.size))
}
