//! URLs: how they are shown, and which hosts they name.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use reqwest::Url;
use reqwest::header::HeaderValue;

use crate::model::hub::canonical;

/// Returns a URL for people: without user info, query and fragment, which may hold secrets.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for URLs that cannot have user info.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

/// Returns the user info of a URL as `Basic` credentials (RFC 7617), percent-decoded; nothing where there is none.
pub(super) fn login(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut text: Vec<u8> = percent_decode_str(url.username()).collect();
    text.push(b':');
    text.extend(percent_decode_str(url.password().unwrap_or_default()));
    let mut header = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(text))).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// Returns `HOST` or `HOST:PORT`, as it stands in the URL.
pub fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Returns whether a list of `HOST` or `HOST:PORT` names the authority of `url`. A `HOST` alone names all its ports, and
/// each name of Docker Hub all of them.
pub(super) fn names(hosts: &[String], url: &Url) -> bool {
    let host = canonical(url.host_str().unwrap_or_default());
    let with_port = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
    hosts.iter().map(|named| canonical(named)).any(|named| named == host || named == with_port)
}

/// Returns whether a list as [`names`] takes it names the authority of `url`, or does so by `*.DOMAIN`.
pub(super) fn names_or_above(hosts: &[String], url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
    let below = |named: &String| {
        named.strip_prefix('*').is_some_and(|below| host.ends_with(&below.to_ascii_lowercase()))
    };
    names(hosts, url) || hosts.iter().any(below)
}

/// Returns whether `named` (`HOST` or `HOST:PORT`) names an authority as [`authority`] returns it, in whatever scheme.
pub(super) fn is_of(named: &str, authority: &str) -> bool {
    let (named, authority) = (canonical(named), canonical(authority));
    let host = authority.rsplit_once(':').map_or(&*authority, |(host, _)| host);
    let default = named.strip_suffix(":443").or_else(|| named.strip_suffix(":80"));
    named == authority || named == host || default == Some(&*authority)
}

/// Returns whether `host` (no port; IPv6 in brackets or not) is this machine by its name alone: `localhost`,
/// `*.localhost` (RFC 6761, section 6.3), `127.0.0.0/8` and `::1`.
pub(super) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let url: Url = "https://user:secret@host:5000/v2/a/b?token=secret#secret".parse().unwrap();
        assert_eq!(shown(&url), "https://host:5000/v2/a/b");
        assert_eq!(authority(&url), "host:5000");
    }

    #[test]
    fn a_host_is_named_with_or_without_its_port() {
        for (named, url, expected) in [
            ("host", "https://host:5000/", true),
            ("HOST:5000", "https://host:5000/", true),
            ("host:443", "https://host/", true),
            ("host:5001", "https://host:5000/", false),
            ("other", "https://host/", false),
            ("ost", "https://host/", false),
            ("docker.io", "https://registry-1.docker.io/", true),
            ("index.docker.io:443", "https://registry-1.docker.io/", true),
            ("docker.io", "https://auth.docker.io/", false),
        ] {
            assert_eq!(names(&[named.to_owned()], &url.parse().unwrap()), expected, "{named} {url}");
        }
    }

    #[test]
    fn an_authority_is_named_in_whatever_scheme() {
        for (named, authority, expected) in [
            ("HOST", "host:5000", true),
            ("host:5000", "host:5000", true),
            ("host:443", "host", true),
            ("host:80", "host", true),
            ("host:5001", "host:5000", false),
            ("other", "host", false),
            ("docker.io", "registry-1.docker.io", true),
        ] {
            assert_eq!(is_of(named, authority), expected, "{named} {authority}");
        }
    }

    #[test]
    fn loopback_is_known_by_name() {
        for (host, expected) in [
            ("localhost", true),
            ("a.LOCALHOST.", true),
            ("127.9.9.9", true),
            ("[::1]", true),
            ("notlocalhost", false),
            ("localhost.example.org", false),
            ("10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }
}
