//! The beginning of names that a rule is about.

use crate::model::hub::canonical;
use crate::model::reference::is_repository;

/// `HOST[:PORT]`, `HOST/PATH`, or `*.DOMAIN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prefix(String);

impl Prefix {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.contains('@') {
            return Err("a registry is named without a user name or a password: see `login`".to_owned());
        }
        let text = text.trim_end_matches('/');
        let (host, path) = text.split_once('/').map_or((text, None), |(host, path)| (host, Some(path)));
        let host = host.to_ascii_lowercase();
        let bare = host.strip_prefix("*.").unwrap_or(&host);
        if bare.is_empty() || bare.contains('*') || bare.starts_with('.') || text.contains("//") {
            return Err(format!("`{text}` is not the name of a registry, nor `*.DOMAIN`"));
        }
        if path.is_some_and(|path| !is_repository(path)) {
            return Err(format!("`{text}` does not go on with the path of a repository"));
        }
        let host = canonical(&host);
        Ok(Self(path.map_or_else(|| host.clone(), |path| format!("{host}/{path}"))))
    }

    /// Returns how much of `name`, registry and repository, this is, or `None` where the rule is not about it.
    pub(super) fn matches(&self, name: &str) -> Option<usize> {
        let end = match self.0.strip_prefix('*') {
            // Something stands before the dot, and it is all of the host.
            Some(below) => {
                let host = name.split('/').next().unwrap_or_default();
                let start = name.find(below).filter(|start| *start > 0 && *start < host.len())?;
                start.saturating_add(below.len())
            }
            None => name.starts_with(&self.0).then_some(self.0.len())?,
        };
        let rest = name.get(end..)?;
        // A wildcard is of all ports.
        let whole = rest.is_empty() || rest.starts_with('/') || (self.is_wildcard() && rest.starts_with(':'));
        whole.then_some(end)
    }

    /// Returns how specific it is.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_wildcard(&self) -> bool {
        self.0.starts_with('*')
    }

    /// Returns the host, or `*.DOMAIN`.
    pub(super) fn host(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_of_whole_parts() {
        for (prefix, name, expected) in [
            ("docker.io", "docker.io/library/nginx", Some(9)),
            ("index.docker.io/library", "docker.io/library/nginx", Some(17)),
            ("docker.io/lib", "docker.io/library/nginx", None),
            ("docker.i", "docker.io/library/nginx", None),
            ("host", "host:5000/a", None),
            ("host:5000", "host:5000/a", Some(9)),
            ("*.example.com", "a.example.com/b", Some(13)),
            ("*.example.com", "a.b.example.com:5000/b", Some(15)),
            ("*.example.com", "example.com/b", None),
            ("*.example.com", "x/a.example.com", None),
            ("*.example.com/team", "a.example.com/team/b", Some(18)),
        ] {
            assert_eq!(Prefix::parse(prefix).unwrap().matches(name), expected, "{prefix} {name}");
        }
        for bad in ["", "*", "*.", "a.*.b", "https://docker.io", "docker.io/Library"] {
            assert!(Prefix::parse(bad).is_err(), "{bad}");
        }
    }
}
