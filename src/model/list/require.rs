//! What is done with references that name neither tag nor digest.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::str::FromStr;

use super::entry::{Entry, Subject};
use super::position::{Mistake, Source};

/// How many ranges of lines a warning names.
const MAX_RANGES: usize = 50;

/// What every reference must name: `--require tag|digest`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Require {
    /// Nothing; what names neither tag nor digest is `:latest`.
    #[default]
    Nothing,
    /// A tag or a digest.
    Tag,
    /// A digest.
    Digest,
}

impl FromStr for Require {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "tag" => Ok(Self::Tag),
            "digest" => Ok(Self::Digest),
            other => Err(format!("expected `tag` or `digest`, got `{other}`")),
        }
    }
}

/// Gives `:latest` to references that name neither tag nor digest, and returns the one warning that counts them and
/// names their lines. Where `require` asks for more, every reference that falls short is a mistake.
pub fn require(
    mut entries: Vec<Entry>,
    require: Require,
) -> Result<(Vec<Entry>, Option<String>), Vec<Mistake>> {
    let (warning, mistakes) = settle(&mut entries, require);
    if mistakes.is_empty() { Ok((entries, warning)) } else { Err(mistakes) }
}

/// As [`require`], in place.
pub(super) fn settle(entries: &mut [Entry], require: Require) -> (Option<String>, Vec<Mistake>) {
    let mut mistakes = Vec::new();
    let mut bare: BTreeMap<Source, Vec<usize>> = BTreeMap::new();
    for entry in entries {
        let Subject::Registry(reference) = &mut entry.subject else { continue };
        let why = match require {
            Require::Nothing if reference.is_bare() => {
                *reference = reference.with_tag(Some("latest"));
                bare.entry(entry.position.source.clone()).or_default().push(entry.position.line);
                continue;
            }
            Require::Tag if reference.is_bare() => "neither tag nor digest",
            Require::Digest if reference.digest().is_none() => "no digest",
            Require::Nothing | Require::Tag | Require::Digest => continue,
        };
        mistakes.push(Mistake {
            position: entry.position.clone(),
            message: format!("`{reference}` has {why}, which `--require` asks for"),
        });
    }
    (warning(&bare), mistakes)
}

fn warning(bare: &BTreeMap<Source, Vec<usize>>) -> Option<String> {
    let count: usize = bare.values().map(Vec::len).sum();
    let places: Vec<String> = bare.iter().map(|(source, lines)| place(source, lines)).collect();
    let places = match places.get(MAX_RANGES..) {
        None | Some([]) => places.join("; "),
        Some(rest) => {
            let shown: Vec<&str> = places.iter().take(MAX_RANGES).map(String::as_str).collect();
            format!("{} and {} more", shown.join("; "), rest.len())
        }
    };
    match count {
        0 => None,
        1 => Some(format!("1 reference has neither tag nor digest and is taken as `:latest`: {places}")),
        more => Some(format!(
            "{more} references have neither tag nor digest and are taken as `:latest`: {places}"
        )),
    }
}

/// `artifacts.txt lines 1-15, 29`, or `argument 2`.
fn place(source: &Source, lines: &[usize]) -> String {
    if matches!(source, Source::Argument(_)) {
        return source.to_string();
    }
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for &line in lines {
        match ranges.last_mut() {
            Some((_, last)) if *last == line => {}
            Some((_, last)) if last.saturating_add(1) == line => *last = line,
            _ => ranges.push((line, line)),
        }
    }
    let mut text = format!("{source} {}", if lines.len() == 1 { "line" } else { "lines" });
    for (at, (first, last)) in ranges.iter().take(MAX_RANGES).enumerate() {
        let comma = if at == 0 { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = if first == last {
            write!(text, "{comma} {first}")
        } else {
            write!(text, "{comma} {first}-{last}")
        };
    }
    if let Some(more) = ranges.len().checked_sub(MAX_RANGES).filter(|more| *more > 0) {
        let _ = write!(text, " and {more} more");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::list::parse;

    fn of(text: &str) -> Vec<Entry> {
        parse(&Source::file("artifacts.txt"), text.as_bytes()).unwrap()
    }

    const PINNED: &str = "a/b@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn bare_references_are_latest_with_one_warning() {
        let list = format!("nginx\nalpine\n# comment\nbusybox\na:1\n{PINNED}\nfile x\n");
        let (entries, warning) = require(of(&list), Require::Nothing).unwrap();
        assert_eq!(entries.first().unwrap().to_string(), "docker.io/library/nginx:latest");
        assert_eq!(
            warning.unwrap(),
            "3 references have neither tag nor digest and are taken as `:latest`: artifacts.txt lines 1-2, 4"
        );
        assert_eq!(require(of("a:1"), Require::Nothing).unwrap().1, None);
    }

    #[test]
    fn what_is_required_is_told_of_every_line() {
        let list = format!("nginx\na:1\n{PINNED}\nfile x\n");
        let lines = |require_what| -> Vec<usize> {
            let mistakes = require(of(&list), require_what).unwrap_err();
            mistakes.iter().map(|mistake| mistake.position.line).collect()
        };
        assert_eq!(lines(Require::Tag), [1]);
        assert_eq!(lines(Require::Digest), [1, 2]);
    }
}
