//! Blobs on their way out: one streamed PUT, which goes on where it was cut off, or pieces where that is too long.

use std::future::Future;

use reqwest::Method;

use super::pieces::Pieces;
use super::put::Put;
use super::session::UploadSession;
use super::{RegistryClient, Repository};
use crate::content::body::ProvenBody;
use crate::model::descriptor::Descriptor;
use crate::model::error::{Error, Result};
use crate::stores::http::{Failure, Outlook, Request};
use crate::stores::registry::auth::{Access, Scopes};

/// So often a blob is begun again after its session was lost, whatever progress there was in between.
const MAX_RESTARTS: u32 = 3;

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
        let mut body: Option<Pieces> = None;
        loop {
            let session = if let Some(session) = known.take() {
                session
            } else {
                (offset, body) = (0, None);
                self.begin_upload(repository).await?
            };
            turn.prepare().await?;
            let opened = match body.take() {
                Some(body) => Ok(body),
                None => open(offset).await.map(Pieces::new),
            };
            let (opened, put) = match opened {
                Ok(body) => {
                    let put = self.put(repository, blob, &session, (offset, &body), &mut turn).await;
                    (Some(body), put)
                }
                Err(error) => (None, Put::Failed(error)),
            };
            let request = Request::new(Method::PUT, session.location.clone());
            let waited = match put {
                Put::Done => return Ok(()),
                Put::Sent(session, at) => {
                    tries.progressed();
                    turn.progressed();
                    (known, offset, body) = (Some(session), at, opened);
                    continue;
                }
                // Refused by its length, before a byte of it got anywhere.
                Put::TooLong => {
                    known = Some(session);
                    continue;
                }
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
            let status = match self.upload_status(repository, &session).await {
                Ok(status) => status,
                Err(error) => {
                    self.cancel_upload(repository, &session).await;
                    return Err(error);
                }
            };
            if let Some((session, at)) = status
                && at <= blob.size
            {
                if at > offset {
                    tries.progressed();
                    turn.progressed();
                }
                (known, offset) = (Some(session), at);
            } else if self.has_blob(repository, blob).await? {
                // It was done; only the answer was lost.
                return Ok(());
            } else {
                self.cancel_upload(repository, &session).await;
            }
        }
    }
}
