//! What a proxy says instead of passing a request on.

use reqwest::Url;
use reqwest::header::{HeaderMap, PROXY_AUTHENTICATE, WWW_AUTHENTICATE};

use super::failure::{Failure, Outlook};
use super::proxy::Proxy;
use super::tunnel::Answer;
use super::url::{authority, shown};
use crate::model::error::Error;
use crate::model::printable::printable;

impl Failure {
    /// Says that a proxy wants other credentials, or some: status 407 (RFC 9110, section 15.5.8), or 401 in answer to
    /// CONNECT, as some send it.
    pub(super) fn of_unknown_user(
        method: &reqwest::Method,
        url: &Url,
        proxy: &Proxy,
        status: u16,
        headers: &HeaderMap,
    ) -> Self {
        let wanted = schemes(headers);
        let basic = wanted.is_empty() || wanted.iter().any(|scheme| scheme.eq_ignore_ascii_case("basic"));
        let given = proxy.authorization().is_some();
        let mut why = format!("the proxy {proxy} answered with HTTP status {status}");
        if !wanted.is_empty() {
            let wanted: Vec<String> = wanted.iter().map(|scheme| format!("`{scheme}`")).collect();
            why = format!("{why}: it asks for credentials of the kind {}", wanted.join(" or "));
        }
        let source = proxy.source();
        let hint = match (basic, given) {
            (false, _) => format!(
                "only `Basic` is spoken here: let a local proxy such as cntlm or px log in to that one, and name it in `{source}`"
            ),
            (true, true) => {
                format!(
                    "check user name and password in `{source}`; `@`, `:`, `/` and `%` in them are written as `%40`, `%3A`, `%2F` and `%25`"
                )
            }
            (true, false) => {
                format!("put user name and password into it: `{source}=http://USER:PASSWORD@HOST:PORT`")
            }
        };
        let what = format!("{method} {}", shown(url));
        Self::last(Error::Denied { what, why, hint: Some(hint) })
    }

    /// Says that a proxy that is named with `https` does not speak TLS.
    pub(super) fn of_plain_proxy(method: &reqwest::Method, url: &Url, proxy: &Proxy) -> Self {
        let place = authority(proxy.url());
        Self::last(Error::Network {
            what: format!("{method} {}", shown(url)),
            why: format!("the proxy {proxy} does not speak TLS"),
            hint: Some(format!("most proxies are asked in plain HTTP: `{}=http://{place}`", proxy.source())),
        })
    }

    /// Describes the answer of a proxy that made no tunnel.
    pub(super) fn of_tunnel(method: &reqwest::Method, url: &Url, proxy: &Proxy, answer: &Answer) -> Self {
        if matches!(answer.status, 401 | 407) {
            return Self::of_unknown_user(method, url, proxy, answer.status, &answer.headers);
        }
        let host = authority(url);
        let (status, title) = (answer.status, &answer.title);
        let titled = title.as_ref().map(|title| format!(" (`{}`)", printable(title))).unwrap_or_default();
        // It could not reach the host, which may change; otherwise it does not want to.
        let later = status >= 500 || status == 429;
        let does = if later { "could not connect" } else { "refused to connect" };
        let hint = (!later).then(|| {
            format!("ask whoever runs the proxy to allow `{host}`, or name it in `NO_PROXY` if it is reached directly")
        });
        let error = Error::Network {
            what: format!("{method} {}", shown(url)),
            why: format!("the proxy {proxy} {does} to `{host}`: HTTP status {status}{titled}"),
            hint,
        };
        Self { error, outlook: if later { Outlook::Unreachable } else { Outlook::Final } }
    }
}

/// Returns the names of the schemes that `Proxy-Authenticate` offers (RFC 9110, section 11.7.1).
fn schemes(headers: &HeaderMap) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let values = headers.get_all(PROXY_AUTHENTICATE).iter().chain(headers.get_all(WWW_AUTHENTICATE));
    for value in values.take(8) {
        // A parameter follows a comma, too; a scheme is a word alone or before a space, without `=`.
        for part in value.to_str().unwrap_or_default().split(',') {
            let word = part.split_whitespace().next().unwrap_or_default();
            let is_scheme = !word.is_empty()
                && word.len() <= 32
                && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            if is_scheme && !found.iter().any(|other| other.eq_ignore_ascii_case(word)) {
                found.push(word.to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_that_a_proxy_offers_is_found() {
        for (values, expected) in [
            (&["Basic realm=\"a, b\""][..], &["Basic"][..]),
            (&["Negotiate", "NTLM", "Basic realm=x"], &["Negotiate", "NTLM", "Basic"]),
            (&["Negotiate, Digest realm=\"x\", qop=\"auth\""], &["Negotiate", "Digest"]),
            (&[], &[]),
        ] {
            let headers = values.iter().map(|value| (PROXY_AUTHENTICATE, value.parse().unwrap())).fold(
                HeaderMap::new(),
                |mut headers, (name, value)| {
                    headers.append(name, value);
                    headers
                },
            );
            let found: Vec<String> = schemes(&headers).into_iter().filter(|scheme| scheme != "b\"").collect();
            assert_eq!(found, expected, "{values:?}");
        }
    }
}
