//! Snaps out of the store, each with the snaps that have to be installed before it.

use std::sync::{Arc, PoisonError};

use super::inside::{self, Expected, Images, Seen};
use super::item::{Content, item};
use super::{Snaps, Unknown, staged};
use crate::content::jobs;
use crate::content::read_at::ReadAt;
use crate::kinds::{Origin, Places, Resolved, Wanted as WantedOfAll};
use crate::model::assertion::{self, Assertion};
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::list::{Entry, Rename, Require, Subject};
use crate::model::platform::Platform;
use crate::model::snap::{self, GLOBAL_UPLOAD, SnapFacts};
use crate::stores::file::LocalFile;
use crate::stores::snap_store::{Pick, StoreSnap, Wanted};

/// The snap that installs all others.
const SNAPD: &str = "snapd";

/// Asks the store what a line means, and fetches the assertions; the snaps themselves stay where they are.
pub(in crate::kinds) async fn resolve(
    entry: &Entry,
    places: &Places,
    wanted: &WantedOfAll,
) -> Result<Resolved> {
    let Subject::Snap { name, channel, revision, architecture, basename, snapd } = &entry.subject else {
        return Ok(Resolved::default());
    };
    let pick = match (revision, channel) {
        (Some(revision), _) => Pick::Revision(*revision),
        (None, Some(channel)) => {
            let wrong =
                |error: snap::ChannelError| Error::usage(format!("{}: {error}", entry.position), None);
            Pick::Channel(channel.parse().map_err(wrong)?)
        }
        (None, None) => Pick::Default,
    };
    let mut resolved = Resolved::default();
    for architecture in architectures(architecture.as_deref(), &wanted.platforms, &places.snaps)? {
        let ask =
            |name: &str, pick| Wanted { name: name.to_owned(), pick, architecture: architecture.clone() };
        let snap = places.snaps.ask(ask(name, pick.clone())).await?;
        resolved.warnings.extend(redirected(&snap, channel.as_deref()));
        let (basename, rename) = (basename.as_deref(), entry.rename.as_ref());
        let images = Images::of(entry);
        let channel = channel.clone().filter(|_| revision.is_some());
        let contained = Contained { snap: &snap, places, images, require: wanted.require, channel };
        contained.resolve(basename, rename, &mut resolved).await?;
        let base = snap.kind.needs(snap.base.as_deref()).filter(|base| *base != name);
        let needed = base.into_iter().chain(snapd.then_some(SNAPD).filter(|snapd| snapd != name));
        for name in needed {
            let needed = places.snaps.ask(ask(name, Pick::Default)).await;
            let needed =
                needed.map_err(|error| error.during(format!("`{}` needs snap `{name}`", snap.name)))?;
            let mut base = Resolved::default();
            let images = Images::Unwanted;
            // Where the snap is called by its name alone, so is what it needs.
            let called = basename.map(|_| name);
            Contained { snap: &needed, places, images, require: wanted.require, channel: None }
                .resolve(called, None, &mut base)
                .await?;
            resolved.implied.append(&mut base.items);
            resolved.expected.append(&mut base.expected);
            resolved.warnings.append(&mut base.warnings);
        }
    }
    Ok(resolved)
}

/// Returns the architectures that a snap is wanted for: that of its line, else those of `--platform`, else this host's.
fn architectures(named: Option<&str>, platforms: &[Platform], snaps: &Snaps) -> Result<Vec<String>> {
    if let Some(named) = named {
        return Ok(vec![named.to_owned()]);
    }
    if platforms.is_empty() {
        return Ok(vec![snaps.architecture.clone()]);
    }
    let mut all = Vec::new();
    for platform in platforms {
        let word = snap::architecture(platform).ok_or_else(|| Error::Unsupported {
            message: format!("there are no snaps for `{platform}`"),
            hint: Some("name the architecture of the snap with `arch=` on its line".to_owned()),
        })?;
        if !all.iter().any(|other| other == word) {
            all.push(word.to_owned());
        }
    }
    Ok(all)
}

/// Returns the warning that the store took another channel than the one that was asked for.
fn redirected(snap: &StoreSnap, asked: Option<&str>) -> Option<String> {
    let (redirect, asked) = (snap.redirect.as_ref()?, asked.unwrap_or("the default channel"));
    Some(format!("snap `{}`: the store takes `{redirect}` in the place of `{asked}`", snap.name))
}

impl Snaps {
    /// Asks the store, once for each question of a run.
    async fn ask(&self, wanted: Wanted) -> Result<Arc<StoreSnap>> {
        let cell = {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(asked.entry(wanted.clone()).or_default())
        };
        let snap = cell.get_or_try_init(|| async {
            let mut found = self.store.resolve(std::slice::from_ref(&wanted)).await?;
            let snap = found
                .pop()
                .unwrap_or_else(|| Err(Error::NotFound { what: wanted.to_string(), hint: None }))?;
            Result::Ok(Arc::new(snap))
        });
        snap.await.cloned()
    }
}

/// A snap of the store on its way into a bundle.
struct Contained<'a> {
    snap: &'a StoreSnap,
    places: &'a Places,
    images: Images,
    /// What each of its images must name.
    require: Require,
    /// The channel that the line names beside a revision, of which the store says none.
    channel: Option<String>,
}

impl Contained<'_> {
    /// Fetches what proves it, looks into it where that is needed, and adds what it comes to.
    async fn resolve(
        &self,
        basename: Option<&str>,
        rename: Option<&Rename>,
        resolved: &mut Resolved,
    ) -> Result<()> {
        let (snap, snaps) = (self.snap, &self.places.snaps);
        let mut facts = facts(snap);
        facts.channel = facts.channel.or_else(|| self.channel.clone());
        let chain = self.chain().await?;
        let proof = snaps.prover.prove(&chain, &facts, snap.download.size);
        let proof = proof.map_err(|error| error.at(&snaps.store.place()))?;
        facts.proven_by(&proof);
        resolved.warnings.extend(super::warnings(&proof));
        let mut content = self.content(&facts).await?;
        let images = match self.images {
            Images::Wanted => Some(self.images_of(&mut content, &facts.digest()).await?),
            Images::Unwanted => None,
        };
        if let Some(images) = &images {
            let name = format!("{}_{}.snap", facts.name, facts.revision);
            resolved.further.append(&mut inside::further(images, &name, self.require)?);
        }
        let seen = if matches!(content.origin, Origin::File(_)) { Seen::Whole } else { Seen::Parts };
        let expected = Expected::new(content.digest.stand_in(), &facts, &proof).with_images(images, seen);
        if let Origin::File(file) = &content.origin {
            let (expected, file) = (expected.clone(), file.clone());
            jobs::offload(move || expected.check(Arc::new(file.open_regular()?))).await??;
        }
        resolved.expected.push(expected);
        let assertions = assertion::emit(&chain).into();
        resolved.items.push(item(&facts, content, assertions, basename, rename)?);
        Ok(())
    }

    /// Fetches what proves it. One that came to the store in another way than the usual one says so itself, and its
    /// snap-revision is found by that alone.
    async fn chain(&self) -> Result<Vec<Assertion>> {
        let (store, trust) = (&self.places.snaps.store, &self.places.snaps.prover.trust);
        let download = &self.snap.download;
        let missing = match store.chain(&download.sha3_384, GLOBAL_UPLOAD, trust).await {
            Err(error) if matches!(error.root(), Error::NotFound { .. }) => error,
            answer => return answer,
        };
        let (far, name) = (store.far(download).await, download.what.clone());
        let far = match far {
            // What it says of itself is not to be had, and nearly always it says nothing.
            Err(error) if matches!(error.root(), Error::Unsupported { .. }) => return Err(missing),
            far => far.map_err(|error| error.during(missing.to_string()))?,
        };
        let inside = jobs::offload(move || inside::look(Arc::new(far), &name, Images::Unwanted)).await?;
        let inside = inside.map_err(|error| error.during(missing.to_string()))?;
        match inside.yaml.provenance.as_str() {
            GLOBAL_UPLOAD => Err(missing),
            provenance => store.chain(&download.sha3_384, provenance, trust).await,
        }
    }

    /// Reads its lists of images from where it is: of what is far away, only the parts that are needed. Where a place hands
    /// out whole snaps alone, it is fetched first.
    async fn images_of(&self, content: &mut Content, digest: &Digest) -> Result<String> {
        let (snaps, download) = (&self.places.snaps, &self.snap.download);
        let open = match &content.origin {
            Origin::File(file) => here(file.clone()),
            origin => match snaps.store.far(download).await {
                Ok(far) => Box::new(move || Ok(Arc::new(far) as _)),
                Err(error) if matches!(error.root(), Error::Unsupported { .. }) => {
                    let staging = &self.places.staging;
                    let (fetched, file) = staged::fetch(origin, digest, content.size, staging).await?;
                    *content = fetched;
                    here(file)
                }
                Err(error) => return Err(error),
            },
        };
        let name = download.what.clone();
        let inside = jobs::offload(move || inside::look(open()?, &name, Images::Wanted));
        Ok(inside.await??.images.unwrap_or_default())
    }

    /// Returns where the bytes are, by their sha256 where an earlier bundle has them or they were fetched now.
    async fn content(&self, facts: &SnapFacts) -> Result<Content> {
        let (snap, snaps) = (self.snap, &self.places.snaps);
        let (digest, size) = (facts.digest(), snap.download.size);
        let origin = Origin::Snap(Box::new((snaps.store.clone(), snap.download.clone())));
        match snaps.unknown {
            // What an earlier bundle has names the bytes, and does not bring them.
            Unknown::Stage => Ok(staged::fetch(&origin, &digest, size, &self.places.staging).await?.0),
            Unknown::Learn => {
                let digest = self.places.earlier.snap(&digest, size).await.unwrap_or(digest);
                Ok(Content { digest, size, origin })
            }
        }
    }
}

/// Opens what a snap is read from, on a thread that may block.
type OpenImage = Box<dyn FnOnce() -> Result<Arc<dyn ReadAt>> + Send>;

fn here(file: LocalFile) -> OpenImage {
    Box::new(move || Ok(Arc::new(file.open_regular()?)))
}

/// Returns what the store says of a snap.
fn facts(snap: &StoreSnap) -> SnapFacts {
    SnapFacts {
        name: snap.name.clone(),
        id: snap.id.clone(),
        revision: snap.revision,
        sha3_384: snap.download.sha3_384,
        version: Some(snap.version.clone()).filter(|version| !version.is_empty()),
        channel: snap.channel.as_ref().map(ToString::to_string),
        base: snap.base.clone(),
        kind: Some(snap.kind.to_string()),
        confinement: Some(snap.confinement.to_string()),
        architectures: snap.architectures.clone(),
        publisher: None,
        validation: None,
    }
}
