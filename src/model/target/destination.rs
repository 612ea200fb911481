//! The registry that things go to, as it is typed: `HOST[:PORT][/PREFIX]`.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use crate::model::hub::canonical;
use crate::model::reference::is_repository;

/// How a registry is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// Not said: https, and for loopback hosts http after it.
    #[default]
    Default,
    /// `https://` was said: nothing else.
    Https,
    /// `http://` was said: plain HTTP for that host.
    Http,
}

/// A registry and a prefix in it: `registry.internal:5000/mirror`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    registry: String,
    prefix: String,
    protocol: Protocol,
}

/// Says why a text is not a [`Destination`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{why}", quoted(.text.as_deref()))]
pub struct DestinationError {
    /// Not there where a password may be in it.
    text: Option<String>,
    why: &'static str,
    hint: Option<&'static str>,
}

impl DestinationError {
    /// Returns what to type instead, where that is not plain from the message.
    pub const fn hint(&self) -> Option<&'static str> {
        self.hint
    }
}

fn quoted(text: Option<&str>) -> String {
    text.map(|text| format!("`{text}` is not a destination: ")).unwrap_or_default()
}

impl Destination {
    /// Returns `HOST[:PORT]`, in lower case.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Returns the prefix, without slashes at its ends; empty where there is none.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns how the registry is spoken to.
    pub const fn protocol(&self) -> Protocol {
        self.protocol
    }
}

impl FromStr for Destination {
    type Err = DestinationError;

    /// Parses `HOST[:PORT][/PREFIX]`, with `docker://`, `oci://`, `https://` or `http://` in front, and a slash at the
    /// end, where someone typed them. The first part is always the host, unlike in a reference.
    fn from_str(text: &str) -> Result<Self, DestinationError> {
        let (protocol, plain) = match text.split_once("://") {
            None => (Protocol::Default, text),
            Some(("docker" | "oci", plain)) => (Protocol::Default, plain),
            Some(("https", plain)) => (Protocol::Https, plain),
            Some(("http", plain)) => (Protocol::Http, plain),
            Some(_) => {
                return Err(wrong(
                    text,
                    "expected `docker://`, `oci://`, `https://`, `http://` or none of them",
                ));
            }
        };
        if let Some((_, after)) = plain.rsplit_once('@') {
            // Not quoted: a password may be in it.
            let (why, hint) = if after.starts_with("sha256:") || after.starts_with("sha512:") {
                ("a destination has no digest: artifacts keep theirs", "name the registry and a prefix alone")
            } else {
                (
                    "credentials do not go into a destination, where others could read them",
                    "say `--username USER` with `--password-stdin` or `--password-file FILE`",
                )
            };
            return Err(DestinationError { text: None, why, hint: Some(hint) });
        }
        if plain.starts_with(['/', '.']) {
            return Err(wrong(text, "expected a registry, `HOST[:PORT][/PREFIX]`, got a path"));
        }
        let (registry, prefix) = plain.split_once('/').unwrap_or((plain, ""));
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        if !is_registry(registry) {
            return Err(wrong(text, "expected `HOST[:PORT]` before the first `/`"));
        }
        if !prefix.is_empty() && !is_repository(prefix) {
            return Err(wrong(
                text,
                "the prefix is lower-case parts with `/` between, without a tag: artifacts keep theirs",
            ));
        }
        Ok(Self { registry: canonical(registry), prefix: prefix.to_owned(), protocol })
    }
}

fn wrong(text: &str, why: &'static str) -> DestinationError {
    DestinationError { text: Some(text.to_owned()), why, hint: None }
}

/// Returns whether `text` is `HOST[:PORT]`: a DNS name, an IPv4 address, or an IPv6 address in brackets.
pub fn is_registry(text: &str) -> bool {
    let (host_is_good, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, "")) => (address.parse::<Ipv6Addr>().is_ok(), None),
        Some((address, rest)) => {
            (address.parse::<Ipv6Addr>().is_ok(), Some(rest.strip_prefix(':').unwrap_or("")))
        }
        None => match text.split_once(':') {
            Some((host, port)) => (is_host(host), Some(port)),
            None => (is_host(text), None),
        },
    };
    let digits = |port: &str| port.chars().all(|c| c.is_ascii_digit());
    host_is_good && port.is_none_or(|port| digits(port) && port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn is_host(text: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_alphanumeric();
    let label = |label: &str| {
        label.len() <= 63
            && label.starts_with(alphanumeric)
            && label.ends_with(alphanumeric)
            && label.chars().all(|c| alphanumeric(c) || c == '-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

impl fmt::Display for Destination {
    /// Writes what parses back to the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.protocol {
            Protocol::Default => "",
            Protocol::Https => "https://",
            Protocol::Http => "http://",
        })?;
        f.write_str(&self.registry)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_read_as_people_type_them() {
        for (given, printed) in [
            ("registry.internal:5000", "registry.internal:5000"),
            ("registry/mirror/a", "registry/mirror/a"),
            ("docker://Registry.Internal/", "registry.internal"),
            ("oci://[::1]:5000/a", "[::1]:5000/a"),
            ("http://10.0.0.1:5000/a/", "http://10.0.0.1:5000/a"),
            ("https://localhost", "https://localhost"),
            ("index.docker.io/me", "docker.io/me"),
        ] {
            let destination: Destination = given.parse().unwrap();
            assert_eq!(destination.to_string(), printed, "{given}");
            assert_eq!(printed.parse(), Ok(destination), "{printed}");
        }
    }

    #[test]
    fn what_is_not_a_destination_says_why() {
        for (text, why) in [
            ("", "HOST[:PORT]"),
            ("ftp://a", "`docker://`"),
            ("user:secret@host", "credentials"),
            ("docker://user:secret@host:5000/a", "credentials"),
            ("host/a@sha256:00", "no digest"),
            ("./folder", "got a path"),
            ("/folder", "got a path"),
            ("host:0", "HOST[:PORT]"),
            ("host:+5", "HOST[:PORT]"),
            ("host:99999", "HOST[:PORT]"),
            ("my_registry:5000", "HOST[:PORT]"),
            ("[::g]", "HOST[:PORT]"),
            ("[::1]5000", "HOST[:PORT]"),
            ("host/Mirror", "lower-case"),
            ("host/mirror:tag", "without a tag"),
            ("host/a//", "lower-case"),
        ] {
            let error = text.parse::<Destination>().unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains("secret"), "{text}: {error}");
        }
    }
}
