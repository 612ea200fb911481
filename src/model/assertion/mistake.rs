//! Where a file of assertions breaks the format.

use crate::model::printable::printable;

/// The longest piece of a file that a message repeats, in characters.
const SHOWN: usize = 60;

/// A break of the format, and the line that it is on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct Mistake {
    /// The line in what was parsed, from 1.
    pub line: usize,
    /// What was expected and what is there, a lower-case fragment.
    pub message: String,
}

impl Mistake {
    pub(super) fn new(line: usize, message: impl Into<String>) -> Self {
        Self { line, message: message.into() }
    }
}

/// Returns a piece of a file as a message may repeat it.
pub(super) fn shown(text: &str) -> String {
    let short: String = text.chars().take(SHOWN).collect();
    let rest = if short.len() < text.len() { "…" } else { "" };
    format!("`{}{rest}`", printable(&short))
}
