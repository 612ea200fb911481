//! `NO_PROXY`: what is reached without a proxy.

use std::net::IpAddr;

use ipnet::IpNet;
use reqwest::Url;

use super::url::is_loopback;

/// What is reached directly, as Go reads `NO_PROXY` (golang.org/x/net/http/httpproxy), and with it docker, crane and
/// skopeo: names, `.suffixes`, addresses and networks, with a port or without, or `*`.
#[derive(Clone, Debug, Default)]
pub(super) struct Direct(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    what: What,
    /// Every port where there is none.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Everything,
    Network(IpNet),
    Address(IpAddr),
    /// The name and what is below it.
    Domain(String),
    /// Only what is below the name; begins with a dot.
    Below(String),
}

impl Direct {
    /// Reads entries that commas or white space separate.
    pub(super) fn parse(text: &str) -> Self {
        let entries = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
        Self(entries.map(Entry::parse).collect())
    }

    /// Returns whether a URL is asked without a proxy. This machine always is.
    pub(super) fn takes(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let bare =
            host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
        let address: Option<IpAddr> = bare.parse().ok();
        let port = url.port_or_known_default();
        let takes = |entry: &Entry| {
            let host = match (&entry.what, address) {
                (What::Everything, _) => true,
                (What::Network(network), Some(address)) => network.contains(&address),
                (What::Address(named), Some(address)) => *named == address,
                (What::Domain(name), None) => bare
                    .strip_suffix(name.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
                (What::Below(suffix), None) => bare.len() > suffix.len() && bare.ends_with(suffix.as_str()),
                _ => false,
            };
            host && entry.port.is_none_or(|named| Some(named) == port)
        };
        is_loopback(host) || self.0.iter().any(takes)
    }
}

impl Entry {
    fn parse(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        if text == "*" {
            return Self { what: What::Everything, port: None };
        }
        if let Ok(network) = text.parse() {
            return Self { what: What::Network(network), port: None };
        }
        let unbracketed = |text: &str| text.trim_start_matches('[').trim_end_matches(']').to_owned();
        if let Ok(address) = unbracketed(&text).parse() {
            return Self { what: What::Address(address), port: None };
        }
        let with_port =
            text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
        let (host, port) = with_port.map_or((text.as_str(), None), |(host, port)| (host, Some(port)));
        let host = unbracketed(host);
        let what = match host.parse() {
            Ok(address) => What::Address(address),
            Err(_) => match host.trim_end_matches('.').strip_prefix('*').unwrap_or(&host) {
                below if below.starts_with('.') => What::Below(below.to_owned()),
                name => What::Domain(name.trim_end_matches('.').to_owned()),
            },
        };
        Self { what, port }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(list: &str, url: &str) -> bool {
        Direct::parse(list).takes(&url.parse().unwrap())
    }

    #[test]
    fn no_proxy_is_read_as_go_reads_it() {
        for (list, url, expected) in [
            ("corp", "https://corp/", true),
            ("corp", "https://registry.corp/", true),
            ("corp", "https://notcorp/", false),
            ("CORP", "https://Registry.corp./", true),
            (".corp", "https://registry.corp/", true),
            (".corp", "https://corp/", false),
            ("*.corp", "https://registry.corp/", true),
            ("*.corp", "https://corp/", false),
            ("a, b\tc", "https://c/", true),
            (",,", "https://c/", false),
            ("*", "https://ghcr.io/", true),
            ("", "https://ghcr.io/", false),
        ] {
            assert_eq!(takes(list, url), expected, "{list} {url}");
        }
    }

    #[test]
    fn networks_and_addresses_are_of_addresses_alone() {
        for (list, url, expected) in [
            ("10.0.0.0/8", "https://10.1.2.3:5000/", true),
            ("10.0.0.0/8", "https://11.1.2.3/", false),
            ("10.0.0.0/8", "https://ten.example/", false),
            ("10.1.2.3", "https://10.1.2.3:5000/", true),
            ("10.1.2", "https://10.1.2.3/", false),
            ("1.2.3", "https://10.1.2.3/", false),
            ("fd00::/8", "https://[fd00::1]:5000/", true),
            ("[fd00::1]", "https://[fd00::1]/", true),
            ("fd00::1", "https://[fd00::2]/", false),
        ] {
            assert_eq!(takes(list, url), expected, "{list} {url}");
        }
    }

    #[test]
    fn an_entry_may_have_a_port() {
        for (list, url, expected) in [
            ("corp:5000", "https://registry.corp:5000/", true),
            ("corp:5000", "https://registry.corp/", false),
            ("corp:443", "https://registry.corp/", true),
            ("corp:80", "http://registry.corp/", true),
            ("10.1.2.3:5000", "https://10.1.2.3:5000/", true),
            ("10.1.2.3:5000", "https://10.1.2.3/", false),
            ("[fd00::1]:5000", "https://[fd00::1]:5000/", true),
            ("[fd00::1]:5000", "https://[fd00::1]/", false),
        ] {
            assert_eq!(takes(list, url), expected, "{list} {url}");
        }
    }

    #[test]
    fn this_machine_needs_no_proxy() {
        for url in ["http://localhost:5000/", "https://127.0.0.1/", "https://[::1]:5000/"] {
            assert!(takes("", url), "{url}");
        }
    }
}
