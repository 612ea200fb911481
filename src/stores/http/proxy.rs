//! Proxies: which one a request goes through.

use std::fmt;
use std::sync::Arc;

use reqwest::Url;
use reqwest::header::HeaderValue;

use super::direct::Direct;
use super::settings::{NamedProxy, ProxySettings};
use super::url::{authority, login};
use crate::model::error::{Error, Result};

/// A proxy. Shown as `` `HOST:PORT` (`HTTPS_PROXY`) ``.
pub(super) struct Proxy {
    /// Without user info.
    url: Url,
    authorization: Option<HeaderValue>,
    source: String,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (`{}`)", authority(&self.url), self.source)
    }
}

impl Proxy {
    /// Reads a URL, as curl and Go do: without a scheme it is `http`. It may hold a password: errors do not repeat it.
    fn read(named: &NamedProxy) -> Result<Option<Arc<Self>>> {
        let (text, source) = (named.url.trim(), &named.source);
        if text.is_empty() {
            return Ok(None);
        }
        let bad = || {
            Error::usage(format!("`{source}` is not the URL of a proxy"), Some("write `http://HOST:PORT`"))
        };
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let mut url = Url::parse(&with_scheme).map_err(|_| bad())?;
        if url.host_str().unwrap_or_default().is_empty() {
            return Err(bad());
        }
        let authorization = login(&url);
        // Both fail only for URLs that cannot have user info.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Ok(Some(Arc::new(Self { url, authorization, source: source.clone() })))
    }

    /// Returns its URL, without user info.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Returns `Proxy-Authorization`: `Basic` (RFC 7617).
    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// Returns the variable that named it.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// Returns it for a transport, or an error where it speaks a protocol that is not spoken here.
    pub(super) fn transport(&self) -> Result<reqwest::Proxy> {
        let scheme = self.url.scheme();
        if !matches!(scheme, "http" | "https") {
            return Err(Error::Unsupported {
                message: format!("`{}` names a proxy that speaks `{scheme}`, which is not spoken here", self.source),
                hint: Some(
                    "name one that speaks HTTP with `HTTPS_PROXY=http://HOST:PORT`, or what needs none with `NO_PROXY`"
                        .to_owned(),
                ),
            });
        }
        let made = reqwest::Proxy::all(self.url.clone())
            .map_err(|_| Error::usage(format!("`{}` is not the URL of a proxy", self.source), None))?;
        Ok(match &self.authorization {
            Some(authorization) => made.custom_http_auth(authorization.clone()),
            None => made,
        })
    }
}

/// All proxies, and what needs none.
#[derive(Debug)]
pub(super) struct Proxies {
    https: Option<Arc<Proxy>>,
    http: Option<Arc<Proxy>>,
    direct: Direct,
}

impl Proxies {
    /// Reads the URLs.
    pub(super) fn read(settings: &ProxySettings) -> Result<Self> {
        let read = |named: &Option<NamedProxy>| named.as_ref().map_or(Ok(None), Proxy::read);
        Ok(Self {
            https: read(&settings.https)?,
            http: read(&settings.http)?,
            direct: Direct::parse(&settings.except),
        })
    }

    /// Returns the proxy for a URL, or `None` where it is reached directly.
    pub(super) fn of(&self, url: &Url) -> Option<&Arc<Proxy>> {
        let proxy = if url.scheme() == "http" { &self.http } else { &self.https };
        proxy.as_ref().filter(|_| !self.direct.takes(url))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn named(url: &str, source: &str) -> NamedProxy {
        NamedProxy { url: url.to_owned(), source: source.to_owned() }
    }

    fn read(url: &str) -> Result<Proxies> {
        Proxies::read(&ProxySettings { https: Some(named(url, "HTTPS_PROXY")), ..ProxySettings::default() })
    }

    #[test]
    fn a_url_has_one_proxy_or_none() {
        let proxies = Proxies::read(&ProxySettings {
            https: Some(named("http://user:secret@secure:3128", "HTTPS_PROXY")),
            http: Some(named("plain:8080", "all_proxy")),
            except: "10.0.0.0/8,.corp".to_owned(),
        })
        .unwrap();
        for (url, expected) in [
            ("https://ghcr.io/v2/", Some("`secure:3128` (`HTTPS_PROXY`)")),
            ("http://ghcr.io/v2/", Some("`plain:8080` (`all_proxy`)")),
            ("https://registry.corp/", None),
            ("https://10.1.2.3:5000/", None),
            ("http://127.0.0.1:5000/", None),
        ] {
            let shown = proxies.of(&url.parse().unwrap()).map(ToString::to_string);
            assert_eq!(shown.as_deref(), expected, "{url}");
        }
        assert!(!format!("{proxies:?}").contains("secret"));
    }

    #[test]
    fn a_bad_proxy_is_named_and_not_quoted() {
        for bad in ["http://user:secret@:x", "http://user:secret@", "user:secret@host:port"] {
            let error = read(bad).unwrap_err().to_string();
            assert!(error.contains("HTTPS_PROXY") && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn credentials_of_a_proxy_are_percent_decoded() {
        for (url, expected) in [
            ("http://us%40er:p%3Aa%2Fss@proxy:3128", Some("us@er:p:a/ss")),
            ("http://user@proxy", Some("user:")),
            ("http://proxy", None),
        ] {
            let proxies = read(url).unwrap();
            let proxy = proxies.https.as_ref().unwrap();
            let header = proxy.authorization().map(|header| header.to_str().unwrap().to_owned());
            assert_eq!(header, expected.map(|text| format!("Basic {}", STANDARD.encode(text))), "{url}");
            assert!(proxy.url().username().is_empty() && proxy.url().password().is_none());
        }
    }

    #[test]
    fn a_socks_proxy_is_refused_in_words_where_it_would_be_used() {
        let proxies = read("socks5://user:secret@proxy:1080").unwrap();
        let proxy = proxies.of(&"https://ghcr.io/".parse().unwrap()).unwrap();
        let error = proxy.transport().unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("`socks5`") && text.contains("`HTTPS_PROXY`") && !text.contains("secret"),
            "{text}"
        );
        assert!(error.hint().unwrap().contains("HTTPS_PROXY=http://"), "{:?}", error.hint());
    }
}
