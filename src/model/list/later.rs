//! What the grammar has and this version does not carry yet.

use super::entry::{Entry, Location, Subject};
use super::key::Key;
use super::location::redact;
use super::position::Mistake;
use super::token::quote;

/// Returns one mistake for every entry that asks for what this version cannot do, so that nothing in a list is passed
/// over in silence.
pub fn not_yet(entries: &[Entry]) -> Vec<Mistake> {
    let mistake = |entry: &Entry| {
        let what = what(entry)?;
        let or = as_a_file(entry).unwrap_or_default();
        let message = format!("{what} cannot be carried by this version yet: take the line out{or}");
        Some(Mistake { position: entry.position.clone(), message })
    };
    entries.iter().filter_map(mistake).collect()
}

/// Returns whether what a key asks for comes with a later version.
pub(super) const fn is_to_come(key: Key) -> bool {
    matches!(key, Key::Repo | Key::Values | Key::Set | Key::Namespace | Key::KubeVersion | Key::ApiVersions)
}

fn what(entry: &Entry) -> Option<&'static str> {
    match &entry.subject {
        Subject::SnapFile(Location::Address(_)) => Some("a snap behind an address"),
        Subject::ChartRepository { .. } => Some("a chart of an HTTP repository"),
        Subject::Chart(Location::Path(_)) => Some("a chart on disk"),
        Subject::Chart(Location::Address(_)) => Some("a chart behind an address"),
        Subject::Disk { .. } => Some("an image on disk"),
        Subject::Registry(_) if !entry.renderings.is_empty() => Some("the images of a chart"),
        Subject::Registry(_)
        | Subject::ChartOrFile(_)
        | Subject::Snap { .. }
        | Subject::SnapFile(Location::Path(_))
        | Subject::AssertFile(_)
        | Subject::File { .. } => None,
    }
}

/// Says how the same bytes can be carried as they are.
fn as_a_file(entry: &Entry) -> Option<String> {
    match &entry.subject {
        Subject::SnapFile(location) | Subject::Chart(location) => {
            let shown = match location {
                Location::Path(path) => path.written().to_string(),
                Location::Address(url) => redact(url.as_str()),
            };
            Some(format!(", or carry it as a plain file with `file {}`", quote(&shown)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Source, parse};
    use super::*;

    #[test]
    fn what_comes_later_is_told_line_by_line() {
        let list = "nginx:1\nsnap k8s\nchart a repo=https://h\nchart ./a\nimage oci:a\nnginx:1 verify-key=k\n\
                    chart oci://a/b:1 images=yes\nchart oci://a/b:1\n./a.tgz\n./a.snap\nassert a\nfile a\nchart https://u:p@h/a.tgz?t\n";
        let told = not_yet(&parse(&Source::file("a.txt"), list.as_bytes()).unwrap());
        let lines: Vec<_> = told.iter().map(|mistake| mistake.position.line).collect();
        assert_eq!(lines, [3, 4, 5, 7, 13]);
        assert_eq!(
            told.first().map(ToString::to_string).as_deref(),
            Some(
                "a.txt:3:1: a chart of an HTTP repository cannot be carried by this version yet: take the line out"
            )
        );
        assert_eq!(
            told.last().map(ToString::to_string).as_deref(),
            Some(
                "a.txt:13:1: a chart behind an address cannot be carried by this version yet: take the line out, \
                 or carry it as a plain file with `file https://h/a.tgz`"
            )
        );
    }
}
