//! One thing that is wrong with a bundle.

use crate::model::error::{Error, FormatState};

/// What a problem is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// What stands before or after the blobs.
    Frame,
    /// The blob that stands so far down in the tar, counted from 0.
    Blob(usize),
    /// The artifact that stands so far down in `bundle.json`, counted from 0.
    Artifact(usize),
    /// All blobs from this one on: the file ends before they do.
    From(usize),
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Where, in bytes from the start of the file.
    pub offset: u64,
    /// Which of the three ways it makes a bundle unusable.
    pub state: FormatState,
    /// What was expected and what is there; names the entry.
    pub message: String,
    /// What it is about.
    pub place: Place,
}

impl Problem {
    pub(super) fn new(offset: u64, state: FormatState, message: String, place: Place) -> Self {
        Self { offset, state, message, place }
    }

    /// Returns the error for a person who called the bundle `path`.
    pub fn error(self, path: &str) -> Error {
        Error::Format { path: path.to_owned(), state: self.state, offset: self.offset, message: self.message }
    }
}
