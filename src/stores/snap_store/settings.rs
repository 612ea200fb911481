//! Which store, and how it is asked. Nothing here is read from the environment.

use reqwest::Url;

use super::MaxFormat;
use crate::model::error::{Error, Result};

/// The store that snapd asks.
pub const DEFAULT_API: &str = "https://api.snapcraft.io/";

/// Settings of a [`SnapStore`](super::SnapStore).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The store: what stands before `/v2/snaps/refresh`. snapd takes it from `SNAPPY_FORCE_API_URL`, `snap download`
    /// from `UBUNTU_STORE_URL`.
    pub api: Url,
    /// Where its assertions are, if elsewhere: what stands before `/v2/assertions`. snapd: `SNAPPY_FORCE_SAS_URL`.
    pub assertions: Option<Url>,
    /// The brand store to ask for, sent as `Snap-Device-Store`. `snap download`: `UBUNTU_STORE_ID`.
    pub store_id: Option<String>,
    /// Where downloads may come from.
    pub downloads: Downloads,
    /// What the snapd of the far side reads, where that is less than what is known here.
    pub max_formats: Vec<MaxFormat>,
}

/// Where downloads come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Downloads {
    /// From wherever the store sends us.
    #[default]
    Anywhere,
    /// From the store's own hosts (`Snap-CDN: none`), where a proxy lets nothing else through. snapd:
    /// `SNAPPY_STORE_NO_CDN`.
    Store,
}

impl Settings {
    /// Asks a store with nothing special about it.
    pub fn new(api: Url) -> Self {
        Self {
            api,
            assertions: None,
            store_id: None,
            downloads: Downloads::default(),
            max_formats: Vec::new(),
        }
    }

    /// Returns where assertions are asked for.
    pub(super) fn assertions(&self) -> &Url {
        self.assertions.as_ref().unwrap_or(&self.api)
    }
}

/// Reads the address of a store, as [`server_url`].
pub fn store_url(text: &str) -> Result<Url> {
    server_url("a snap store", text)
}

/// Reads the address of a server, which may have a path. `whose` names it.
///
/// Errors: [`Error::Usage`] for what is neither `http://` nor `https://`, or has a login, a query or a fragment.
pub fn server_url(whose: &str, text: &str) -> Result<Url> {
    let wrong = |why: &str| Error::usage(format!("the address of {whose} {why}"), None);
    let url: Url = text.parse().map_err(|_| wrong("is not a URL: expected `https://HOST[:PORT][/PATH]`"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong("is neither `https://HOST[:PORT][/PATH]` nor `http://…`"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("has a login in it: `UBUNTU_STORE_AUTH` is where a login is taken from"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("has a query or a fragment"));
    }
    Ok(url)
}

/// Returns an address below that of a store; `None` where a part would not stay a part of the path.
pub(super) fn below<'a>(base: &Url, parts: impl IntoIterator<Item = &'a str>) -> Option<Url> {
    let parts: Vec<&str> = parts.into_iter().collect();
    if parts.iter().any(|part| matches!(*part, "" | "." | "..")) {
        return None;
    }
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.path_segments_mut().ok()?.pop_if_empty().extend(parts);
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_an_http_address_without_secrets() {
        for good in [DEFAULT_API, "http://127.0.0.1:5000", "https://proxy.internal/store/"] {
            assert!(store_url(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "api.snapcraft.io",
            "ftp://h/",
            "file:///etc/passwd",
            "https://user:secret@h/",
            "https://user@h/",
            "https://h/?a=secret",
            "https://h/#a",
        ] {
            let error = store_url(bad).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{bad}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn parts_stay_parts() {
        for (base, parts, expected) in [
            ("https://h", ["v2", "x"], Some("https://h/v2/x")),
            ("https://h/", ["v2", "x"], Some("https://h/v2/x")),
            ("https://h/store", ["v2", "x"], Some("https://h/store/v2/x")),
            ("https://h/store/", ["v2", "a/b?c#d e"], Some("https://h/store/v2/a%2Fb%3Fc%23d%20e")),
            ("https://h/", ["v2", ".."], None),
            ("https://h/", ["v2", ""], None),
        ] {
            let url = below(&base.parse().unwrap(), parts).map(|url| url.to_string());
            assert_eq!(url.as_deref(), expected, "{base} {parts:?}");
        }
    }
}
