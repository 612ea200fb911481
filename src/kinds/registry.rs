//! Images, charts and other artifacts of an OCI registry.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;

use super::earlier::KEPT;
use super::{Foreign, Lacking, Origin, Places, Resolved, Wanted, near, referrers, signed};
use crate::content::body::ProvenBody;
use crate::content::graph::{Graph, Node, Role};
use crate::content::plan::Item;
use crate::model::artifact::Kind;
use crate::model::contents::{Artifact, MAX_CONFIG};
use crate::model::descriptor::Descriptor;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::list::Entry;
use crate::model::media_type;
use crate::model::platform::Platform;
use crate::model::printable::printable;
use crate::model::reference::Reference;
use crate::stores::registry::client::{By, FetchedManifest, Repository};

/// Fetches the manifests of `reference` that the platforms need, and says what it is.
pub(super) async fn resolve(
    entry: &Entry,
    reference: &Reference,
    places: &Places,
    wanted: &Wanted,
) -> Result<Resolved> {
    let Places { registry: client, earlier, .. } = places;
    let repository = Repository::of(reference);
    let fetched = match root(reference, &repository, places).await {
        Ok(fetched) => fetched,
        Err(error) => return Err(near::hinted(error, client, &repository, By::of(reference)).await),
    };
    let (own, others) = (places.budget.share(), Arc::new(places.budget.share()));
    own.take(fetched.descriptor.size)?;
    let root = Node::new(fetched.descriptor, fetched.bytes)?;
    let kind = kind(entry, &root)?;
    let named = !entry.platforms.default;
    let mut platforms = entry.platforms.wanted(&wanted.platforms);
    let whole = reference.digest().is_some() && root.manifest.is_index() && !named;
    let narrowed = std::mem::take(&mut platforms);
    if !whole && kind == Kind::Image {
        platforms.clone_from(&narrowed);
    }
    let graph = Graph::walk(root, &platforms, wanted.jobs, &own, |child| {
        let (client, repository, earlier) = (client.clone(), repository.clone(), earlier.clone());
        async move {
            let fetch = async { Ok(client.manifest(&repository, By::Digest(&child.digest)).await?.bytes) };
            earlier.bytes(&child, Box::pin(fetch)).await
        }
    })
    .await?;
    let mut origins = HashMap::new();
    let mut held = graph.platforms();
    if held.is_empty() && kind == Kind::Image {
        held.extend(platform_of_config(&graph, places, &repository, &mut origins).await?);
    }
    let mut resolved = Resolved::default();
    if kind == Kind::Image && !platforms.is_empty() {
        let lacks: Vec<&Platform> =
            platforms.iter().filter(|platform| !held.iter().any(|there| platform.matches(there))).collect();
        let hint = hint(named, lacks.len() == platforms.len(), wanted.lacking);
        check_platforms(reference, &graph, &held, &lacks, hint)
            .map(|warning| resolved.warnings.extend(warning))?;
    }
    if named && kind != Kind::Image {
        let message = format!(
            "{}: `platform=` means nothing for {kind} `{reference}`: it is carried whole",
            entry.position
        );
        resolved.warnings.push(message);
    }
    let part = graph.part(&platforms);
    if whole && !narrowed.is_empty() {
        let (all, few) = (part.sizes(), graph.part(&narrowed).sizes());
        resolved.kept_whole =
            Some(all.iter().filter(|(digest, _)| !few.contains_key(*digest)).map(|(_, size)| size).sum());
    }
    let referring = referrers::discover(reference, &part, places, wanted, &others).await?;
    let keys = wanted.keys.of(entry);
    let needed = match graph.root().filter(|_| !keys.is_empty()) {
        Some(root) => {
            let root = &root.descriptor.digest;
            signed::check(reference, root, &referring, &keys, places, &mut origins).await?
        }
        None => BTreeSet::new(),
    };
    resolved.warnings.extend(referring.warnings);
    let is_omitted = |blob: &Descriptor| {
        wanted.foreign == Foreign::Omit && media_type::is_non_distributable(&blob.media_type)
    };
    let mut omitted: Vec<Digest> =
        part.blobs.iter().filter(|(blob, _)| is_omitted(blob)).map(|(blob, _)| blob.digest).collect();
    omitted.sort();
    let of_referrers: Vec<_> = referring.graphs.values().flat_map(|graph| graph.part(&[]).blobs).collect();
    for (blob, _) in part.blobs.iter().chain(&of_referrers) {
        origins.entry(blob.digest).or_insert_with(|| Origin::Registry(client.clone(), repository.clone()));
    }
    let Some(root) = graph.root() else { return Ok(resolved) };
    let artifact = Artifact {
        kind,
        reference: reference.to_string(),
        wanted: entry.rename.as_ref().map(ToString::to_string),
        digest: root.descriptor.digest,
        media_type: root.descriptor.media_type.clone(),
        artifact_type: root.manifest.artifact_type.clone().filter(|artifact_type| !artifact_type.is_empty()),
        names: reference.lookup_names(),
        platforms: held.iter().map(ToString::to_string).collect(),
        sparse: part.sparse,
        omitted,
        source: None,
        referrers: referring.referrers,
        size: 0,
    };
    let narrows = kind == Kind::Image && !whole && !named;
    let referring = referring.graphs;
    let late = BTreeMap::new();
    resolved.items.push(Item { artifact, graph, platforms, narrows, origins, referring, needed, late });
    own.keep();
    others.keep();
    Ok(resolved)
}

/// Fetches the root, unless an earlier run has: then a tag is asked for its digest only, and a digest for nothing but,
/// where there are mirrors, which of them has it.
async fn root(reference: &Reference, repository: &Repository, places: &Places) -> Result<FetchedManifest> {
    let Places { registry: client, earlier, .. } = places;
    let (by, name, kept) = (By::of(reference), reference.to_string(), earlier.fetched());
    let known = match by {
        By::Digest(digest) => Some(*digest),
        By::Tag(_) => kept.tag(&name),
    };
    if let Some(digest) = known
        && let Some((media_type, bytes)) = kept.manifest(&digest)
    {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let descriptor = Descriptor::new(&media_type, digest, size);
        let stays = match by {
            By::Digest(_) => {
                client.find_place(repository, by).await?;
                true
            }
            By::Tag(_) => {
                let now = client.head_manifest(repository, by).await?;
                now.is_some_and(|now| now.digest == digest)
            }
        };
        if stays {
            client.has_pulled(repository);
            return Ok(FetchedManifest { descriptor, bytes });
        }
    }
    let fetched = client.manifest(repository, by).await?;
    client.has_pulled(repository);
    kept.keep(fetched.descriptor.digest, &fetched.descriptor.media_type, &fetched.bytes);
    if matches!(by, By::Tag(_)) {
        kept.keep_tag(name, fetched.descriptor.digest);
    }
    Ok(fetched)
}

/// Returns what the root is, or says that the list says otherwise.
fn kind(entry: &Entry, root: &Node) -> Result<Kind> {
    // A file that an earlier import put into a registry is an artifact there: it has a repository and a tag.
    let found = match Kind::of(&root.manifest) {
        Kind::File | Kind::Assert | Kind::Snap => Kind::Artifact,
        other => other,
    };
    match entry.kind {
        Some(stated) if stated != found => Err(Error::Usage {
            message: format!("the list says `{stated}`, but the manifest says `{found}`"),
            hint: Some(format!("write `{found}` in front of the reference, or leave the word out")),
        }),
        _ => Ok(found),
    }
}

/// Returns what to do where platforms are missing: those that the line names, all, or some.
fn hint(named: bool, all: bool, lacking: Lacking) -> Option<&'static str> {
    match (named, all, lacking) {
        (true, _, _) => Some("name with `platform=` only what it has, or leave `platform=` out"),
        (false, true, _) => Some("name one of those with `--platform`, or with `platform=` on the line"),
        (false, false, Lacking::Refuse) => {
            Some("leave out `--strict-platforms`, or name the platforms with `platform=` on the line")
        }
        (false, false, Lacking::Warn) => None,
    }
}

/// Returns the warning that some platforms are missing, or, where there is a hint, the error that they are.
fn check_platforms(
    reference: &Reference,
    graph: &Graph,
    held: &std::collections::BTreeSet<Platform>,
    lacks: &[&Platform],
    hint: Option<&str>,
) -> Result<Option<String>> {
    if lacks.is_empty() {
        return Ok(None);
    }
    let join = |list: Vec<String>| list.join(", ");
    let lacking = join(lacks.iter().map(ToString::to_string).collect());
    let offered = graph.root().map(|root| &root.manifest.manifests).into_iter().flatten();
    let offered =
        offered.filter_map(|child| child.platform.as_ref()).filter(|platform| !platform.is_unknown());
    let mut offered: Vec<Platform> = offered.map(Platform::normalize).chain(held.iter().cloned()).collect();
    offered.sort();
    offered.dedup();
    let there = printable(&join(offered.iter().map(ToString::to_string).collect()));
    if there.is_empty() {
        let hint =
            "export it without `--platform` and `platform=`, into a bundle of its own where others need them";
        let message = format!("`{reference}` does not say its platform, and {lacking} is asked for");
        return Err(Error::Unsupported { message, hint: Some(hint.to_owned()) });
    }
    let message = format!("`{reference}` has no {lacking}: it has {there}");
    match hint {
        Some(hint) => Err(Error::Unsupported { message, hint: Some(hint.to_owned()) }),
        None => Ok(Some(message)),
    }
}

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    platform: Platform,
}

/// Returns the platform that the config of an image without an index states. The config is kept if it is small: it
/// will be written later.
async fn platform_of_config(
    graph: &Graph,
    places: &Places,
    repository: &Repository,
    origins: &mut HashMap<Digest, Origin>,
) -> Result<Option<Platform>> {
    let part = graph.part(&[]);
    let config = part.blobs.iter().find(|(blob, role)| *role == Role::Config && blob.size <= MAX_CONFIG);
    let Some((config, _)) = config else { return Ok(None) };
    let fetch = async {
        let raw = places.registry.blob(repository, config, 0).await?;
        let place = format!("registry `{}`", repository.registry());
        ProvenBody::new(config, raw, &place).bytes().await
    };
    let bytes: Bytes = places.earlier.bytes(config, Box::pin(fetch)).await?;
    let platform = serde_json::from_slice::<Config>(&bytes).ok().map(|config| config.platform);
    if config.size <= KEPT {
        origins.insert(config.digest, Origin::Memory(bytes));
    }
    Ok(platform
        .filter(|platform| !platform.os.is_empty() && !platform.architecture.is_empty())
        .map(|p| p.normalize()))
}
