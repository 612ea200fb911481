//! What the environment says of the snap store, in the variables that snapd and `snap download` read.

use std::env;

use reqwest::Url;

use crate::model::error::{Error, Result};
use crate::model::list::{Collected, Subject};
use crate::stores::file::read_at_most;
use crate::stores::snap_store::{DEFAULT_SSO, Login, server_url};

/// The longest file of a login: 64 KiB, where 2 KiB are usual.
const MAX_FILE: usize = 64 << 10;
const LOGIN: &str = "UBUNTU_STORE_AUTH";
const LOGIN_FILE: &str = "UBUNTU_STORE_AUTH_DATA_FILENAME";
const UBUNTU_ONE: &str = "Ubuntu One";
const SSO: &str = "SNAPPY_FORCE_SSO_URL";

/// The variables. Where no snap of the store is asked for, they say nothing: what is wrong with them keeps nobody from
/// carrying anything else.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoreVariables {
    are_read: bool,
}

impl StoreVariables {
    /// Reads them where a list names a snap of the store.
    pub(super) fn of(asked: &Collected) -> Self {
        let is_of_store = |subject: &Subject| matches!(subject, Subject::Snap { .. });
        Self { are_read: asked.entries.iter().any(|entry| is_of_store(&entry.subject)) }
    }

    /// Returns a variable that is set and not empty.
    pub(super) fn text(self, name: &str) -> Result<Option<String>> {
        let value = env::var_os(name).filter(|value| self.are_read && !value.is_empty());
        let text = value.map(|value| value.into_string().map_err(|_| name));
        text.transpose().map_err(|name| Error::usage(format!("`{name}` is no UTF-8"), None))
    }

    /// Returns whether a variable says yes in the words that snapd takes for it (Go's `strconv.ParseBool`).
    pub(super) fn is_yes(self, name: &str) -> Result<bool> {
        let words = ["1", "t", "T", "TRUE", "true", "True"];
        Ok(self.text(name)?.is_some_and(|value| words.contains(&value.as_str())))
    }

    /// Returns the address that a variable holds. `whose` names the server.
    pub(super) fn url(self, name: &str, whose: &str) -> Result<Option<Url>> {
        let read = |text: String| {
            server_url(whose, &text).map_err(|error| error.during(format!("`{name}` is wrong")))
        };
        self.text(name)?.map(read).transpose()
    }

    /// Reads the login, where a variable holds one or names its file.
    pub(super) fn login(self) -> Result<Option<Login>> {
        let (text, named) = match (self.text(LOGIN)?, self.text(LOGIN_FILE)?) {
            (Some(text), _) => (text, format!("`{LOGIN}`")),
            (None, Some(path)) => (content(&path)?, format!("`{path}` (`{LOGIN_FILE}`)")),
            (None, None) => return Ok(None),
        };
        let sso = match self.url(SSO, UBUNTU_ONE)? {
            Some(url) => url,
            None => server_url(UBUNTU_ONE, DEFAULT_SSO)?,
        };
        Login::read(&text, &named, sso).map(Some)
    }
}

fn content(path: &str) -> Result<String> {
    let doing = format!("reading the login of the snap store from `{path}` (`{LOGIN_FILE}`)");
    let bytes = read_at_most(path.into(), MAX_FILE).map_err(Error::io(doing.clone()))?;
    if bytes.len() > MAX_FILE {
        return Err(Error::usage(format!("{doing}: it is longer than {MAX_FILE} bytes"), None));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
