//! Where a blob of a resolved artifact can be read.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use url::Url;

use crate::content::body::{RawBody, raw_of};
use crate::content::copy::Source;
use crate::model::descriptor::Descriptor;
use crate::model::error::Result;
use crate::stores::file::LocalFile;
use crate::stores::http::{HttpClient, authority, download, shown};
use crate::stores::registry::client::{RegistryClient, Repository};
use crate::stores::snap_store::{Download, SnapStore};

/// One of the places that have a blob.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A repository of a registry.
    Registry(RegistryClient, Repository),
    /// A file behind an address.
    Address(HttpClient, Url),
    /// A snap of a store.
    Snap(Box<(SnapStore, Download)>),
    /// A file on this machine.
    File(LocalFile),
    /// Memory: a manifest, a small config.
    Memory(Bytes),
}

impl Origin {
    /// Returns the registry or server that it is on; empty for this machine.
    pub fn host(&self) -> String {
        match self {
            Self::Registry(_, repository) => repository.registry().to_owned(),
            Self::Address(_, url) => authority(url),
            Self::Snap(snap) => authority(&snap.1.url),
            Self::File(_) | Self::Memory(_) => String::new(),
        }
    }
}

impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Registry(_, a), Self::Registry(_, b)) => a == b,
            (Self::Address(_, a), Self::Address(_, b)) => a == b,
            (Self::Snap(a), Self::Snap(b)) => a.1 == b.1,
            (Self::File(a), Self::File(b)) => a == b,
            (Self::Memory(a), Self::Memory(b)) => a == b,
            _ => false,
        }
    }
}

impl Source for Origin {
    fn open<'a>(&'a self, blob: &'a Descriptor, offset: u64) -> BoxFuture<'a, Result<RawBody>> {
        match self {
            Self::Registry(client, repository) => Box::pin(client.blob(repository, blob, offset)),
            Self::Address(client, url) => Box::pin(download::open(client, url, blob.size, offset)),
            Self::Snap(snap) => Box::pin(snap.0.open(&snap.1, offset)),
            Self::File(file) => file.open(blob, offset),
            Self::Memory(bytes) => {
                let rest = bytes.slice(usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len())..);
                Box::pin(async move { Ok(raw_of(vec![rest])) })
            }
        }
    }

    fn place(&self) -> String {
        match self {
            Self::Registry(_, repository) => format!("registry `{}`", repository.registry()),
            Self::Address(_, url) => format!("`{}`", shown(url)),
            Self::Snap(snap) => snap.1.what.clone(),
            Self::File(file) => file.place(),
            Self::Memory(_) => "memory".to_owned(),
        }
    }
}
