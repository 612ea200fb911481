//! Blobs on their way out: one streamed PUT, which goes on where it was cut off.

use std::future::Future;

use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderValue};

use super::call::Turn;
use super::manifests::digest_header;
use super::session::{UploadSession, location};
use super::{RegistryClient, Repository};
use crate::content::body::ProvenBody;
use crate::model::descriptor::Descriptor;
use crate::model::error::{Error, Result};
use crate::stores::http::{Failure, Flow, Head, MAX_SMALL, Outlook, Request, is_transient};
use crate::stores::registry::auth::{Access, Scopes};

/// So often a blob is begun again after its session was lost, whatever progress there was in between.
const MAX_RESTARTS: u32 = 3;

/// What became of one PUT.
enum Put {
    /// The blob is there.
    Done,
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
    /// Uploads a blob in `session`, or in a new one. `open` makes the body from an offset on: it is called again after
    /// faults, with the offset that the registry has got to. Where the body turns out to be wrong the upload is given
    /// up and its error returned: the registry never sees the end of it.
    pub async fn upload<F, Fut>(
        &self,
        repository: &Repository,
        blob: &Descriptor,
        session: Option<UploadSession>,
        open: F,
    ) -> Result<()>
    where
        F: Fn(u64) -> Fut + Send + Sync,
        Fut: Future<Output = Result<ProvenBody>> + Send,
    {
        self.send_blob(repository, blob, session, open).await.map_err(self.at(repository))
    }

    async fn send_blob<F, Fut>(
        &self,
        repository: &Repository,
        blob: &Descriptor,
        session: Option<UploadSession>,
        open: F,
    ) -> Result<()>
    where
        F: Fn(u64) -> Fut + Send + Sync,
        Fut: Future<Output = Result<ProvenBody>> + Send,
    {
        let base = self.http.base(repository.host()).await?;
        let scopes = Scopes::of(repository.path(), Access::Push);
        let mut turn = self.turn(repository, &base, scopes).await?;
        let mut tries = self.http.tries();
        let (mut known, mut offset, mut restarts) = (session, 0, 0);
        loop {
            let session = if let Some(session) = known.take() {
                session
            } else {
                offset = 0;
                self.begin_upload(repository).await?
            };
            let put = match open(offset).await {
                Ok(body) => self.put(repository, blob, &session, (offset, body), &mut turn).await,
                Err(error) => Put::Failed(error),
            };
            let request = Request::new(Method::PUT, session.location.clone());
            let waited = match put {
                Put::Done => return Ok(()),
                Put::Failed(error) => {
                    self.cancel_upload(repository, &session).await;
                    return Err(error);
                }
                Put::Lost(error) => {
                    self.cancel_upload(repository, &session).await;
                    restarts += 1;
                    let outlook = if restarts > MAX_RESTARTS { Outlook::Final } else { Outlook::Transient };
                    let failure = Failure { error, outlook };
                    self.http.pause_after(&request, &mut tries, failure).await?;
                    continue;
                }
                Put::Moved(moved) => {
                    known = Some(moved);
                    match tries.wait(None, 0.0) {
                        Some(_) => continue,
                        None => Err(Error::Network {
                            what: format!("uploading blob {} to `{repository}`", blob.digest),
                            why: "the registry redirects the upload again and again".to_owned(),
                            hint: None,
                        }),
                    }
                }
                Put::Renewed => Ok(()),
                Put::Busy(head, error) => {
                    if self.http.pause_before_retry(&head, &mut tries).await {
                        Ok(())
                    } else {
                        Err(error)
                    }
                }
                Put::Cut(failure) => self.http.pause_after(&request, &mut tries, failure).await,
            };
            if let Err(error) = waited {
                self.cancel_upload(repository, &session).await;
                return Err(error);
            }
            if let Some((session, at)) = self.upload_status(repository, &session).await?
                && at <= blob.size
            {
                if at > offset {
                    tries.progressed();
                    turn.progressed();
                }
                (known, offset) = (Some(session), at);
            } else {
                self.cancel_upload(repository, &session).await;
            }
        }
    }

    async fn put(
        &self,
        repository: &Repository,
        blob: &Descriptor,
        session: &UploadSession,
        (offset, body): (u64, ProvenBody),
        turn: &mut Turn<'_>,
    ) -> Put {
        let mut url = session.location.clone();
        if !url.query_pairs().any(|(name, _)| name == "digest") {
            url.query_pairs_mut().append_pair("digest", &blob.digest.to_string());
        }
        let length = blob.size.saturating_sub(offset);
        let mut request = Request::new(Method::PUT, url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
            .header(CONTENT_LENGTH, HeaderValue::from(length));
        if let (1.., Ok(range)) =
            (offset.min(length), HeaderValue::try_from(format!("{offset}-{}", blob.size.saturating_sub(1))))
        {
            request = request.header(CONTENT_RANGE, range);
        }
        turn.sign(&mut request);
        let flow = Flow::default();
        let sent = self.http.stream(&request, flow.outgoing(body, length), &flow).await;
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
