//! What snaps are called and what they are, by snapd's rules (`snap/naming/validate.go`, `snap/types.go`).

mod architecture;
mod channel;
mod facts;
mod reference;

use std::fmt;
use std::str::FromStr;

pub use architecture::architecture;
pub use channel::{Channel, ChannelError, Risk};
pub use facts::SnapFacts;
pub use reference::SnapReference;

/// Returns whether a text is a snap's name: up to 40 lower-case letters, digits and single dashes, with a letter in it.
pub fn is_name(text: &str) -> bool {
    text.len() <= 40
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && text.contains(|c: char| c.is_ascii_lowercase())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--")
}

/// The provenance of a snap that says nothing of any: it came to its store in the usual way.
pub const GLOBAL_UPLOAD: &str = "global-upload";

/// Returns whether a text can name the provenance of a snap: letters and digits with single dashes between them. They are up
/// to 256 here, where snapd has no bound.
pub fn is_provenance(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    text.len() <= 256 && text.split('-').all(is_word)
}

/// Says that a word is none of those that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected one of {0}")]
pub struct WordError(&'static str);

/// What a snap is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SnapType {
    /// An application.
    #[default]
    App,
    /// What applications run on.
    Base,
    /// The first base, which holds snapd, too; snapd calls its type `os`.
    Core,
    /// A kernel.
    Kernel,
    /// What a device needs.
    Gadget,
    /// snapd itself.
    Snapd,
}

impl SnapType {
    /// Returns the word of tables and annotations.
    pub const fn word(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Base => "base",
            Self::Core => "core",
            Self::Kernel => "kernel",
            Self::Gadget => "gadget",
            Self::Snapd => "snapd",
        }
    }

    /// Returns the snap that has to be installed first, given the `base` that a snap names: `core` where an application or
    /// a gadget names none, and none at all where it names `none`.
    pub fn needs(self, base: Option<&str>) -> Option<&str> {
        match (self, base) {
            (Self::App | Self::Gadget, None) => Some("core"),
            (Self::App | Self::Gadget, Some(base)) if base != "none" => Some(base),
            _ => None,
        }
    }
}

impl FromStr for SnapType {
    type Err = WordError;

    /// Reads the words of snapd and of stores.
    fn from_str(text: &str) -> Result<Self, WordError> {
        Ok(match text {
            "app" | "application" => Self::App,
            "base" => Self::Base,
            "os" | "core" => Self::Core,
            "kernel" => Self::Kernel,
            "gadget" => Self::Gadget,
            "snapd" => Self::Snapd,
            _ => return Err(WordError("`app`, `base`, `os`, `kernel`, `gadget`, `snapd`")),
        })
    }
}

impl fmt::Display for SnapType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// How much of its host a snap sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confinement {
    /// What it was granted.
    #[default]
    Strict,
    /// Everything: `snap install` wants `--classic`.
    Classic,
    /// Everything, while it is being made: `snap install` wants `--devmode`.
    Devmode,
}

impl Confinement {
    /// Returns snapd's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Classic => "classic",
            Self::Devmode => "devmode",
        }
    }
}

impl FromStr for Confinement {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        let all = [Self::Strict, Self::Classic, Self::Devmode];
        all.into_iter().find(|one| one.word() == text).ok_or(WordError("`strict`, `classic`, `devmode`"))
    }
}

impl fmt::Display for Confinement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_snapds_rule() {
        for name in ["k8s", "core20", "a", "0ad", "a-b-c", &"a".repeat(40)] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "K8s", "1", "-a", "a-", "a--b", "a_b", "a.b", "../a", "ä", &"a".repeat(41)] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn provenances_follow_snapds_rule() {
        for name in [GLOBAL_UPLOAD, "own", "A", "0", "a-B-0", &"a".repeat(256)] {
            assert!(is_provenance(name), "{name}");
        }
        for name in ["", "-", "-a", "a-", "a--b", "a_b", "a/b", "a b", "ä", &"a".repeat(257)] {
            assert!(!is_provenance(name), "{name}");
        }
    }

    #[test]
    fn words_are_those_of_snapd() {
        for (word, printed) in [("app", "app"), ("application", "app"), ("os", "core"), ("snapd", "snapd")] {
            assert_eq!(word.parse::<SnapType>().unwrap().to_string(), printed);
        }
        assert!("App".parse::<SnapType>().is_err());
        assert_eq!("classic".parse::<Confinement>().unwrap().to_string(), "classic");
        let error = "jail".parse::<Confinement>().unwrap_err();
        assert_eq!(error.to_string(), "expected one of `strict`, `classic`, `devmode`");
    }

    #[test]
    fn what_has_to_be_there_first() {
        for (kind, base, needs) in [
            (SnapType::App, Some("core22"), Some("core22")),
            (SnapType::App, None, Some("core")),
            (SnapType::App, Some("none"), None),
            (SnapType::Gadget, Some("core24"), Some("core24")),
            (SnapType::Base, None, None),
            (SnapType::Snapd, None, None),
            (SnapType::Kernel, Some("core22"), None),
        ] {
            assert_eq!(kind.needs(base), needs, "{kind} {base:?}");
        }
    }
}
