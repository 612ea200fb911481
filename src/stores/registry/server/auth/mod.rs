//! Who may do what: a layer in front of all routes.

mod scope;
mod token;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, WWW_AUTHENTICATE};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::clock::Clock;
use super::refusal::{Code, Refusal};
use super::site::drain_request;
use scope::Scopes;
pub(super) use token::Tokens;

/// Who may do what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Everybody may do everything.
    None,
    /// Whoever has the password may do everything (RFC 7617).
    Basic(Credentials),
    /// Tokens of an endpoint of the server's own, `/token`, decide (Docker's token authentication).
    Bearer(Bearer),
}

impl Auth {
    /// Asks for a user and a password.
    pub fn basic(user: &str, password: &str) -> Self {
        Self::Basic(Credentials::new(user, password))
    }

    /// Asks for tokens that live 300 seconds, and gives them for a user and a password.
    pub fn bearer(user: &str, password: &str) -> Self {
        Self::Bearer(Bearer::new(user, password))
    }
}

/// A user and a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

impl Credentials {
    /// Makes credentials.
    pub fn new(user: &str, password: &str) -> Self {
        Self { user: user.to_owned(), password: password.to_owned() }
    }

    /// Returns whether an `Authorization` header holds them.
    fn are_in(&self, header: &str) -> bool {
        let expected = format!("{}:{}", self.user, self.password);
        let decoded = header.strip_prefix("Basic ").and_then(|text| STANDARD.decode(text.trim()).ok());
        decoded.is_some_and(|decoded| decoded == expected.as_bytes())
    }
}

/// How tokens are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// What a token with every scope is given for.
    pub credentials: Credentials,
    /// How long a token is valid.
    pub lifetime: Duration,
    /// What those without credentials get.
    pub anonymous: Anonymous,
    /// An identity token (a `refresh_token` of RFC 6749) that is as good as the credentials.
    pub identity_token: Option<String>,
    /// Address of the token endpoint, where it is not the server's own.
    pub realm: Option<String>,
}

/// What those without credentials get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anonymous {
    /// Tokens to pull with.
    Pull,
    /// No token.
    Nothing,
}

impl Bearer {
    /// Gives tokens that live 300 seconds to whoever has the password, and to nobody else.
    pub fn new(user: &str, password: &str) -> Self {
        Self {
            credentials: Credentials::new(user, password),
            lifetime: Duration::from_secs(300),
            anonymous: Anonymous::Nothing,
            identity_token: None,
            realm: None,
        }
    }
}

/// What the layer works with.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) auth: Auth,
    pub(super) tokens: Tokens,
    pub(super) clock: Clock,
    /// `http` or `https`.
    pub(super) scheme: &'static str,
}

/// Lets through what is allowed.
pub(super) async fn layer(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let refusal = match &gate.auth {
        Auth::None => None,
        Auth::Basic(credentials) => basic(credentials, &request).err(),
        Auth::Bearer(bearer) if request.uri().path() == "/token" => {
            return token::answer(&gate, bearer, request).await.unwrap_or_else(Refusal::into_response);
        }
        Auth::Bearer(bearer) => check(&gate, bearer, &request).err(),
    };
    match refusal {
        None => next.run(request).await,
        Some(refusal) => {
            drain_request(request.into_body()).await;
            refusal.into_response()
        }
    }
}

fn authorization(request: &Request) -> Option<&str> {
    request.headers().get(AUTHORIZATION)?.to_str().ok()
}

fn basic(credentials: &Credentials, request: &Request) -> Result<(), Refusal> {
    if authorization(request).is_some_and(|header| credentials.are_in(header)) {
        return Ok(());
    }
    Err(Refusal::new(Code::Unauthorized, "a user and a password are needed")
        .header(WWW_AUTHENTICATE, "Basic realm=\"registry\""))
}

fn check(gate: &Gate, bearer: &Bearer, request: &Request) -> Result<(), Refusal> {
    let needed = Scopes::needed(request);
    let token = authorization(request).and_then(|header| header.strip_prefix("Bearer "));
    let granted = token.and_then(|token| gate.tokens.granted(token, gate.clock.now()));
    let error = match (token, granted) {
        (_, Some(granted)) if granted.cover(&needed) => return Ok(()),
        (_, Some(_)) => ",error=\"insufficient_scope\"",
        (Some(_), None) => ",error=\"invalid_token\"",
        (None, None) => "",
    };
    let host = request.headers().get(HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let realm = bearer.realm.clone().unwrap_or_else(|| format!("{}://{host}/token", gate.scheme));
    let scope = if needed.is_empty() { String::new() } else { format!(",scope=\"{needed}\"") };
    let challenge = format!("Bearer realm=\"{realm}\",service=\"{}\"{scope}{error}", token::SERVICE);
    Err(Refusal::new(Code::Unauthorized, "a token is needed").header(WWW_AUTHENTICATE, &challenge))
}
