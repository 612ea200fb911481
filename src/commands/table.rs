//! The table of artifacts that people read, the same wherever one is shown.

use std::fmt::Write as _;

use bytesize::ByteSize;

use super::report::{ArtifactRow, Status};
use crate::model::printable::printable;

/// Returns a line for each artifact below a line of headings. A plain file shows the sha256 and the size of itself, which
/// `sha256sum` and `ls` show, too; everything else those of its manifest and of all that belongs to it.
pub(super) fn of(artifacts: &[ArtifactRow]) -> String {
    let mut rows = vec![["KIND", "REFERENCE", "DIGEST", "PLATFORMS", "SIZE"].map(str::to_owned)];
    rows.extend(artifacts.iter().map(|row| {
        let (digest, size) = match &row.content {
            Some(content) => (Some(content.digest), Some(content.size)),
            None => (row.digest, row.size),
        };
        let without = if row.status == Some(Status::Failed) { "missing" } else { "" };
        [
            row.kind.map(|kind| kind.to_string()).unwrap_or_default(),
            printable(&row.reference),
            digest.map_or_else(|| without.to_owned(), |digest| short(&digest.to_string())),
            printable(&row.platforms.join(",")),
            size.map(|size| ByteSize(size).to_string()).unwrap_or_default(),
        ]
    }));
    aligned(&rows)
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
