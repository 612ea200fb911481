//! A bundle as a list that `export` takes, every artifact pinned by its digest.

use url::Url;

use crate::model::artifact::Kind;
use crate::model::contents::Artifact;
use crate::model::error::Result;
use crate::model::file_name::FileName;
use crate::model::list::{last_part, quote};
use crate::model::reference::Reference;
use crate::model::snap::SnapFacts;
use crate::model::source;
use crate::stores::bundle::reader::Bundle;

/// Said above the lines of files that came from a disk.
const FROM_DISK: &str =
    "# Files that came from a disk stand where `airgap-bundle extract --to .` puts them.\n";
/// Said above the line of a snap that was asked for by its revision, or was on a disk: a bundle does not tell which.
const NO_CHANNEL: &str = "# This snap has no channel: where it came from a disk, and not from the store, write `snap ./FILE.snap`.\n";
/// Said above a line whose address is not whole.
const NO_QUERY: &str = "# A bundle keeps no query of an address: put it back after the `?`.\n";

fn is_file(artifact: &Artifact) -> bool {
    matches!(artifact.kind, Kind::File | Kind::Assert)
}

/// Returns one line for each artifact. What no line of a list can name is a comment.
pub(super) fn list(bundle: &Bundle, artifacts: &[&Artifact]) -> Result<String> {
    let mut text = String::new();
    let from_disk = artifacts.iter().any(|artifact| is_file(artifact) && artifact.source.is_none());
    if from_disk {
        text.push_str(FROM_DISK);
    }
    for artifact in artifacts {
        if artifact.source.as_deref().is_some_and(source::lacks_query) {
            text.push_str(NO_QUERY);
        }
        let has_no_channel = |snap: SnapFacts| snap.channel.is_none();
        if super::snap(bundle, artifact).is_some_and(has_no_channel) {
            text.push_str(NO_CHANNEL);
        }
        text.push_str(&line(bundle, artifact)?);
        text.push('\n');
    }
    for missing in &bundle.contents().missing {
        text.push_str("# missing: ");
        text.extend(missing.reference.chars().filter(|character| !character.is_control()));
        text.push('\n');
    }
    Ok(text)
}

fn line(bundle: &Bundle, artifact: &Artifact) -> Result<String> {
    let mut words = vec![artifact.kind.word().to_owned()];
    match (artifact.kind, pinned(artifact)) {
        (Kind::File | Kind::Assert, _) => {
            let (place, last) = if let Some(source) = &artifact.source {
                (source.clone(), Url::parse(source).map(|url| last_part(&url)).unwrap_or_default())
            } else {
                let last = artifact.reference.rsplit('/').next().unwrap_or_default();
                (format!("./{}", artifact.reference), last.to_owned())
            };
            words.push(quote(&place));
            if artifact.kind == Kind::File && artifact.reference != last {
                words.push(quote(&format!("name={}", artifact.reference)));
            }
            words.extend(
                super::content(bundle, artifact)?.map(|file| format!("sha256={}", file.digest.hex())),
            );
        }
        (Kind::Image | Kind::Artifact, Some(reference)) => words.push(reference.to_string()),
        (Kind::Chart, Some(reference)) => words.push(format!("oci://{reference}")),
        (Kind::Snap, _) => match super::snap(bundle, artifact) {
            Some(snap) => {
                words.push(snap.name.clone());
                words.extend(snap.channel.map(|channel| format!("channel={channel}")));
                words.push(format!("revision={}", snap.revision));
                // One that runs everywhere, or on several, is the same wherever it is asked for.
                words.extend(match snap.architectures.as_slice() {
                    [one] if one != "all" => Some(format!("arch={one}")),
                    _ => None,
                });
                words.extend(basename(bundle, artifact).map(|name| quote(&format!("basename={name}"))));
            }
            None => return Ok(format!("# {} {} {}", artifact.kind, artifact.reference, artifact.digest)),
        },
        (Kind::Image | Kind::Artifact | Kind::Chart, _) => {
            return Ok(format!("# {} {} {}", artifact.kind, artifact.reference, artifact.digest));
        }
    }
    if artifact.sparse && !artifact.platforms.is_empty() {
        words.push(quote(&format!("platform={}", artifact.platforms.join(","))));
    }
    words.extend(artifact.wanted.iter().map(|wanted| quote(&format!("as={wanted}"))));
    Ok(words.join(" "))
}

/// Returns what the files of a snap are called, where that is not its name and its revision.
fn basename(bundle: &Bundle, artifact: &Artifact) -> Option<String> {
    let manifest = super::manifest(bundle, artifact).ok()??;
    let title = manifest.layers.first()?.title()?;
    let _: FileName = title.parse().ok()?;
    let basename = title.strip_suffix(".snap")?;
    let usual = artifact.reference.replace(':', "_");
    (basename != usual).then(|| basename.to_owned())
}

/// Returns the reference with its digest, its tag kept as a name.
fn pinned(artifact: &Artifact) -> Option<Reference> {
    let reference: Reference = artifact.reference.parse().ok()?;
    let (registry, repository) = (reference.registry(), reference.repository());
    Reference::new(registry, repository, reference.tag(), Some(artifact.digest)).ok()
}
