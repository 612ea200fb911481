//! What a registry says when it says no (OCI distribution spec, "Error Codes").

use reqwest::header::HeaderName;
use serde::Deserialize;

use super::wants::wants;
use super::{RegistryClient, Repository};
use crate::model::error::Error;
use crate::stores::http::{NO_REGISTRY, Reply, is_page, unexpected_page};
use crate::stores::registry::auth::{Challenge, Turned, advice};

/// What to do where a registry lets nobody pull for hours.
const USED_UP: &str = "add `--wait-for-quota` to wait until it allows more, or log in where that allows more; what was \
                       fetched is kept, and the same command goes on from there";

#[derive(Deserialize)]
struct Errors {
    #[serde(default)]
    errors: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// Returns the error codes of a reply.
pub(super) fn codes(reply: &Reply) -> Vec<String> {
    let errors: Errors = serde_json::from_slice(&reply.body).unwrap_or(Errors { errors: Vec::new() });
    errors.errors.into_iter().map(|entry| entry.code).collect()
}

/// Returns what the body of an error says, with `: ` in front, shortened to a line and without what the request held of
/// secrets; empty where it says nothing.
pub(in crate::stores::registry) fn said(reply: &Reply) -> String {
    let line = |text: &str| -> String {
        let text = reply.head.hidden.cover(text);
        text.split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .chars()
            .filter(|c| !c.is_control())
            .take(300)
            .collect()
    };
    let errors: Vec<String> = serde_json::from_slice::<Errors>(&reply.body)
        .map(|errors| errors.errors)
        .unwrap_or_default()
        .iter()
        .take(4)
        .map(|entry| line(&format!("{} {}", entry.code, entry.message)))
        .filter(|text| !text.is_empty())
        .collect();
    let text = if errors.is_empty() {
        match reply.head.media_type().as_deref() {
            Some("text/plain") => line(&String::from_utf8_lossy(&reply.body)),
            _ => String::new(),
        }
    } else {
        errors.join("; ")
    };
    if text.is_empty() { text } else { format!(": {text}") }
}

/// Returns whether a server says that it was spoken to in plain HTTP where it speaks TLS, as Go and nginx do.
fn is_plain_to_tls(reply: &Reply) -> bool {
    let text = String::from_utf8_lossy(&reply.body);
    let says = ["HTTP request to an HTTPS server", "plain HTTP request was sent to HTTPS port"];
    reply.head.status.as_u16() == 400
        && reply.head.url.scheme() == "http"
        && says.iter().any(|says| text.contains(says))
}

fn speaks_tls(repository: &Repository) -> String {
    format!("it speaks TLS there: leave out `--plain-http {}`, and `http://`", repository.registry())
}

/// Returns whether an answer looks like one of a web server that is no registry.
fn is_no_registry(reply: &Reply) -> bool {
    let version = HeaderName::from_static("docker-distribution-api-version");
    let page = reply.head.media_type().is_some_and(|media_type| is_page(&media_type));
    page && codes(reply).is_empty() && !reply.head.headers.contains_key(version)
}

impl RegistryClient {
    /// Makes the error for an answer that is not what was asked for. `what` names what was asked for: ``blob
    /// `sha256:…` ``.
    pub(super) fn refusal(&self, repository: &Repository, what: &str, reply: &Reply) -> Error {
        let status = reply.head.status.as_u16();
        let said = said(reply);
        let at = self.at(repository);
        if (200..=299).contains(&status)
            && reply.head.media_type().is_some_and(|media_type| is_page(&media_type))
        {
            return self.page(repository, what, reply);
        }
        let what = match reply.head.seeing_proxy() {
            Some(proxy) => {
                format!("{what} of `{repository}` (or the proxy {proxy}, which may have answered)")
            }
            None => format!("{what} of `{repository}`"),
        };
        if reply.head.foreign {
            let place = crate::stores::http::authority(&reply.head.url);
            return at(Error::Remote {
                what: format!("{what}: `{place}`, to which it redirects, refused"),
                status,
                detail: said.trim_start_matches(": ").to_owned(),
                hint: None,
            });
        }
        let wants =
            is_plain_to_tls(reply).then(|| speaks_tls(repository)).or_else(|| wants(repository, reply));
        let hint = wants.or_else(|| is_no_registry(reply).then(|| NO_REGISTRY.to_owned()));
        at(match status {
            401 | 403 => {
                let lookup = self.authorizer.known(repository.registry(), repository.path());
                let hint = hint.unwrap_or_else(|| advice(repository.registry(), &lookup, turned(reply)));
                Error::Denied {
                    what,
                    why: format!("HTTP status {status}{said} ({lookup})"),
                    hint: Some(hint),
                }
            }
            404 => Error::NotFound { what: format!("{what} (HTTP status 404{said})"), hint },
            _ => {
                let hint = hint.or_else(|| self.http.is_used_up(&reply.head).then(|| USED_UP.to_owned()));
                Error::Remote { what, status, detail: said.trim_start_matches(": ").to_owned(), hint }
            }
        })
    }

    /// Makes the error for a page in the place of `what`.
    pub(super) fn page(&self, repository: &Repository, what: &str, reply: &Reply) -> Error {
        let what = format!("{what} of `{repository}`");
        self.at(repository)(unexpected_page(reply, &what))
    }
}

/// Returns why credentials did not serve. A token was given for good ones, so that what refuses it does not know wrong ones.
fn turned(reply: &Reply) -> Turned {
    let bearer = |challenge: &Challenge| matches!(challenge, Challenge::Bearer { .. });
    let token = Challenge::of(&reply.head.headers).iter().any(bearer);
    if reply.head.status.as_u16() == 403 || token { Turned::Forbidden } else { Turned::Unknown }
}
