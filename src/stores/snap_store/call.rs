//! Requests to a store, with the login where there is one. It goes to the store itself and to where its assertions are:
//! to no other address that the store names, and to none that it redirects to.

use reqwest::header::WWW_AUTHENTICATE;
use reqwest::{StatusCode, Url};

use super::SnapStore;
use super::login::Login;
use super::reply::Answer;
use crate::model::error::Result;
use crate::stores::http::{Head, Reply, Request, Response};

/// So often a login is renewed for one request: where the store takes none that is new, a newer one is no use.
const MAX_RENEWALS: usize = 2;
/// What a refresh says where the login has to be renewed.
pub(super) const OLD_LOGIN: &str = "user-authorization-needs-refresh";

impl SnapStore {
    /// Returns whether this is the store itself, or where its assertions are.
    pub(super) fn is_own(&self, url: &Url) -> bool {
        [&self.settings.api, self.settings.assertions()].iter().any(|own| own.origin() == url.origin())
    }

    /// Returns the login, where it may go to a URL.
    fn login_for(&self, url: &Url) -> Option<&Login> {
        self.login.as_ref().filter(|_| self.is_own(url))
    }

    /// As [`HttpClient::send`](crate::stores::http::HttpClient::send).
    pub(super) async fn send(&self, mut request: Request) -> Result<Response> {
        for _ in 0..MAX_RENEWALS {
            request = self.shown(request).await;
            let response = self.http.send(&request).await?;
            if !wants_renewal(&response.head) || !self.renew(&request).await? {
                return Ok(response);
            }
        }
        self.http.send(&self.shown(request).await).await
    }

    /// As [`HttpClient::fetch`](crate::stores::http::HttpClient::fetch).
    pub(super) async fn fetch(&self, mut request: Request, limit: u64) -> Result<Reply> {
        for _ in 0..MAX_RENEWALS {
            request = self.shown(request).await;
            let reply = self.http.fetch(&request, limit).await?;
            let is_old = request.authorization.is_some() && (wants_renewal(&reply.head) || says_old(&reply));
            if !is_old || !self.renew(&request).await? {
                return Ok(reply);
            }
        }
        self.http.fetch(&self.shown(request).await, limit).await
    }

    async fn shown(&self, mut request: Request) -> Request {
        if let Some(login) = self.login_for(&request.url) {
            request.authorization = Some(login.header().await);
        }
        request
    }

    /// Renews the login that a request has shown; false where that cannot be.
    async fn renew(&self, request: &Request) -> Result<bool> {
        match (self.login_for(&request.url), &request.authorization) {
            (Some(login), Some(used)) => login.renew(&self.http, used).await,
            _ => Ok(false),
        }
    }
}

/// Returns whether an answer of the store says that the login has grown old.
fn wants_renewal(head: &Head) -> bool {
    let mut challenges =
        head.headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    head.status == StatusCode::UNAUTHORIZED
        && !head.foreign
        && challenges.any(|value| value.contains("needs_refresh=1"))
}

/// As [`wants_renewal`], of what a refresh says in its answer.
fn says_old(reply: &Reply) -> bool {
    let is_json = reply.head.media_type().is_some_and(|media_type| media_type == "application/json");
    let answer = Some(reply).filter(|_| is_json && !reply.head.foreign);
    let answer = answer.and_then(|reply| serde_json::from_slice::<Answer>(&reply.body).ok());
    answer.is_some_and(|answer| answer.errors.iter().any(|error| error.code == OLD_LOGIN))
}
