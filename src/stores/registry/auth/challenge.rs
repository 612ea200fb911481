//! `WWW-Authenticate` (RFC 9110, section 11.6.1; RFC 6750, section 3).

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// One way to prove who we are that a registry offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// User name and password with every request.
    Basic,
    /// A token from a token server.
    Bearer {
        /// URL of the token server.
        realm: String,
        /// Name of the registry there.
        service: Option<String>,
        /// What the refused request needed.
        scope: Option<String>,
        /// Why it was refused.
        error: Option<String>,
    },
}

impl Challenge {
    /// Returns the challenges of an answer that this client knows, in their order.
    pub fn of(headers: &HeaderMap) -> Vec<Self> {
        let values = headers.get_all(WWW_AUTHENTICATE).iter().take(16);
        values.filter_map(|value| value.to_str().ok()).flat_map(parse).collect()
    }
}

/// Reads the challenges of one header line; what cannot be read ends it.
fn parse(text: &str) -> Vec<Challenge> {
    let mut challenges = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let Some((scheme, after)) = token(rest) else { break };
        let (parameters, after) = parameters(after);
        rest = after.trim_start_matches([',', ' ', '\t']);
        let get = |name: &str| {
            parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
        };
        if scheme.eq_ignore_ascii_case("basic") {
            challenges.push(Challenge::Basic);
        } else if let (true, Some(realm)) = (scheme.eq_ignore_ascii_case("bearer"), get("realm")) {
            challenges.push(Challenge::Bearer {
                realm,
                service: get("service"),
                scope: get("scope"),
                error: get("error"),
            });
        }
    }
    challenges
}

/// Splits a token (RFC 9110, section 5.6.2) from the front.
fn token(text: &str) -> Option<(&str, &str)> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let end = text.find(|c| !is_token(c)).unwrap_or(text.len());
    text.split_at_checked(end).filter(|(token, _)| !token.is_empty())
}

/// Reads `name=value` pairs up to the end or the next scheme.
fn parameters(mut text: &str) -> (Vec<(String, String)>, &str) {
    let mut found = Vec::new();
    loop {
        let here = text.trim_start_matches([',', ' ', '\t']);
        let Some((name, after)) = token(here) else { return (found, here) };
        let Some(value) = after.trim_start().strip_prefix('=') else { return (found, here) };
        let value = value.trim_start();
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => token(value).map_or((String::new(), ""), |(value, after)| (value.to_owned(), after)),
        };
        found.push((name.to_owned(), value));
        text = after;
    }
}

/// Reads a quoted string (RFC 9110, section 5.6.4) whose first quote is gone.
fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((index, c)) = characters.next() {
        match c {
            '"' => return (value, text.get(index.saturating_add(1)..).unwrap_or_default()),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Challenge::Bearer { realm: realm.to_owned(), service: own(service), scope: own(scope), error: None }
    }

    #[test]
    fn reads_what_registries_send() {
        for (text, expected) in [
            (
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#,
                vec![bearer(
                    "https://auth.docker.io/token",
                    Some("registry.docker.io"),
                    Some("repository:a/b:pull,push"),
                )],
            ),
            (r#"Basic realm="Registry""#, vec![Challenge::Basic]),
            ("basic", vec![Challenge::Basic]),
            (r#"bearer  REALM = "https://a/t" , Service=b"#, vec![bearer("https://a/t", Some("b"), None)]),
            (r#"Bearer realm="https://a/\"t""#, vec![bearer("https://a/\"t", None, None)]),
            (
                r#"Negotiate, Basic realm="a, b", Bearer realm="https://a/t""#,
                vec![Challenge::Basic, bearer("https://a/t", None, None)],
            ),
            (r#"Bearer service="a""#, vec![]),
            (r#"Bearer realm="https://cut"#, vec![bearer("https://cut", None, None)]),
            ("", vec![]),
            ("\"", vec![]),
            ("Digest qop=", vec![]),
        ] {
            let headers = HeaderMap::from_iter([(WWW_AUTHENTICATE, text.parse().unwrap())]);
            assert_eq!(Challenge::of(&headers), expected, "{text}");
        }
    }
}
