//! What a request needs and what a token grants: `repository:NAME:ACTION,…`, one or more.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use axum::extract::Request;
use axum::http::Method;

use super::super::query::Query;
use super::super::route::Route;

/// Actions by repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scopes(BTreeMap<String, BTreeSet<String>>);

impl Scopes {
    /// Returns what a request needs; nothing where it names no repository.
    pub(super) fn needed(request: &Request) -> Self {
        let mut scopes = Self::default();
        let Ok(route) = Route::parse(request.uri().path()) else { return scopes };
        let Some(repository) = route.repository() else { return scopes };
        let upload = matches!(route, Route::Uploads { .. } | Route::Upload { .. });
        let actions: &[&str] = match *request.method() {
            _ if upload => &["pull", "push"],
            Method::GET | Method::HEAD => &["pull"],
            Method::DELETE => &["delete"],
            _ => &["pull", "push"],
        };
        scopes.add(repository, actions.iter().copied());
        let query = Query::parse(request.uri().query().unwrap_or_default());
        if let (Route::Uploads { .. }, Some(_), Some(from)) = (&route, query.get("mount"), query.get("from"))
        {
            scopes.add(from, std::iter::once("pull"));
        }
        scopes
    }

    /// Parses what a token is asked for; other scopes than those of repositories are left out.
    pub(super) fn parse<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut scopes = Self::default();
        for text in texts.flat_map(|text| text.split(' ')) {
            let named = text.strip_prefix("repository:").and_then(|rest| rest.rsplit_once(':'));
            if let Some((repository, actions)) = named {
                scopes.add(repository, actions.split(','));
            }
        }
        scopes
    }

    fn add<'a>(&mut self, repository: &str, actions: impl Iterator<Item = &'a str>) {
        self.0.entry(repository.to_owned()).or_default().extend(actions.map(str::to_owned));
    }

    /// Returns the same without any action but this.
    pub(super) fn only(mut self, action: &str) -> Self {
        for actions in self.0.values_mut() {
            actions.retain(|held| held == action);
        }
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether everything in `needed` is granted here.
    pub(super) fn cover(&self, needed: &Self) -> bool {
        needed.0.iter().all(|(repository, actions)| {
            self.0.get(repository).is_some_and(|held| held.contains("*") || actions.is_subset(held))
        })
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (repository, actions)) in self.0.iter().enumerate() {
            let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}repository:{repository}:{}", actions.join(","))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed(method: Method, uri: &str) -> String {
        let mut request = Request::default();
        *request.method_mut() = method;
        *request.uri_mut() = uri.parse().unwrap();
        Scopes::needed(&request).to_string()
    }

    #[test]
    fn knows_what_a_request_needs() {
        let d = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(needed(Method::GET, "/v2/"), "");
        assert_eq!(needed(Method::GET, "/v2/a/b/manifests/v1"), "repository:a/b:pull");
        assert_eq!(needed(Method::PUT, "/v2/a/manifests/v1"), "repository:a:pull,push");
        assert_eq!(needed(Method::DELETE, "/v2/a/manifests/v1"), "repository:a:delete");
        assert_eq!(needed(Method::DELETE, "/v2/a/blobs/uploads/1"), "repository:a:pull,push");
        assert_eq!(
            needed(Method::POST, &format!("/v2/a/blobs/uploads/?mount={d}&from=b")),
            "repository:a:pull,push repository:b:pull"
        );
    }

    #[test]
    fn compares_what_is_granted() {
        let parse = |text: &str| Scopes::parse(std::iter::once(text));
        let granted = parse("repository:a:pull,push repository:b:* registry:catalog:*");
        for (text, covered) in [
            ("repository:a:pull", true),
            ("repository:a:push,pull", true),
            ("repository:a:delete", false),
            ("repository:b:delete", true),
            ("repository:c:pull", false),
            ("repository:a:pull repository:c:pull", false),
            ("", true),
        ] {
            assert_eq!(granted.cover(&parse(text)), covered, "{text}");
        }
        assert_eq!(granted.only("pull").to_string(), "repository:a:pull repository:b:");
    }
}
