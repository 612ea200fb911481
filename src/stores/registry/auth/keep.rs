//! Keeps a login for later runs, and forgets it: in a credential file, or with the helper that the file names.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use camino::Utf8Path;
use serde_json::json;

use super::credentials::{Credential, CredentialFile};
use super::file::{AuthFile, Rule};
use super::key::{Key, registry};
use super::login_file::LoginFile;
use super::secret::Secret;
use crate::model::error::Result;
use crate::stores::http::clock::Clock;

/// What a login is for: a registry, or a path in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    key: Key,
}

impl Account {
    /// Names a registry and the beginning of a repository path, which is empty for the whole registry.
    pub fn new(host: &str, path: &str) -> Self {
        Self { key: Key { host: registry(host), path: path.to_owned() } }
    }
}

/// Where a login is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the file itself.
    File,
    /// With this program, which the file names.
    Helper(String),
}

/// Keeps a login in a credential file, which is made where it is missing, or with the helper that the file names for the
/// registry. A path of a registry is for files alone.
pub async fn keep(
    file: &Utf8Path,
    account: &Account,
    (username, password): (&str, &Secret),
    clock: &Arc<dyn Clock>,
) -> Result<Place> {
    LoginFile::make_folder(file)?;
    let mut login_file = LoginFile::open(file)?;
    let key = &account.key;
    let keychain = login_file.rules().keychain(&key.host).filter(|_| key.path.is_empty());
    let Some(keychain) = keychain else {
        let entry = match Credential::login(username.to_owned(), password.reveal().to_owned()) {
            Credential::IdentityToken(token) => json!({"identitytoken": token.reveal()}),
            _ => json!({"auth": STANDARD.encode(format!("{username}:{}", password.reveal()))}),
        };
        login_file.put(key, &entry)?;
        login_file.save()?;
        return Ok(Place::File);
    };
    keychain.store(clock, username, password).await?;
    // An older entry of the file itself would be found before a helper for all registries.
    if login_file.remove(key) {
        login_file.save()?;
    }
    Ok(Place::Helper(keychain.program()))
}

/// Forgets a login, in a file and with the helper that the file names; false where there was none.
pub async fn forget(file: &Utf8Path, account: &Account, clock: &Arc<dyn Clock>) -> Result<bool> {
    let mut login_file = LoginFile::open(file)?;
    let key = &account.key;
    let keychain = login_file.rules().keychain(&key.host).filter(|_| key.path.is_empty());
    let removed = login_file.remove(key);
    if removed {
        login_file.save()?;
    }
    let erased = match keychain {
        Some(keychain) => keychain.erase(clock).await?,
        None => false,
    };
    Ok(removed || erased)
}

/// Returns which of these files, looked into in their order, has something for an account, or leaves it to a helper: what
/// it has, for messages. Files that cannot be read have nothing here.
pub fn winner(files: &[CredentialFile], account: &Account) -> Option<String> {
    let Key { host, path } = &account.key;
    files.iter().find_map(|file| {
        let read = AuthFile::read(&file.path, None).ok().flatten()?;
        read.rules(host, path).into_iter().next().map(|rule| match rule {
            Rule::Entry(found) => found.source,
            Rule::Keychain(keychain) => format!("`{}` (`{}`)", keychain.program(), keychain.file),
        })
    })
}
