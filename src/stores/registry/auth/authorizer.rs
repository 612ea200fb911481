//! Answers what registries ask for, and remembers how each one asks.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use reqwest::header::HeaderValue;

use super::challenge::Challenge;
use super::credentials::{Credential, Credentials, Found, Lookup};
use super::key::registry;
use super::realm::may_see;
use super::scope::Scopes;
use super::secret::Secret;
use super::token::{TokenRequest, Tokens};
use crate::model::error::{Error, Result};
use crate::stores::http::{HttpClient, Shows, authority};

/// A host that may see the password for a registry, as the caller says.
#[derive(Clone, Debug)]
pub struct TokenHost {
    /// The registry.
    pub registry: String,
    /// `HOST[:PORT]` of its token server; without a port it is every port.
    pub host: String,
}

impl TokenHost {
    /// Returns whether it is for this registry, which may have several names.
    pub fn is_for(&self, host: &str) -> bool {
        registry(&self.registry) == registry(host)
    }
}

/// How a registry wants to be asked.
#[derive(Clone, Debug)]
enum Scheme {
    Basic,
    Bearer { realm: Url, service: Option<String> },
}

/// What a request is for.
#[derive(Clone, Debug)]
pub struct Purpose<'a> {
    /// The registry as references name it.
    pub registry: &'a str,
    /// Where it is.
    pub base: &'a Url,
    /// The repository, for credentials that are for a path.
    pub repository: &'a str,
    /// What a token must allow.
    pub scopes: Scopes,
}

/// Makes `Authorization` headers for registries.
#[derive(Debug)]
pub struct Authorizer {
    http: HttpClient,
    credentials: Credentials,
    token_hosts: Vec<TokenHost>,
    schemes: Mutex<HashMap<String, Scheme>>,
    tokens: Tokens,
}

impl Authorizer {
    /// Makes one that knows nothing of any registry.
    pub fn new(http: HttpClient, credentials: Credentials, token_hosts: Vec<TokenHost>) -> Self {
        Self { http, credentials, token_hosts, schemes: Mutex::default(), tokens: Tokens::default() }
    }

    /// Returns the header for a request, as far as the registry's way is known from before; `None` to just ask.
    pub async fn header(&self, purpose: &Purpose<'_>) -> Result<Option<HeaderValue>> {
        let scheme =
            self.schemes.lock().unwrap_or_else(PoisonError::into_inner).get(purpose.registry).cloned();
        match scheme {
            Some(scheme) => self.answer_scheme(purpose, &scheme, purpose.scopes.clone(), None).await,
            None => Ok(None),
        }
    }

    /// Returns the header for the next try after a 401, or `None` where there is nothing to try: `used` was refused.
    pub async fn answer(
        &self,
        purpose: &Purpose<'_>,
        challenges: &[Challenge],
        used: Option<&HeaderValue>,
    ) -> Result<Option<HeaderValue>> {
        let bearer = challenges.iter().find(|challenge| matches!(challenge, Challenge::Bearer { .. }));
        let Some(challenge) = bearer.or_else(|| challenges.first()) else { return Ok(None) };
        let (scheme, scopes) = match challenge {
            Challenge::Basic => (Scheme::Basic, purpose.scopes.clone()),
            Challenge::Bearer { realm, service, scope, error } => {
                let realm = realm_url(purpose, realm)?;
                let scopes = purpose.scopes.clone().with_challenge(scope.as_deref());
                // RFC 6750, section 3.1: the token is good, and another one for the same would allow no more.
                let lacks = error.as_deref() == Some("insufficient_scope");
                if lacks && used.is_some() && scopes == purpose.scopes {
                    return Ok(None);
                }
                (Scheme::Bearer { realm, service: service.clone() }, scopes)
            }
        };
        self.schemes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(purpose.registry.to_owned(), scheme.clone());
        let header = self.answer_scheme(purpose, &scheme, scopes, used).await?;
        Ok(header.filter(|header| Some(header) != used))
    }

    /// Returns what is known to be for a repository, for messages.
    pub fn known(&self, registry: &str, repository: &str) -> Lookup {
        self.credentials.known(registry, repository)
    }

    async fn answer_scheme(
        &self,
        purpose: &Purpose<'_>,
        scheme: &Scheme,
        scopes: Scopes,
        used: Option<&HeaderValue>,
    ) -> Result<Option<HeaderValue>> {
        let lookup = self.credentials.find(purpose.registry, purpose.repository, self.http.clock()).await?;
        let (realm, service) = match (scheme, lookup.found()) {
            (_, Some(Found { credential: Credential::RegistryToken(token), .. })) => {
                return bearer(token).map(Some);
            }
            (Scheme::Basic, Some(found)) => return basic(&found.credential),
            (Scheme::Basic, None) => return Ok(None),
            (Scheme::Bearer { realm, service }, _) => (realm.clone(), service.clone()),
        };
        let named: Vec<String> = self
            .token_hosts
            .iter()
            .filter(|named| named.is_for(purpose.registry))
            .map(|named| named.host.clone())
            .collect();
        if let Some(found) = lookup.found().filter(|_| !may_see(purpose.base, &realm, &named)) {
            return Err(Error::Denied {
                what: format!("registry `{}`", purpose.registry),
                why: format!(
                    "its token server `{}` does not belong to it, so the credentials of {} are not sent there",
                    authority(&realm),
                    found.source
                ),
                hint: Some(format!(
                    "if this is the right one, say `--token-host {}={}`",
                    purpose.registry,
                    realm.host_str().unwrap_or_default()
                )),
            });
        }
        let rejected = used
            .and_then(|used| used.to_str().ok())
            .and_then(|used| used.strip_prefix("Bearer "))
            .map(Secret::new);
        let own = realm.origin() == purpose.base.origin();
        let shows = if own { Shows::Identity } else { Shows::Own };
        let request =
            TokenRequest { registry: purpose.registry.to_owned(), realm, service, scopes, shows, lookup };
        let token = self.tokens.get(&self.http, request, rejected.as_ref()).await?;
        bearer(&token.secret).map(Some)
    }
}

/// Reads a realm; one that would turn https into http is refused.
fn realm_url(purpose: &Purpose<'_>, realm: &str) -> Result<Url> {
    let refused = |why: &str| Error::Denied {
        what: format!("registry `{}`", purpose.registry),
        why: why.to_owned(),
        hint: None,
    };
    let url = purpose.base.join(realm).map_err(|_| refused("it names a token server that is not a URL"))?;
    match (purpose.base.scheme(), url.scheme()) {
        (_, "https") | ("http", "http") => Ok(url),
        ("https", "http") => Err(refused("it names a token server that speaks plain http")),
        _ => Err(refused("it names a token server that speaks neither http nor https")),
    }
}

/// Makes `Basic` credentials (RFC 7617); `None` for what is not a login.
pub(super) fn basic(credential: &Credential) -> Result<Option<HeaderValue>> {
    let Credential::Login { username, password } = credential else { return Ok(None) };
    let text = STANDARD.encode(format!("{username}:{}", password.reveal()));
    secret_header(&format!("Basic {text}")).map(Some)
}

fn bearer(token: &Secret) -> Result<HeaderValue> {
    secret_header(&format!("Bearer {}", token.reveal()))
}

fn secret_header(text: &str) -> Result<HeaderValue> {
    let mut header = HeaderValue::try_from(text).map_err(|_| Error::Denied {
        what: "the registry".to_owned(),
        why: "the token holds characters that cannot be sent".to_owned(),
        hint: None,
    })?;
    header.set_sensitive(true);
    Ok(header)
}
