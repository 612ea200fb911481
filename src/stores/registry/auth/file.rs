//! Reads credential files as docker, podman and helm write them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use super::credentials::{Credential, Found};
use super::key::{Key, registry};
use super::secret::Secret;
use crate::model::error::{Error, Result};

/// The longest credential file: 4 MiB.
const MAX_FILE: u64 = 4 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    #[serde(default)]
    auths: Option<BTreeMap<String, Option<Entry>>>,
    #[serde(default)]
    cred_helpers: Option<BTreeMap<String, String>>,
    #[serde(default)]
    creds_store: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    auth: Option<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    identitytoken: Option<String>,
    #[serde(default)]
    registrytoken: Option<String>,
}

/// One credential file.
#[derive(Debug)]
pub(super) struct AuthFile {
    path: Utf8PathBuf,
    entries: Vec<(String, Key, Credential)>,
    helpers: Vec<(String, String)>,
    store: Option<String>,
}

/// What a file has for a repository.
pub(super) enum Answer {
    /// An entry.
    Found(Found),
    /// The name of a program that would have it, and whether it was named for this very registry.
    Helper {
        /// What follows `docker-credential-`.
        name: String,
        /// `credHelpers` names the registry; `credsStore` is for all.
        specific: bool,
    },
    /// Nothing.
    Nothing,
}

impl AuthFile {
    /// Reads a file; `None` where there is none. Errors name the file and never its content.
    pub(super) fn read(path: &Utf8Path) -> Result<Option<Self>> {
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.len() > MAX_FILE => {
                return Err(bad(path, &format!("it is longer than {MAX_FILE} bytes")));
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(format!("reading credentials from `{path}`"))(error)),
        }
        let bytes = std::fs::read(path).map_err(Error::io(format!("reading credentials from `{path}`")))?;
        Self::parse(path, &bytes).map(Some)
    }

    pub(super) fn parse(path: &Utf8Path, bytes: &[u8]) -> Result<Self> {
        // The text of the parser's own message may quote a secret.
        let raw: Raw = serde_json::from_slice(bytes).map_err(|error| {
            bad(path, &format!("JSON of another shape, line {}, column {}", error.line(), error.column()))
        })?;
        let mut entries = Vec::new();
        for (key, entry) in raw.auths.unwrap_or_default() {
            let Some(entry) = entry else { continue };
            let credential = credential(entry).map_err(|why| bad(path, &format!("key `{key}`: {why}")))?;
            if let Some(credential) = credential {
                entries.push((key.clone(), Key::parse(&key), credential));
            }
        }
        let helpers = raw.cred_helpers.unwrap_or_default().into_iter();
        let helpers = helpers.map(|(host, helper)| (registry(&Key::parse(&host).host), helper)).collect();
        let store = raw.creds_store.filter(|store| !store.is_empty());
        Ok(Self { path: path.to_owned(), entries, helpers, store })
    }

    /// Returns the path.
    pub(super) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Returns the most specific entry for a repository.
    pub(super) fn find(&self, registry: &str, repository: &str) -> Answer {
        let matching = self.entries.iter().filter_map(|(text, key, credential)| {
            Some((key.matches(registry, repository)?, text, credential))
        });
        if let Some((_, key, credential)) = matching.max_by_key(|(length, ..)| *length) {
            let source = format!("`{}`, key `{key}`", self.path);
            return Answer::Found(Found { credential: credential.clone(), source });
        }
        if let Some((_, name)) = self.helpers.iter().find(|(host, _)| host == registry) {
            return Answer::Helper { name: name.clone(), specific: true };
        }
        match &self.store {
            Some(name) => Answer::Helper { name: name.clone(), specific: false },
            None => Answer::Nothing,
        }
    }
}

fn bad(path: &Utf8Path, why: &str) -> Error {
    Error::usage(format!("the credential file `{path}` cannot be used: {why}"), None)
}

/// Reads an entry; `None` for the empty ones that docker leaves beside a `credsStore`.
fn credential(entry: Entry) -> std::result::Result<Option<Credential>, &'static str> {
    let full = |text: Option<String>| text.filter(|text| !text.is_empty());
    if let Some(token) = full(entry.identitytoken) {
        return Ok(Some(Credential::IdentityToken(Secret::new(token))));
    }
    if let Some(token) = full(entry.registrytoken) {
        return Ok(Some(Credential::RegistryToken(Secret::new(token))));
    }
    let (username, password) = match (full(entry.auth), full(entry.username), full(entry.password)) {
        (Some(auth), ..) => {
            let decoded = STANDARD.decode(auth.trim()).map_err(|_| "`auth` is not base64")?;
            let decoded = String::from_utf8(decoded).map_err(|_| "`auth` is not UTF-8")?;
            let decoded = decoded.trim_end_matches('\0');
            let (username, password) =
                decoded.split_once(':').ok_or("`auth` is not base64 of `USER:PASSWORD`")?;
            (username.to_owned(), password.to_owned())
        }
        (None, Some(username), Some(password)) => (username, password),
        (None, None, None) => return Ok(None),
        _ => return Err("it has a user name or a password, but not both"),
    };
    Ok(Some(Credential::login(username, password)))
}
