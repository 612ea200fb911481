//! What a token is asked for (Docker registry token specification, "Requesting a Token").

use std::collections::BTreeSet;
use std::fmt;

/// What is done in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Reading.
    Pull,
    /// Reading and writing.
    Push,
}

/// A set of scopes, `repository:PATH:ACTIONS` each, in a fixed order.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scopes(BTreeSet<String>);

impl Scopes {
    /// Asks for one repository.
    pub fn of(repository: &str, access: Access) -> Self {
        Self::default().and(repository, access)
    }

    /// Adds another repository, as a mount needs it.
    #[must_use]
    pub fn and(mut self, repository: &str, access: Access) -> Self {
        let actions = match access {
            Access::Pull => "pull",
            Access::Push => "pull,push",
        };
        self.0.insert(format!("repository:{repository}:{actions}"));
        self
    }

    /// Adds what a challenge asks for, where it is about something else than what is here.
    #[must_use]
    pub fn with_challenge(mut self, asked: Option<&str>) -> Self {
        for scope in asked.unwrap_or_default().split_ascii_whitespace().take(16) {
            let resource = scope.rsplit_once(':').map_or(scope, |(resource, _)| resource);
            if !self.0.iter().any(|own| own.rsplit_once(':').is_some_and(|(own, _)| own == resource)) {
                self.0.insert(scope.to_owned());
            }
        }
        self
    }

    /// Returns whether nothing is asked for but to be known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the scopes one by one.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<&str> = self.iter().collect();
        f.write_str(&all.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_reads_from_one_and_writes_to_the_other() {
        let mount = Scopes::of("b", Access::Push).and("a", Access::Pull);
        assert_eq!(mount.to_string(), "repository:a:pull repository:b:pull,push");
    }

    #[test]
    fn a_challenge_adds_only_what_is_new() {
        let own = Scopes::of("a", Access::Push);
        assert_eq!(own.clone().with_challenge(Some("repository:a:pull")), own);
        let more = own.with_challenge(Some("repository:a:pull registry:catalog:*"));
        assert_eq!(more.to_string(), "registry:catalog:* repository:a:pull,push");
    }
}
