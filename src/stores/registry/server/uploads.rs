//! Uploading and mounting blobs (OCI distribution spec 1.1, "Pushing blobs").
//!
//! Bytes count as soon as they have arrived, also those of a request that was cut off: a client asks for the offset
//! and goes on. They become visible only when their digest has been proven.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::BodyDataStream;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderName, LOCATION, RANGE};
use axum::http::request::Parts;
use axum::response::Response;
use futures_util::StreamExt as _;

use super::query::Query;
use super::range;
use super::refusal::{Code, Refusal};
use super::reply::{CONTENT_DIGEST, Reply};
use super::sessions::{Session, Staged};
use super::site::Site;
use super::store::What;
use crate::model::digest::Digest;

/// The id of an upload, which docker's clients know by this header.
const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// Answers POST: mounts (`mount=`, `from=`), takes a whole blob (`digest=`), or opens an upload.
pub(super) async fn begin(
    site: &Site,
    parts: &Parts,
    query: &Query,
    repository: &str,
    body: &mut BodyDataStream,
) -> Result<Response, Refusal> {
    if let (Some(mount), Some(from)) = (query.get("mount"), query.get("from")) {
        let digest = parse_digest(mount)?;
        if site.registry.has_blob(from, &digest) {
            site.registry.commit(repository, vec![(What::Blob(digest), None)])?;
            return Ok(created(repository, &digest));
        }
    } else if let Some(digest) = query.get("digest") {
        let digest = parse_digest(digest)?;
        let mut staged = Staged::new(site.registry.store().stage(content_length(parts))?);
        receive(site, &mut staged, body, &AtomicU64::new(0)).await?;
        return keep(site, repository, staged, &digest);
    }
    let id = site.sessions.open(repository, site.registry.store().stage(None)?);
    Ok(under_way(StatusCode::ACCEPTED, repository, &id, 0))
}

/// Answers GET: how far an upload is.
pub(super) fn status(site: &Site, repository: &str, id: &str) -> Result<Response, Refusal> {
    let session = find(site, repository, id)?;
    Ok(under_way(StatusCode::NO_CONTENT, repository, id, session.offset.load(Ordering::SeqCst)))
}

/// Answers PATCH: adds a piece.
pub(super) async fn append(
    site: &Site,
    parts: &Parts,
    repository: &str,
    id: &str,
    body: &mut BodyDataStream,
) -> Result<Response, Refusal> {
    let session = find(site, repository, id)?;
    let mut staged = session.staged.lock().await;
    let staged = staged.as_mut().ok_or_else(|| unknown(id))?;
    check_range(parts, repository, id, &session)?;
    receive(site, staged, body, &session.offset).await?;
    Ok(under_way(StatusCode::ACCEPTED, repository, id, session.offset.load(Ordering::SeqCst)))
}

/// Answers PUT: adds the last piece, if there is one, and proves the digest. A wrong one ends the upload.
pub(super) async fn finish(
    site: &Site,
    parts: &Parts,
    query: &Query,
    repository: &str,
    id: &str,
    body: &mut BodyDataStream,
) -> Result<Response, Refusal> {
    let session = find(site, repository, id)?;
    let digest = parse_digest(
        query.get("digest").ok_or_else(|| Refusal::new(Code::DigestInvalid, "`digest=` is missing"))?,
    )?;
    let mut slot = session.staged.lock().await;
    let staged = slot.as_mut().ok_or_else(|| unknown(id))?;
    check_range(parts, repository, id, &session)?;
    receive(site, staged, body, &session.offset).await?;
    let staged = slot.take().ok_or_else(|| unknown(id))?;
    site.sessions.close(id);
    keep(site, repository, staged, &digest)
}

/// Answers DELETE: forgets an upload.
pub(super) fn cancel(site: &Site, repository: &str, id: &str) -> Result<Response, Refusal> {
    find(site, repository, id)?;
    site.sessions.close(id);
    Ok(Reply::new(StatusCode::NO_CONTENT).done())
}

fn find(site: &Site, repository: &str, id: &str) -> Result<Arc<Session>, Refusal> {
    site.sessions.get(repository, id).ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> Refusal {
    Refusal::new(Code::BlobUploadUnknown, format!("no upload `{id}` is under way here"))
}

fn parse_digest(text: &str) -> Result<Digest, Refusal> {
    text.parse().map_err(|error| Refusal::new(Code::DigestInvalid, format!("{error}")))
}

fn content_length(parts: &Parts) -> Option<u64> {
    parts.headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Refuses a piece that does not begin where the upload stands.
fn check_range(parts: &Parts, repository: &str, id: &str, session: &Session) -> Result<(), Refusal> {
    let Some(header) = parts.headers.get(CONTENT_RANGE) else { return Ok(()) };
    let text = header.to_str().unwrap_or_default();
    let piece = range::piece(text).ok_or_else(|| {
        Refusal::new(Code::BlobUploadInvalid, format!("`Content-Range: {text}` is not `FIRST-LAST`"))
    })?;
    let offset = session.offset.load(Ordering::SeqCst);
    if piece.start != offset {
        let message = format!("the piece begins at byte {}, the upload is at {offset}", piece.start);
        return Err(Refusal::new(Code::BlobUploadInvalid, message)
            .status(StatusCode::RANGE_NOT_SATISFIABLE)
            .header(LOCATION, &location(repository, id))
            .header(RANGE, &arrived(offset)));
    }
    match content_length(parts) {
        Some(length) if length != piece.end.saturating_sub(piece.start) => Err(Refusal::new(
            Code::SizeInvalid,
            format!("`Content-Range: {text}` and `Content-Length: {length}` contradict each other"),
        )),
        _ => Ok(()),
    }
}

/// Adds a body to an upload; `offset` counts every piece that is in place.
async fn receive(
    site: &Site,
    staged: &mut Staged,
    body: &mut BodyDataStream,
    offset: &AtomicU64,
) -> Result<(), Refusal> {
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| {
            Refusal::new(Code::BlobUploadInvalid, format!("the request was cut off: {error}"))
        })?;
        let count = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        if count > site.limits.blob.saturating_sub(offset.load(Ordering::SeqCst)) {
            return Err(
                Refusal::new(Code::SizeInvalid, "the blob is too long").status(StatusCode::PAYLOAD_TOO_LARGE)
            );
        }
        staged.append(&piece)?;
        offset.fetch_add(count, Ordering::SeqCst);
    }
    Ok(())
}

fn keep(site: &Site, repository: &str, staged: Staged, digest: &Digest) -> Result<Response, Refusal> {
    if let Err(got) = staged.keep(digest)? {
        return Err(Refusal::new(Code::DigestInvalid, format!("expected {digest}, got {got}")));
    }
    site.registry.commit(repository, vec![(What::Blob(*digest), None)])?;
    Ok(created(repository, digest))
}

fn created(repository: &str, digest: &Digest) -> Response {
    Reply::new(StatusCode::CREATED)
        .header(LOCATION, &format!("/v2/{repository}/blobs/{digest}"))
        .header(CONTENT_DIGEST, &digest.to_string())
        .done()
}

fn under_way(status: StatusCode, repository: &str, id: &str, offset: u64) -> Response {
    Reply::new(status)
        .header(LOCATION, &location(repository, id))
        .header(RANGE, &arrived(offset))
        .header(UPLOAD_ID, id)
        .done()
}

fn location(repository: &str, id: &str) -> String {
    format!("/v2/{repository}/blobs/uploads/{id}")
}

/// Spells an offset as the range that has arrived; no bytes and one byte are spelt alike, as in every registry.
fn arrived(offset: u64) -> String {
    format!("0-{}", offset.saturating_sub(1))
}
