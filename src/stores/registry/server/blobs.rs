//! Downloading and deleting blobs (OCI distribution spec 1.1, "Pulling blobs", "Deleting Blobs").

use axum::body::Body;
use axum::http::header::{ACCEPT_RANGES, CONTENT_RANGE, RANGE};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use futures_util::stream;

use super::range::{self, Wanted};
use super::refusal::{Code, Refusal};
use super::reply::{CONTENT_DIGEST, Reply};
use super::site::Site;
use super::store::{Pieces, What};
use crate::model::digest::Digest;
use crate::model::media_type::OCTET_STREAM;

/// Answers GET and HEAD, with or without a range.
pub(super) fn get(
    site: &Site,
    parts: &Parts,
    repository: &str,
    digest: &Digest,
) -> Result<Response, Refusal> {
    let unknown = || Refusal::new(Code::BlobUnknown, format!("`{repository}` has no blob {digest}"));
    if !site.registry.has_blob(repository, digest) {
        return Err(unknown());
    }
    let content = site.registry.store().open(digest)?.ok_or_else(unknown)?;
    let whole = content.size();
    let header = parts.headers.get(RANGE).and_then(|value| value.to_str().ok());
    let (status, range) = match range::wanted(header, whole) {
        Wanted::Whole => (StatusCode::OK, 0..whole),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Nothing => {
            return Err(Refusal::new(Code::RangeInvalid, format!("blob {digest} has {whole} bytes"))
                .header(CONTENT_RANGE, &format!("bytes */{whole}")));
        }
    };
    let length = range.end.saturating_sub(range.start);
    let mut reply =
        Reply::new(status).header(ACCEPT_RANGES, "bytes").header(CONTENT_DIGEST, &digest.to_string());
    if status == StatusCode::PARTIAL_CONTENT {
        let last = range.end.saturating_sub(1);
        reply = reply.header(CONTENT_RANGE, &format!("bytes {}-{last}/{whole}", range.start));
    }
    let body = match content.pieces(range)? {
        Pieces::Memory(bytes) => Body::from(bytes),
        pieces @ Pieces::File { .. } if parts.method == Method::GET => {
            Body::from_stream(stream::iter(pieces))
        }
        Pieces::File { .. } => Body::empty(),
    };
    Ok(reply.body(&parts.method, OCTET_STREAM, length, body).done())
}

/// Answers DELETE: the repository no longer holds the blob; others that hold it still do.
pub(super) fn delete(site: &Site, repository: &str, digest: &Digest) -> Result<Response, Refusal> {
    if !site.registry.has_blob(repository, digest) {
        return Err(Refusal::new(Code::BlobUnknown, format!("`{repository}` has no blob {digest}")));
    }
    site.registry.commit(repository, vec![(What::BlobGone(*digest), None)])?;
    Ok(Reply::new(StatusCode::ACCEPTED).done())
}
