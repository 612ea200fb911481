//! Which token server may see a password (CVE-2026-48978): one that belongs to the registry.

use reqwest::Url;

/// Registries whose token server is on another domain.
const KNOWN: [(&str, &str); 3] =
    [("nvcr.io", "authn.nvidia.com"), ("dhi.io", "auth.docker.io"), ("registry.redhat.io", "sso.redhat.com")];

/// Returns whether a password for `registry` may go to `realm`: to the registry's own host, to its registrable domain,
/// or to a host that is known or named for it. Never from https to http.
pub(super) fn may_see(registry: &Url, realm: &Url, named: &[String]) -> bool {
    let (Some(registry_host), Some(realm_host)) = (registry.host_str(), realm.host_str()) else {
        return false;
    };
    if registry.scheme() == "https" && realm.scheme() != "https" {
        return false;
    }
    let with_port = format!("{realm_host}:{}", realm.port_or_known_default().unwrap_or_default());
    let is_named =
        |named: &String| [realm_host, &with_port].iter().any(|host| named.eq_ignore_ascii_case(host));
    registry_host == realm_host
        || named.iter().any(is_named)
        || KNOWN.contains(&(registry_host, realm_host))
        || registrable(registry_host).is_some_and(|domain| registrable(realm_host) == Some(domain))
}

/// Returns the registrable domain: the public suffix and one label more. Addresses have none.
fn registrable(host: &str) -> Option<&str> {
    if host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[') {
        return None;
    }
    let domain = psl::domain(host.as_bytes())?;
    // A suffix that nobody has listed may be a company's own: then one label more says nothing.
    if !domain.suffix().is_known() {
        return None;
    }
    std::str::from_utf8(domain.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_stays_with_its_domain() {
        for (registry, realm, expected) in [
            ("https://registry-1.docker.io", "https://auth.docker.io/token", true),
            ("https://ghcr.io", "https://ghcr.io/token", true),
            ("https://host:5000", "https://host:5001/auth", true),
            ("http://127.0.0.1:5000", "http://127.0.0.1:5001/auth", true),
            ("http://127.0.0.1:5000", "http://127.0.0.2:5001/auth", false),
            ("https://ghcr.io", "http://ghcr.io/token", false),
            ("https://ghcr.io", "https://ghcr.io.evil.com/token", false),
            ("https://registry.example.co.uk", "https://auth.example.co.uk/", true),
            ("https://registry.example.co.uk", "https://evil.co.uk/", false),
            ("https://a.github.io", "https://b.github.io/", false),
            ("https://nvcr.io", "https://authn.nvidia.com/token", true),
            ("https://registry.corp", "https://evil.corp/token", false),
            ("https://registry", "https://auth/token", false),
        ] {
            let parse = |text: &str| text.parse::<Url>().unwrap();
            assert_eq!(may_see(&parse(registry), &parse(realm), &[]), expected, "{registry} {realm}");
        }
    }

    #[test]
    fn a_host_can_be_named() {
        let (registry, realm) = ("https://r.corp/".parse().unwrap(), "https://login.corp/t".parse().unwrap());
        assert!(!may_see(&registry, &realm, &[]));
        for (named, expected) in
            [("login.corp", true), ("LOGIN.corp:443", true), ("login.corp:444", false), ("corp", false)]
        {
            assert_eq!(may_see(&registry, &realm, &[named.to_owned()]), expected, "{named}");
        }
    }
}
