//! Says what is in a bundle, from its head alone.

use std::fmt::Write as _;
use std::sync::Arc;

use bytesize::ByteSize;

use super::open::{self, Choice, Extent, Opened};
use super::report::{ArtifactRow, Report, Status, counted};
use super::together;
use crate::content::progress::Progress;
use crate::model::contents::Artifact;
use crate::model::error::Result;
use crate::model::selector::Selection;

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

/// Reads the head, and for a list the manifests of files.
pub fn run(options: &Options) -> Result<Report> {
    let opened = open::open(&options.choice, Extent::Whole, options.progress.as_ref())?;
    let bundle = &opened.bundle;
    let contents = bundle.contents();
    let (chosen, left): (Vec<&Artifact>, Vec<&Artifact>) = contents
        .artifacts
        .iter()
        .partition(|artifact| options.selection.takes(artifact.kind, &artifact.reference));
    let mut report = opened.report("inspect");
    report.warnings =
        together::idle(&options.selection, &contents.named(), "takes no artifact of this bundle");
    report.artifacts = chosen.iter().map(|artifact| ArtifactRow::from(*artifact)).collect();
    report.artifacts.extend(contents.missing.iter().map(|missing| ArtifactRow {
        kind: missing.kind,
        name: missing.reference.clone(),
        reference: missing.reference.clone(),
        digest: None,
        platforms: Vec::new(),
        size: None,
        status: Some(Status::Failed),
        target: None,
        target_digest: None,
        previous_digest: None,
        error: Some("was not exported".to_owned()),
    }));
    report.output = match options.form {
        Form::Raw => bundle.raw().to_vec(),
        Form::List => pinned::list(bundle, &chosen)?.into_bytes(),
        Form::Table => table(&opened, &report, left.len()).into_bytes(),
    };
    Ok(report)
}

fn table(opened: &Opened, report: &Report, left: usize) -> String {
    let mut rows = vec![["KIND", "REFERENCE", "DIGEST", "PLATFORMS", "SIZE"].map(str::to_owned)];
    rows.extend(report.artifacts.iter().map(|row| {
        [
            row.kind.map(|kind| kind.to_string()).unwrap_or_default(),
            printable(&row.reference),
            row.digest.map_or_else(|| "missing".to_owned(), |digest| short(&digest.to_string())),
            printable(&row.platforms.join(",")),
            row.size.map(|size| ByteSize(size).to_string()).unwrap_or_default(),
        ]
    }));
    let mut text = aligned(&rows);
    let totals = &report.totals;
    let (artifacts, blobs) = (counted(totals.artifacts, "artifact"), counted(totals.blobs, "blob"));
    let sum = opened.bundle.contents().artifacts.iter().fold(0_u64, |sum, row| sum.saturating_add(row.size));
    let shared = sum.saturating_sub(totals.bytes);
    let shared =
        if shared > 0 { format!(" ({} shared, counted once)", ByteSize(shared)) } else { String::new() };
    // Writing to a String cannot fail.
    let _ = writeln!(text, "\n{artifacts}, {blobs}, {}{shared}", ByteSize(totals.bytes));
    if left > 0 {
        let _ = writeln!(text, "{left} of them not shown");
    }
    let _ = writeln!(text, "bundle id {}", opened.bundle.id());
    for (name, value) in &opened.bundle.contents().labels {
        let _ = writeln!(text, "{}: {}", printable(name), printable(value));
    }
    text
}

/// Returns the algorithm and the first 16 digits of a digest, as in the tags that an import makes.
fn short(digest: &str) -> String {
    digest.chars().take("sha256:".len() + 16).collect()
}

/// Pads every column but the last to its widest cell, two spaces between them.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let widths: Vec<usize> = (0..N)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max())
        .map(Option::unwrap_or_default)
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Replaces what a terminal would act on or not show.
fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\'' | '\\' => safe.push(character),
            other => safe.extend(other.escape_debug()),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_line_up_and_show_no_control_characters() {
        let rows = [["A", "B"], ["long", "x"], ["s", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(aligned(&rows), "A     B\nlong  x\ns\n");
        assert_eq!(printable("it's \u{1b}[2J\u{202e}ä"), "it's \\u{1b}[2J\\u{202e}ä");
    }
}
