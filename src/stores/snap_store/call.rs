//! Requests to a store, with the login where there is one. It goes to the store itself and to where its assertions are:
//! to no other address that the store names, and to none that it redirects to.

use reqwest::StatusCode;
use reqwest::Url;
use reqwest::header::WWW_AUTHENTICATE;

use super::SnapStore;
use super::login::Login;
use crate::model::error::Result;
use crate::stores::http::{Head, Reply, Request, Response};

/// So often a login is renewed for one request, as snapd does it.
const MAX_RENEWALS: usize = 2;

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
    pub(super) async fn send(&self, request: Request) -> Result<Response> {
        let mut request = self.shown(request).await;
        for _ in 0..MAX_RENEWALS {
            let response = self.http.send(&request).await?;
            if !self.renew_after(&request, &response.head).await? {
                return Ok(response);
            }
            request = self.shown(request).await;
        }
        self.http.send(&request).await
    }

    /// As [`HttpClient::fetch`](crate::stores::http::HttpClient::fetch).
    pub(super) async fn fetch(&self, request: Request, limit: u64) -> Result<Reply> {
        let mut request = self.shown(request).await;
        for _ in 0..MAX_RENEWALS {
            let reply = self.http.fetch(&request, limit).await?;
            if !self.renew_after(&request, &reply.head).await? {
                return Ok(reply);
            }
            request = self.shown(request).await;
        }
        self.http.fetch(&request, limit).await
    }

    async fn shown(&self, mut request: Request) -> Request {
        if let Some(login) = self.login_for(&request.url) {
            request.authorization = Some(login.header().await);
        }
        request
    }

    /// Renews the login where an answer says that it has grown old; false where it says no such thing.
    async fn renew_after(&self, request: &Request, head: &Head) -> Result<bool> {
        let (Some(login), Some(used)) = (self.login_for(&request.url), &request.authorization) else {
            return Ok(false);
        };
        let is_old = |value: &str| value.contains("needs_refresh=1");
        let mut challenges =
            head.headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let is_asked = head.status == StatusCode::UNAUTHORIZED && !head.foreign && challenges.any(is_old);
        Ok(is_asked && login.renew(&self.http, used).await?)
    }
}
