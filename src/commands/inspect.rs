//! Says what is in a bundle, from its head alone.

use std::fmt::Write as _;
use std::sync::Arc;

use bytesize::ByteSize;

use super::open::{self, Choice, Extent, Opened};
use super::referrer_row::counted_with_referrers;
use super::report::{ArtifactRow, ContentRow, Report, Status, counted};
use super::table;
use super::together;
use crate::content::progress::Progress;
use crate::model::artifact::Kind;
use crate::model::contents::Artifact;
use crate::model::error::Result;
use crate::model::manifest::Manifest;
use crate::model::printable::printable;
use crate::model::selector::Selection;
use crate::model::snap::SnapFacts;
use crate::stores::bundle::reader::Bundle;

mod pinned;

/// What to inspect, and how.
#[derive(Debug)]
pub struct Options {
    /// The bundle.
    pub choice: Choice,
    /// Which artifacts.
    pub selection: Selection,
    /// What to show.
    pub form: Form,
    /// Who watches.
    pub progress: Arc<dyn Progress>,
}

/// What to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A table for people.
    Table,
    /// `bundle.json`, byte for byte.
    Raw,
    /// A list that pins every artifact.
    List,
}

/// Reads the head, and the manifests of plain files.
pub fn run(options: &Options) -> Result<Report> {
    let opened = open::open(&options.choice, Extent::Head, options.progress.as_ref())?;
    let bundle = &opened.bundle;
    let contents = bundle.contents();
    let (chosen, left): (Vec<&Artifact>, Vec<&Artifact>) = contents
        .artifacts
        .iter()
        .partition(|artifact| options.selection.takes(artifact.kind, &artifact.reference));
    let mut report = opened.report("inspect");
    report.warnings =
        together::idle(&options.selection, &contents.named(), "takes no artifact of this bundle");
    let row = |artifact: &&Artifact| ArtifactRow {
        content: content(bundle, artifact).ok().flatten(),
        snap: snap(bundle, artifact),
        ..ArtifactRow::with_referrers(artifact, None)
    };
    report.artifacts = chosen.iter().map(row).collect();
    report.artifacts.extend(contents.missing.iter().map(|missing| ArtifactRow {
        kind: missing.kind,
        name: missing.reference.clone(),
        reference: missing.reference.clone(),
        status: Some(Status::Failed),
        error: Some("was not exported".to_owned()),
        ..ArtifactRow::default()
    }));
    // What is lost is told beside what the head says.
    let ends = bundle.check_length().err();
    if ends.is_some() {
        let (length, expected) = (bundle.length(), bundle.slots().length());
        report.warnings.push(format!(
            "the file ends at {length} of {expected} bytes: this is what it should hold, not what it does"
        ));
    }
    report.output = match options.form {
        Form::Raw => bundle.raw().to_vec(),
        Form::List => match (pinned::list(bundle, &chosen), &ends) {
            (Ok(list), _) => list.into_bytes(),
            (Err(_), Some(_)) => Vec::new(),
            (Err(error), None) => return Err(error),
        },
        Form::Table => table(&opened, &report, left.len()).into_bytes(),
    };
    report.failures.extend(ends);
    Ok(report)
}

fn table(opened: &Opened, report: &Report, left: usize) -> String {
    let mut text = table::of(&report.artifacts);
    let totals = &report.totals;
    let (artifacts, blobs) = (counted_with_referrers(report), counted(totals.blobs, "blob"));
    let contents = opened.bundle.contents();
    let sizes = contents.artifacts.iter().map(|artifact| artifact.size);
    let sizes = sizes.chain(contents.referrers().map(|referrer| referrer.size));
    let sum = sizes.fold(0_u64, u64::saturating_add);
    let shared = sum.saturating_sub(totals.bytes);
    let shared =
        if shared > 0 { format!(" ({} shared, counted once)", ByteSize(shared)) } else { String::new() };
    // Writing to a String cannot fail.
    let _ = writeln!(text, "\n{artifacts}, {blobs}, {}{shared}", ByteSize(totals.bytes));
    if left > 0 {
        let _ = writeln!(text, "{left} of them not shown");
    }
    let _ = writeln!(text, "bundle id {}", opened.bundle.id());
    for (name, value) in &contents.labels {
        let _ = writeln!(text, "{}: {}", printable(name), printable(value));
    }
    text
}

/// Returns what the manifest of a snap says of it.
fn snap(bundle: &Bundle, artifact: &Artifact) -> Option<SnapFacts> {
    if artifact.kind != Kind::Snap {
        return None;
    }
    SnapFacts::of(&manifest(bundle, artifact).ok()??)
}

/// Reads the root manifest of an artifact; `None` where it makes no sense.
fn manifest(bundle: &Bundle, artifact: &Artifact) -> Result<Option<Manifest>> {
    let raw = bundle.manifest(&artifact.digest)?;
    Ok(Manifest::parse(&artifact.media_type, &raw).ok())
}

/// Returns sha256 and size of a plain file itself: the one layer of its manifest. The rest has none.
fn content(bundle: &Bundle, artifact: &Artifact) -> Result<Option<ContentRow>> {
    if !matches!(artifact.kind, Kind::File | Kind::Assert) {
        return Ok(None);
    }
    Ok(manifest(bundle, artifact)?.as_ref().and_then(ContentRow::of))
}
