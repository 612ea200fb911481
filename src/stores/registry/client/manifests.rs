//! Manifests: bytes in are bytes out.

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Deserialize;

use super::tour::nowhere;
use super::{By, RegistryClient, Repository};
use crate::model::descriptor::Descriptor;
use crate::model::digest::{Digest, Hasher};
use crate::model::error::{Error, Result};
use crate::model::manifest::MAX_SIZE;
use crate::model::media_type::{MANIFESTS, is_manifest};
use crate::model::reference::{Reference, is_tag};
use crate::stores::http::{Head, MAX_SMALL, Reach, Reply, Request, is_page, is_transient};

pub(super) const DIGEST_HEADER: HeaderName = HeaderName::from_static("docker-content-digest");

/// So often a registry is believed to have been disturbed by another push of the same manifest.
const DISTURBED: u32 = 2;

/// A manifest as it came.
#[derive(Clone, Debug)]
pub struct FetchedManifest {
    /// Media type (`Content-Type`, else what the bytes say), digest and size of the bytes.
    pub descriptor: Descriptor,
    /// The bytes.
    pub bytes: Bytes,
}

impl RegistryClient {
    /// Finds out what a reference names: by HEAD, or by GET where HEAD does not say enough.
    pub async fn resolve(&self, reference: &Reference) -> Result<Descriptor> {
        let (repository, by) = (Repository::of(reference), By::of(reference));
        match self.head_manifest(&repository, by).await? {
            Some(descriptor) => Ok(descriptor),
            // GET says why.
            None => Ok(self.manifest(&repository, by).await?.descriptor),
        }
    }

    /// Fetches a manifest of at most 8 MiB. Its digest is computed from the bytes; one that was asked for wins over
    /// every header. Wrong bytes are asked for once more.
    /// Mirrors are asked first.
    pub async fn manifest(&self, repository: &Repository, by: By<'_>) -> Result<FetchedManifest> {
        let mut tour = self.tour(repository, by)?;
        while let Some(place) = tour.next() {
            match self.manifest_at(&place, by).await {
                Ok(found) => {
                    tour.served(repository, &place);
                    return Ok(found);
                }
                Err(error) => tour.failed(place, error)?,
            }
        }
        Err(nowhere(repository))
    }

    async fn manifest_at(&self, repository: &Repository, by: By<'_>) -> Result<FetchedManifest> {
        match self.manifest_once(repository, by).await {
            Err(error @ Error::Mismatch { .. }) => {
                self.http.progress().note(&format!("{error}; asking again"));
                self.manifest_once(repository, by).await
            }
            other => other,
        }
    }

    async fn manifest_once(&self, repository: &Repository, by: By<'_>) -> Result<FetchedManifest> {
        let what = format!("manifest `{by}`");
        let request = self.manifest_request(repository, by, Method::GET).await?;
        let reply = self.fetch(repository, self.scopes(repository), request, MAX_SIZE).await?;
        if reply.head.status.as_u16() != 200 {
            return Err(self.refusal(repository, &what, &reply));
        }
        let reply = reply.whole().map_err(self.at(repository))?;
        if reply.head.media_type().is_some_and(|media_type| is_page(&media_type)) {
            return Err(self.page(repository, &what, &reply));
        }
        let announced = digest_header(&reply.head);
        let expected = match by {
            By::Digest(digest) => Some(*digest),
            By::Tag(_) => announced,
        };
        let digest = match expected {
            Some(expected) => {
                let mut hasher = Hasher::new(expected.algorithm());
                hasher.update(&reply.body);
                let got = hasher.finish();
                if got != expected {
                    return Err(Error::Mismatch {
                        what: format!(
                            "reading from registry `{}`: {what} of `{repository}`",
                            repository.registry()
                        ),
                        expected: expected.to_string(),
                        got: got.to_string(),
                    });
                }
                got
            }
            None => Digest::sha256(&reply.body),
        };
        let size = u64::try_from(reply.body.len()).unwrap_or(u64::MAX);
        let descriptor = Descriptor::new(&media_type(&reply), digest, size);
        Ok(FetchedManifest { descriptor, bytes: reply.body })
    }

    /// Returns the descriptor of a manifest, or `None` where there is none. Mirrors are asked first.
    pub async fn head_manifest(&self, repository: &Repository, by: By<'_>) -> Result<Option<Descriptor>> {
        let mut tour = self.tour(repository, by)?;
        while let Some(place) = tour.next() {
            match self.head_at(&place, by).await {
                Ok(None) if tour.goes_on() => tour.passed_over(&place, "it is not there"),
                Ok(found) => {
                    tour.served(repository, &place);
                    return Ok(found);
                }
                Err(error) => tour.failed(place, error)?,
            }
        }
        Err(nowhere(repository))
    }

    async fn head_at(&self, repository: &Repository, by: By<'_>) -> Result<Option<Descriptor>> {
        match self.head(repository, by).await? {
            Headed::There(descriptor) => Ok(Some(*descriptor)),
            Headed::Missing => Ok(None),
            Headed::Unclear => match self.manifest_at(repository, by).await {
                Ok(fetched) => Ok(Some(fetched.descriptor)),
                Err(Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    async fn head(&self, repository: &Repository, by: By<'_>) -> Result<Headed> {
        let request = self.manifest_request(repository, by, Method::HEAD).await?;
        let reply = self.fetch(repository, self.scopes(repository), request, MAX_SMALL).await?;
        match reply.head.status.as_u16() {
            200 => {}
            404 => return Ok(Headed::Missing),
            _ if is_transient(reply.head.status) => {
                return Err(self.refusal(repository, &format!("manifest `{by}`"), &reply));
            }
            // Some registries know no HEAD, and an answer to HEAD cannot say what is wrong.
            _ => return Ok(Headed::Unclear),
        }
        let digest = match by {
            By::Digest(digest) => Some(*digest),
            By::Tag(_) => digest_header(&reply.head),
        };
        let media_type = content_type(&reply.head).filter(|media_type| is_manifest(media_type));
        Ok(match (media_type, digest, reply.head.length()) {
            (Some(media_type), Some(digest), Some(size)) => {
                Headed::There(Box::new(Descriptor::new(media_type, digest, size)))
            }
            _ => Headed::Unclear,
        })
    }

    /// Stores a manifest under a tag or its digest. Its blobs and children are there already.
    pub async fn put_manifest(
        &self,
        repository: &Repository,
        by: By<'_>,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor> {
        let content_type = HeaderValue::try_from(media_type)
            .map_err(|_| Error::usage(format!("`{media_type}` is not a media type"), None))?;
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let request = self
            .manifest_request(repository, by, Method::PUT)
            .await?
            .header(CONTENT_TYPE, content_type)
            .body(bytes.clone())
            .reach(Reach::Public);
        let mut tries = self.http.tries();
        let reply = loop {
            let reply = self.fetch(repository, self.scopes(repository), request.clone(), MAX_SMALL).await?;
            let is_page = reply.head.media_type().is_some_and(|media_type| is_page(&media_type));
            if reply.head.status.is_success() && !is_page {
                self.hosts.note(repository, &reply.head);
                break reply;
            }
            // What was sent has its own digest: a registry that doubts it has read something that another push was
            // just writing (docker-registry 2.8 does, where two imports meet).
            let disturbed = reply.head.status.as_u16() == 400
                && reply.body.windows(14).any(|word| word == b"DIGEST_INVALID");
            let again = disturbed && tries.failed() < DISTURBED;
            if !again || !self.http.pause_before_retry(&reply.head, &mut tries).await {
                return Err(self.refusal(repository, &format!("storing manifest `{by}`"), &reply));
            }
        };
        let announced = digest_header(&reply.head);
        let digest = match (by, announced) {
            (By::Digest(digest), _) => *digest,
            (By::Tag(_), Some(announced)) => {
                let mut hasher = Hasher::new(announced.algorithm());
                hasher.update(&bytes);
                hasher.finish()
            }
            (By::Tag(_), None) => Digest::sha256(&bytes),
        };
        if let Some(got) = announced.filter(|got| got.algorithm() == digest.algorithm() && *got != digest) {
            return Err(self.at(repository)(Error::Mismatch {
                what: format!("manifest `{by}` of `{repository}` was stored"),
                expected: digest.to_string(),
                got: got.to_string(),
            }));
        }
        Ok(Descriptor::new(media_type, digest, size))
    }

    async fn manifest_request(&self, repository: &Repository, by: By<'_>, method: Method) -> Result<Request> {
        if let By::Tag(tag) = by
            && !is_tag(tag)
        {
            return Err(Error::usage(format!("`{tag}` is not a tag"), None));
        }
        let request = Request::new(method, self.url(repository, &format!("manifests/{by}")).await?);
        Ok(match HeaderValue::try_from(MANIFESTS.join(", ")) {
            Ok(accept) if request.method != Method::PUT => request.header(ACCEPT, accept),
            _ => request,
        })
    }
}

/// What HEAD says.
enum Headed {
    There(Box<Descriptor>),
    Missing,
    Unclear,
}

pub(super) fn digest_header(head: &Head) -> Option<Digest> {
    head.text(&DIGEST_HEADER)?.trim().parse().ok()
}

/// `Content-Type` without parameters, as it is written.
fn content_type(head: &Head) -> Option<&str> {
    head.text(&CONTENT_TYPE)?.split(';').next().map(str::trim)
}

/// The media type of a manifest: the header's, unless that says nothing.
fn media_type(reply: &Reply) -> String {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Inside {
        #[serde(default)]
        media_type: String,
    }
    let outside = content_type(&reply.head).unwrap_or_default();
    match outside {
        "" | "application/json" | "text/plain" | "application/octet-stream" => {
            serde_json::from_slice::<Inside>(&reply.body).map(|inside| inside.media_type).unwrap_or_default()
        }
        outside => outside.to_owned(),
    }
}
