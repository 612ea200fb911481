//! What several artifacts have in common, said once.

use std::fmt::Write as _;

use crate::model::artifact::Kind;
use crate::model::error::{Error, Result};
use crate::model::selector::Selection;

/// More names than this are counted and not listed.
const LISTED: usize = 20;

/// What to do where the bundle itself is not what it was.
pub(super) const CARRY_AGAIN: &str =
    "next: prove the bundle with `airgap-bundle verify`, and carry it over again";

/// Adds what could not be done to an error: with one artifact of this `kind`, or with several, which are listed.
pub(super) fn could_not(verb: &str, noun: &str, names: &[String], error: Error) -> Error {
    if let [name] = names {
        return error.during(format!("could not {verb} {noun} `{name}`").replace("  ", " "));
    }
    let noun = if noun.is_empty() { "artifact" } else { noun };
    error.during(format!("could not {verb} {} {noun}s:{}", names.len(), listed(names)))
}

/// Lists names, each on a line of its own, up to a bound.
fn listed(names: &[String]) -> String {
    lines(&names.iter().map(|name| format!("`{name}`")).collect::<Vec<String>>())
}

/// Sets lines below a sentence, up to a bound.
pub(super) fn lines(all: &[String]) -> String {
    let mut text = String::new();
    for line in all.iter().take(LISTED) {
        text.push_str("\n  ");
        text.push_str(line);
    }
    if let Some(more) = all.len().checked_sub(LISTED).filter(|more| *more > 0) {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n  and {more} more");
    }
    text
}

/// Puts errors with the same text together, in the order in which each came first; of several of one name, one is told.
pub(super) fn by_text(errors: Vec<(String, Error)>) -> Vec<(Vec<String>, Error)> {
    let mut groups: Vec<(String, Vec<String>, Error)> = Vec::new();
    for (name, error) in errors {
        let text = super::report::whole(&error);
        match groups.iter_mut().find(|(other, _, _)| *other == text) {
            Some((_, names, _)) if names.last() == Some(&name) => {}
            Some((_, names, _)) => names.push(name),
            None => groups.push((text, vec![name], error)),
        }
    }
    groups.into_iter().map(|(_, names, error)| (names, error)).collect()
}

/// Returns a warning for each selector that takes none of `artifacts`; `what` says so, as in `takes nothing in the list`.
pub(super) fn idle(selection: &Selection, artifacts: &[(Kind, &str)], what: &str) -> Vec<String> {
    selection.idle(artifacts).iter().map(|selector| format!("`{selector}` {what}")).collect()
}

/// Refuses a selection that leaves nothing of what a command is for; `what` says what that is: `artifacts`, `images`.
///
/// Errors: [`Error::Usage`] where something was selected by, and `count` is 0.
pub(super) fn refuse_nothing(selection: &Selection, count: usize, what: &str) -> Result<()> {
    if count > 0 || !selection.is_given() {
        return Ok(());
    }
    Err(Error::usage(
        format!("`--only` and `--except` leave none of the bundle's {what}"),
        Some(
            "a pattern is compared with the whole reference, as in `--only '*team/*'`; see the references with \
             `airgap-bundle inspect`",
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(message: &str) -> Error {
        Error::Unsupported { message: message.to_owned(), hint: None }
    }

    #[test]
    fn what_is_the_same_is_said_once() {
        let all = ["a", "b", "c"].map(|name| (name.to_owned(), error(if name == "b" { "x" } else { "y" })));
        let texts: Vec<String> = by_text(all.into())
            .into_iter()
            .map(|(names, error)| super::super::report::whole(&could_not("do", "image", &names, error)))
            .collect();
        assert_eq!(
            texts,
            ["could not do 2 images:\n  `a`\n  `c`\ncause: y", "could not do image `b`\ncause: x"]
        );
        let one = could_not("do", "", &["a".to_owned()], error("x"));
        assert_eq!(one.to_string(), "could not do `a`");
    }

    #[test]
    fn long_lists_are_counted() {
        let names: Vec<String> = (0..22).map(|number| number.to_string()).collect();
        assert!(listed(&names).ends_with("\n  `19`\n  and 2 more"));
    }

    #[test]
    fn a_selection_that_leaves_nothing_is_refused_and_an_empty_bundle_is_not() {
        let none = Selection::default();
        assert!(refuse_nothing(&none, 0, "images").is_ok());
        let some = Selection { only: vec!["a".parse().unwrap()], ..none };
        assert!(refuse_nothing(&some, 1, "images").is_ok());
        assert_eq!(refuse_nothing(&some, 0, "images").unwrap_err().exit_code(), 2);
    }
}
