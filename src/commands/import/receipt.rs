//! The receipt: what was imported and under which names, left at the destination after everything else.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::survey::Expected;
use super::work::{Work, is_silence};
use super::{Options, Receipt, Stock};
use crate::commands::referrer_row::ReferrerRow;
use crate::commands::report::{ArtifactRow, Report, Status, whole};
use crate::content::body::{MAX_CHUNK, ProvenBody, raw_of};
use crate::model::contents::MAX_SIZE;
use crate::model::descriptor::{Descriptor, TITLE};
use crate::model::digest::{Digest, Hasher};
use crate::model::error::{Error, Result};
use crate::model::manifest::Manifest;
use crate::model::media_type;
use crate::model::target::Target;
use crate::stores::registry::client::{By, Repository};

const JSON: &str = "application/json";
/// The config of a receipt (OCI image spec, "Guidance for an Empty Descriptor").
const EMPTY: &[u8] = b"{}";
/// Title of the layer that holds `bundle.json`.
pub(in crate::commands) const BUNDLE: &str = "bundle.json";
/// Title of the layer that holds [`Names`].
pub(in crate::commands) const NAMES: &str = "names.json";

/// What is known of the receipt before the import.
#[derive(Debug)]
pub(super) enum Known {
    /// None is wanted.
    Unwanted,
    /// There is none, and no import of this bundle has begun.
    Missing,
    /// There is none, but its mark is there: an import of this bundle has begun, and may have left anything.
    Begun,
    /// It is there, and says that these names were set, each after everything below it.
    There(Digest, Vec<Entry>),
    /// It cannot be asked for.
    Unknown(Error),
}

impl Known {
    /// Returns what may be there of this bundle.
    pub(super) const fn expected(&self) -> Expected {
        match self {
            Self::Missing => Expected::Nothing,
            Self::Unwanted | Self::Begun | Self::There(..) | Self::Unknown(_) => Expected::Content,
        }
    }

    /// Returns whether the receipt says that `name`, without the registry, was set to `there` in place of `root`, when
    /// everything below it was in place.
    pub(super) fn says(&self, name: &str, root: &Digest, there: &Digest) -> bool {
        let Self::There(_, names) = self else { return false };
        let found = names.binary_search_by(|entry| entry.name.as_str().cmp(name)).ok();
        found.and_then(|place| names.get(place)).is_some_and(|entry| {
            entry.digest == *root && entry.target_digest.unwrap_or(entry.digest) == *there
        })
    }
}

/// The names that were set, one file of the receipt. The same import leaves the same bytes.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::commands) struct Names {
    schema: u32,
    pub(in crate::commands) bundle: Digest,
    pub(in crate::commands) names: Vec<Entry>,
}

/// One name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct Entry {
    /// Without the registry: `mirror/nginx:1.27`.
    name: String,
    /// What it is called in the bundle; of what refers to an artifact, how that one is called.
    pub(in crate::commands) reference: String,
    pub(in crate::commands) digest: Digest,
    /// What the name points at, where that is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target_digest: Option<Digest>,
}

/// Asks for the receipt. This is the first request of an import, so it also tells whether the registry answers.
pub(super) async fn known(work: &Work, options: &Options) -> Result<Known> {
    let asked = match options.receipt {
        Receipt::Omit => {
            let Some(name) = work.plan.names.first() else { return Ok(Known::Unwanted) };
            let asked = work.client.head_manifest(work.repository(name.repository)?, name.by()).await;
            asked.map(|_| Known::Unwanted)
        }
        Receipt::Leave => look(work, options).await,
    };
    match asked {
        Ok(known) => Ok(known),
        Err(error) if is_silence(&error) || matches!(error.root(), Error::Interrupted(_)) => Err(error),
        // What is closed may be closed for good reason: the rest is tried.
        Err(_) if options.receipt == Receipt::Omit => Ok(Known::Unwanted),
        Err(error) => Ok(Known::Unknown(error)),
    }
}

async fn look(work: &Work, options: &Options) -> Result<Known> {
    let (repository, target) = place(work, options)?;
    if let Some(there) = work.client.head_manifest(&repository, By::Tag(target.tag().as_str())).await? {
        let mut names = earlier(work, &repository, &there.digest).await?;
        names.sort_by(|a, b| a.name.cmp(&b.name));
        return Ok(Known::There(there.digest, names));
    }
    let begun = work.client.has_blob(&repository, &mark(work).0).await?;
    Ok(if begun { Known::Begun } else { Known::Missing })
}

/// Returns what says that something has begun: `bundle.json` of a bundle. A list may come to something else the next
/// time, and what it came to before may be there all the same: any receipt, and any beginning of one, has this config.
fn mark(work: &Work) -> (Descriptor, Bytes) {
    let (media_type, bytes) = match *work.stock {
        Stock::Bundle(_) => (JSON, work.stock.raw().clone()),
        Stock::Gathered(_) => (media_type::EMPTY, Bytes::from_static(EMPTY)),
    };
    (Descriptor::of(media_type, &bytes), bytes)
}

/// Puts a mark where the receipt will be, before anything else is put anywhere: should the import end in the middle, the
/// next one knows by it that blobs may be in repositories that have no tag yet, which registries deny to know. Where it
/// cannot be put, nothing is known.
pub(super) async fn begin(work: &Work, options: &Options, known: Known) -> Known {
    if !matches!(known, Known::Missing) {
        return known;
    }
    let put = async {
        let (repository, _) = place(work, options)?;
        let (blob, bytes) = mark(work);
        let open = |offset| {
            let body = body(&blob, &bytes, offset);
            async move { Ok(body) }
        };
        work.client.upload(&repository, &blob, None, open).await
    };
    match put.await {
        Ok(()) => Known::Begun,
        Err(error) => Known::Unknown(error),
    }
}

/// Leaves the receipt, where everything is in place that it would speak of: what failed is put there by a rerun, and the
/// receipt with it. The error is a warning.
pub(super) async fn leave(
    work: &Work,
    options: &Options,
    known: Known,
    report: &Report,
) -> Result<(), String> {
    let is_whole = |row: &ArtifactRow| matches!(row.status, Some(Status::Done | Status::Present));
    if !report.failures.is_empty() || !report.artifacts.iter().all(is_whole) {
        return Ok(());
    }
    let old = match known {
        Known::Unwanted => return Ok(()),
        Known::Missing | Known::Begun => None,
        Known::There(digest, names) => Some((digest, names)),
        Known::Unknown(error) => return Err(format!("no receipt was left: {}", whole(&error))),
    };
    let artifacts = report.artifacts.iter().filter_map(|row| {
        Entry::of(options, row.target.as_deref()?, &row.reference, row.digest?, row.target_digest)
    });
    let is_there = |row: &&ReferrerRow| matches!(row.status, Some(Status::Done | Status::Present));
    let referrers = report.artifacts.iter().flat_map(|row| {
        row.referrers.iter().filter(is_there).filter_map(|referrer| {
            let digest = referrer.digest?;
            Entry::of(options, referrer.target.as_deref()?, &row.reference, digest, referrer.target_digest)
        })
    });
    let entries = artifacts.chain(referrers);
    let names: BTreeMap<String, Entry> = entries.map(|entry| (entry.name.clone(), entry)).collect();
    if names.is_empty() {
        return Ok(());
    }
    let left = write(work, options, old, names).await;
    left.map_err(|error| format!("no receipt was left: {}", whole(&error)))
}

impl Entry {
    fn of(
        options: &Options,
        target: &str,
        reference: &str,
        digest: Digest,
        target_digest: Option<Digest>,
    ) -> Option<Self> {
        let name = target.strip_prefix(options.to.registry())?.trim_start_matches('/').to_owned();
        Some(Self { name, reference: reference.to_owned(), digest, target_digest })
    }

    /// Returns the repository of the name.
    pub(in crate::commands) fn repository(&self) -> &str {
        let path = self.name.split('@').next().unwrap_or_default();
        path.split(':').next().unwrap_or_default()
    }
}

/// Returns the file of a receipt that has this title.
pub(in crate::commands) fn titled<'a>(receipt: &'a Manifest, title: &str) -> Option<&'a Descriptor> {
    receipt.layers.iter().find(|layer| layer.title() == Some(title))
}

fn place(work: &Work, options: &Options) -> Result<(Repository, Target)> {
    let target = options.receipt_at(work.stock.id())?;
    Ok((Repository::new(options.to.registry(), target.repository())?, target))
}

async fn write(
    work: &Work,
    options: &Options,
    old: Option<(Digest, Vec<Entry>)>,
    mut names: BTreeMap<String, Entry>,
) -> Result<()> {
    let (repository, target) = place(work, options)?;
    let is_first = old.is_none();
    let (old, before) = old.unzip();
    for entry in before.unwrap_or_default() {
        names.entry(entry.name.clone()).or_insert(entry);
    }
    let made = Made::new(work, &names);
    if old == Some(made.root.digest) {
        return Ok(());
    }
    for (blob, bytes) in &made.blobs {
        // Without a receipt the mark is what it began with.
        let is_there = is_first && blob.digest == mark(work).0.digest;
        if !is_there && !work.client.has_blob(&repository, blob).await? {
            let open = |offset| async move { Ok(body(blob, bytes, offset)) };
            work.client.upload(&repository, blob, None, open).await?;
        }
    }
    let by = By::Tag(target.tag().as_str());
    work.client.put_manifest(&repository, by, media_type::OCI_MANIFEST, made.bytes).await?;
    Ok(())
}

/// Reads the names of an earlier import of the same bundle, which may have been one of other artifacts.
async fn earlier(work: &Work, repository: &Repository, old: &Digest) -> Result<Vec<Entry>> {
    let there = work.client.manifest(repository, By::Digest(old)).await?;
    let manifest = Manifest::parse(&there.descriptor.media_type, &there.bytes).ok();
    let Some(manifest) = manifest.filter(|manifest| manifest.type_of_artifact() == media_type::RECEIPT)
    else {
        return Err(Error::Conflict {
            message: format!("its name in `{repository}` is taken by {old}, which is no receipt"),
            items: vec![],
            hint: None,
        });
    };
    let Some(layer) = titled(&manifest, NAMES).filter(|layer| layer.size <= MAX_SIZE) else {
        return Ok(vec![]);
    };
    let raw = work.client.blob(repository, layer, 0).await?;
    let place = format!("registry `{}`", repository.registry());
    let bytes = ProvenBody::new(layer, raw, &place).bytes().await?;
    // One that cannot be read is replaced.
    Ok(serde_json::from_slice::<Names>(&bytes).map(|names| names.names).unwrap_or_default())
}

/// A receipt, ready to be pushed.
struct Made {
    root: Descriptor,
    bytes: Bytes,
    blobs: [(Descriptor, Bytes); 3],
}

impl Made {
    fn new(work: &Work, names: &BTreeMap<String, Entry>) -> Self {
        let names = Names { schema: 1, bundle: *work.stock.id(), names: names.values().cloned().collect() };
        // Plain data with string keys, which JSON can always hold.
        let mut text = serde_json::to_vec(&names).unwrap_or_default();
        text.push(b'\n');
        let blobs = [
            (media_type::EMPTY, Bytes::from_static(EMPTY)),
            (JSON, work.stock.raw().clone()),
            (JSON, Bytes::from(text)),
        ];
        let blobs = blobs.map(|(media_type, bytes)| (Descriptor::of(media_type, &bytes), bytes));
        let [(config, _), (bundle, _), (names, _)] = &blobs;
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_MANIFEST,
            "artifactType": media_type::RECEIPT,
            "config": child(config, None),
            "layers": [child(bundle, Some(BUNDLE)), child(names, Some(NAMES))],
        });
        let bytes = Bytes::from(manifest.to_string());
        Self { root: Descriptor::of(media_type::OCI_MANIFEST, &bytes), bytes, blobs }
    }
}

fn child(blob: &Descriptor, title: Option<&str>) -> serde_json::Value {
    let mut child =
        serde_json::json!({"mediaType": blob.media_type, "digest": blob.digest, "size": blob.size});
    if let (Some(title), Some(fields)) = (title, child.as_object_mut()) {
        fields.insert("annotations".to_owned(), serde_json::json!({TITLE: title}));
    }
    child
}

/// Makes a body of bytes in memory, from an offset on.
fn body(blob: &Descriptor, bytes: &Bytes, offset: u64) -> ProvenBody {
    let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
    let mut hasher = Hasher::new(blob.digest.algorithm());
    hasher.update(&bytes.slice(..start));
    let rest = bytes.slice(start..);
    let mut chunks = Vec::new();
    let mut at = 0;
    while at < rest.len() {
        let end = at.saturating_add(MAX_CHUNK).min(rest.len());
        chunks.push(rest.slice(at..end));
        at = end;
    }
    ProvenBody::resume(blob, raw_of(chunks), "the receipt", hasher, offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_repository() {
        let digest = Digest::sha256(b"");
        for (name, repository) in [
            ("mirror/a/b:1.27".to_owned(), "mirror/a/b"),
            ("b:digest-0123456789abcdef".to_owned(), "b"),
            (format!("a/b@{digest}"), "a/b"),
        ] {
            let entry = Entry { name, reference: "x".to_owned(), digest, target_digest: None };
            assert_eq!(entry.repository(), repository);
        }
    }
}
