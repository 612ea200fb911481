//! What files are read from: a bundle, or the registry that one was imported into.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::Input;
use crate::commands::imported::{Imported, advise, once_more};
use crate::commands::open::{self, Extent, Opened};
use crate::commands::report::Report;
use crate::content::body::{ProvenBody, RawBody};
use crate::content::copy::{Source, Supply};
use crate::content::jobs;
use crate::content::progress::Progress;
use crate::content::read_at::ReadAt;
use crate::model::contents::{Artifact, Contents};
use crate::model::descriptor::Descriptor;
use crate::model::error::{Error, Result};
use crate::model::manifest::{MAX_SIZE, Manifest};
use crate::stores::bundle::reader::Bundle;
use crate::stores::registry::client::{By, RegistryClient, Repository};

/// So many files of a bundle are compared, or written, at once.
const JOBS: usize = 4;

/// What the files are read from.
#[derive(Debug)]
pub(super) enum Stored<'a> {
    /// A bundle.
    Bundle(Box<Opened>),
    /// What was imported.
    Registry(Box<Imported<'a>>),
}

/// Where the manifest and the blobs of one artifact are.
#[derive(Clone, Debug)]
pub(super) enum Shelf {
    /// In a bundle.
    Bundle(Bundle),
    /// In a repository.
    Registry(RegistryClient, Repository),
}

impl<'a> Stored<'a> {
    /// Opens what was asked for.
    pub(super) async fn open(input: &'a Input, progress: &dyn Progress) -> Result<Self> {
        Ok(match input {
            Input::Bundle(choice) => Self::Bundle(Box::new(open::open(choice, Extent::Whole, progress)?)),
            Input::Registry(search) => Self::Registry(Box::new(search.run(progress).await?)),
        })
    }

    /// Returns what `bundle.json` says.
    pub(super) fn contents(&self) -> &Contents {
        match self {
            Self::Bundle(opened) => opened.bundle.contents(),
            Self::Registry(imported) => imported.contents(),
        }
    }

    /// Returns how many things are done at once.
    pub(super) fn jobs(&self) -> usize {
        match self {
            Self::Bundle(_) => JOBS,
            Self::Registry(imported) => imported.jobs(),
        }
    }

    /// Returns where an artifact is.
    pub(super) fn shelf(&self, artifact: &Artifact) -> Result<Shelf> {
        match self {
            Self::Bundle(opened) => Ok(Shelf::Bundle(opened.bundle.clone())),
            Self::Registry(imported) => {
                imported.place(artifact).map(|(client, repository)| Shelf::Registry(client, repository))
            }
        }
    }

    /// Begins the report.
    pub(super) fn report(&self) -> Report {
        match self {
            Self::Bundle(opened) => opened.report("extract"),
            Self::Registry(imported) => imported.report("extract"),
        }
    }

    /// Ends the summary.
    pub(super) fn conclude(&self, report: &mut Report) {
        match self {
            Self::Bundle(opened) => opened.conclude(report),
            Self::Registry(imported) => imported.conclude(report),
        }
    }

    /// Adds to an error what to do about it.
    pub(super) fn advise(&self, error: Error) -> Error {
        match self {
            Self::Bundle(_) => error,
            Self::Registry(_) => advise(error),
        }
    }
}

impl Shelf {
    /// Reads the root manifest of an artifact, proven.
    pub(super) async fn manifest(&self, artifact: &Artifact) -> Result<Manifest> {
        let digest = artifact.digest;
        let raw = match self {
            Self::Bundle(bundle) => {
                let bundle = bundle.clone();
                jobs::offload(move || bundle.manifest(&digest)).await??
            }
            Self::Registry(client, repository) => {
                client.manifest(repository, By::Digest(&digest)).await?.bytes
            }
        };
        Manifest::parse(&artifact.media_type, &raw)
            .map_err(|error| Error::Unsupported { message: error.to_string(), hint: None })
    }

    /// Reads a config, proven, into memory.
    pub(super) async fn config(&self, config: &Descriptor) -> Result<Bytes> {
        if config.size > MAX_SIZE {
            let message = format!("config {} has {} bytes, more than {MAX_SIZE}", config.digest, config.size);
            return Err(Error::Unsupported { message, hint: None });
        }
        Supply::new(config, self).open().await?.bytes().await
    }

    /// Opens a blob.
    pub(super) async fn blob(&self, blob: &Descriptor) -> Result<ProvenBody> {
        Supply::new(blob, self).open().await
    }

    /// Returns a blob to be read by position, where it is on this machine.
    pub(super) fn window(&self, blob: &Descriptor) -> Option<Arc<dyn ReadAt>> {
        match self {
            Self::Bundle(bundle) => bundle.window(&blob.digest).map(|window| Arc::new(window) as _),
            Self::Registry(..) => None,
        }
    }

    /// Does something that reads here, once more where a network may have damaged it.
    pub(super) async fn again<T, Fut: Future<Output = Result<T>>>(
        &self,
        progress: &dyn Progress,
        work: impl Fn() -> Fut,
    ) -> Result<T> {
        match self {
            Self::Bundle(_) => work().await,
            Self::Registry(..) => once_more(progress, work).await,
        }
    }
}

impl Source for Shelf {
    fn open<'a>(&'a self, blob: &'a Descriptor, offset: u64) -> BoxFuture<'a, Result<RawBody>> {
        match self {
            Self::Bundle(bundle) => bundle.open(blob, offset),
            Self::Registry(client, repository) => Box::pin(client.blob(repository, blob, offset)),
        }
    }

    fn place(&self) -> String {
        match self {
            Self::Bundle(bundle) => bundle.place(),
            Self::Registry(_, repository) => format!("registry `{}`", repository.registry()),
        }
    }
}
