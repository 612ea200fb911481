//! What is done with the names that begin with a prefix.

use super::prefix::Prefix;
use crate::model::error::{Error, Result};
use crate::stores::registry::client::{By, Repository};

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) prefix: Prefix,
    /// Where the names really are; none is where they say.
    pub(super) location: Option<String>,
    pub(super) mirrors: Vec<Mirror>,
    pub(super) blocked: bool,
    pub(super) insecure: bool,
    /// File and line, or the flag, for messages.
    pub(super) source: String,
}

/// Another place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mirror {
    /// `HOST[:PORT][/PATH]`.
    pub(super) location: String,
    pub(super) pulls: Pulls,
    pub(super) insecure: bool,
}

/// What a mirror is asked for: `pull-from-mirror`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pulls {
    All,
    Digests,
    Tags,
}

impl Mirror {
    pub(super) fn named(location: String) -> Self {
        Self { location, pulls: Pulls::All, insecure: false }
    }

    pub(super) fn serves(&self, by: By<'_>) -> bool {
        match (self.pulls, by) {
            (Pulls::All, _) | (Pulls::Digests, By::Digest(_)) | (Pulls::Tags, By::Tag(_)) => true,
            (Pulls::Digests, By::Tag(_)) | (Pulls::Tags, By::Digest(_)) => false,
        }
    }
}

impl Rule {
    pub(super) fn of_mirror(prefix: Prefix, mirror: Mirror, source: String) -> Self {
        Self { prefix, location: None, mirrors: vec![mirror], blocked: false, insecure: false, source }
    }

    /// Puts `location` in the place of the first `length` bytes of a name.
    pub(super) fn rewrite(&self, location: &str, name: &str, length: usize) -> Result<Repository> {
        let rest = name.get(length..).unwrap_or_default();
        // A wildcard ends before the port, which is not the location's.
        let rest = if rest.starts_with(':') {
            rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default()
        } else {
            rest
        };
        let whole = format!("{location}{rest}");
        let (registry, path) = whole.split_once('/').unwrap_or((&whole, ""));
        Repository::new(registry, path).map_err(|error| {
            Error::usage(format!("{} makes of `{name}` what is no name: {error}", self.source), None)
        })
    }

    /// Returns the hosts that are not checked.
    pub(super) fn insecure_hosts(&self) -> Vec<String> {
        let own = self.location.as_deref().map_or_else(|| self.prefix.host(), host);
        let own = self.insecure.then(|| own.to_owned());
        let mirrors = self.mirrors.iter().filter(|mirror| mirror.insecure);
        own.into_iter().chain(mirrors.map(|mirror| host(&mirror.location).to_owned())).collect()
    }
}

/// Reads `HOST[:PORT][/PATH]`.
pub(super) fn location(text: &str) -> std::result::Result<String, String> {
    let text = text.trim_end_matches('/');
    let prefix = Prefix::parse(text)?;
    if prefix.is_wildcard() {
        return Err(format!("`{text}` is not a registry with a path"));
    }
    Ok(text.to_owned())
}

/// Returns the host of a location.
pub(super) fn host(location: &str) -> &str {
    location.split('/').next().unwrap_or_default()
}
