//! Other places that have what a registry has: named by a caller, or by containers' `registries.conf`.
//!
//! What is read from a mirror keeps the name that was asked for; only requests, and with them credentials, are the
//! mirror's.

mod prefix;
mod registries_conf;
mod rule;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use self::prefix::Prefix;
use self::rule::{Mirror, Rule};
use crate::model::error::{Error, Result};
use crate::model::hub::canonical;
use crate::stores::registry::client::{By, Repository};

/// Rules about where requests go. Clones share what is known of hosts.
#[derive(Clone, Debug, Default)]
pub struct Mirrors {
    named: Vec<Rule>,
    filed: Vec<Rule>,
    /// Registries of mirrors that did not answer, and repositories of those that refused: they are asked no more.
    silent: Arc<Mutex<BTreeSet<String>>>,
    /// Registries of mirrors that were warned of.
    warned: Arc<Mutex<BTreeSet<String>>>,
    /// Flags that something was looked for by.
    used: Arc<Mutex<BTreeSet<String>>>,
    /// The first place that served a manifest of a repository, where that is not its own.
    serving: Arc<Mutex<HashMap<Repository, Repository>>>,
}

impl Mirrors {
    /// Adds a mirror: `docker.io=HOST[/PREFIX]`, where the left side may carry a path. `http://` in front of the right one
    /// means plain HTTP for that host, which is returned then.
    ///
    /// Errors: [`Error::Usage`] that names the flag.
    pub fn add(&mut self, text: &str) -> Result<Option<String>> {
        let bad = |why: &str| {
            let hint = Some("write `--source-mirror docker.io=HOST/PREFIX`");
            // What stands before an `@` may be a password.
            let shown = Some(text).filter(|text| !text.contains('@')).map(|text| format!(" {text}"));
            Error::usage(format!("`--source-mirror{}`: {why}", shown.unwrap_or_default()), hint)
        };
        let (prefix, location) = text.split_once('=').ok_or_else(|| bad("there is no `=`"))?;
        let plain = location.strip_prefix("http://");
        let location = plain.or_else(|| location.strip_prefix("https://")).unwrap_or(location);
        let prefix = Prefix::parse(prefix).map_err(|why| bad(&why))?;
        let location = rule::location(location).map_err(|why| bad(&why))?;
        let host = rule::host(&location).to_owned();
        let source = format!("`--source-mirror {text}`");
        let mirror = Mirror::named(location);
        match self.named.iter_mut().find(|rule| rule.prefix == prefix) {
            Some(rule) => rule.mirrors.push(mirror),
            None => self.named.push(Rule::of_mirror(prefix, mirror, source)),
        }
        Ok(plain.map(|_| host))
    }

    /// Adds the rules of a `registries.conf`; those of a file that is added later win over those with the same prefix.
    /// `path` is for messages.
    ///
    /// Errors: [`Error::Usage`] that names file and line.
    pub fn add_file(&mut self, path: &str, text: &str) -> Result<()> {
        for rule in registries_conf::parse(path, text)? {
            self.filed.retain(|other| other.prefix != rule.prefix);
            self.filed.push(rule);
        }
        Ok(())
    }

    /// Returns the hosts, `HOST[:PORT]` or `*.DOMAIN`, whose certificates are not checked and that may speak plain HTTP.
    pub fn insecure(&self) -> Vec<String> {
        let mut hosts: Vec<String> = self.filed.iter().flat_map(Rule::insecure_hosts).collect();
        hosts.sort();
        hosts.dedup();
        hosts
    }

    /// Returns the hosts of the mirrors that the caller named.
    pub fn hosts(&self) -> BTreeSet<String> {
        let mirrors = self.named.iter().flat_map(|rule| &rule.mirrors);
        mirrors.map(|mirror| rule::host(&mirror.location).to_owned()).collect()
    }

    /// Refuses what a file blocks.
    pub(in crate::stores::registry) fn check(&self, repository: &Repository) -> Result<()> {
        let name = name(repository);
        match best(&self.filed, &name) {
            Some((rule, _)) if rule.blocked => {
                Err(Error::usage(format!("`{name}` is blocked by {}", rule.source), None))
            }
            _ => Ok(()),
        }
    }

    /// Returns where to ask for something in a repository, in order; the last one is the registry itself, or where a file
    /// says that it is.
    pub(in crate::stores::registry) fn places(
        &self,
        repository: &Repository,
        by: By<'_>,
    ) -> Result<Vec<Repository>> {
        self.check(repository)?;
        let name = name(repository);
        let mut places = Vec::new();
        let filed = best(&self.filed, &name);
        let silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        let named = best(&self.named, &name);
        if let Some((rule, _)) = named {
            self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(rule.source.clone());
        }
        for (rule, length) in named.into_iter().chain(filed) {
            for mirror in rule.mirrors.iter().filter(|mirror| mirror.serves(by)) {
                let place = rule.rewrite(&mirror.location, &name, length)?;
                let is_silent = silent.contains(place.registry()) || silent.contains(&place.to_string());
                if !is_silent && !places.contains(&place) {
                    places.push(place);
                }
            }
        }
        let own = match filed.and_then(|(rule, length)| Some((rule, rule.location.as_ref()?, length))) {
            Some((rule, location, length)) => rule.rewrite(location, &name, length)?,
            None => repository.clone(),
        };
        places.retain(|place| *place != own);
        places.push(own);
        Ok(places)
    }

    /// Remembers which place has served a manifest of a repository.
    pub(in crate::stores::registry) fn serves(&self, repository: &Repository, place: &Repository) {
        if place != repository {
            let mut serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
            serving.entry(repository.clone()).or_insert_with(|| place.clone());
        }
    }

    /// Returns the place to ask for lists of what is in a repository: the one that has served a manifest of it.
    pub(in crate::stores::registry) fn serving(&self, repository: &Repository) -> Repository {
        let serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        serving.get(repository).unwrap_or(repository).clone()
    }

    /// Remembers why a mirror does not serve: one that does not answer is asked no more, nor one that refuses a
    /// repository for that. Returns whether this is the first that is heard of that mirror.
    pub(in crate::stores::registry) fn give_up(&self, place: &Repository, why: &Error) -> bool {
        let given_up = match why {
            Error::Network { .. } => Some(place.registry().to_owned()),
            Error::Denied { .. } => Some(place.to_string()),
            _ => None,
        };
        self.silent.lock().unwrap_or_else(PoisonError::into_inner).extend(given_up);
        self.warned.lock().unwrap_or_else(PoisonError::into_inner).insert(place.registry().to_owned())
    }

    /// Returns the flags of mirrors that nothing was looked for at.
    pub(in crate::stores::registry) fn in_vain(&self) -> Vec<String> {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let vain = self.named.iter().filter(|rule| !used.contains(&rule.source));
        vain.map(|rule| rule.source.clone()).collect()
    }
}

/// Returns what prefixes are compared with.
fn name(repository: &Repository) -> String {
    format!("{}/{}", canonical(repository.registry()), repository.path())
}

/// Returns the rule with the longest prefix, and how much of the name that is.
fn best<'a>(rules: &'a [Rule], name: &str) -> Option<(&'a Rule, usize)> {
    let fitting = rules.iter().filter_map(|rule| Some((rule, rule.prefix.matches(name)?)));
    fitting.max_by_key(|(rule, _)| rule.prefix.len())
}

#[cfg(test)]
mod tests;
