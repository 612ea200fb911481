//! What a registry says when it says no (OCI distribution spec, "Error Codes").

use serde::Deserialize;

use super::{RegistryClient, Repository};
use crate::model::error::Error;
use crate::stores::http::{Reply, is_page, unexpected_page};

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

/// Returns what the body of an error says, with `: ` in front, shortened to a line; empty where it says nothing.
pub(in crate::stores::registry) fn said(reply: &Reply) -> String {
    let line = |text: &str| -> String {
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

impl RegistryClient {
    /// Makes the error for an answer that is not what was asked for. `what` names what was asked for: ``blob
    /// `sha256:…` ``.
    pub(super) fn refusal(&self, repository: &Repository, what: &str, reply: &Reply) -> Error {
        let status = reply.head.status.as_u16();
        let registry = repository.registry();
        let answered = if reply.head.foreign {
            format!("`{}`, to which it redirects,", crate::stores::http::authority(&reply.head.url))
        } else {
            format!("registry `{registry}`")
        };
        let what = format!("{what} of `{repository}`");
        let said = said(reply);
        match status {
            401 | 403 if !reply.head.foreign => {
                let with = self.authorizer.describe(registry, repository.path());
                let hint =
                    (status == 401).then(|| "name a file with credentials with `--auth-file`".to_owned());
                Error::Denied {
                    what,
                    why: format!("{answered} answered HTTP status {status}{said} ({with})"),
                    hint,
                }
            }
            404 if !reply.head.foreign => Error::NotFound {
                what: format!("{what} (registry `{registry}` answered{})", colon(&said)),
                hint: None,
            },
            200..=299 if reply.head.media_type().is_some_and(|media_type| is_page(&media_type)) => {
                unexpected_page(reply, &what)
            }
            _ => Error::Remote {
                what: format!("{what}: {answered} refused"),
                status,
                detail: said.trim_start_matches(": ").to_owned(),
                hint: None,
            },
        }
    }
}

fn colon(said: &str) -> String {
    if said.is_empty() { " HTTP status 404".to_owned() } else { said.trim_start_matches(':').to_owned() }
}
