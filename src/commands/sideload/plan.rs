//! Which tars a bundle becomes: one for each image, its names, and its place in the folder.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::closure::{self, Closure, Host, Target};
use super::names;
use crate::content::jobs::{self, OnFailure};
use crate::model::artifact::Kind;
use crate::model::contents::Artifact;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::reference::Reference;
use crate::model::selector::Selection;
use crate::stores::bundle::reader::Bundle;
use crate::stores::containerd::image_tar::{ImageTar, Name};

/// So many images are looked at, or written, at once.
pub(super) const JOBS: usize = 4;

/// An image and its tar.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) artifact: Artifact,
    /// The name of the file in the folder.
    pub(super) file: String,
    pub(super) tar: Arc<ImageTar>,
    /// The platform's manifest.
    pub(super) manifest: Digest,
    /// Whether the name with the index's digest points at the platform's manifest, because the index is not complete.
    pub(super) stands_in: bool,
}

/// Every selected image in the order of the bundle, or why it cannot be side-loaded.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) images: Vec<(Artifact, Result<Planned>)>,
    /// Selected artifacts that are no images.
    pub(super) others: Vec<Artifact>,
    pub(super) warnings: Vec<String>,
}

/// Plans the tars of the selected images.
pub(super) async fn make(bundle: &Bundle, selection: &Selection, host: &Host) -> Result<Plan> {
    let mut seen = HashSet::new();
    let all: Vec<&Artifact> = bundle
        .contents()
        .artifacts
        .iter()
        .filter(|artifact| artifact.kind == Kind::Image)
        // The same image twice under different `as=`: containerd knows it by its reference, once.
        .filter(|artifact| seen.insert((&artifact.reference, artifact.digest)))
        .collect();
    // From all images, also those not selected, so that a name is the same whatever is selected.
    let files =
        names::of(&all.iter().map(|image| (image.reference.as_str(), image.digest)).collect::<Vec<_>>());
    let tags = Tags::new(&all);
    let selected: Vec<(Artifact, String)> = all
        .into_iter()
        .zip(files)
        .filter(|(image, _)| selection.takes(Kind::Image, &image.reference))
        .map(|(image, file)| (image.clone(), file))
        .collect();
    let mut plan = Plan { warnings: tags.warnings(&selected), ..Plan::default() };
    let artifacts = selected.iter().map(|(image, _)| image.clone()).collect::<Vec<_>>();
    let (bundle_too, host) = (bundle.clone(), host.clone());
    let results = jobs::run_blocking(JOBS, OnFailure::GoOn, selected, move |(image, file), stop| {
        stop.check()?;
        one(&bundle_too, image, file, &host, &tags)
    })
    .await;
    for (artifact, result) in artifacts.into_iter().zip(results) {
        let result = result.unwrap_or(Err(Error::Interrupted(15)));
        plan.images.push((artifact, result));
    }
    let others = bundle.contents().artifacts.iter().filter(|artifact| artifact.kind != Kind::Image);
    plan.others = others.filter(|other| selection.takes(other.kind, &other.reference)).cloned().collect();
    Ok(plan)
}

fn one(bundle: &Bundle, artifact: Artifact, file: String, host: &Host, tags: &Tags) -> Result<Planned> {
    let reference: Reference = artifact
        .reference
        .parse()
        .map_err(|error| Error::Unsupported { message: format!("{error}"), hint: None })?;
    let Closure { manifest, index, blobs } =
        closure::find(bundle, &artifact.digest, &artifact.media_type, host)?;
    let stands_in = index.is_none() && manifest.blob.digest != artifact.digest;
    let entry = |name: String, target: &Target| Name {
        name,
        media_type: target.media_type.clone(),
        target: target.blob,
    };
    let mut names = Vec::new();
    if let Some(tag) = reference.tag().filter(|_| tags.is_for(&reference, &artifact.digest)) {
        names.push(entry(format!("{}:{tag}", reference.name()), &manifest));
    }
    // The kubelet drops the tag where there is a digest, and CRI itself records both names.
    let by_digest = format!("{}@{}", reference.name(), artifact.digest);
    names.push(entry(by_digest, index.as_ref().unwrap_or(&manifest)));
    let tar = Arc::new(ImageTar::new(&names, blobs));
    Ok(Planned { artifact, file, tar, manifest: manifest.blob.digest, stands_in })
}

/// Which image has a tag, where several of one bundle ask for it: `a:1` and `a:1@sha256:…`.
#[derive(Debug)]
struct Tags {
    contested: BTreeMap<String, Option<Digest>>,
}

impl Tags {
    fn new(images: &[&Artifact]) -> Self {
        let mut claims: BTreeMap<String, (BTreeSet<Digest>, Option<Digest>)> = BTreeMap::new();
        for image in images {
            let Ok(reference) = image.reference.parse::<Reference>() else { continue };
            if reference.tag().is_none() {
                continue;
            }
            let (digests, plain) = claims.entry(tagged(&reference)).or_default();
            digests.insert(image.digest);
            // A reference without a digest is what the tag pointed at.
            if reference.digest().is_none() {
                *plain = Some(image.digest);
            }
        }
        let contested = claims.into_iter().filter(|(_, (digests, _))| digests.len() > 1);
        Self { contested: contested.map(|(name, (_, plain))| (name, plain)).collect() }
    }

    fn is_for(&self, reference: &Reference, digest: &Digest) -> bool {
        self.contested.get(&tagged(reference)).is_none_or(|plain| plain.as_ref() == Some(digest))
    }

    fn warnings(&self, selected: &[(Artifact, String)]) -> Vec<String> {
        let wanted: BTreeSet<String> = selected
            .iter()
            .filter_map(|(image, _)| image.reference.parse::<Reference>().ok())
            .map(|reference| tagged(&reference))
            .collect();
        let contested = self.contested.iter().filter(|(name, _)| wanted.contains(*name));
        contested
            .map(|(name, plain)| match plain {
                Some(digest) => {
                    format!("several images have the name `{name}`: it goes to {digest}, the others are found by digest")
                }
                None => format!("several images have the name `{name}`: none gets it, all are found by digest"),
            })
            .collect()
    }
}

fn tagged(reference: &Reference) -> String {
    reference.with_digest(None).to_string()
}
