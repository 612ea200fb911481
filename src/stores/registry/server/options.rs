//! How a server behaves. Each option stands alone and has a default, so that a test says only what it is about.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use super::auth::Auth;
use super::clock::Clock;
use super::faults::Faults;
use super::store::{Folder, Memory, Store};
use super::tls::Tls;
use crate::model::error::{Error, Result};
use crate::model::manifest;

/// How a server behaves.
#[derive(Debug)]
pub struct Options {
    /// Where the content is.
    pub store: Box<dyn Store>,
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// Certificate and key; none is plain HTTP.
    pub tls: Option<Tls>,
    /// Who may do what.
    pub auth: Auth,
    /// Whether anything can be changed.
    pub access: Access,
    /// Which children a pushed manifest must have.
    pub completeness: Completeness,
    /// Whether there is a referrers API.
    pub referrers: Referrers,
    /// What goes wrong, per request.
    pub faults: Faults,
    /// The clock by which tokens end.
    pub clock: Clock,
    /// Bounds.
    pub limits: Limits,
}

impl Options {
    /// Serves a store on a free port of 127.0.0.1: plain HTTP, no authentication, read and write, sparse indexes allowed.
    pub fn new(store: Box<dyn Store>) -> Self {
        Self {
            store,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: None,
            auth: Auth::None,
            access: Access::ReadWrite,
            completeness: Completeness::Blobs,
            referrers: Referrers::On,
            faults: Faults::none(),
            clock: Clock::system(),
            limits: Limits::default(),
        }
    }

    /// Serves an empty store in memory.
    pub fn memory() -> Self {
        Self::new(Box::new(Memory::default()))
    }

    /// Serves a store in a folder, which is created where it is missing.
    pub fn folder(root: &Path) -> Result<Self> {
        let store = Folder::open(root).map_err(Error::io(format!("opening `{}`", root.display())))?;
        Ok(Self::new(Box::new(store)))
    }
}

/// Whether anything can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading, pushing and deleting.
    ReadWrite,
    /// Reading; everything else is `UNSUPPORTED`.
    ReadOnly,
}

/// Which children a pushed manifest must have in its repository; else it is refused with `MANIFEST_BLOB_UNKNOWN`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// All of them, as docker-registry wants it: no sparse index. Non-distributable layers may be missing.
    All,
    /// Config and layers, as most registries want it.
    Blobs,
    /// None.
    Nothing,
}

/// Whether there is a referrers API (OCI distribution spec 1.1, "Listing Referrers").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Referrers {
    /// There is.
    On,
    /// Asking is answered with 404, and pushes are without `OCI-Subject`.
    Off,
}

/// Bounds on what clients can make a server hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest manifest, in bytes.
    pub manifest: u64,
    /// The longest blob, in bytes.
    pub blob: u64,
    /// Open uploads; one more ends the one that was idle longest.
    pub uploads: usize,
    /// Connections; more of them wait.
    pub connections: usize,
    /// Entries in a page of tags or referrers.
    pub page: usize,
    /// Tokens that are valid at a time; one more ends the oldest.
    pub tokens: usize,
    /// Requests that the log keeps, the newest ones.
    pub log: usize,
}

impl Default for Limits {
    /// 8 MiB, 1 TiB, 1,024 uploads, 1,024 connections, pages of 1,000, 10,000 tokens, 100,000 requests.
    fn default() -> Self {
        Self {
            manifest: manifest::MAX_SIZE,
            blob: 1 << 40,
            uploads: 1024,
            connections: 1024,
            page: 1000,
            tokens: 10_000,
            log: 100_000,
        }
    }
}
