//! What of an image a tar must hold: the platform's manifest with everything below it, and the index where that is
//! complete for the host.

use std::collections::{BTreeSet, HashSet};

use serde::Deserialize;

use crate::model::contents::Blob;
use crate::model::descriptor::Descriptor;
use crate::model::digest::{Algorithm, Digest};
use crate::model::error::{Error, Result};
use crate::model::manifest::{MAX_DEPTH, Manifest};
use crate::model::media_type;
use crate::model::platform::Platform;
use crate::stores::bundle::reader::Bundle;

/// For whom a tar is made.
#[derive(Clone, Debug)]
pub(super) struct Host {
    /// The platform that runs the image.
    pub(super) platform: Platform,
    /// Whether the importer takes every platform that an index names.
    pub(super) takes_every_platform: bool,
}

/// The part of an image that goes into a tar.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Closure {
    /// The platform's manifest.
    pub(super) manifest: Target,
    /// The root, where it is an index that is complete for the host; else it is left out.
    pub(super) index: Option<Target>,
    /// Manifests, then configs and layers, each once.
    pub(super) blobs: Vec<Blob>,
}

/// A manifest or an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) media_type: String,
    pub(super) blob: Blob,
}

/// Finds what `host` needs of the image with this root. Reads manifests and blocks on the disk.
///
/// Errors: [`Error::Unsupported`] where the image has nothing for the platform, or where something that it needs is not
/// in the bundle or cannot be checked by containerd.
pub(super) fn find(bundle: &Bundle, root: &Digest, media_type: &str, host: &Host) -> Result<Closure> {
    let slot = bundle.slot(root)?;
    let root = Descriptor::new(media_type, *root, slot.size);
    let walk = Walk { bundle, host };
    let mut candidates = Vec::new();
    let manifest = walk.read(&root)?;
    walk.candidates(&root, &manifest, None, 0, &mut candidates)?;
    let chosen = choose(&candidates, host)?;
    if manifest.is_index() && !walk.holds(chosen) {
        return Err(left_out(&walk, &candidates, host));
    }
    let mut parts = Parts::default();
    walk.add(chosen, &mut parts, 0)?;
    let mut index = None;
    if manifest.is_index() {
        let mut with_index = parts.clone();
        if walk.add(&root, &mut with_index, 0).is_ok() {
            parts = with_index;
            index = Some(target(&root, &manifest.media_type));
        }
    }
    let chosen_type = walk.read(chosen)?.media_type;
    Ok(Closure { manifest: target(chosen, &chosen_type), index, blobs: parts.in_order() })
}

fn target(descriptor: &Descriptor, media_type: &str) -> Target {
    Target {
        media_type: media_type.to_owned(),
        blob: Blob { digest: descriptor.digest, size: descriptor.size },
    }
}

/// An image manifest, and the platform that its index or its config states.
struct Candidate {
    descriptor: Descriptor,
    platform: Option<Platform>,
}

/// Takes the manifest of exactly the platform, else of an older variant of the same processor.
fn choose<'a>(candidates: &'a [Candidate], host: &Host) -> Result<&'a Descriptor> {
    let wanted = &host.platform;
    let stated = || {
        candidates.iter().filter_map(|candidate| Some((candidate, candidate.platform.as_ref()?.normalize())))
    };
    let exact = stated().find(|(_, platform)| wanted.matches(platform));
    let older = || {
        let near = stated()
            .filter(|(_, platform)| platform.architecture == wanted.architecture && wanted.accepts(platform));
        // Of several the first, as containerd does.
        near.rev().max_by(|(_, a), (_, b)| a.variant.cmp(&b.variant))
    };
    // A config that states no platform runs wherever it runs: nothing tells that it does not.
    let any = || candidates.iter().find(|candidate| candidate.platform.is_none());
    if let Some(candidate) = exact.or_else(older).map(|(candidate, _)| candidate).or_else(any) {
        return Ok(&candidate.descriptor);
    }
    let there = platforms(stated().map(|(_, platform)| platform));
    let there = if there.is_empty() {
        "for no platform at all".to_owned()
    } else {
        format!("only for {}", there.join(", "))
    };
    Err(Error::Unsupported {
        message: format!("the image is not there for {wanted}, {there}"),
        hint: Some(
            "name another platform with `--platform`, or leave the image out with `--except`".to_owned(),
        ),
    })
}

/// The image exists for the platform, and the bundle was exported without it.
fn left_out(walk: &Walk<'_>, candidates: &[Candidate], host: &Host) -> Error {
    let held = candidates.iter().filter(|candidate| walk.holds(&candidate.descriptor));
    let held = platforms(held.filter_map(|candidate| Some(candidate.platform.as_ref()?.normalize())));
    let wanted = &host.platform;
    let both: Vec<String> = held.iter().cloned().chain([wanted.to_string()]).collect();
    Error::Unsupported {
        message: match held.as_slice() {
            [] => format!("it is not in this bundle for {wanted}"),
            held => format!("it is in this bundle for {} and not for {wanted}", held.join(", ")),
        },
        hint: Some(format!("export with `--platform {}`", both.join(","))),
    }
}

/// Returns platforms in words, sorted, each once.
fn platforms(all: impl Iterator<Item = Platform>) -> Vec<String> {
    let all: BTreeSet<String> = all.map(|platform| platform.to_string()).collect();
    all.into_iter().collect()
}

struct Walk<'a> {
    bundle: &'a Bundle,
    host: &'a Host,
}

impl Walk<'_> {
    fn read(&self, descriptor: &Descriptor) -> Result<Manifest> {
        let raw = self.bundle.manifest(&descriptor.digest)?;
        Manifest::parse(&descriptor.media_type, &raw).map_err(|error| Error::Unsupported {
            message: format!("manifest {}: {error}", descriptor.digest),
            hint: None,
        })
    }

    fn holds(&self, descriptor: &Descriptor) -> bool {
        self.bundle.slots().get(&descriptor.digest).is_some()
    }

    /// Gathers the images below `manifest`, in the order of its indexes, also those whose manifest is not here.
    fn candidates(
        &self,
        descriptor: &Descriptor,
        manifest: &Manifest,
        platform: Option<&Platform>,
        depth: usize,
        found: &mut Vec<Candidate>,
    ) -> Result<()> {
        if !manifest.is_index() {
            if let Some(platform) = platform {
                found.push(Candidate { descriptor: descriptor.clone(), platform: Some(platform.clone()) });
            } else if is_image(manifest) {
                let platform = self.platform_of(manifest)?;
                found.push(Candidate { descriptor: descriptor.clone(), platform });
            }
            return Ok(());
        }
        if depth >= MAX_DEPTH {
            return Err(unsupported(format!("its indexes nest deeper than {MAX_DEPTH}")));
        }
        for child in &manifest.manifests {
            if child.platform.as_ref().is_some_and(Platform::is_unknown)
                || !(child.media_type.is_empty() || media_type::is_manifest(&child.media_type))
            {
                continue;
            }
            let stated = child.platform.as_ref().filter(|platform| !platform.architecture.is_empty());
            if let Some(platform) = stated.filter(|_| !media_type::is_index(&child.media_type)) {
                found.push(Candidate { descriptor: child.clone(), platform: Some(platform.clone()) });
            } else if self.holds(child) {
                let below = self.read(child)?;
                self.candidates(child, &below, stated, depth.saturating_add(1), found)?;
            }
        }
        Ok(())
    }

    fn platform_of(&self, manifest: &Manifest) -> Result<Option<Platform>> {
        /// A config may leave both fields out.
        #[derive(Deserialize)]
        struct Config {
            #[serde(flatten)]
            platform: Platform,
        }
        let Some(config) = manifest.config.as_ref().filter(|config| self.holds(config)) else {
            return Ok(None);
        };
        let raw = self.bundle.manifest(&config.digest)?;
        let parsed: Result<Config, _> = serde_json::from_slice(&raw);
        Ok(parsed.ok().map(|config| config.platform).filter(|platform| !platform.architecture.is_empty()))
    }

    /// Adds a manifest and all that the host's importer will look for below it.
    fn add(&self, descriptor: &Descriptor, parts: &mut Parts, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(unsupported(format!("its indexes nest deeper than {MAX_DEPTH}")));
        }
        if !parts.nodes.insert(descriptor.digest) {
            return Ok(());
        }
        self.check(descriptor, "manifest")?;
        let manifest = self.read(descriptor)?;
        parts.manifests.push(Blob { digest: descriptor.digest, size: descriptor.size });
        for blob in manifest.blobs() {
            self.check(blob, "blob")?;
            parts.blobs.push(Blob { digest: blob.digest, size: blob.size });
        }
        for child in &manifest.manifests {
            // An entry without a platform passes every matcher (containerd, `images.FilterPlatforms`).
            let accepted =
                child.platform.as_ref().is_none_or(|platform| self.host.platform.accepts(platform));
            if accepted || self.host.takes_every_platform {
                self.add(child, parts, depth.saturating_add(1))?;
            }
        }
        Ok(())
    }

    fn check(&self, descriptor: &Descriptor, what: &str) -> Result<()> {
        let digest = &descriptor.digest;
        if digest.algorithm() == Algorithm::Sha512 {
            return Err(unsupported(format!("{what} {digest}: containerd cannot check sha512")));
        }
        let Some(slot) = self.bundle.slots().get(digest) else {
            return Err(Error::Unsupported {
                message: format!("{what} {digest} is not in the bundle"),
                hint: Some("export the image whole: without `--no-foreign-layers`".to_owned()),
            });
        };
        if slot.size != descriptor.size {
            return Err(Error::Mismatch {
                what: format!("{what} {digest}"),
                expected: format!("{} bytes, as its manifest says", descriptor.size),
                got: format!("{} bytes", slot.size),
            });
        }
        Ok(())
    }
}

/// Whether containerd can run it: its config is an image config.
fn is_image(manifest: &Manifest) -> bool {
    manifest.config.as_ref().is_some_and(|config| {
        matches!(config.media_type.as_str(), media_type::OCI_CONFIG | media_type::DOCKER_CONFIG)
    })
}

#[derive(Clone, Debug, Default)]
struct Parts {
    nodes: HashSet<Digest>,
    manifests: Vec<Blob>,
    blobs: Vec<Blob>,
}

impl Parts {
    fn in_order(self) -> Vec<Blob> {
        let mut seen = HashSet::new();
        self.manifests.into_iter().chain(self.blobs).filter(|blob| seen.insert(blob.digest)).collect()
    }
}

fn unsupported(message: String) -> Error {
    Error::Unsupported { message, hint: None }
}
