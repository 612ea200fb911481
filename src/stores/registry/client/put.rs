//! One request of an upload: the rest of a blob, or a piece of it.

use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderValue, RANGE};

use super::call::Turn;
use super::manifests::digest_header;
use super::pieces::Pieces;
use super::session::{UploadSession, location, next_offset};
use super::{RegistryClient, Repository};
use crate::model::descriptor::Descriptor;
use crate::model::error::Error;
use crate::stores::http::{Failure, Flow, Head, MAX_SMALL, Reply, Request, is_page, is_transient};

/// What became of one request.
pub(super) enum Put {
    /// The blob is there.
    Done,
    /// A piece of it is there: where it goes on, and from which byte.
    Sent(UploadSession, u64),
    /// A shorter piece may be taken.
    TooLong,
    /// It goes on elsewhere: a redirect.
    Moved(UploadSession),
    /// The credentials were renewed.
    Renewed,
    /// The session is gone, or what is in it is wrong.
    Lost(Error),
    /// The registry wants to be left alone for a while.
    Busy(Box<Head>, Error),
    /// The connection failed.
    Cut(Failure),
    /// It will never be taken, or its source failed.
    Failed(Error),
}

impl RegistryClient {
    /// Sends what follows `offset`: all of it, or as much as the host takes at once.
    pub(super) async fn put(
        &self,
        repository: &Repository,
        blob: &Descriptor,
        session: &UploadSession,
        (offset, body): (u64, &Pieces),
        turn: &mut Turn<'_>,
    ) -> Put {
        let rest = blob.size.saturating_sub(offset);
        let length = rest.min(self.http.longest_body(&session.location));
        let end = offset.saturating_add(length);
        let is_last = end == blob.size;
        let mut url = session.location.clone();
        if is_last && !url.query_pairs().any(|(name, _)| name == "digest") {
            url.query_pairs_mut().append_pair("digest", &blob.digest.to_string());
        }
        let method = if is_last { Method::PUT } else { Method::PATCH };
        let mut request = Request::new(method, url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
            .header(CONTENT_LENGTH, HeaderValue::from(length));
        if (offset > 0 || !is_last)
            && let (1.., Ok(range)) =
                (length, HeaderValue::try_from(format!("{offset}-{}", end.saturating_sub(1))))
        {
            request = request.header(CONTENT_RANGE, range);
        }
        turn.sign(&mut request);
        let flow = Flow::default();
        let piece = flow.outgoing(body.next(length), length, self.http.rate());
        let sent = self.http.stream(&request, piece, &flow).await;
        if let Some(error) = flow.source_error() {
            return Put::Failed(error);
        }
        let response = match sent {
            Ok(response) => response,
            Err(failure) => return Put::Cut(failure),
        };
        match turn.refused(&response.head).await {
            Ok(true) => return Put::Renewed,
            Ok(false) => {}
            Err(error) => return Put::Failed(error),
        }
        let reply = match self.http.read(response, MAX_SMALL).await {
            Ok(reply) => reply,
            Err(failure) => return Put::Cut(failure),
        };
        let error = || self.refusal(repository, &format!("storing blob {}", blob.digest), &reply);
        match reply.head.status.as_u16() {
            // Something in between says yes to everything.
            200..=204 if reply.head.media_type().is_some_and(|media_type| is_page(&media_type)) => {
                Put::Failed(error())
            }
            200..=204 if !is_last => taken(&reply, session, end),
            200 | 201 | 204 => match digest_header(&reply.head) {
                Some(got) if got.algorithm() == blob.digest.algorithm() && got != blob.digest => {
                    Put::Lost(Error::Mismatch {
                        what: format!("a blob of `{repository}` was stored"),
                        expected: blob.digest.to_string(),
                        got: got.to_string(),
                    })
                }
                _ => Put::Done,
            },
            307 | 308 => match location(&reply.head) {
                Some(location) => Put::Moved(UploadSession { location }),
                None => Put::Failed(error()),
            },
            404 | 416 => Put::Lost(error()),
            413 if self.http.refused_body(&session.location, length) => Put::TooLong,
            // What was sent is proven, so it was changed on its way, or the registry has lost count.
            400 if super::refusal::codes(&reply).iter().any(|code| code == "DIGEST_INVALID") => {
                Put::Lost(error())
            }
            _ if is_transient(reply.head.status) => {
                let error = error();
                Put::Busy(Box::new(reply.head), error)
            }
            _ => Put::Failed(error()),
        }
    }
}

/// Returns where an upload goes on after a piece of it that ends at `end`.
fn taken(reply: &Reply, session: &UploadSession, end: u64) -> Put {
    let got = reply.head.text(&RANGE).and_then(next_offset);
    if let Some(got) = got.filter(|got| *got != end) {
        return Put::Lost(Error::Mismatch {
            what: format!("a piece was sent with {}", reply.head.asked()),
            expected: format!("{end} bytes in all"),
            got: format!("{got} bytes"),
        });
    }
    let location = location(&reply.head).unwrap_or_else(|| session.location.clone());
    Put::Sent(UploadSession { location }, end)
}
