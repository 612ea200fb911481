//! The token endpoint: GET with basic credentials (Docker's token authentication), or POST with a form (RFC 6749).

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::json;

use super::super::query::Query;
use super::super::refusal::{Code, Refusal};
use super::super::reply::Reply;
use super::scope::Scopes;
use super::{Anonymous, Bearer, Gate, authorization};

/// The longest form that is read: 64 KiB.
const FORM: usize = 64 << 10;
/// The service that challenges name.
pub(super) const SERVICE: &str = "registry";

/// Tokens that were given and have not ended.
#[derive(Debug)]
pub(crate) struct Tokens {
    given: Mutex<BTreeMap<String, Token>>,
    limit: usize,
}

#[derive(Debug)]
struct Token {
    ends: Duration,
    scopes: Scopes,
}

impl Tokens {
    pub(crate) fn new(limit: usize) -> Self {
        Self { given: Mutex::default(), limit }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Token>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give(&self, scopes: Scopes, now: Duration, ends: Duration) -> String {
        // Keys of the standard library's hash maps come from the operating system's randomness.
        let random = || RandomState::new().build_hasher().finish();
        let text = format!("{:016x}{:016x}", random(), random());
        let mut given = self.lock();
        given.retain(|_, token| token.ends > now);
        if given.len() >= self.limit {
            let oldest = given.iter().min_by_key(|(_, token)| token.ends).map(|(text, _)| text.clone());
            if let Some(oldest) = oldest {
                given.remove(&oldest);
            }
        }
        given.insert(text.clone(), Token { ends, scopes });
        text
    }

    /// Returns what a token grants, unless it has ended.
    pub(super) fn granted(&self, text: &str, now: Duration) -> Option<Scopes> {
        self.lock().get(text).filter(|token| token.ends > now).map(|token| token.scopes.clone())
    }

    /// Ends all tokens.
    pub(crate) fn end(&self) {
        self.lock().clear();
    }
}

/// Gives a token.
pub(super) async fn answer(gate: &Gate, bearer: &Bearer, request: Request) -> Result<Response, Refusal> {
    let denied = || Refusal::new(Code::Unauthorized, "wrong user or password");
    let header = authorization(&request).map(str::to_owned);
    let method = request.method().clone();
    let (query, known) = match method {
        Method::GET => {
            let query = Query::parse(request.uri().query().unwrap_or_default());
            let known = match header {
                None => false,
                Some(header) if bearer.credentials.are_in(&header) => true,
                Some(_) => return Err(denied()),
            };
            (query, known)
        }
        Method::POST => {
            let form = to_bytes(request.into_body(), FORM).await;
            let form = form.map_err(|_| Refusal::new(Code::Unsupported, "the form cannot be read"))?;
            let query = Query::parse(&String::from_utf8_lossy(&form));
            if !form_is_right(bearer, &query) {
                return Err(denied());
            }
            (query, true)
        }
        _ => return Err(Refusal::new(Code::Unsupported, "GET and POST are for this path")),
    };
    let mut scopes = Scopes::parse(query.all("scope"));
    match (known, bearer.anonymous) {
        (true, _) => {}
        (false, Anonymous::Pull) => scopes = scopes.only("pull"),
        (false, Anonymous::Nothing) => return Err(denied()),
    }
    let now = gate.clock.now();
    let token = gate.tokens.give(scopes, now, now.saturating_add(bearer.lifetime));
    let body = json!({"token": token, "access_token": token, "expires_in": bearer.lifetime.as_secs()});
    Ok(Reply::new(StatusCode::OK).json(&method, "application/json", &body).done())
}

fn form_is_right(bearer: &Bearer, form: &Query) -> bool {
    match form.get("grant_type") {
        Some("password") => {
            form.get("username") == Some(bearer.credentials.user.as_str())
                && form.get("password") == Some(bearer.credentials.password.as_str())
        }
        Some("refresh_token") => {
            bearer.identity_token.is_some() && form.get("refresh_token") == bearer.identity_token.as_deref()
        }
        _ => false,
    }
}
