//! What of a request must not be said again, whatever its answer says.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::header::HeaderValue;

use super::proxy::Proxy;
use super::request::{Reach, Request};

/// What stands in the place of a secret.
const COVER: &str = "…";
/// What is shorter is a part of ordinary words.
const MIN_LENGTH: usize = 4;

/// The secrets of a request, as it holds them: their spellings are looked for only where an answer is quoted.
#[derive(Clone, Default)]
pub struct Hidden {
    /// Of the request, and of the proxy that it went through.
    logins: [Option<HeaderValue>; 2],
    /// The body of a request that stays with its origin, a form or JSON.
    body: Bytes,
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}

impl Hidden {
    /// Takes the secrets of a request, and of the proxy that it goes through.
    pub(super) fn of(request: &Request, proxy: Option<&Proxy>) -> Self {
        let body = if request.reach == Reach::Origin { request.body.clone() } else { Bytes::new() };
        let of_proxy = proxy.and_then(Proxy::authorization).cloned();
        Self { logins: [request.authorization.clone(), of_proxy], body }
    }

    /// Takes those of a proxy that is asked for a tunnel, which hears of nothing else.
    pub(super) fn of_proxy(proxy: &Proxy) -> Self {
        Self { logins: [None, proxy.authorization().cloned()], body: Bytes::new() }
    }

    /// Returns a text with `…` in the place of each secret.
    pub fn cover(&self, text: &str) -> String {
        self.spellings().iter().fold(text.to_owned(), |text, secret| text.replace(secret, COVER))
    }

    /// Returns the spellings in which a server may echo them: the `Authorization` header, the part of it behind the scheme,
    /// what is quoted in it (macaroons), user name and password, the password, the refresh token of a form, encoded and
    /// not, and the texts of a JSON object.
    fn spellings(&self) -> Vec<String> {
        let mut all = Vec::new();
        for header in self.logins.iter().flatten().filter_map(|header| header.to_str().ok()) {
            all.push(header.to_owned());
            all.extend(header.split('"').skip(1).step_by(2).map(str::to_owned));
            if let Some((_, value)) = header.split_once(' ') {
                all.push(value.to_owned());
                let pair = STANDARD.decode(value).ok().and_then(|pair| String::from_utf8(pair).ok());
                if let Some((username, password)) = pair.as_deref().and_then(|pair| pair.split_once(':')) {
                    all.extend([format!("{username}:{password}"), password.to_owned()]);
                }
            }
        }
        let form = String::from_utf8_lossy(&self.body);
        let token = |pair: &str| pair.strip_prefix("refresh_token=").map(str::to_owned);
        all.extend(form.split('&').filter_map(token));
        let tokens = url::form_urlencoded::parse(&self.body).filter(|(name, _)| name == "refresh_token");
        all.extend(tokens.map(|(_, value)| value.into_owned()));
        let object: BTreeMap<String, String> = serde_json::from_slice(&self.body).unwrap_or_default();
        all.extend(object.into_values());
        all.retain(|secret| secret.len() >= MIN_LENGTH);
        all
    }
}

#[cfg(test)]
mod tests {
    use reqwest::Method;

    use super::*;

    fn covered(authorization: Option<&'static str>, body: &'static str, text: &str) -> String {
        let mut request = Request::new(Method::POST, "https://h/".parse().unwrap());
        request = request.body(body.into()).reach(Reach::Origin);
        request.authorization = authorization.map(HeaderValue::from_static);
        Hidden::of(&request, None).cover(text)
    }

    #[test]
    fn every_spelling_is_covered() {
        // `user:pass-word`
        let basic = Some("Basic dXNlcjpwYXNzLXdvcmQ=");
        for (authorization, body, text, expected) in [
            (basic, "", "no: Basic dXNlcjpwYXNzLXdvcmQ=!", "no: …!"),
            (basic, "", "dXNlcjpwYXNzLXdvcmQ= and user:pass-word", "… and …"),
            (basic, "", "user has no pass-word", "user has no …"),
            (Some("Bearer abc.def"), "", "authorization: bearer abc.def", "authorization: bearer …"),
            (None, "a=b&refresh_token=x%2Fyz%3D", "x/yz= is x%2Fyz%3D", "… is …"),
            (Some("Macaroon root=\"r00t\", discharge=\"d1sch\""), "", "r00t and d1sch", "… and …"),
            (
                None,
                r#"{"discharge_macaroon": "d1sch"}"#,
                "d1sch is no discharge_macaroon",
                "… is no discharge_macaroon",
            ),
            // `u:x`
            (Some("Basic dTp4"), "", "an x-ray", "an x-ray"),
        ] {
            assert_eq!(covered(authorization, body, text), expected, "{text}");
        }
    }
}
