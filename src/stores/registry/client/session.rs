//! Upload sessions: begun, asked, given up.

use std::collections::HashSet;
use std::sync::{MutexGuard, PoisonError};

use reqwest::header::{LOCATION, RANGE};
use reqwest::{Body, Method, Url};

use super::{RegistryClient, Repository};
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::stores::http::{Flow, Head, MAX_SMALL, Reply, Request};
use crate::stores::registry::auth::{Access, Scopes};

/// An upload that was begun and not ended.
#[derive(Clone, Debug)]
pub struct UploadSession {
    /// Where it goes on; may hold secrets of the registry in its query.
    pub(super) location: Url,
}

/// What became of a mount.
#[derive(Clone, Debug)]
pub enum Mounted {
    /// The blob is there.
    Done,
    /// The registry wants it uploaded, in this session.
    Open(UploadSession),
    /// The registry does not mount; upload it.
    Refused,
}

impl RegistryClient {
    /// Takes a blob over from another repository of the same registry (OCI distribution spec, "Mounting a blob").
    pub async fn mount(
        &self,
        repository: &Repository,
        digest: &Digest,
        from: &Repository,
    ) -> Result<Mounted> {
        let pair = (repository.clone(), from.clone());
        if self.lock_unmountable().contains(&pair) {
            return Ok(Mounted::Refused);
        }
        let mut url = self.url(repository, "blobs/uploads/").await?;
        url.query_pairs_mut().append_pair("mount", &digest.to_string()).append_pair("from", from.path());
        let scopes = Scopes::of(repository.path(), Access::Push).and(from.path(), Access::Pull);
        let request = Request::new(Method::POST, url);
        let reply = match self.fetch(repository, scopes, request, MAX_SMALL).await {
            Ok(reply) => reply,
            // A token server that does not give both scopes.
            Err(Error::Denied { .. }) => return Ok(Mounted::Refused),
            Err(error) => return Err(error),
        };
        Ok(match reply.head.status.as_u16() {
            201 => Mounted::Done,
            202 => begun(repository, &reply).map_or(Mounted::Refused, Mounted::Open),
            status => {
                if matches!(status, 401 | 403) {
                    self.lock_unmountable().insert(pair);
                }
                Mounted::Refused
            }
        })
    }

    fn lock_unmountable(&self) -> MutexGuard<'_, HashSet<(Repository, Repository)>> {
        self.unmountable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an upload. It is ended by [`RegistryClient::upload`] or [`RegistryClient::cancel_upload`].
    pub async fn begin_upload(&self, repository: &Repository) -> Result<UploadSession> {
        let request = Request::new(Method::POST, self.url(repository, "blobs/uploads/").await?);
        let scopes = Scopes::of(repository.path(), Access::Push);
        let reply = self.fetch(repository, scopes, request, MAX_SMALL).await?;
        if reply.head.status.as_u16() != 202 {
            return Err(self.refusal(repository, "beginning an upload", &reply));
        }
        begun(repository, &reply).map_err(self.at(repository))
    }

    /// Asks how far an upload is: where it goes on, and the next offset. `None` where it has to begin again.
    pub(super) async fn upload_status(
        &self,
        repository: &Repository,
        session: &UploadSession,
    ) -> Result<Option<(UploadSession, u64)>> {
        let reply = self.in_session(repository, Method::GET, session).await?;
        if !reply.head.status.is_success() {
            return Ok(None);
        }
        let location = location(&reply.head).unwrap_or_else(|| session.location.clone());
        let offset = reply.head.text(&RANGE).and_then(next_offset);
        Ok(offset.map(|offset| (UploadSession { location }, offset)))
    }

    /// Gives an upload up, so that the registry can forget what it has. That it cannot be told is no error.
    pub async fn cancel_upload(&self, repository: &Repository, session: &UploadSession) {
        let mut request = Request::new(Method::DELETE, session.location.clone());
        let Ok(base) = self.http.base(repository.host()).await else { return };
        let scopes = Scopes::of(repository.path(), Access::Push);
        if let Ok(turn) = self.turn(repository, &base, scopes).await {
            turn.sign(&mut request);
            let _ = self.http.stream(&request, Body::from(""), &Flow::default()).await;
        }
    }

    async fn in_session(
        &self,
        repository: &Repository,
        method: Method,
        session: &UploadSession,
    ) -> Result<Reply> {
        let mut request = Request::new(method, session.location.clone());
        let base = self.http.base(repository.host()).await.map_err(self.at(repository))?;
        let mut turn = self.turn(repository, &base, Scopes::of(repository.path(), Access::Push)).await?;
        loop {
            turn.sign(&mut request);
            let reply = self.http.fetch(&request, MAX_SMALL).await.map_err(self.at(repository))?;
            if !turn.refused(&reply.head).await.map_err(self.at(repository))? {
                return Ok(reply);
            }
        }
    }
}

fn begun(repository: &Repository, reply: &Reply) -> Result<UploadSession> {
    let location = location(&reply.head);
    location.map(|location| UploadSession { location }).ok_or_else(|| Error::Network {
        what: reply.head.asked(),
        why: format!("an upload of `{repository}` was begun without a usable `Location`"),
        hint: None,
    })
}

/// Returns where an answer sends the client: absolute, relative, on another host, with a query. A registry behind a
/// proxy that takes off TLS may say `http` for itself: it is still spoken to in https. Another host in plain http is not.
pub(super) fn location(head: &Head) -> Option<Url> {
    let mut url = head.url.join(head.text(&LOCATION)?).ok()?;
    if head.url.scheme() == "https" && url.scheme() == "http" {
        if url.host_str() != head.url.host_str() {
            return None;
        }
        url.set_scheme("https").ok()?;
        url.set_port(head.url.port()).ok()?;
    }
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// Reads `Range: 0-LAST`. `0-0` is one byte or none, so it says nothing.
pub(super) fn next_offset(range: &str) -> Option<u64> {
    let range = range.trim();
    let (start, last) = range.strip_prefix("bytes=").unwrap_or(range).split_once('-')?;
    let last: u64 = last.trim().parse().ok()?;
    (start.trim() == "0" && last > 0).then(|| last.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    use super::*;
    use crate::stores::http::Hidden;

    #[test]
    fn locations_are_joined() {
        for (asked, given, expected) in [
            (
                "https://h/v2/a/blobs/uploads/",
                "/v2/a/blobs/uploads/1?x=y",
                Some("https://h/v2/a/blobs/uploads/1?x=y"),
            ),
            ("https://h/v2/a/blobs/uploads/", "1", Some("https://h/v2/a/blobs/uploads/1")),
            ("https://h:5000/v2/", "http://h/v2/1", Some("https://h:5000/v2/1")),
            ("https://h:5000/v2/", "http://h:5000/v2/1", Some("https://h:5000/v2/1")),
            ("https://h/v2/", "https://storage/1?sig=2", Some("https://storage/1?sig=2")),
            ("https://h/v2/", "http://storage/1", None),
            ("http://h/v2/", "http://storage/1", Some("http://storage/1")),
            ("http://h/v2/", "ftp://storage/1", None),
        ] {
            let head = Head {
                method: Method::POST,
                status: StatusCode::ACCEPTED,
                headers: HeaderMap::from_iter([(LOCATION, given.parse().unwrap())]),
                url: asked.parse().unwrap(),
                foreign: false,
                proxy: None,
                hidden: Hidden::default(),
            };
            assert_eq!(location(&head).map(String::from).as_deref(), expected, "{asked} {given}");
        }
    }

    #[test]
    fn offsets_are_read_where_they_say_something() {
        for (range, expected) in
            [("0-9", Some(10)), ("bytes=0-9", Some(10)), ("0-0", None), ("5-9", None), ("", None)]
        {
            assert_eq!(next_offset(range), expected, "{range}");
        }
    }
}
