//! Snaps on disk, with their assertions beside them.

use std::io::Read as _;
use std::sync::Arc;

use bytes::Bytes;
use camino::Utf8Path;

use super::inside::{self, Expected, Images, Inside, Seen};
use super::item::{Content, item};
use crate::content::jobs::{self, OnFailure, Stop};
use crate::kinds::{Origin, Places, Resolved, Wanted};
use crate::model::assertion::{self, Assertion, MAX_STREAM};
use crate::model::digest::{Algorithm, Digest};
use crate::model::error::{Error, Result};
use crate::model::list::Entry;
use crate::model::printable::printable;
use crate::model::sha3::Sha3_384;
use crate::model::snap::SnapFacts;
use crate::stores::file::LocalFile;

/// What to do where a snap and what is beside it do not fit.
const FETCH: &str =
    "fetch both again with `snap download`, which writes the `.assert` that goes with the snap";

/// What was found out about the file of a snap.
struct Found {
    sha3_384: [u8; 48],
    sha256: Digest,
    size: u64,
    inside: Inside,
    assertions: Bytes,
}

/// Takes the snap at `path`, proven by the assertions beside it.
pub(in crate::kinds) async fn resolve(
    entry: &Entry,
    path: &Utf8Path,
    places: &Places,
    wanted: &Wanted,
) -> Result<Resolved> {
    let file = path.to_owned();
    let images = Images::of(entry);
    let found =
        jobs::run_blocking(1, OnFailure::Stop, [file], move |file, stop| look(&file, images, stop)).await;
    let found = found.into_iter().flatten().next().unwrap_or(Err(Error::Interrupted(15)))?;
    if let Some(expected) = entry.sha256.filter(|expected| *expected != found.sha256) {
        let (what, expected, got) =
            (format!("snap `{path}`"), expected.to_string(), found.sha256.to_string());
        return Err(Error::Mismatch { what, expected, got });
    }
    let beside = path.with_extension("assert");
    let wrong = |mistake| Error::Unproven { items: vec![format!("`{beside}`: {mistake}")], hint: None };
    let chain = assertion::stream(&found.assertions).map_err(wrong)?;
    let yaml = found.inside.yaml;
    refuse_others(&chain, path, &beside, &Sha3_384::from(found.sha3_384))?;
    let mut facts = SnapFacts {
        name: yaml.name,
        id: String::new(),
        revision: 0,
        sha3_384: Sha3_384::from(found.sha3_384),
        version: Some(yaml.version),
        channel: None,
        base: yaml.base,
        kind: Some(yaml.kind.to_string()),
        confinement: Some(yaml.confinement.to_string()),
        architectures: yaml.architectures,
        publisher: None,
        validation: None,
    };
    let proof = places
        .snaps
        .prover
        .about(&chain, &facts)
        .map_err(|error| error.at(&format!("reading from `{beside}`")))?;
    facts.id.clone_from(&proof.id);
    facts.revision = u32::try_from(proof.revision).unwrap_or_default();
    places.snaps.prover.prove(&chain, &facts, found.size)?;
    inside::compare_provenance(&proof, &yaml.provenance)?;
    facts.proven_by(&proof);
    let content = Content {
        digest: found.sha256,
        size: found.size,
        origin: Origin::File(LocalFile::new(path.to_owned())),
    };
    let basename = path.file_stem();
    let mut resolved = Resolved::default();
    resolved.warnings.extend(super::warnings(&proof));
    if let Some(images) = &found.inside.images {
        resolved.further =
            inside::further(images, path.file_name().unwrap_or(path.as_str()), wanted.require)?;
    }
    let expected = Expected::new(found.sha256, &facts, &proof);
    resolved.expected.push(expected.with_images(found.inside.images, Seen::Whole));
    resolved.items.push(item(&facts, content, found.assertions, basename, entry.rename.as_ref())?);
    Ok(resolved)
}

/// Reads the file once, looks into it, and reads the assertions beside it.
fn look(path: &Utf8Path, images: Images, stop: &Stop) -> Result<Found> {
    let local = LocalFile::new(path.to_owned());
    let file = local.open_regular()?;
    let (hasher, size) = local.hash(&file, Algorithm::Sha3_384, stop)?;
    let sha256 = hasher.beside();
    let (Digest::Sha3_384(sha3_384), Some(sha256)) = (hasher.finish(), sha256) else {
        return Err(Error::Interrupted(15));
    };
    let inside =
        inside::look(Arc::new(file), path.as_str(), images).map_err(|error| of_a_disk(path, error))?;
    Ok(Found { sha3_384, sha256, size, inside, assertions: assertions_beside(path)? })
}

/// Says of a file that is damaged what helps on this side.
fn of_a_disk(path: &Utf8Path, error: Error) -> Error {
    match error {
        Error::Format { offset, message, .. } => Error::Unproven {
            items: vec![format!("`{path}` is no whole snap: at byte {offset}: {message}")],
            hint: Some(FETCH.to_owned()),
        },
        other => other,
    }
}

/// Refuses assertions that speak of another file.
fn refuse_others(chain: &[Assertion], path: &Utf8Path, beside: &Utf8Path, file: &Sha3_384) -> Result<()> {
    let text = |kind: &str, name: &str| {
        chain.iter().find(|assertion| assertion.kind() == kind).and_then(|assertion| assertion.text(name))
    };
    let of_file = |assertion: &&Assertion| assertion.text("snap-sha3-384") == Some(&file.base64url());
    let (Some(hash), None) = (text("snap-revision", "snap-sha3-384"), chain.iter().find(of_file)) else {
        return Ok(());
    };
    let [revision, name] = [text("snap-revision", "snap-revision"), text("snap-declaration", "snap-name")]
        .map(|text| printable(text.unwrap_or("?")));
    let item = format!(
        "`{beside}` speaks of revision {revision} of snap `{name}`, and not of `{path}`: expected the file whose SHA3-384 \
         is `{}`, got `{}`",
        printable(hash),
        file.base64url()
    );
    Err(Error::Unproven { items: vec![item], hint: Some(FETCH.to_owned()) })
}

/// Reads the file with the ending `.assert` beside a snap.
fn assertions_beside(path: &Utf8Path) -> Result<Bytes> {
    let beside = path.with_extension("assert");
    let file = LocalFile::new(beside.clone()).open_regular().map_err(|error| {
        let hint = format!(
            "`snap download` writes it beside the snap; without it nothing proves the snap: \
             `file {path}` carries it as a plain file"
        );
        error.during(format!("snap `{path}` needs its assertions beside it")).with_hint(hint)
    })?;
    let mut bytes = Vec::new();
    let most = u64::try_from(MAX_STREAM).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most).read_to_end(&mut bytes).map_err(Error::io(format!("reading `{beside}`")))?;
    Ok(bytes.into())
}
