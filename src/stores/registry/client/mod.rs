//! A client for registries of the OCI distribution spec: one file for each group of verbs.

mod blobs;
mod call;
mod login;
mod manifests;
mod pieces;
mod put;
mod referrers;
mod refusal;
mod repository;
mod session;
mod tags;
mod tour;
mod upload;
mod wants;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

pub use login::Welcome;
pub use manifests::FetchedManifest;
pub use referrers::{Listed, Pages};
pub(in crate::stores::registry) use refusal::said;
pub use repository::{By, Repository};
pub use session::{Mounted, UploadSession};

use super::auth::{Access, Authorizer, CredentialSources, Credentials, TokenHost};
use super::mirrors::Mirrors;
use crate::model::error::{Error, Result};
use crate::stores::http::HttpClient;

/// What a caller may decide about registries, besides HTTP.
#[derive(Clone, Debug, Default)]
pub struct RegistrySettings {
    /// Where credentials are.
    pub credentials: CredentialSources,
    /// Token servers that may see a password although they are on another domain.
    pub token_hosts: Vec<TokenHost>,
    /// Where else what is read may be.
    pub mirrors: Mirrors,
}

/// Speaks to registries. Cheap to clone; clones share connections, tokens and what is known of hosts.
#[derive(Clone, Debug)]
pub struct RegistryClient {
    http: HttpClient,
    authorizer: Arc<Authorizer>,
    access: Access,
    hosts: referrers::Hosts,
    /// Pairs of repositories between which this client may not mount: to, from.
    unmountable: Arc<Mutex<HashSet<(Repository, Repository)>>>,
    mirrors: Mirrors,
}

impl RegistryClient {
    /// Reads the credential files; connects to nothing. The client asks for tokens that allow reading.
    pub fn new(http: HttpClient, settings: &RegistrySettings) -> Result<Self> {
        let credentials = Credentials::read(&settings.credentials)?;
        let authorizer = Authorizer::new(http.clone(), credentials, settings.token_hosts.clone());
        let (authorizer, hosts) = (Arc::new(authorizer), referrers::Hosts::default());
        let mirrors = settings.mirrors.clone();
        let unmountable = Arc::default();
        Ok(Self { http, authorizer, access: Access::Pull, hosts, unmountable, mirrors })
    }

    /// Returns the same client for a destination: it asks for tokens that allow writing, too, so that one token serves
    /// for all that is done in a repository.
    #[must_use]
    pub fn for_push(&self) -> Self {
        Self { access: Access::Push, ..self.clone() }
    }

    /// Adds to an error which side it is of.
    fn at(&self, repository: &Repository) -> impl Fn(Error) -> Error + Send + use<> {
        let side = match self.access {
            Access::Pull => format!("reading from registry `{}`", repository.registry()),
            Access::Push => format!("writing to registry `{}`", repository.registry()),
        };
        move |error| error.at(&side)
    }

    /// Says that so many more manifests of tags or lists will be asked for at the registry of `repository`, so that it is
    /// told in time where it allows fewer pulls.
    pub fn expect_pulls(&self, repository: &Repository, count: u64) {
        if let Some(host) = self.http.known(repository.host()) {
            host.expect_pulls(count);
        }
    }

    /// Says that one of those of [`RegistryClient::expect_pulls`] has come.
    pub fn has_pulled(&self, repository: &Repository) {
        if let Some(host) = self.http.known(repository.host()) {
            host.has_pulled();
        }
    }

    /// Returns the HTTP client below.
    pub fn http(&self) -> &HttpClient {
        &self.http
    }
}
