//! Keys of credential files: `host`, `host:port/path`, and docker's old URLs.

use std::fmt;

use crate::model::hub::{HUB, canonical};

/// What a key speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// Host with port, as in references.
    pub(super) host: String,
    /// Repository path, or its beginning; empty for the whole registry.
    pub(super) path: String,
}

/// Returns a registry as keys and references name it: Docker Hub is `docker.io`.
pub(super) fn registry(host: &str) -> String {
    match canonical(host) {
        old if old == "registry.hub.docker.com" => HUB.to_owned(),
        other => other,
    }
}

impl fmt::Display for Key {
    /// Writes it as docker and podman both read it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&*self.host, &*self.path) {
            (HUB, "") => f.write_str("https://index.docker.io/v1/"),
            (host, "") => f.write_str(host),
            (host, path) => write!(f, "{host}/{path}"),
        }
    }
}

impl Key {
    /// Reads a key. Docker wrote URLs, of which only the host counts; podman's keys may carry a path.
    pub(super) fn parse(text: &str) -> Self {
        let text = text.trim();
        let url = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let rest = url.unwrap_or(text);
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = path.trim_matches('/');
        let whole = url.is_some() || matches!(path, "v1" | "v2");
        Self { host: registry(host), path: if whole { String::new() } else { path.to_owned() } }
    }

    /// Returns how specific this key is for a repository, or `None` where it is not about it.
    pub(super) fn matches(&self, registry: &str, repository: &str) -> Option<usize> {
        let beginning = repository.strip_prefix(&self.path)?;
        let about = self.path.is_empty() || beginning.is_empty() || beginning.starts_with('/');
        (about && self.host == registry).then_some(self.path.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_match_whole_parts() {
        for (key, registry, repository, expected) in [
            ("ghcr.io", "ghcr.io", "a/b", Some(0)),
            ("GHCR.io", "ghcr.io", "a/b", Some(0)),
            ("ghcr.io/a", "ghcr.io", "a/b", Some(1)),
            ("ghcr.io/a/b", "ghcr.io", "a/b", Some(3)),
            ("ghcr.io/a/bc", "ghcr.io", "a/b", None),
            ("ghcr.io/a/b", "ghcr.io", "a/bc", None),
            ("ghcr.io:443", "ghcr.io", "a", None),
            ("https://index.docker.io/v1/", "docker.io", "library/nginx", Some(0)),
            ("index.docker.io/v1", "docker.io", "library/nginx", Some(0)),
            ("docker.io/library", "docker.io", "library/nginx", Some(7)),
            ("https://ghcr.io/v2/", "ghcr.io", "a", Some(0)),
            ("http://localhost:5000", "localhost:5000", "a", Some(0)),
            ("[::1]:5000", "[::1]:5000", "a", Some(0)),
        ] {
            assert_eq!(
                Key::parse(key).matches(registry, repository),
                expected,
                "{key} {registry}/{repository}"
            );
        }
    }
}
