//! Names that two artifacts would share on the far side.

use std::collections::hash_map::Entry as Slot;
use std::collections::{BTreeMap, HashMap};

use super::found::{Asking, Found};
use crate::content::jobs::{self, OnFailure};
use crate::kinds::{file_names, meant_as_image, missing_file};
use crate::model::artifact::Kind;
use crate::model::contents::Artifact;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::file_name::{FileName, clashes};
use crate::model::list::{Entry, Mistake, Position};
use crate::model::reference::Reference;
use crate::model::target::{Layout, Target, collisions as find, host_path_helps};

/// What to do about a file that is not there.
const MEND: &str =
    "mend the path, which is relative to the list; `--keep-going` makes a bundle without such files";
/// What to do about two files of one name.
const RENAME: &str = "rename one of them, or give it another name with `name=` on its line";
/// What to do about a snap whose files would be called as others.
const BASENAME: &str = "give the snap another name with `basename=` on its line, or leave that out; snaps for several architectures \
                        have names of their own without it";

/// What to do about a file with a name that no file may have.
const NAME: &str = "give it another name with `name=` on its line";

/// Which hint goes with mistakes: the last of those that fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hint {
    None,
    Mend,
    Name,
    Rename,
    Basename,
}

/// A file to be, and the line that asks for it.
struct Named<'a> {
    name: &'a str,
    /// What tells it from another of its name, where that is known.
    digest: Option<Digest>,
    line: &'a Position,
    /// What helps where another file has its name.
    helps: Hint,
    /// What to say where it was meant as something else.
    meant: Option<String>,
}

/// Refuses, before anything is asked of anybody, files that are not there, or cannot be extracted beside each other, or
/// not at all: the first and the last cost no more than themselves where the rest is wanted.
pub(in crate::commands) async fn look(asking: &Asking<'_>, entries: &[Entry]) -> Result<()> {
    let (looked_at, selection) = (entries.to_vec(), asking.selection.clone());
    let on_failure = asking.on_failure;
    let names = jobs::offload(move || {
        let of = |entry: &Entry| {
            let mut names = file_names(entry);
            names.retain(|(kind, name)| {
                let fits = on_failure == OnFailure::Stop || name.parse::<FileName>().is_ok();
                fits && selection.takes(*kind, name)
            });
            let missing = missing_file(entry)
                .filter(|(kind, name, _)| on_failure == OnFailure::Stop && selection.takes(*kind, name));
            (names, missing.map(|(_, _, written)| format!("`{written}` was not found")))
        };
        looked_at.iter().map(of).unzip()
    });
    let (names, missing): (Vec<_>, Vec<Option<String>>) = names.await?;
    let gone =
        entries.iter().zip(missing).filter_map(|(entry, missing)| Some(mistake(&entry.position, missing?)));
    let files = entries.iter().zip(&names).flat_map(|(entry, names)| {
        let digest = entry.sha256.filter(|_| names.len() == 1);
        let meant = meant_as_image(entry);
        let line = &entry.position;
        names.iter().map(move |(_, name)| Named {
            name,
            digest,
            line,
            helps: Hint::Rename,
            meant: meant.clone(),
        })
    });
    refuse(gone.collect(), &files.collect::<Vec<_>>())
}

/// As [`look`], with what everything turned out to be.
pub(in crate::commands) fn check(found: &Found) -> Result<()> {
    let artifacts = found.items.iter().map(|item| &item.artifact);
    let files = artifacts.filter(|artifact| matches!(artifact.kind, Kind::File | Kind::Assert));
    let named = files.filter_map(|artifact| {
        let line = found.line(artifact)?;
        Some(Named {
            name: &artifact.reference,
            digest: Some(artifact.digest),
            line,
            helps: Hint::Rename,
            meant: None,
        })
    });
    let mut named: Vec<Named<'_>> = named.collect();
    for item in found.items.iter().filter(|item| item.artifact.kind == Kind::Snap) {
        let layers = item.graph.root().map(|root| root.manifest.layers.as_slice()).unwrap_or_default();
        for layer in layers {
            let (Some(name), Some(line)) = (layer.title(), found.line(&item.artifact)) else { continue };
            named.push(Named { name, digest: Some(layer.digest), line, helps: Hint::Basename, meant: None });
        }
    }
    refuse(vec![], &named)
}

/// Refuses files of one name, and tells of those that are `gone`, too.
fn refuse(gone: Vec<Mistake>, files: &[Named<'_>]) -> Result<()> {
    let mut first: HashMap<&str, &Named<'_>> = HashMap::new();
    let mut hint = if gone.is_empty() { Hint::None } else { Hint::Mend };
    let mut told = gone;
    let mut names: Vec<FileName> = Vec::new();
    for file in files {
        match first.entry(file.name) {
            Slot::Vacant(slot) => {
                slot.insert(file);
                match file.name.parse() {
                    Ok(name) => names.push(name),
                    Err(error) => {
                        let meant = file.meant.clone();
                        hint = hint.max(if meant.is_some() { Hint::None } else { Hint::Name });
                        told.push(mistake(file.line, meant.unwrap_or_else(|| error.to_string())));
                    }
                }
            }
            Slot::Occupied(slot) => {
                let before = slot.get();
                let differ = before.digest.zip(file.digest).is_some_and(|(one, other)| one != other);
                if differ {
                    hint = hint.max(file.helps).max(before.helps);
                    let (name, line) = (file.name, before.line);
                    told.push(mistake(
                        file.line,
                        format!("`{name}` is the name of another file, too: that of {line}"),
                    ));
                }
            }
        }
    }
    for (before, name) in clashes(&names) {
        let lines = first.get(before.as_str()).zip(first.get(name.as_str()));
        let Some((one, other)) = lines else { continue };
        hint = hint.max(one.helps).max(other.helps);
        told.push(mistake(
            other.line,
            format!("`{name}` and `{before}` ({}) cannot both be extracted: {}", one.line, why(before, name)),
        ));
    }
    if told.is_empty() {
        return Ok(());
    }
    told.sort();
    let error = Error::from(told);
    Err(match hint {
        Hint::None => error,
        Hint::Mend => error.with_hint(MEND),
        Hint::Name => error.with_hint(NAME),
        Hint::Rename => error.with_hint(RENAME),
        Hint::Basename => error.with_hint(BASENAME),
    })
}

fn mistake(line: &Position, message: String) -> Mistake {
    Mistake { position: line.clone(), message }
}

/// Says why two names clash.
fn why(one: &FileName, other: &FileName) -> &'static str {
    let below = |one: &FileName, other: &FileName| {
        other.as_str().strip_prefix(one.as_str()).is_some_and(|rest| rest.starts_with('/'))
    };
    if below(one, other) || below(other, one) {
        "one is a file where the other needs a folder"
    } else {
        "names that differ in case or Unicode form alone are one on some file systems"
    }
}

/// Warns of artifacts that would take one name in the default layout, and of charts that would be one file.
pub(super) fn collisions(found: &Found) -> Vec<String> {
    let named: Vec<(&Artifact, Target)> = found
        .items
        .iter()
        .filter_map(|item| {
            Some((&item.artifact, Target::of_artifact("", Layout::Path, &item.artifact).ok()?))
        })
        .collect();
    let shown = |artifact: &Artifact| match found.line(artifact) {
        Some(line) => format!("`{}` ({line})", artifact.reference),
        None => format!("`{}`", artifact.reference),
    };
    let all = find(named.iter().map(|(artifact, target)| (target, &artifact.digest)));
    let lines = all.iter().map(|collision| {
        let claims = collision.claims.iter().filter_map(|claim| named.get(*claim));
        let claims: Vec<&Artifact> = claims.map(|(artifact, _)| *artifact).collect();
        let hint = if host_path_helps("", None, claims.iter().copied()) {
            "give all but one `as=` on its line, or import with `--layout host-path`"
        } else {
            "give each another `as=` on its line"
        };
        let claims: Vec<String> = claims.iter().map(|artifact| shown(artifact)).collect();
        format!("{} would all be `{}` at the destination; {hint}", claims.join(" and "), collision.target)
    });
    let mut charts: BTreeMap<String, BTreeMap<Digest, &Artifact>> = BTreeMap::new();
    for (artifact, _) in named.iter().filter(|(artifact, _)| artifact.kind == Kind::Chart) {
        if let Some(file) = packed(artifact) {
            charts.entry(file).or_default().insert(artifact.digest, artifact);
        }
    }
    let one_file = charts.into_iter().filter(|(_, charts)| charts.len() > 1).map(|(file, charts)| {
        let mut charts: Vec<String> = charts.into_values().map(shown).collect();
        charts.sort();
        format!(
            "{} would all be extracted as `{file}`; extract them one after the other, with `--only`",
            charts.join(" and ")
        )
    });
    lines.chain(one_file).collect()
}

/// Returns the file that a chart is extracted as, by helm's rule that repository and tag are its name and version.
fn packed(artifact: &Artifact) -> Option<String> {
    let reference: Reference = artifact.reference.parse().ok()?;
    let name = reference.repository().rsplit('/').next()?;
    Some(format!("{name}-{}.tgz", reference.tag()?))
}
