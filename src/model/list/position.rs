//! Where something stands in a list, and what is wrong there. Positions are for messages, never for output.

use std::fmt;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use crate::model::error::Error;

/// How many mistakes are told at once; a list with more is not read to its end.
pub(super) const MAX_MISTAKES: usize = 1000;

/// Where lines come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A file, by the path that the user gave; relative paths in it are relative to its folder.
    File(Arc<Utf8Path>),
    /// Standard input; relative paths are relative to the current folder.
    Stdin,
    /// The Nth argument of the command line, counted from 1; relative paths are relative to the current folder.
    Argument(usize),
}

impl Source {
    /// Names a list by the path that the user gave.
    pub fn file(path: impl Into<Utf8PathBuf>) -> Self {
        Self::File(path.into().into())
    }

    /// Returns the folder that relative paths start from; empty for the current folder.
    pub fn folder(&self) -> &Utf8Path {
        match self {
            Self::File(path) => path.parent().unwrap_or(Utf8Path::new("")),
            Self::Stdin | Self::Argument(_) => Utf8Path::new(""),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.write_str(path.as_str()),
            Self::Stdin => f.write_str("<stdin>"),
            Self::Argument(number) => write!(f, "argument {number}"),
        }
    }
}

/// A place in a list: `artifacts.txt:12:7`, or `argument 2`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The list.
    pub source: Source,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters (Unicode scalar values, a tab is one), counted from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.source, self.column) {
            (Source::Argument(_), 1) => write!(f, "{}", self.source),
            (Source::Argument(_), column) => write!(f, "{}:{column}", self.source),
            (source, column) => write!(f, "{source}:{}:{column}", self.line),
        }
    }
}

/// One mistake of a list: `artifacts.txt:12:7: unknown key …`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The first character of what is wrong.
    pub position: Position,
    /// What is wrong, a lower-case fragment.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.position, self.message)
    }
}

impl From<Vec<Mistake>> for Error {
    /// Makes the one error that tells every mistake, up to 1000 of them.
    fn from(mistakes: Vec<Mistake>) -> Self {
        let mut lines: Vec<String> = mistakes.iter().take(MAX_MISTAKES).map(ToString::to_string).collect();
        if mistakes.len() > MAX_MISTAKES {
            lines.push("and more: these are the first".to_owned());
        }
        Self::List(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_read_as_compilers_write_them() {
        for (source, line, column, text) in [
            (Source::file("lists/artifacts.txt"), 12, 7, "lists/artifacts.txt:12:7"),
            (Source::Stdin, 1, 1, "<stdin>:1:1"),
            (Source::Argument(2), 1, 1, "argument 2"),
            (Source::Argument(2), 1, 9, "argument 2:9"),
        ] {
            assert_eq!(Position { source, line, column }.to_string(), text);
        }
    }

    #[test]
    fn folders_are_those_of_the_list() {
        assert_eq!(Source::file("lists/a.txt").folder(), "lists");
        assert_eq!(Source::file("a.txt").folder(), "");
        assert_eq!(Source::Stdin.folder(), "");
    }

    #[test]
    fn more_mistakes_than_anyone_reads_are_left_out() {
        let position = Position { source: Source::Stdin, line: 1, column: 1 };
        let mistakes = vec![Mistake { position, message: "wrong".into() }; MAX_MISTAKES + 5];
        let Error::List(lines) = Error::from(mistakes) else { panic!("not a list error") };
        assert_eq!(lines.len(), MAX_MISTAKES + 1);
        assert_eq!(lines.last().map(String::as_str), Some("and more: these are the first"));
    }
}
