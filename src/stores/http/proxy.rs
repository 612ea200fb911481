//! Proxies: which one a request goes through.

use std::fmt;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{NoProxy, Proxy, Url};

use super::settings::ProxySettings;
use crate::model::error::{Error, Result};

/// Proxies, checked.
pub(super) struct Proxies {
    all: Vec<Proxy>,
    /// The same rules that the transport follows, for messages.
    matcher: Matcher,
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxies")
    }
}

impl Proxies {
    /// Reads the URLs. They may hold a password: errors do not repeat them.
    pub(super) fn read(settings: &ProxySettings) -> Result<Self> {
        let except = NoProxy::from_string(&settings.except);
        let make = |url: &Option<String>, name: &str, proxy: fn(String) -> reqwest::Result<Proxy>| {
            let made = url.clone().filter(|url| !url.is_empty()).map(proxy).transpose();
            made.map_err(|_| Error::usage(format!("`{name}` is not the URL of a proxy"), None))
        };
        let https = make(&settings.https, "HTTPS_PROXY", Proxy::https)?;
        let http = make(&settings.http, "HTTP_PROXY", Proxy::http)?;
        let matcher = Matcher::builder()
            .https(settings.https.clone().unwrap_or_default())
            .http(settings.http.clone().unwrap_or_default())
            .no(settings.except.clone())
            .build();
        let all = https.into_iter().chain(http).map(|proxy| proxy.no_proxy(except.clone())).collect();
        Ok(Self { all, matcher })
    }

    /// Returns all of them, for a transport.
    pub(super) fn all(&self) -> impl Iterator<Item = Proxy> {
        self.all.iter().cloned()
    }

    /// Returns host and port of the proxy for a URL, or `None` where it is reached directly.
    pub(super) fn of(&self, url: &Url) -> Option<String> {
        let proxy = self.matcher.intercept(&url.as_str().parse().ok()?)?;
        let authority = proxy.uri().authority()?.as_str();
        Some(authority.rsplit_once('@').map_or(authority, |(_, host)| host).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_one_proxy_or_none() {
        let proxies = Proxies::read(&ProxySettings {
            https: Some("http://user:secret@secure:3128".to_owned()),
            http: Some("plain:8080".to_owned()),
            except: "10.0.0.0/8,.corp".to_owned(),
        })
        .unwrap();
        for (url, expected) in [
            ("https://ghcr.io/v2/", Some("secure:3128")),
            ("http://ghcr.io/v2/", Some("plain:8080")),
            ("https://registry.corp/", None),
            ("https://10.1.2.3:5000/", None),
        ] {
            assert_eq!(proxies.of(&url.parse().unwrap()).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn a_bad_proxy_is_named_and_not_quoted() {
        let settings =
            ProxySettings { https: Some("http://user:secret@:x".to_owned()), ..ProxySettings::default() };
        let error = Proxies::read(&settings).unwrap_err().to_string();
        assert!(error.contains("HTTPS_PROXY") && !error.contains("secret"), "{error}");
    }
}
