//! The one error of the library. Variants are named by what the reader can do about it; [`Error::While`] adds what
//! was being done. Hints are apart from messages, and [`Error::exit_code`] is the only place that knows exit codes.

use std::io;

use bytesize::ByteSize;

/// How an error begins that came up at a source.
const READING: &str = "reading from ";
/// How an error begins that came up at a sink.
const WRITING: &str = "writing to ";

/// A result of the library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in terms of what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The call itself is wrong: flags that contradict each other, a bad value. Exit status 2.
    #[error("{message}")]
    Usage {
        /// What is wrong, a lower-case fragment.
        message: String,
        /// What to type instead.
        hint: Option<String>,
    },
    /// One or more lines of lists are wrong; each entry reads `FILE:LINE:COLUMN: …`. Exit status 2.
    #[error("{}", .0.join("\n"))]
    List(Vec<String>),
    /// Something that was asked for is not there.
    #[error("{what} was not found")]
    NotFound {
        /// What was looked for, and where.
        what: String,
        /// What to try.
        hint: Option<String>,
    },
    /// Credentials are missing or not sufficient.
    #[error("{what} was denied: {why}")]
    Denied {
        /// What was asked for.
        what: String,
        /// What the other side said, and which credentials were used.
        why: String,
        /// What to try.
        hint: Option<String>,
    },
    /// Bytes are not what was promised. Exit status 3.
    #[error("{what}{} got {got}", unless_said(.what, .expected))]
    Mismatch {
        /// What was read, and from where.
        what: String,
        /// Digest, or number of bytes.
        expected: String,
        /// Digest, or number of bytes.
        got: String,
    },
    /// Nobody who is trusted stands for it. Exit status 3.
    #[error("{what} is not signed with key {key}: {}", signatures(*.seen))]
    Unsigned {
        /// The artifact and its digest.
        what: String,
        /// The key, as it was named.
        key: String,
        /// How many signatures of others there are.
        seen: usize,
        /// What to try.
        hint: Option<String>,
    },
    /// What assertions say does not hold, or nobody who is trusted stands for it; each entry is a sentence that names the
    /// assertion. Exit status 3.
    #[error("{}", .items.join("\n"))]
    Unproven {
        /// Every case.
        items: Vec<String>,
        /// What to try.
        hint: Option<String>,
    },
    /// A bundle, or another file, breaks its format at an offset. Exit status 3.
    #[error("`{path}` is {state}: at byte {offset}: {message}")]
    Format {
        /// The file.
        path: String,
        /// Which of the three ways it is unusable.
        state: FormatState,
        /// Where, in bytes from the start.
        offset: u64,
        /// What was expected and what is there.
        message: String,
    },
    /// Something else is in the way: a name that is taken, another process, a tag that moved.
    #[error("{message}{}", lines(.items))]
    Conflict {
        /// What is in the way.
        message: String,
        /// Every case, one a line.
        items: Vec<String>,
        /// The flag or command that helps.
        hint: Option<String>,
    },
    /// The other side answered with an error.
    #[error("{what}: HTTP status {status}{}", colon(.detail))]
    Remote {
        /// What was asked, and of whom.
        what: String,
        /// HTTP status.
        status: u16,
        /// What the body said, shortened.
        detail: String,
        /// What to try.
        hint: Option<String>,
    },
    /// The other side did not answer, or stopped in the middle.
    #[error("{what}: {why}")]
    Network {
        /// What was asked, and of whom (registry or proxy).
        what: String,
        /// What happened.
        why: String,
        /// What to try.
        hint: Option<String>,
    },
    /// The operating system refused.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done, with the path.
        doing: String,
        /// The system's word.
        source: io::Error,
    },
    /// Not enough room.
    #[error("{place} has not enough room: {} needed, {} free", size(*.need), size(*.have))]
    NoSpace {
        /// The folder or file system.
        place: String,
        /// Bytes needed.
        need: u64,
        /// Bytes free.
        have: u64,
        /// What to try.
        hint: Option<String>,
    },
    /// It works in principle, but not in this version or for this content.
    #[error("{message}")]
    Unsupported {
        /// What is not supported.
        message: String,
        /// What to do instead.
        hint: Option<String>,
    },
    /// A signal ended the work; holds its number.
    #[error("interrupted")]
    Interrupted(u8),
    /// Adds what to try.
    #[error(transparent)]
    Hinted(Box<Hinted>),
    /// Adds what was being done.
    #[error("{doing}")]
    While {
        /// What was being done: `could not …`, or `reading from …`.
        doing: String,
        /// Why it failed.
        source: Box<Error>,
    },
}

/// An error that has no hint of its own, and one for where it came up.
#[derive(Debug)]
pub struct Hinted {
    error: Error,
    hint: String,
}

impl std::fmt::Display for Hinted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Hinted {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// The three ways in which a file is not a good bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatState {
    /// It was good once: some bytes are wrong.
    Damaged,
    /// It ends too early, or lacks something that it names.
    Incomplete,
    /// It is not a bundle, or not one that this version reads.
    Foreign,
}

impl std::fmt::Display for FormatState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Damaged => "damaged",
            Self::Incomplete => "incomplete",
            Self::Foreign => "not a bundle that this version reads",
        })
    }
}

fn lines(items: &[String]) -> String {
    items.iter().flat_map(|item| ["\n  ", item]).collect()
}

/// Returns what was expected, unless what was read is named by it.
fn unless_said(what: &str, expected: &str) -> String {
    if what.contains(expected) { " has other bytes:".to_owned() } else { format!(": expected {expected},") }
}

/// Writes a size for people, and exactly: two that look alike may differ.
fn size(bytes: u64) -> String {
    let rounded = ByteSize(bytes).to_string();
    let exact = format!("{bytes} B");
    if rounded == exact { exact } else { format!("{rounded} ({bytes} bytes)") }
}

fn signatures(seen: usize) -> String {
    match seen {
        0 => "it has no signature".to_owned(),
        1 => "its one signature is of another key, or of something else".to_owned(),
        seen => format!("its {seen} signatures are of other keys, or of something else"),
    }
}

fn colon(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(": {detail}") }
}

impl Error {
    /// Makes an [`Error::Io`] from what was being done ("reading" and the path).
    pub fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// Makes an [`Error::Usage`].
    pub fn usage(message: impl Into<String>, hint: Option<&str>) -> Self {
        Self::Usage { message: message.into(), hint: hint.map(str::to_owned) }
    }

    /// Adds what was being done.
    #[must_use]
    pub fn during(self, doing: impl Into<String>) -> Self {
        Self::While { doing: doing.into(), source: Box::new(self) }
    }

    /// Says where it happened, such as ``reading from registry `ghcr.io` ``, in the error itself, so that it stays what it
    /// is for those who look. What names a side already, or comes from this machine, keeps its words.
    #[must_use]
    pub fn at(mut self, side: &str) -> Self {
        if let Self::NotFound { what, .. }
        | Self::Denied { what, .. }
        | Self::Remote { what, .. }
        | Self::Network { what, .. }
        | Self::Mismatch { what, .. } = &mut self
            && ![READING, WRITING].iter().any(|side| what.starts_with(side))
        {
            what.insert_str(0, &format!("{side}: "));
        }
        self
    }

    /// Returns whether it came up at a source, as opposed to where things go.
    pub fn is_of_source(&self) -> bool {
        match self.root() {
            Self::NotFound { what, .. }
            | Self::Denied { what, .. }
            | Self::Remote { what, .. }
            | Self::Network { what, .. }
            | Self::Mismatch { what, .. } => what.starts_with(READING),
            _ => false,
        }
    }

    /// Adds what to try, where the error itself does not say it.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        if self.hint().is_some() {
            return self;
        }
        Self::Hinted(Box::new(Hinted { error: self, hint: hint.into() }))
    }

    /// Returns the exit status that this error alone leads to.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } | Self::List(_) => 2,
            Self::Mismatch { .. } | Self::Unsigned { .. } | Self::Unproven { .. } | Self::Format { .. } => 3,
            Self::Interrupted(signal) => 128_u8.saturating_add(*signal),
            Self::While { source, .. } => source.exit_code(),
            Self::Hinted(hinted) => hinted.error.exit_code(),
            _ => 1,
        }
    }

    /// Returns the hint: a command or a flag that exists.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Usage { hint, .. }
            | Self::NotFound { hint, .. }
            | Self::Denied { hint, .. }
            | Self::Conflict { hint, .. }
            | Self::Remote { hint, .. }
            | Self::Network { hint, .. }
            | Self::NoSpace { hint, .. }
            | Self::Unsigned { hint, .. }
            | Self::Unproven { hint, .. }
            | Self::Unsupported { hint, .. } => hint.as_deref(),
            Self::While { source, .. } => source.hint(),
            Self::Hinted(hinted) => Some(&hinted.hint),
            Self::List(_)
            | Self::Mismatch { .. }
            | Self::Format { .. }
            | Self::Io { .. }
            | Self::Interrupted(_) => None,
        }
    }

    /// Returns the innermost error, without what was added to it.
    #[must_use]
    pub fn into_root(self) -> Self {
        match self {
            Self::While { source, .. } => source.into_root(),
            Self::Hinted(hinted) => hinted.error.into_root(),
            other => other,
        }
    }

    /// Returns whether the same may go well another time, with nothing mended: a network, a rate limit, a signal.
    pub fn may_pass(&self) -> bool {
        match self.root() {
            Self::Network { .. } | Self::Interrupted(_) => true,
            Self::Remote { status, .. } => matches!(status, 408 | 429 | 500..),
            _ => false,
        }
    }

    /// Returns the innermost error.
    pub fn root(&self) -> &Self {
        match self {
            Self::While { source, .. } => source.root(),
            Self::Hinted(hinted) => hinted.error.root(),
            other => other,
        }
    }
}

/// Adds context to results.
pub trait During<T> {
    /// Adds what was being done to an error.
    fn during(self, doing: impl FnOnce() -> String) -> Result<T>;
}

impl<T> During<T> for Result<T> {
    fn during(self, doing: impl FnOnce() -> String) -> Self {
        self.map_err(|error| error.during(doing()))
    }
}
