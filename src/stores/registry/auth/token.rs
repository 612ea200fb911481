//! Tokens: fetched once however many wait, renewed before they end.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, FutureExt, Shared};
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde::Deserialize;

use super::advice::{Turned, advice};
use super::credentials::{Credential, Found, Lookup};
use super::scope::Scopes;
use super::secret::Secret;
use crate::model::error::{Error, Result};
use crate::stores::http::{
    HttpClient, Lane, MAX_SMALL, Reach, Request, Shows, authority, is_page, shown, unexpected_page,
};

/// How long a token lives where the token server does not say (Docker token specification, `expires_in`).
const DEFAULT_LIFE: u64 = 60;

/// A token and when to ask for another one.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) secret: Secret,
    renew_at: Option<Instant>,
}

impl Token {
    fn is_fresh(&self, now: Instant) -> bool {
        self.renew_at.is_none_or(|renew_at| now < renew_at)
    }
}

/// Where and for whom a token is fetched.
#[derive(Clone, Debug)]
pub(super) struct TokenRequest {
    /// The registry as references name it.
    pub(super) registry: String,
    pub(super) realm: Url,
    pub(super) service: Option<String>,
    pub(super) scopes: Scopes,
    /// Which client certificates the realm is shown.
    pub(super) shows: Shows,
    /// Only what the realm may see.
    pub(super) lookup: Lookup,
}

type Fetching = Shared<BoxFuture<'static, std::result::Result<Token, Arc<Error>>>>;

/// Tokens by registry and scopes.
#[derive(Default)]
pub(super) struct Tokens(Mutex<HashMap<(String, Scopes), Fetching>>);

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

impl Tokens {
    /// Returns a token that is fresh and is not `rejected`; fetches one where there is none. Those who come while it
    /// is fetched get the same one, or the same error; a refusal is for good.
    pub(super) async fn get(
        &self,
        http: &HttpClient,
        request: TokenRequest,
        rejected: Option<&Secret>,
    ) -> Result<Token> {
        let key = (request.registry.clone(), request.scopes.clone());
        let now = http.clock().now();
        let fetching = {
            let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let usable = tokens.get(&key).filter(|fetching| match fetching.peek() {
                None => true,
                Some(Ok(token)) => token.is_fresh(now) && Some(&token.secret) != rejected,
                // What was refused stays refused, and some token servers lock out who asks again and again.
                Some(Err(error)) => matches!(**error, Error::Denied { .. }),
            });
            if let Some(usable) = usable {
                usable.clone()
            } else {
                let http = http.clone();
                let fetch = async move { fetch(&http, &request).await.map_err(Arc::new) };
                let fetching = fetch.boxed().shared();
                tokens.insert(key, fetching.clone());
                fetching
            }
        };
        fetching.await.map_err(|error| again(&error))
    }
}

/// Says an error once more, for each of those who waited.
fn again(error: &Error) -> Error {
    match error {
        Error::Denied { what, why, hint } => {
            Error::Denied { what: what.clone(), why: why.clone(), hint: hint.clone() }
        }
        Error::Remote { what, status, detail, hint } => {
            Error::Remote { what: what.clone(), status: *status, detail: detail.clone(), hint: hint.clone() }
        }
        Error::Network { what, why, hint } => {
            Error::Network { what: what.clone(), why: why.clone(), hint: hint.clone() }
        }
        Error::While { doing, source } => again(source).during(doing.clone()),
        other => Error::Network {
            what: "fetching a token".to_owned(),
            why: other.to_string(),
            hint: other.hint().map(str::to_owned),
        },
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    expires_in: Option<u64>,
}

async fn fetch(http: &HttpClient, request: &TokenRequest) -> Result<Token> {
    let begun = http.clock().now();
    let reply = http.fetch(&ask(request)?, MAX_SMALL).await?.whole()?;
    let (status, server) = (reply.head.status, authority(&request.realm));
    let wanted = if request.scopes.is_empty() { String::new() } else { format!(" for `{}`", request.scopes) };
    let what = format!("a token of `{server}`{wanted}");
    if status.as_u16() == 401 || status.as_u16() == 403 {
        let said = super::super::client::said(&reply);
        let turned = if status.as_u16() == 401 { Turned::Unknown } else { Turned::Forbidden };
        return Err(Error::Denied {
            what,
            why: format!("HTTP status {}{said} ({})", status.as_u16(), request.lookup),
            hint: Some(advice(&request.registry, &request.lookup, turned)),
        });
    }
    if !status.is_success() {
        let detail = super::super::client::said(&reply).trim_start_matches(": ").to_owned();
        return Err(Error::Remote { what, status: status.as_u16(), detail, hint: None });
    }
    if reply.head.media_type().is_some_and(|media_type| is_page(&media_type)) {
        return Err(unexpected_page(&reply, &what));
    }
    let unusable = |why: &str| Error::Network {
        what: format!("{what}: {}", shown(&request.realm)),
        why: why.to_owned(),
        hint: None,
    };
    // The parser's own message may quote a secret.
    let answer: Answer =
        serde_json::from_slice(&reply.body).map_err(|_| unusable("the answer is not JSON with a token"))?;
    let full = |token: Option<String>| token.filter(|token| !token.is_empty());
    let token = full(answer.token).or_else(|| full(answer.access_token));
    let token = token.ok_or_else(|| unusable("the answer holds no token"))?;
    let life = Duration::from_secs(answer.expires_in.filter(|life| *life > 0).unwrap_or(DEFAULT_LIFE));
    let renew_at = begun.checked_add(life.mul_f64(0.8));
    Ok(Token { secret: Secret::new(token), renew_at })
}

/// Makes the request: GET as the Docker token specification says, or the OAuth 2 exchange of an identity token.
fn ask(request: &TokenRequest) -> Result<Request> {
    let mut url = request.realm.clone();
    if let Some(Found { credential: Credential::IdentityToken(token), .. }) = request.lookup.found() {
        // A URL's query is form-encoded, so one serves to make the form.
        url.query_pairs_mut()
            .clear()
            .append_pair("grant_type", "refresh_token")
            .append_pair("service", request.service.as_deref().unwrap_or_default())
            .append_pair("client_id", "airgap-bundle")
            .append_pair("scope", &request.scopes.to_string())
            .append_pair("refresh_token", token.reveal());
        let form = url.query().unwrap_or_default().to_owned();
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        return Ok(Request::new(reqwest::Method::POST, request.realm.clone())
            .header(CONTENT_TYPE, form_type)
            .body(form.into())
            .reach(Reach::Origin)
            .shows(request.shows)
            .lane(Lane::Free));
    }
    {
        let mut query = url.query_pairs_mut();
        if let Some(service) = &request.service {
            query.append_pair("service", service);
        }
        for scope in request.scopes.iter() {
            query.append_pair("scope", scope);
        }
        if let Some(Found { credential: Credential::Login { username, .. }, .. }) = request.lookup.found() {
            query.append_pair("account", username.as_str());
        }
    }
    let mut asked = Request::get(url).lane(Lane::Free).shows(request.shows);
    if let Some(found) = request.lookup.found() {
        asked.reach = Reach::Origin;
        asked.authorization = super::authorizer::basic(&found.credential)?;
    }
    Ok(asked)
}
