//! The table of artifacts that people read, the same wherever one is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use bytesize::ByteSize;

use super::referrer_row::ReferrerRow;
use super::report::{ArtifactRow, Status};
use crate::model::digest::Digest;
use crate::model::printable::printable;

/// No line is indented deeper.
const DEEPEST: usize = 8;

/// Returns a line for each artifact below a line of headings. A plain file shows the sha256 and the size of itself, which
/// `sha256sum` and `ls` show, too; everything else those of its manifest and of all that belongs to it.
pub(super) fn of(artifacts: &[ArtifactRow]) -> String {
    let mut rows = vec![["KIND", "REFERENCE", "DIGEST", "PLATFORMS", "SIZE"].map(str::to_owned)];
    rows.extend(artifacts.iter().flat_map(|row| {
        let (digest, size) = match &row.content {
            Some(content) => (Some(content.digest), Some(content.size)),
            None => (row.digest, row.size),
        };
        let without = if row.status == Some(Status::Failed) { "missing" } else { "" };
        let own = [
            row.kind.map(|kind| kind.to_string()).unwrap_or_default(),
            printable(&row.reference),
            digest.map_or_else(|| without.to_owned(), |digest| short(&digest.to_string())),
            printable(&row.platforms.join(",")),
            size.map(|size| ByteSize(size).to_string()).unwrap_or_default(),
        ];
        std::iter::once(own).chain(of_snap(row)).chain(below(row))
    }));
    aligned(&rows)
}

/// Returns what is known of a snap, a line for each group of facts.
fn of_snap(row: &ArtifactRow) -> Vec<[String; 5]> {
    let Some(snap) = &row.snap else { return Vec::new() };
    let word = |what: &str, text: &Option<String>| text.as_ref().map(|text| format!("{what} {text}"));
    let by = snap.publisher.as_ref().map(|publisher| match &snap.validation {
        Some(validation) => format!("by {publisher} ({validation})"),
        None => format!("by {publisher}"),
    });
    let architectures = Some(snap.architectures.join(",")).filter(|list| !list.is_empty());
    let groups = [
        vec![word("version", &snap.version), architectures],
        vec![word("channel", &snap.channel)],
        vec![word("base", &snap.base), snap.confinement.clone()],
        vec![by],
    ];
    let lines = groups.map(|group| group.into_iter().flatten().collect::<Vec<_>>().join(", "));
    let shown = lines.into_iter().filter(|line| !line.is_empty());
    shown
        .map(|line| {
            [String::new(), format!("  {}", printable(&line)), String::new(), String::new(), String::new()]
        })
        .collect()
}

/// Returns a line for each thing that refers to an artifact: what it is, indented once more below another such thing.
fn below(row: &ArtifactRow) -> Vec<[String; 5]> {
    let mut by_subject: BTreeMap<Option<Digest>, Vec<&ReferrerRow>> = BTreeMap::new();
    for referrer in row.referrers.iter().rev() {
        by_subject.entry(referrer.subject).or_default().push(referrer);
    }
    // What is below the artifact's own manifests is not below another referrer.
    let referring: BTreeSet<Option<Digest>> = row.referrers.iter().map(|referrer| referrer.digest).collect();
    let own = row.referrers.iter().rev().filter(|referrer| !referring.contains(&referrer.subject));
    let mut stack: Vec<(&ReferrerRow, usize)> = own.map(|referrer| (referrer, 1)).collect();
    let mut told = BTreeSet::new();
    let mut lines = Vec::new();
    loop {
        while let Some((referrer, depth)) = stack.pop() {
            if !told.insert((referrer.subject, referrer.digest, &referrer.tag)) {
                continue;
            }
            let child = referrer.subject.filter(|subject| depth == 1 && Some(*subject) != row.digest);
            let of = child.map(|subject| format!(" of {}", short(&subject.to_string()))).unwrap_or_default();
            lines.push([
                String::new(),
                format!("{}{}{of}", "  ".repeat(depth.min(DEEPEST)), printable(&referrer.shown_type)),
                referrer.digest.map(|digest| short(&digest.to_string())).unwrap_or_default(),
                String::new(),
                referrer.size.map(|size| ByteSize(size).to_string()).unwrap_or_default(),
            ]);
            let deeper = by_subject.get(&referrer.digest).into_iter().flatten();
            stack.extend(deeper.map(|referrer| (*referrer, depth.saturating_add(1))));
        }
        // Those whose subject also refers to something, and is not below any of the above.
        let is_left = |row: &&ReferrerRow| !told.contains(&(row.subject, row.digest, &row.tag));
        let Some(left) = row.referrers.iter().find(is_left) else { return lines };
        stack.push((left, 1));
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_line_up() {
        let rows = [["A", "B"], ["long", "x"], ["s", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(aligned(&rows), "A     B\nlong  x\ns\n");
    }
}
