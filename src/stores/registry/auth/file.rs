//! Reads credential files as docker, podman and helm write them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use super::credentials::{Credential, Found};
use super::key::Key;
use super::keychain::Keychain;
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
    aside: Option<String>,
    entries: Vec<(String, Key, Credential)>,
    helpers: Vec<(Key, String)>,
    store: Option<String>,
}

/// What a file says of a repository.
#[derive(Debug)]
pub(super) enum Rule {
    /// An entry of `auths`.
    Entry(Found),
    /// A helper of `credHelpers` or `credsStore`.
    Keychain(Keychain),
}

impl AuthFile {
    /// Reads a file; `None` where there is none. Errors name the file and never its content.
    pub(super) fn read(path: &Utf8Path, aside: Option<&str>) -> Result<Option<Self>> {
        Self::bytes(path, aside)?.map(|bytes| Self::parse(path, &bytes, aside)).transpose()
    }

    /// Reads the bytes of a file; `None` where there is none.
    pub(super) fn bytes(path: &Utf8Path, aside: Option<&str>) -> Result<Option<Vec<u8>>> {
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.len() > MAX_FILE => {
                return Err(bad(path, &format!("it is longer than {MAX_FILE} bytes"), aside));
            }
            Ok(metadata) if metadata.is_dir() => return Err(bad(path, "it is a folder", aside)),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(format!("reading credentials from `{path}`"))(error)),
        }
        std::fs::read(path).map(Some).map_err(Error::io(format!("reading credentials from `{path}`")))
    }

    pub(super) fn parse(path: &Utf8Path, bytes: &[u8], aside: Option<&str>) -> Result<Self> {
        let bad = |why: &str| bad(path, why, aside);
        // The text of the parser's own message may quote a secret.
        let raw: Raw = serde_json::from_slice(bytes).map_err(|error| {
            if error.is_eof() {
                return bad("it ends too early: the JSON is not complete");
            }
            bad(&format!("JSON of another shape, line {}, column {}", error.line(), error.column()))
        })?;
        let mut entries = Vec::new();
        for (key, entry) in raw.auths.unwrap_or_default() {
            let Some(entry) = entry else { continue };
            let credential = credential(entry).map_err(|why| bad(&format!("key `{key}`: {why}")))?;
            if let Some(credential) = credential {
                entries.push((key.clone(), Key::parse(&key), credential));
            }
        }
        let helpers = raw.cred_helpers.unwrap_or_default().into_iter();
        let helpers = helpers.map(|(key, name)| (Key::parse(&key), name)).collect();
        let store = raw.creds_store.filter(|store| !store.is_empty());
        Ok(Self { path: path.to_owned(), aside: aside.map(str::to_owned), entries, helpers, store })
    }

    /// Returns the path.
    pub(super) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Names an entry, for messages.
    fn source(&self, key: &str) -> String {
        let aside = self.aside.as_ref().map(|aside| format!(" ({aside})")).unwrap_or_default();
        format!("`{}`, key `{key}`{aside}", self.path)
    }

    /// Returns the helper that keeps the credentials of a whole registry.
    pub(super) fn keychain(&self, registry: &str) -> Option<Keychain> {
        let own = self.helpers.iter().find(|(key, _)| key.matches(registry, "") == Some(0));
        own.map(|(_, name)| name).or(self.store.as_ref()).map(|name| self.keychain_of(name, registry))
    }

    fn keychain_of(&self, name: &str, registry: &str) -> Keychain {
        Keychain { name: name.to_owned(), file: self.path.clone(), registry: registry.to_owned() }
    }

    /// Returns what is said of a repository, the most specific first. Of two that are as specific a helper comes first, as
    /// with docker and podman; `credsStore`, which is for all registries, comes last.
    pub(super) fn rules(&self, registry: &str, repository: &str) -> Vec<Rule> {
        let keychain = |name: &String| Rule::Keychain(self.keychain_of(name, registry));
        let helpers = self
            .helpers
            .iter()
            .filter_map(|(key, name)| Some((key.matches(registry, repository)?, keychain(name))));
        let entries = self.entries.iter().filter_map(|(text, key, credential)| {
            let found = Found { credential: credential.clone(), source: self.source(text) };
            Some((key.matches(registry, repository)?, Rule::Entry(found)))
        });
        let mut rules: Vec<(usize, Rule)> = helpers.chain(entries).collect();
        rules.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
        rules.into_iter().map(|(_, rule)| rule).chain(self.store.iter().map(keychain)).collect()
    }
}

fn bad(path: &Utf8Path, why: &str, aside: Option<&str>) -> Error {
    let aside = aside.map(|aside| format!(" ({aside})")).unwrap_or_default();
    Error::usage(format!("the credential file `{path}` cannot be used: {why}{aside}"), None)
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
