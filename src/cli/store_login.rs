//! The login of the snap store, out of the variables in which `snap download` finds it.

use std::env;
use std::fs::File;
use std::io::Read as _;

use crate::model::error::{Error, Result};
use crate::stores::snap_store::{DEFAULT_SSO, Login, store_url};

/// The longest file of a login: 64 KiB, where 2 KiB are usual.
const MAX_FILE: u64 = 64 << 10;
const VALUE: &str = "UBUNTU_STORE_AUTH";
const FILE: &str = "UBUNTU_STORE_AUTH_DATA_FILENAME";
const SSO: &str = "SNAPPY_FORCE_SSO_URL";

/// Returns a variable that is set and not empty.
pub(super) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Reads the login, where a variable holds one or names its file.
pub(super) fn login() -> Result<Option<Login>> {
    let (text, named) = match (variable(VALUE), variable(FILE)) {
        (Some(text), _) => (text, format!("`{VALUE}`")),
        (None, Some(path)) => (content(&path)?, format!("`{path}` (`{FILE}`)")),
        (None, None) => return Ok(None),
    };
    let sso = variable(SSO).unwrap_or_else(|| DEFAULT_SSO.to_owned());
    let sso = store_url(&sso).map_err(|error| error.during(format!("`{SSO}` is wrong")))?;
    Login::read(&text, &named, sso).map(Some)
}

fn content(path: &str) -> Result<String> {
    let doing = || format!("reading the login of the snap store from `{path}` (`{FILE}`)");
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(Error::io(doing()))?;
    file.take(MAX_FILE).read_to_end(&mut bytes).map_err(Error::io(doing()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
