//! What is inside a snap: what it says of itself, and the images that it needs.

use std::sync::Arc;

use crate::content::read_at::ReadAt;
use crate::model::assertion::{Claims, SnapProof};
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::list::{self, Entry, Require, Source, Subject};
use crate::model::snap::{GLOBAL_UPLOAD, SnapFacts};
use crate::stores::squashfs::{SnapYaml, Squashfs};

/// The name of the files that list the images which a snap needs.
const IMAGES: &str = "images.txt";
/// The most bytes of all of them: 1 MiB.
const MAX_IMAGES: u64 = 1 << 20;

/// What to do about a snap that is not what was said of it.
const OTHER: &str =
    "export it anew; where that happens again, whoever serves the snap says something else of it than it is";

/// Whether the images that a snap needs are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Images {
    /// They are: `images=yes`.
    Wanted,
    /// They are not.
    Unwanted,
}

impl Images {
    /// Returns what a line says.
    pub(super) fn of(entry: &Entry) -> Self {
        if entry.renderings.is_empty() { Self::Unwanted } else { Self::Wanted }
    }
}

/// What was found in a snap.
#[derive(Clone, Debug)]
pub(super) struct Inside {
    pub(super) yaml: SnapYaml,
    /// The text of its lists of images, where they were asked for.
    pub(super) images: Option<String>,
}

/// Looks into a snap. Blocks on whatever it is read from.
pub(super) fn look(image: Arc<dyn ReadAt>, name: &str, images: Images) -> Result<Inside> {
    let mut squashfs = Squashfs::open(image, name)?;
    let yaml = squashfs.snap()?;
    let images = match images {
        Images::Wanted => Some(lists(&mut squashfs, name)?),
        Images::Unwanted => None,
    };
    Ok(Inside { yaml, images })
}

/// Refuses a snap that says another provenance of itself than its assertions, as snapd does: whoever may sign one may not
/// sign another one.
pub(super) fn compare_provenance(proof: &SnapProof, provenance: &str) -> Result<()> {
    proof.compare(&Claims { provenance: Some(provenance), ..Claims::default() })
}

/// Looks into a snap for its provenance, which has to be the proven one. Blocks on whatever it is read from.
///
/// What cannot be looked into is passed over where its assertions say the usual provenance: it is told of where it would be
/// installed. Errors: [`Error::Unproven`] where the provenance is another, and whatever reading fails with.
pub fn same_provenance(image: Arc<dyn ReadAt>, proof: &SnapProof) -> Result<()> {
    match look(image, &format!("{}:{}", proof.name, proof.revision), Images::Unwanted) {
        Ok(inside) => compare_provenance(proof, &inside.yaml.provenance),
        Err(Error::Unsupported { .. } | Error::Format { .. }) if proof.provenance == GLOBAL_UPLOAD => Ok(()),
        Err(error) => Err(error),
    }
}

fn lists(squashfs: &mut Squashfs, name: &str) -> Result<String> {
    let refused =
        |what: &str| Error::Unsupported { message: format!("{name}: `{IMAGES}` {what}"), hint: None };
    let mut text = String::new();
    for path in squashfs.named(IMAGES)? {
        let bytes = squashfs.read(&path, MAX_IMAGES)?.unwrap_or_default();
        text.push_str(std::str::from_utf8(&bytes).map_err(|_| refused("is not UTF-8"))?);
        text.push('\n');
        if u64::try_from(text.len()).is_ok_and(|length| length > MAX_IMAGES) {
            return Err(refused(&format!("has more than {MAX_IMAGES} bytes")));
        }
    }
    if text.is_empty() {
        return Err(Error::Unsupported {
            message: format!("{name} has no `{IMAGES}`, which would say what images it needs"),
            hint: Some("leave `images=yes` out, and list its images".to_owned()),
        });
    }
    Ok(text)
}

/// Returns a line for each image that a snap needs, which has to name what every reference has to.
pub(super) fn further(images: &str, name: &str, require: Require) -> Result<Vec<Entry>> {
    // A reference alone: what else a line can say is for who writes the list to say, such as whose signature is asked for.
    let is_bare =
        |line: &&str| line.is_empty() || line.starts_with('#') || !line.contains([' ', '\t', '=', '"', '\'']);
    if let Some(line) = images.lines().map(str::trim).find(|line| !is_bare(line)) {
        let shown: String = crate::model::printable::printable(line).chars().take(200).collect();
        let message = format!("{name}: `{shown}` in `{IMAGES}` is more than the reference of an image");
        return Err(Error::Unsupported { message, hint: None });
    }
    let entries = list::parse(&Source::file(format!("{name}/{IMAGES}")), images.as_bytes())?;
    if let Some(other) = entries.iter().find(|entry| !matches!(entry.subject, Subject::Registry(_))) {
        let message = format!("{}: `{other}` is not an image", other.position);
        return Err(Error::Unsupported { message, hint: None });
    }
    // What an image without a tag is taken for is nobody's doing here.
    let (entries, _) = list::require(entries, require).map_err(|mistakes| {
        Error::from(mistakes).with_hint("leave `images=yes` out, and list its images as they have to be")
    })?;
    Ok(entries)
}

/// A snap that a plan was made with, which has to be the one that came.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The digest of its place in the bundle.
    pub blob: Digest,
    facts: SnapFacts,
    proof: SnapProof,
    images: Option<String>,
    seen: Seen,
}

/// What there was of a snap when it was looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// All of it, proven.
    Whole,
    /// Parts that whoever serves it has sent.
    Parts,
}

impl Expected {
    /// Expects what the store or a manifest says of a snap, and its assertions; `blob` is its place in the bundle.
    pub fn new(blob: Digest, facts: &SnapFacts, proof: &SnapProof) -> Self {
        Self { blob, facts: facts.clone(), proof: proof.clone(), images: None, seen: Seen::Whole }
    }

    /// Expects these lists of images, too, as they were read.
    pub(super) fn with_images(self, images: Option<String>, seen: Seen) -> Self {
        Self { images, seen, ..self }
    }

    /// Returns whether images go along for no better reason than what was seen of a snap that is not proven yet.
    pub fn carries_images(&self) -> bool {
        self.images.is_some() && self.seen == Seen::Parts
    }

    /// Makes the error for images whose snap has not come.
    pub fn absent(&self) -> Error {
        let (name, revision) = (&self.facts.name, self.facts.revision);
        Error::Unproven {
            items: vec![format!(
                "the images that snap `{name}:{revision}` lists go along, and the snap does not: nothing proves its list"
            )],
            hint: Some("the same command again goes on from there".to_owned()),
        }
    }

    /// Looks into the snap that came, which is proven. Blocks on the disk.
    ///
    /// Errors: [`Error::Unproven`] where its provenance is another than the proven one; [`Error::Mismatch`] where it says
    /// of itself, or of its images, anything else.
    pub fn check(&self, image: Arc<dyn ReadAt>) -> Result<()> {
        let called = format!("{}:{}", self.facts.name, self.facts.revision);
        let name = format!("snap `{called}`");
        let wanted = if self.images.is_some() { Images::Wanted } else { Images::Unwanted };
        let inside = look(image, &called, wanted)?;
        compare_provenance(&self.proof, &inside.yaml.provenance)?;
        let mismatch = |what: &str, expected: &str, got: &str| {
            let error = Error::Mismatch {
                what: format!("{name}: its {what}"),
                expected: expected.to_owned(),
                got: got.to_owned(),
            };
            error.with_hint(OTHER)
        };
        let (kind, confinement) = (inside.yaml.kind.to_string(), inside.yaml.confinement.to_string());
        let none = "none".to_owned();
        for (what, expected, got) in [
            ("name", Some(&self.facts.name), &inside.yaml.name),
            (
                "base",
                Some(self.facts.base.as_ref().unwrap_or(&none)),
                inside.yaml.base.as_ref().unwrap_or(&none),
            ),
            ("version", self.facts.version.as_ref(), &inside.yaml.version),
            ("type", self.facts.kind.as_ref(), &kind),
            ("confinement", self.facts.confinement.as_ref(), &confinement),
        ] {
            if let Some(expected) = expected.filter(|expected| *expected != got) {
                return Err(mismatch(what, expected, got));
            }
        }
        if self.images != inside.images {
            let [expected, got] = [&self.images, &inside.images]
                .map(|text| Digest::sha256(text.as_deref().unwrap_or_default().as_bytes()).to_string());
            return Err(mismatch(&format!("`{IMAGES}`"), &expected, &got));
        }
        Ok(())
    }
}
