//! One request to a registry, with what it takes to be let in.

use reqwest::header::HeaderValue;
use reqwest::{Method, StatusCode, Url};

use super::{RegistryClient, Repository};
use crate::model::error::{Error, Result};
use crate::stores::http::{Head, MAX_SMALL, Reply, Request, Response, Shows};
use crate::stores::registry::auth::{Authorizer, Challenge, Purpose, Scopes};

/// Who we say we are, over the tries of one piece of work.
pub(super) struct Turn<'a> {
    authorizer: &'a Authorizer,
    purpose: Purpose<'a>,
    header: Option<HeaderValue>,
    answered: bool,
}

impl Turn<'_> {
    /// Takes over what other requests have found out since, before a body is sent that a 401 would waste.
    pub(super) async fn prepare(&mut self) -> Result<()> {
        if self.header.is_none() {
            self.header = self.authorizer.header(&self.purpose).await?;
        }
        Ok(())
    }

    /// Puts the credentials on a request, and lets it show the client certificate, where it goes to the registry itself.
    pub(super) fn sign(&self, request: &mut Request) {
        let own = request.url.origin() == self.purpose.base.origin();
        request.authorization = self.header.clone().filter(|_| own);
        request.shows = if own { Shows::Identity } else { Shows::Own };
    }

    /// Returns whether an answer was a 401 that another try may get around: once, with new credentials.
    pub(super) async fn refused(&mut self, head: &Head) -> Result<bool> {
        let own = !head.foreign && head.url.origin() == self.purpose.base.origin();
        if head.status != StatusCode::UNAUTHORIZED || self.answered || !own {
            return Ok(false);
        }
        let challenges = Challenge::of(&head.headers);
        let Some(header) = self.authorizer.answer(&self.purpose, &challenges, self.header.as_ref()).await?
        else {
            return Ok(false);
        };
        self.header = Some(header);
        self.answered = true;
        Ok(true)
    }

    /// Returns whether the other side has asked who we are.
    pub(super) fn was_asked(&self) -> bool {
        self.header.is_some()
    }

    /// Allows another renewal: there was progress since the last one.
    pub(super) fn progressed(&mut self) {
        self.answered = false;
    }
}

impl RegistryClient {
    /// Returns the URL of something in a repository: `manifests/latest`, `blobs/sha256:…`.
    pub(super) async fn url(&self, repository: &Repository, rest: &str) -> Result<Url> {
        self.mirrors.check(repository)?;
        let base = self.http.base(repository.host()).await.map_err(self.at(repository))?;
        base.join(&format!("v2/{}/{rest}", repository.path()))
            .map_err(|_| Error::usage(format!("`{repository}` does not make a URL"), None))
    }

    /// Returns the scopes of ordinary requests.
    pub(super) fn scopes(&self, repository: &Repository) -> Scopes {
        Scopes::of(repository.path(), self.access)
    }

    pub(super) async fn turn<'a>(
        &'a self,
        repository: &'a Repository,
        base: &'a Url,
        scopes: Scopes,
    ) -> Result<Turn<'a>> {
        let purpose =
            Purpose { registry: repository.registry(), base, repository: repository.path(), scopes };
        let header = self.authorizer.header(&purpose).await.map_err(self.at(repository))?;
        Ok(Turn { authorizer: &self.authorizer, purpose, header, answered: false })
    }

    /// Sends a request; the answer's body is not read.
    pub(super) async fn send(&self, repository: &Repository, mut request: Request) -> Result<Response> {
        let base = request.url.clone();
        let mut turn = self.turn(repository, &base, self.scopes(repository)).await?;
        loop {
            turn.sign(&mut request);
            let response = self.http.send(&request).await.map_err(self.at(repository))?;
            if !turn.refused(&response.head).await.map_err(self.at(repository))? {
                return Ok(response);
            }
            // Read to its end, so that the connection can be used again; where it breaks off, another one is made.
            let _ = self.http.read(response, MAX_SMALL).await;
        }
    }

    /// Sends a request and reads the answer's body, at most `limit` bytes of it.
    pub(super) async fn fetch(
        &self,
        repository: &Repository,
        scopes: Scopes,
        mut request: Request,
        limit: u64,
    ) -> Result<Reply> {
        let base = request.url.clone();
        let mut turn = self.turn(repository, &base, scopes).await?;
        loop {
            turn.sign(&mut request);
            let reply = self.http.fetch(&request, limit).await.map_err(self.at(repository))?;
            if !turn.refused(&reply.head).await.map_err(self.at(repository))? {
                return Ok(reply);
            }
        }
    }

    /// Sends a request whose answer is short.
    pub(super) async fn ask(&self, repository: &Repository, method: Method, rest: &str) -> Result<Reply> {
        let request = Request::new(method, self.url(repository, rest).await?);
        self.fetch(repository, self.scopes(repository), request, MAX_SMALL).await
    }
}
