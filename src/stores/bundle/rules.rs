//! What `bundle.json` must keep to besides its shape, checked before anything is computed from it, and before it is
//! written (`bundle-format.md`, "Rules for bundle.json").

use std::collections::HashSet;

use crate::model::artifact::Kind;
use crate::model::contents::{self, Artifact, Contents, MAX_LIST};
use crate::model::digest::Digest;
use crate::model::reference::Reference;
use crate::model::referrer::{Referrer, cosign_tags};
use crate::model::snap::SnapReference;
use crate::model::{manifest, media_type, source};

/// The longest name, reference, label or type, in bytes.
const MAX_TEXT: usize = 1024;

/// Says why no reader would take an artifact, a lower-case sentence that is safe to print.
pub fn check_one(artifact: &Artifact) -> Result<(), String> {
    let referrers = artifact.referrers.iter().flat_map(|referrer| [&referrer.subject, &referrer.digest]);
    check_artifact(artifact, &referrers.chain([&artifact.digest]).collect())
}

/// Returns the text as `bundle.json` may hold it: control characters are replaced, and what is too long ends in `…`.
pub fn fitting(text: &str) -> String {
    let plain = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    let mut text: String = text.chars().map(plain).collect();
    if text.len() > MAX_TEXT {
        while text.len().saturating_add('…'.len_utf8()) > MAX_TEXT {
            text.pop();
        }
        text.push('…');
    }
    if text.is_empty() { "?".to_owned() } else { text }
}

/// Says what makes well-formed contents unusable.
pub fn check(contents: &Contents) -> Result<(), String> {
    let count = contents.count();
    if count > contents::MAX_ENTRIES {
        return Err(format!("{count} entries are more than {}", contents::MAX_ENTRIES));
    }
    for (what, group, limit) in [
        ("manifest", &contents.manifests, manifest::MAX_SIZE),
        ("config", &contents.configs, contents::MAX_CONFIG),
    ] {
        if let Some(large) = group.iter().find(|blob| blob.size > limit) {
            return Err(format!("{what} {} has {} bytes, more than {limit}", large.digest, large.size));
        }
    }
    if !ascending(&contents.artifacts) || !ascending(&contents.missing) {
        return Err("artifacts are not in order, or one is there twice".to_owned());
    }
    for missing in &contents.missing {
        check_text("reference", &missing.reference)?;
    }
    for (name, text) in &contents.labels {
        check_text("label", name)?;
        check_text("label", text)?;
    }
    let manifests: HashSet<&Digest> = contents.manifests.iter().map(|blob| &blob.digest).collect();
    contents.artifacts.iter().try_for_each(|artifact| check_artifact(artifact, &manifests))
}

fn check_artifact(artifact: &Artifact, manifests: &HashSet<&Digest>) -> Result<(), String> {
    let reference = &artifact.reference;
    check_text("reference", reference)?;
    let what = format!("artifact `{}`", printable(reference));
    if !manifests.contains(&artifact.digest) {
        return Err(format!("{what} has root {}, which is not listed", artifact.digest));
    }
    if !media_type::is_manifest(&artifact.media_type) {
        return Err(format!("{what} has media type `{}`", printable(&artifact.media_type)));
    }
    for text in artifact.wanted.iter().chain(&artifact.artifact_type) {
        check_text(&what, text)?;
    }
    if let Some(source) = artifact.source.as_ref().filter(|source| !source::is_good(source)) {
        return Err(format!("{what}: `{}` is not the address of a source", printable(source)));
    }
    artifact.names.iter().chain(&artifact.platforms).try_for_each(|text| check_text(&what, text))?;
    let platforms: Vec<Vec<&str>> =
        artifact.platforms.iter().map(|platform| platform.split('/').collect()).collect();
    for (list, count, in_order) in [
        ("names", artifact.names.len(), ascending(&artifact.names)),
        ("platforms", platforms.len(), ascending(&platforms)),
        ("omitted layers", artifact.omitted.len(), ascending(&artifact.omitted)),
    ] {
        if count > MAX_LIST || !in_order {
            return Err(format!("{what} has {list} that are not in order, or more than {MAX_LIST}"));
        }
    }
    check_referrers(artifact, manifests).map_err(|why| format!("{what}: {why}"))?;
    if artifact.kind == Kind::Image
        && let Some(bad) = artifact.names.iter().chain([reference]).find(|name| !is_reference(name))
    {
        return Err(format!("{what}: `{}` is not a reference in its normal form", printable(bad)));
    }
    if matches!(artifact.kind, Kind::File | Kind::Assert)
        && reference.split('/').any(|part| matches!(part, "" | "." | ".."))
    {
        return Err(format!("{what}: expected the relative name of a file"));
    }
    if artifact.kind == Kind::Snap && SnapReference::parse(reference).is_none() {
        return Err(format!("{what}: expected name and revision of a snap"));
    }
    Ok(())
}

fn is_reference(name: &str) -> bool {
    name.parse::<Reference>().is_ok_and(|read| read.to_string() == name)
}

fn check_referrers(artifact: &Artifact, manifests: &HashSet<&Digest>) -> Result<(), String> {
    if artifact.referrers.is_empty() {
        return Ok(());
    }
    let is_from_registry = matches!(artifact.kind, Kind::Image | Kind::Chart | Kind::Artifact);
    if !is_from_registry || !is_reference(&artifact.reference) {
        return Err("only what comes from a registry has referrers".to_owned());
    }
    if !artifact.referrers.is_sorted_by(|a, b| a.key() < b.key()) {
        return Err("its referrers are not in order, or one is there twice".to_owned());
    }
    for referrer in &artifact.referrers {
        let Referrer { subject, digest, media_type, .. } = referrer;
        if let Some(absent) = [digest, subject].into_iter().find(|digest| !manifests.contains(digest)) {
            return Err(format!("referrer {digest} of {subject}: manifest {absent} is not listed"));
        }
        if digest == subject {
            return Err(format!("{digest} refers to itself"));
        }
        if !media_type::is_manifest(media_type) {
            return Err(format!("referrer {digest} has media type `{}`", printable(media_type)));
        }
        if let Some(artifact_type) = &referrer.artifact_type {
            check_text(&format!("referrer {digest}"), artifact_type)?;
        }
        if let Some(tag) = referrer.tag.as_ref().filter(|tag| !cosign_tags(subject).contains(tag)) {
            return Err(format!(
                "referrer {digest} has tag `{}`, which is none of {subject}",
                printable(tag)
            ));
        }
    }
    Ok(())
}

fn check_text(what: &str, text: &str) -> Result<(), String> {
    let shown = || printable(text);
    if text.is_empty() || text.len() > MAX_TEXT {
        return Err(format!("{what}: `{}` has {} bytes: expected 1 to {MAX_TEXT}", shown(), text.len()));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("{what}: `{}` has control characters", shown()));
    }
    Ok(())
}

fn ascending<T: Ord>(list: &[T]) -> bool {
    list.is_sorted_by(|a, b| a < b)
}

/// Makes a text from outside safe for a terminal.
pub fn printable(text: &str) -> String {
    text.chars().take(200).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_to_fit_is_taken_by_readers() {
        let long = "ä".repeat(MAX_TEXT);
        for (text, expected) in [
            ("https://h/x", "https://h/x".to_owned()),
            ("a\tb\u{1b}[2J", "a\u{fffd}b\u{fffd}[2J".to_owned()),
            ("", "?".to_owned()),
            (&long, format!("{}…", "ä".repeat(510))),
        ] {
            let fitting = fitting(text);
            assert_eq!(fitting, expected);
            assert_eq!(check_text("text", &fitting), Ok(()));
        }
    }
}
