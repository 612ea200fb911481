//! Blobs on their way in.

use std::sync::Arc;

use futures_util::{FutureExt, StreamExt, TryStreamExt};
use reqwest::{Method, Url};
use tokio::sync::Mutex;

use super::tour::{Tour, nowhere};
use super::{By, RegistryClient, Repository};
use crate::content::body::RawBody;
use crate::model::descriptor::Descriptor;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::media_type::is_non_distributable;
use crate::stores::http::resume::{Expected, Open, body, from_offset};
use crate::stores::http::{HttpClient, Lane, MAX_SMALL, Request, Response, shown};

impl RegistryClient {
    /// Opens a blob at `offset`. What is cut off goes on by itself; the digest is the caller's to check. A
    /// non-distributable layer that the registry does not have comes from the descriptor's `urls`, without credentials.
    /// Mirrors are asked first.
    pub async fn blob(&self, repository: &Repository, blob: &Descriptor, offset: u64) -> Result<RawBody> {
        let mut tour = self.tour(repository, By::Digest(&blob.digest))?;
        while let Some(place) = tour.next() {
            match self.blob_at(&place, &tour, blob, offset).await {
                Ok(body) => return Ok(body),
                Err(error) => tour.failed(place, error)?,
            }
        }
        Err(nowhere(repository))
    }

    /// Opens a blob at one place, the first of what is left of a tour.
    async fn blob_at(
        &self,
        repository: &Repository,
        tour: &Tour,
        blob: &Descriptor,
        offset: u64,
    ) -> Result<RawBody> {
        let expected = Expected {
            what: format!("blob {} of `{repository}`", blob.digest),
            size: blob.size,
            may_be_page: blob.media_type.starts_with("text/html"),
        };
        let opening = Opening { place: repository.clone(), after: tour.rest(), at: None };
        let (client, digest, opening) = (self.clone(), blob.digest, Arc::new(Mutex::new(opening)));
        let serving = Arc::clone(&opening);
        let open: Open = Arc::new(move |offset| {
            let (client, opening) = (client.clone(), Arc::clone(&opening));
            async move { opening.lock().await.open(&client, &digest, offset).await }.boxed()
        });
        let missing = match body(&self.http, expected.clone(), offset, open).await {
            Err(error @ Error::NotFound { .. }) => error,
            // What breaks off later is of this side, too.
            other => {
                let (client, own) = (self.clone(), repository.clone());
                let at = move |error| {
                    let place = serving.try_lock().map_or_else(|_| own.clone(), |now| now.place.clone());
                    client.at(&place)(error)
                };
                return other.map(|body| body.map_err(at).boxed()).map_err(self.at(repository));
            }
        };
        if !is_non_distributable(&blob.media_type) {
            return Err(missing);
        }
        // What a registry says over https is not fetched over plain http.
        let plain = self.http.base(repository.host()).await?.scheme() == "http";
        let urls = blob.urls.iter().take(8).filter_map(|url| Url::parse(url).ok());
        for url in urls.filter(|url| url.scheme() == "https" || plain && url.scheme() == "http") {
            let http = self.http.clone();
            let open: Open = Arc::new(move |offset| foreign(http.clone(), url.clone(), offset).boxed());
            match body(&self.http, expected.clone(), offset, open).await {
                Ok(body) => return Ok(body),
                Err(error) => self.http.progress().note(&error.to_string()),
            }
        }
        Err(missing)
    }

    async fn open_blob(&self, place: &Repository, digest: &Digest, offset: u64) -> Result<Response> {
        let url = self.url(place, &format!("blobs/{digest}")).await?;
        let request = from_offset(Request::get(url).lane(Lane::Bodies), offset);
        let response = self.send(place, request).await?;
        if matches!(response.head.status.as_u16(), 200 | 206) {
            return Ok(response);
        }
        let reply = self.http.read(response, MAX_SMALL).await;
        let reply = reply.map_err(|failure| failure.error).map_err(self.at(place))?;
        Err(self.refusal(place, &format!("blob {digest}"), &reply))
    }

    /// Returns whether a repository has a blob. A length that the registry announces must be the blob's.
    pub async fn has_blob(&self, repository: &Repository, blob: &Descriptor) -> Result<bool> {
        let reply = self.ask(repository, Method::HEAD, &format!("blobs/{}", blob.digest)).await?;
        match reply.head.status.as_u16() {
            200 => Ok(reply.head.length().is_none_or(|size| size == blob.size)),
            404 => Ok(false),
            // A storage host that answers only the GET it was asked for; the registry would not send us to nothing.
            400 | 403 | 405 if reply.head.foreign => Ok(true),
            _ => Err(self.refusal(repository, &format!("blob {}", blob.digest), &reply)),
        }
    }
}

/// Where a blob is opened: again at the place that serves it, as long as more of it comes, and then at those after it.
struct Opening {
    place: Repository,
    after: Tour,
    /// The offset of the last time.
    at: Option<u64>,
}

impl Opening {
    async fn open(&mut self, client: &RegistryClient, digest: &Digest, offset: u64) -> Result<Response> {
        let before = self.at.replace(offset);
        if before == Some(offset) && self.after.goes_on() {
            let what = format!("blob {digest} of `{}`", self.place);
            let why = format!("nothing came after byte {offset}");
            self.hand_over(client.at(&self.place)(Error::Network { what, why, hint: None }))?;
        }
        loop {
            match client.open_blob(&self.place, digest, offset).await {
                // The first place is the caller's business.
                Err(error) if before.is_some() => self.hand_over(error)?,
                opened => return opened,
            }
        }
    }

    fn hand_over(&mut self, error: Error) -> Result<()> {
        self.after.failed(self.place.clone(), error)?;
        self.place = self.after.next().unwrap_or_else(|| self.place.clone());
        Ok(())
    }
}

/// Asks for a layer at a URL that a manifest names.
async fn foreign(http: HttpClient, url: Url, offset: u64) -> Result<Response> {
    let request = from_offset(Request::get(url).lane(Lane::Bodies), offset);
    let response = http.send(&request).await?;
    if matches!(response.head.status.as_u16(), 200 | 206) {
        return Ok(response);
    }
    Err(Error::Remote {
        what: format!("GET {}", shown(&response.head.url)),
        status: response.head.status.as_u16(),
        detail: String::new(),
        hint: None,
    })
}
