//! What is said in the end: how many, how much, and what to do next.

use std::collections::HashSet;

use bytesize::ByteSize;

use super::outcome::{Outcome, row};
use super::place::Place;
use super::write::Step;
use super::{Loaded, Mode, Options};
use crate::commands::report::{Report, Totals, counted};
use crate::commands::together;
use crate::model::contents::{Artifact, Blob};
use crate::stores::bundle::reader::Bundle;

/// More names than this are not listed in a sentence.
const NAMED: usize = 3;

/// Tars that `--purge-loaded` removed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Purged {
    pub(super) tars: u64,
    pub(super) bytes: u64,
}

/// Says in the report what became of each image.
pub(super) fn fill(
    report: &mut Report,
    bundle: &Bundle,
    options: &Options,
    place: &Place,
    outcomes: Vec<Outcome>,
    others: &[Artifact],
    purged: Purged,
) {
    report.warnings.extend(stand_ins(&outcomes, options));
    let listed = bundle.contents().named();
    report.warnings.extend(together::idle(&options.selection, &listed, "takes nothing in the bundle"));
    let images = outcomes.iter().map(|outcome| outcome.row(&place.folder));
    report.artifacts = images.chain(others.iter().map(row)).collect();
    report.totals = totals(&outcomes);
    report.summary = lines(&outcomes, others.len(), options, place, purged);
    if options.mode == Mode::DryRun {
        report.output = dry_run(&outcomes, place).into_bytes();
    }
    let failed =
        outcomes.into_iter().filter_map(|outcome| Some((outcome.artifact.reference, outcome.error?)));
    let groups = together::by_text(failed.collect());
    report.failures = groups
        .into_iter()
        .map(|(names, error)| {
            let noun = if names.len() == 1 { "" } else { "image" };
            together::could_not("side-load", noun, &names, error)
        })
        .collect();
}

/// One line for each image: what would be written where.
fn dry_run(outcomes: &[Outcome], place: &Place) -> String {
    let line = |outcome: &Outcome| {
        let (planned, step) = (outcome.planned.as_ref()?, outcome.step?);
        let note = match step {
            Step::Write { .. } => String::new(),
            Step::Present => " (present)".to_owned(),
            Step::LoadedBefore => " (loaded before)".to_owned(),
            Step::Again => format!(" (from {}.loaded)", planned.file),
        };
        let target = place.folder.join(&planned.file);
        Some(format!("{} -> {target}{note}\n", outcome.artifact.reference))
    };
    outcomes.iter().filter_map(line).collect()
}

fn totals(outcomes: &[Outcome]) -> Totals {
    let blobs: HashSet<Blob> = outcomes
        .iter()
        .filter_map(|outcome| outcome.planned.as_ref())
        .flat_map(|planned| planned.tar.blobs().iter().copied())
        .collect();
    Totals {
        artifacts: length(outcomes),
        referrers: 0,
        blobs: length(&blobs.iter().collect::<Vec<_>>()),
        bytes: blobs.iter().fold(0, |sum, blob| sum.saturating_add(blob.size)),
        transferred: bytes(outcomes, |step| matches!(step, Step::Write { .. })),
        present: bytes(outcomes, |step| !matches!(step, Step::Write { .. })),
    }
}

fn bytes(outcomes: &[Outcome], counts: impl Fn(Step) -> bool) -> u64 {
    let counted = outcomes.iter().filter(|outcome| outcome.step.is_some_and(&counts));
    counted.fold(0, |sum, outcome| sum.saturating_add(outcome.size()))
}

fn number(outcomes: &[Outcome], counts: impl Fn(Step) -> bool) -> u64 {
    length(&outcomes.iter().filter(|outcome| outcome.step.is_some_and(&counts)).collect::<Vec<_>>())
}

fn length<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}

fn lines(
    outcomes: &[Outcome],
    others: usize,
    options: &Options,
    place: &Place,
    purged: Purged,
) -> Vec<String> {
    let dry = options.mode == Mode::DryRun;
    let loaded = number(outcomes, |step| step == Step::LoadedBefore);
    let mut lines = vec![first(outcomes, others, options, place)];
    for outcome in outcomes {
        if let Some(Step::Write { previous: Some(previous) }) = outcome.step {
            lines.push(format!("`{}` replaces {previous}", outcome.artifact.reference));
        }
    }
    if purged.tars > 0 {
        let (tars, room) = (counted(purged.tars, "tar"), ByteSize(purged.bytes));
        let verb = if dry { "would be freed" } else { "freed" };
        lines.push(format!("{room} {verb}: {tars} that were loaded"));
    }
    if loaded > 0 {
        let hint = match options.loaded {
            Loaded::Purge => "run this command once more to write their tars anew",
            Loaded::Leave | Loaded::Again => "`--again` has them loaded once more",
        };
        let images = counted(loaded, "image");
        lines.push(format!("{images} loaded before: the kubelet may have deleted such images since; {hint}"));
    }
    let waiting = number(outcomes, |step| step != Step::LoadedBefore);
    if dry {
        return lines;
    }
    if outcomes.iter().any(|outcome| outcome.error.as_ref().is_some_and(|error| error.exit_code() == 3)) {
        lines.push(together::CARRY_AGAIN.to_owned());
    } else if outcomes.iter().any(|outcome| outcome.error.is_some()) {
        lines.push("next: mend what failed and run the same command again; what is there stays".to_owned());
    }
    if waiting > 0 {
        match place.preset {
            Some(preset) => lines.push(preset.next().to_owned()),
            None => lines.push("next: import each tar with `ctr -n k8s.io images import FILE`".to_owned()),
        }
    }
    lines
}

/// How many images, and what became of them.
fn first(outcomes: &[Outcome], others: usize, options: &Options, place: &Place) -> String {
    let dry = options.mode == Mode::DryRun;
    let write = |step| matches!(step, Step::Write { .. });
    let images = counted(number(outcomes, write), "image");
    let verb = if dry { "to write to" } else { "written to" };
    let mut parts =
        vec![format!("{images} ({}) {verb} `{}`", ByteSize(bytes(outcomes, write)), place.folder)];
    let failed = outcomes.iter().filter(|outcome| outcome.error.is_some()).collect::<Vec<_>>();
    let counts = [
        (number(outcomes, |step| step == Step::Present), "present"),
        (number(outcomes, |step| step == Step::Again), if dry { "to give back" } else { "given back" }),
        (number(outcomes, |step| step == Step::LoadedBefore), "loaded before"),
        (length(&failed), "failed"),
    ];
    parts.extend(counts.iter().filter(|(many, _)| *many > 0).map(|(many, what)| format!("{many} {what}")));
    if others > 0 {
        let others = u64::try_from(others).unwrap_or(u64::MAX);
        parts.push(format!("{} skipped", counted(others, "other artifact")));
    }
    parts.join(", ")
}

/// Says which images are found by the digest of an index that is not there.
fn stand_ins(outcomes: &[Outcome], options: &Options) -> Option<String> {
    let names: Vec<&str> = outcomes
        .iter()
        .filter(|outcome| outcome.step.is_some())
        .filter(|outcome| outcome.planned.as_ref().is_some_and(|planned| planned.stands_in))
        .map(|outcome| outcome.artifact.reference.as_str())
        .collect();
    let listed = match names.get(..NAMED) {
        Some(first) if names.len() > NAMED => format!("{}, …", first.join(", ")),
        _ => names.join(", "),
    };
    (!names.is_empty()).then(|| {
        format!(
            "{}: the bundle does not hold all of the index that a {} host looks at, so the name with the index's digest points at the platform's manifest: {listed}",
            counted(length(&names), "image"),
            options.platform,
        )
    })
}
