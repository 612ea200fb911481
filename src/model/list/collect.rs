//! All that a command line asks for: its lists and its references, as one list without mistakes.

use std::collections::{BTreeSet, HashMap};

use super::entry::{Entry, Subject};
use super::later::not_yet;
use super::merge::unite_all;
use super::position::{Mistake, Source};
use super::require::{Require, settle};
use super::{parse_argument, parse_lines};
use crate::model::error::{Error, Result};

/// What is to be carried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Each artifact once, in the order in which they are first asked for; every reference names a tag or a digest.
    pub entries: Vec<Entry>,
    /// The warning about references that name neither.
    pub warning: Option<String>,
}

/// Reads `lists` (each with its bytes) and `arguments`, the references of the command line, in this order. Every
/// mistake in any of them is told at once, in the order of the input; nothing asked for at all is one, too.
pub fn collect(lists: &[(Source, Vec<u8>)], arguments: &[String], require: Require) -> Result<Collected> {
    let (mut entries, mut mistakes) = all(lists, arguments);
    if entries.is_empty() && mistakes.is_empty() {
        let empty: Vec<String> = lists.iter().map(|(source, _)| format!("`{source}`")).collect();
        return Err(match empty.as_slice() {
            [] => Error::usage("nothing to carry was named", Some("give `--list FILE`, or references")),
            lists => Error::usage(
                format!("nothing to carry in {}: no line names anything", lists.join(", ")),
                None,
            ),
        });
    }
    mistakes.extend(not_yet(&entries));
    let (warning, wrong) = settle(&mut entries, require);
    mistakes.extend(wrong);
    let (entries, wrong) = unite_all(entries);
    mistakes.extend(wrong);
    if mistakes.is_empty() {
        return Ok(Collected { entries, warning });
    }
    Err(in_order(mistakes, lists).into())
}

/// Returns the registries that the good lines of `lists` and `arguments` name, as `HOST[:PORT]`.
pub fn registries(lists: &[(Source, Vec<u8>)], arguments: &[String]) -> BTreeSet<String> {
    let registry = |entry: Entry| match entry.subject {
        Subject::Registry(reference) => Some(reference.registry().to_owned()),
        _ => None,
    };
    all(lists, arguments).0.into_iter().filter_map(registry).collect()
}

fn all(lists: &[(Source, Vec<u8>)], arguments: &[String]) -> (Vec<Entry>, Vec<Mistake>) {
    let mut entries = Vec::new();
    let mut mistakes = Vec::new();
    for (source, text) in lists {
        let (good, wrong) = parse_lines(source, text);
        entries.extend(good);
        mistakes.extend(wrong);
    }
    for (argument, number) in arguments.iter().zip(1..) {
        match parse_argument(number, argument) {
            Ok(entry) => entries.push(entry),
            Err(wrong) => mistakes.extend(wrong),
        }
    }
    (entries, mistakes)
}

/// Sorts by list (as given, the arguments last), line and column.
fn in_order(mut mistakes: Vec<Mistake>, lists: &[(Source, Vec<u8>)]) -> Vec<Mistake> {
    let mut ranks: HashMap<&Source, usize> = HashMap::new();
    for (at, (source, _)) in lists.iter().enumerate() {
        ranks.entry(source).or_insert(at);
    }
    mistakes.sort_by(|one, other| {
        let rank = |mistake: &Mistake| ranks.get(&mistake.position.source).copied().unwrap_or(usize::MAX);
        rank(one).cmp(&rank(other)).then_with(|| one.cmp(other))
    });
    mistakes.dedup();
    mistakes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lists: &[(&str, &str)], arguments: &[&str], require: Require) -> Result<Collected> {
        let lists: Vec<_> =
            lists.iter().map(|(name, text)| (Source::file(*name), text.as_bytes().to_vec())).collect();
        let arguments: Vec<_> = arguments.iter().map(|text| (*text).to_owned()).collect();
        collect(&lists, &arguments, require)
    }

    #[test]
    fn lists_and_arguments_are_one_list() {
        let lists = [("b/z.txt", "nginx\n./x\n"), ("a.txt", "nginx:latest\n./x\n")];
        let collected = of(&lists, &["alpine:3", "b/x"], Require::Nothing).unwrap();
        let lines: Vec<_> = collected.entries.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "docker.io/library/nginx:latest",
                "file ./x",
                "file ./x",
                "docker.io/library/alpine:3",
                "docker.io/b/x:latest"
            ]
        );
        assert_eq!(
            collected.warning.as_deref(),
            Some(
                "2 references have neither tag nor digest and are taken as `:latest`: b/z.txt line 1; argument 2"
            )
        );
    }

    #[test]
    fn every_mistake_of_every_list_is_told_in_order() {
        let lists = [
            ("z.txt", "image a:1\nnginx foo\nimage oci:a\nalpine"),
            ("a.txt", "chart a/b:1\nchart a:1\nA\n"),
        ];
        let Err(Error::List(told)) = of(&lists, &["nginx", "image", "file x"], Require::Tag) else {
            panic!("no list error")
        };
        let starts = [
            "z.txt:2:7: ",
            "z.txt:3:1: an image on disk",
            "z.txt:4:1: `docker.io/library/alpine` has neither tag nor digest",
            "a.txt:2:7: ",
            "a.txt:3:1: ",
            "argument 1: `docker.io/library/nginx` has neither",
            "argument 2: `image` stands alone",
        ];
        assert_eq!(told.len(), starts.len(), "{told:#?}");
        for (line, start) in told.iter().zip(starts) {
            assert!(line.starts_with(start), "{line}");
        }
    }

    #[test]
    fn nothing_at_all_is_a_mistake() {
        for (lists, message) in [
            (&[][..], "nothing to carry was named"),
            (&[("a.txt", "# nothing\n")][..], "nothing to carry in `a.txt`: no line names anything"),
        ] {
            let error = of(lists, &[], Require::Nothing).unwrap_err();
            assert_eq!((error.to_string().as_str(), error.exit_code()), (message, 2));
        }
    }
}
