//! containers' `registries.conf`, version 2 (containers-registries.conf(5)). Of it the tables `[[registry]]` are read: names
//! in lists are never short, so that what searches for those means nothing here.

use serde::Deserialize;
use toml::Spanned;

use super::prefix::Prefix;
use super::rule::{Mirror, Pulls, Rule, location};
use crate::model::error::{Error, Result};

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    registry: Vec<Spanned<Entry>>,
    /// Version 1.
    registries: Option<Spanned<toml::Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Entry {
    prefix: Option<String>,
    location: Option<String>,
    #[serde(default)]
    insecure: bool,
    #[serde(default)]
    blocked: bool,
    #[serde(default)]
    mirror_by_digest_only: bool,
    #[serde(default)]
    mirror: Vec<MirrorEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct MirrorEntry {
    location: String,
    #[serde(default)]
    insecure: bool,
    pull_from_mirror: Option<String>,
}

/// Reads the rules of a file.
pub(super) fn parse(path: &str, text: &str) -> Result<Vec<Rule>> {
    let line = |at: usize| text.get(..at).unwrap_or_default().matches('\n').count().saturating_add(1);
    let bad = |at: usize, why: &str| {
        // What stands before an `@` may be a password.
        let why = if why.contains('@') { "a value that cannot be what it should be" } else { why };
        Error::usage(format!("`{path}:{}`: {why}", line(at)), None)
    };
    let file: File = toml::from_str(text)
        .map_err(|error| bad(error.span().map_or(0, |span| span.start), error.message()))?;
    if let Some(old) = file.registries {
        return Err(bad(
            old.span().start,
            "this is version 1 of the format, which is not read: write `[[registry]]`",
        ));
    }
    file.registry
        .into_iter()
        .map(|entry| {
            let at = entry.span().start;
            rule(entry.get_ref(), format!("`{path}:{}`", line(at))).map_err(|why| bad(at, &why))
        })
        .collect()
}

fn rule(entry: &Entry, source: String) -> std::result::Result<Rule, String> {
    let full = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let own = full(&entry.location);
    let prefix = full(&entry.prefix).or_else(|| own.clone());
    let prefix = Prefix::parse(&prefix.ok_or("there is neither `prefix` nor `location`")?)?;
    let pulls = |mirror: &MirrorEntry| match mirror.pull_from_mirror.as_deref() {
        None | Some("") if entry.mirror_by_digest_only => Ok(Pulls::Digests),
        None | Some("" | "all") => Ok(Pulls::All),
        Some("digest-only") => Ok(Pulls::Digests),
        Some("tag-only") => Ok(Pulls::Tags),
        Some(other) => {
            Err(format!("`pull-from-mirror` is `{other}`: expected `all`, `digest-only` or `tag-only`"))
        }
    };
    let mirrors = entry.mirror.iter().map(|mirror| {
        let (location, pulls) = (location(&mirror.location)?, pulls(mirror)?);
        Ok(Mirror { location, pulls, insecure: mirror.insecure })
    });
    Ok(Rule {
        prefix,
        location: own.map(|own| location(&own)).transpose()?,
        mirrors: mirrors.collect::<std::result::Result<_, String>>()?,
        blocked: entry.blocked,
        insecure: entry.insecure,
        source,
    })
}
