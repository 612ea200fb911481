//! Where a request goes: a repository of a registry, and a manifest in it.

use std::fmt;

use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::hub::NAMES;
use crate::model::reference::{Reference, is_repository};

/// A repository of a registry, checked: safe in a URL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository {
    registry: String,
    path: String,
}

impl Repository {
    /// Makes a repository of checked parts: `ghcr.io` (or `host:port`) and `org/name`.
    pub fn new(registry: &str, path: &str) -> Result<Self> {
        if !is_repository(path) {
            return Err(Error::usage(format!("`{path}` is not the path of a repository"), None));
        }
        Ok(Self { registry: registry.to_owned(), path: path.to_owned() })
    }

    /// Makes what stands for a registry as a whole.
    pub(super) fn whole(registry: &str) -> Self {
        Self { registry: registry.to_owned(), path: String::new() }
    }

    /// Returns the repository that a reference names.
    pub fn of(reference: &Reference) -> Self {
        Self { registry: reference.registry().to_owned(), path: reference.repository().to_owned() }
    }

    /// Returns the registry, as references name it.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Returns the path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the host to connect to: Docker Hub has its registry under another name.
    pub(super) fn host(&self) -> &str {
        if NAMES.contains(&&*self.registry) { "registry-1.docker.io" } else { &self.registry }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.path)
    }
}

/// How a manifest is named in its repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By<'a> {
    /// By a tag.
    Tag(&'a str),
    /// By its digest.
    Digest(&'a Digest),
}

impl<'a> By<'a> {
    /// Returns what a reference says: the digest where it has one.
    pub fn of(reference: &'a Reference) -> Self {
        match (reference.digest(), reference.tag()) {
            (Some(digest), _) => Self::Digest(digest),
            (None, tag) => Self::Tag(tag.unwrap_or("latest")),
        }
    }
}

impl fmt::Display for By<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => f.write_str(tag),
            Self::Digest(digest) => write!(f, "{digest}"),
        }
    }
}
