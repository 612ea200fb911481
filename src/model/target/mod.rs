//! Names at the destination: the registry that things go to, where each artifact lands in it, and which two want the
//! same name.
//!
//! A name never depends on what is at the destination, nor on the other artifacts: the same bundle, prefix and layout
//! give the same names.

mod artifact;
mod collision;
mod destination;
mod slug;

pub use collision::{Collision, collisions, host_path_helps};
pub use destination::{Destination, DestinationError, Protocol, is_registry};
pub use slug::slug;

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use super::digest::Digest;
use super::list::Rename;
use super::reference::{Reference, is_repository, is_tag};

/// How names at the source become names at the destination: `--layout`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// `path`: the registry's host is dropped, the path stays.
    #[default]
    Path,
    /// `host-path`: the host is the first part of the path: `localhost:5000/a` is `localhost_5000/a`, and an IPv6
    /// host its eight groups, `[::1]:5000/a` is `0-0-0-0-0-0-0-1_5000/a`.
    HostPath,
    /// `flat`: the last part of the path alone, for charts, snaps and files too.
    Flat,
}

impl Layout {
    /// Returns the word of the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::HostPath => "host-path",
            Self::Flat => "flat",
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Layout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Path, Self::HostPath, Self::Flat]
            .into_iter()
            .find(|layout| layout.word() == text)
            .ok_or_else(|| format!("expected `path`, `host-path` or `flat`, got `{text}`"))
    }
}

/// What an artifact is called where it comes from, as far as names at the destination depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// From a registry: an image, a chart or another artifact.
    Registry(&'a Reference),
    /// A chart of an HTTP repository or from disk.
    Chart {
        /// Its name.
        name: &'a str,
        /// Its version, as in `Chart.yaml`.
        version: &'a str,
    },
    /// A snap.
    Snap {
        /// Its name.
        name: &'a str,
        /// Its revision: a number, or `x1` for one that no store has seen.
        revision: &'a str,
    },
    /// A plain file, or a file of assertions.
    File {
        /// Its true name; may hold slashes.
        name: &'a str,
    },
}

/// A tag at the destination.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tag {
    /// A name that someone gave.
    Name(String),
    /// `digest-` and the first 16 hexadecimal digits of the root: only there so that garbage collection keeps the
    /// artifact; `--no-digest-tags` leaves it out.
    Digest(String),
}

impl Tag {
    /// Returns the tag of what has no other name.
    pub fn of_digest(root: &Digest) -> Self {
        Self::Digest(format!("digest-{}", root.short()))
    }

    /// Returns the tag as it is pushed.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Name(tag) | Self::Digest(tag) => tag,
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name at the destination, without its host. Both parts are valid (OCI distribution spec, "Pulling manifests").
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    repository: String,
    tag: Tag,
}

/// Says why an artifact has no valid name at the destination; `as=` or another prefix helps.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The repository breaks the grammar, or is longer than 255 bytes.
    #[error(
        "`{0}` is not a repository: expected up to 255 bytes of lower-case parts with `/` between (`as=` gives another name)"
    )]
    Repository(String),
    /// The tag breaks the grammar.
    #[error("`{0}` is not a tag: expected up to 128 of `a-z A-Z 0-9 _ . -` (`as=` gives another name)")]
    Tag(String),
}

impl Target {
    /// Makes a target of checked parts.
    pub fn new(repository: String, tag: Tag) -> Result<Self, TargetError> {
        if !is_repository(&repository) {
            return Err(TargetError::Repository(repository));
        }
        if !is_tag(tag.as_str()) {
            return Err(TargetError::Tag(tag.to_string()));
        }
        Ok(Self { repository, tag })
    }

    /// Returns where an artifact with this root lands below `prefix` (empty for none). `rename` wins over `layout`,
    /// not over the prefix; without a tag it keeps the one that the artifact would have had.
    pub fn of(
        prefix: &str,
        layout: Layout,
        origin: Origin<'_>,
        root: &Digest,
        rename: Option<&Rename>,
    ) -> Result<Self, TargetError> {
        let repository = match rename {
            Some(rename) => rename.repository.clone(),
            None => repository(layout, origin),
        };
        let tag = match (rename.and_then(|rename| rename.tag.clone()), origin) {
            (Some(tag), _) => Tag::Name(tag),
            (None, Origin::Registry(reference)) => {
                reference.tag().map_or_else(|| Tag::of_digest(root), |tag| Tag::Name(tag.to_owned()))
            }
            (None, Origin::Chart { version, .. }) => {
                Tag::Name(chart_tag(version).ok_or_else(|| TargetError::Tag(version.to_owned()))?)
            }
            (None, Origin::Snap { revision, .. }) => Tag::Name(revision.to_owned()),
            (None, Origin::File { .. }) => Tag::of_digest(root),
        };
        Self::new(below(prefix, &repository), tag)
    }

    /// Returns where the receipt of an import lands: `[PREFIX/]airgap-bundle:<16 hex of the bundle id>`.
    pub fn receipt(prefix: &str, bundle_id: &Digest) -> Result<Self, TargetError> {
        Self::new(below(prefix, "airgap-bundle"), Tag::Name(bundle_id.short()))
    }

    /// Makes the repository's path at most `most` parts long: deeper `/` become `-`.
    #[must_use]
    pub fn within(self, most: Option<NonZeroUsize>) -> Self {
        let most = most.map_or(usize::MAX, NonZeroUsize::get);
        // What `splitn` leaves for the last part is all that is deeper.
        let parts: Vec<String> =
            self.repository.splitn(most, '/').map(|part| part.replace('/', "-")).collect();
        let repository = parts.join("/");
        Self { repository, ..self }
    }

    /// Returns the repository, prefix included.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Returns the tag.
    pub const fn tag(&self) -> &Tag {
        &self.tag
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.repository, self.tag)
    }
}

/// Returns the tag of a chart's version: tags know no `+`, and helm writes `_` for it.
pub fn chart_tag(version: &str) -> Option<String> {
    Some(version.replace('+', "_")).filter(|tag| is_tag(tag))
}

fn below(prefix: &str, repository: &str) -> String {
    if prefix.is_empty() { repository.to_owned() } else { format!("{prefix}/{repository}") }
}

fn repository(layout: Layout, origin: Origin<'_>) -> String {
    let path = match (origin, layout) {
        (Origin::Registry(reference), Layout::HostPath) => {
            format!("{}/{}", host_part(reference.registry()), reference.repository())
        }
        (Origin::Registry(reference), _) => reference.repository().to_owned(),
        (Origin::Chart { name, .. }, _) => format!("charts/{name}"),
        (Origin::Snap { name, .. }, _) => format!("snaps/{name}"),
        (Origin::File { name }, _) => format!("files/{}", slug(name)),
    };
    match layout {
        Layout::Flat => path.rsplit('/').next().unwrap_or_default().to_owned(),
        Layout::Path | Layout::HostPath => path,
    }
}

/// Writes a registry's host and port as one part of a path.
fn host_part(registry: &str) -> String {
    let bracketed = registry.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (host, port) = match bracketed {
        Some((address, port)) => (ipv6_part(address), port.strip_prefix(':')),
        None => match registry.split_once(':') {
            Some((host, port)) => (host.to_owned(), Some(port)),
            None => (registry.to_owned(), None),
        },
    };
    let host = host.to_ascii_lowercase();
    port.map_or_else(|| host.clone(), |port| format!("{host}_{port}"))
}

/// Writes an address as its eight groups, since a part of a path cannot begin with a dash as `::1` would.
fn ipv6_part(address: &str) -> String {
    address.parse::<std::net::Ipv6Addr>().map_or_else(
        |_| address.replace(':', "-"),
        |address| address.segments().map(|group| format!("{group:x}")).join("-"),
    )
}

#[cfg(test)]
mod tests;
