//! Manifests (OCI distribution spec 1.1, "Pulling manifests", "Pushing Manifests", "Deleting Manifests").

use axum::body::{Body, BodyDataStream};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderName, LOCATION};
use axum::http::request::Parts;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;

use super::options::{Completeness, Referrers};
use super::refusal::{Code, Refusal};
use super::registry::Found;
use super::reply::{CONTENT_DIGEST, Reply};
use super::route::Reference;
use super::site::Site;
use super::store::What;
use crate::model::digest::{Algorithm, Digest, Hasher};
use crate::model::manifest::Manifest;
use crate::model::media_type;

/// Says that the registry will list the manifest as a referrer.
const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

/// Answers GET and HEAD, by tag or digest.
pub(super) fn get(
    site: &Site,
    parts: &Parts,
    repository: &str,
    reference: &Reference,
) -> Result<Response, Refusal> {
    let found = find(site, repository, reference)?;
    let content = site.registry.store().open(&found.digest)?.ok_or_else(|| unknown(repository, reference))?;
    let bytes = content.read(u64::MAX)?;
    Ok(Reply::new(StatusCode::OK)
        .header(CONTENT_DIGEST, &found.digest.to_string())
        .body(&parts.method, &found.media_type, found.size, Body::from(bytes))
        .done())
}

/// Answers PUT, by tag or digest.
pub(super) async fn put(
    site: &Site,
    parts: &Parts,
    repository: &str,
    reference: &Reference,
    body: &mut BodyDataStream,
) -> Result<Response, Refusal> {
    let bytes = receive(site.limits.manifest, body).await?;
    let (digest, tag) = match reference {
        Reference::Tag(tag) => (Digest::sha256(&bytes), Some(tag.as_str())),
        Reference::Digest(expected) => {
            let got = digest_of(expected.algorithm(), &bytes);
            if got != *expected {
                return Err(Refusal::new(Code::DigestInvalid, format!("expected {expected}, got {got}")));
            }
            (got, None)
        }
    };
    let manifest = Manifest::parse(served_as(parts), &bytes)
        .map_err(|error| Refusal::new(Code::ManifestInvalid, error.to_string()))?;
    check_children(site, repository, &manifest)?;
    site.registry.keep_manifest(repository, digest, tag, &manifest.media_type, &bytes)?;
    let mut reply = Reply::new(StatusCode::CREATED)
        .header(LOCATION, &format!("/v2/{repository}/manifests/{digest}"))
        .header(CONTENT_DIGEST, &digest.to_string());
    if let (Some(subject), Referrers::On) = (&manifest.subject, site.referrers) {
        reply = reply.header(SUBJECT, &subject.digest.to_string());
    }
    Ok(reply.done())
}

/// Answers DELETE: of a tag, which leaves the manifest; or of a digest, with every tag that points at it.
pub(super) fn delete(site: &Site, repository: &str, reference: &Reference) -> Result<Response, Refusal> {
    let digest = find(site, repository, reference)?.digest;
    let changes = match reference {
        Reference::Tag(tag) => vec![(What::TagGone(tag.clone()), None)],
        Reference::Digest(_) => site
            .registry
            .look(repository, |held| {
                let tags = held.tags.iter().filter(|(_, target)| **target == digest);
                let tags = tags.map(|(tag, _)| (What::TagGone(tag.clone()), None));
                tags.chain([(What::ManifestGone(digest), None)]).collect()
            })
            .unwrap_or_default(),
    };
    site.registry.commit(repository, changes)?;
    Ok(Reply::new(StatusCode::ACCEPTED).done())
}

fn find(site: &Site, repository: &str, reference: &Reference) -> Result<Found, Refusal> {
    let text = match reference {
        Reference::Tag(tag) => tag.clone(),
        Reference::Digest(digest) => digest.to_string(),
    };
    site.registry.manifest(repository, &text).ok_or_else(|| unknown(repository, reference))
}

fn unknown(repository: &str, reference: &Reference) -> Refusal {
    let text = match reference {
        Reference::Tag(tag) => tag.clone(),
        Reference::Digest(digest) => digest.to_string(),
    };
    Refusal::new(Code::ManifestUnknown, format!("`{repository}` has no manifest `{text}`"))
}

/// Returns the `Content-Type` without parameters; empty where there is none.
fn served_as(parts: &Parts) -> &str {
    let header = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    header.split(';').next().unwrap_or_default().trim()
}

fn digest_of(algorithm: Algorithm, bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.finish()
}

async fn receive(limit: u64, body: &mut BodyDataStream) -> Result<Bytes, Refusal> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut bytes = BytesMut::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| {
            Refusal::new(Code::ManifestInvalid, format!("the request was cut off: {error}"))
        })?;
        if piece.len() > limit.saturating_sub(bytes.len()) {
            let message = format!("a manifest may have {limit} bytes");
            return Err(Refusal::new(Code::SizeInvalid, message).status(StatusCode::PAYLOAD_TOO_LARGE));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.freeze())
}

/// Refuses a manifest that lacks children which this registry wants to have.
fn check_children(site: &Site, repository: &str, manifest: &Manifest) -> Result<(), Refusal> {
    if site.completeness == Completeness::Nothing {
        return Ok(());
    }
    let missing = |digest: &Digest| {
        Err(Refusal::new(
            Code::ManifestBlobUnknown,
            format!("`{repository}` has no {digest}, which the manifest names"),
        ))
    };
    for blob in manifest.blobs() {
        let elsewhere = media_type::is_non_distributable(&blob.media_type);
        if !elsewhere && !site.registry.has_blob(repository, &blob.digest) {
            return missing(&blob.digest);
        }
    }
    if site.completeness == Completeness::All {
        for child in &manifest.manifests {
            if site.registry.manifest(repository, &child.digest.to_string()).is_none() {
                return missing(&child.digest);
            }
        }
    }
    Ok(())
}
