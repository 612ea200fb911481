//! Manifests with a subject, where the registry does not list them: the list is kept under a tag of the subject's digest
//! (OCI distribution spec, "Referrers Tag Schema").

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use super::index_text::append;
use super::naming::Named;
use super::work::{Ledger, Work};
use crate::content::jobs::{self, OnFailure};
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::manifest::Manifest;
use crate::model::media_type;
use crate::model::referrer::list_tag;
use crate::stores::registry::client::{By, Repository};

/// Another import may write the same list in between: so many times it is read again.
const TRIES: usize = 5;
/// A list that has no entry yet.
const EMPTY: &[u8] =
    br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;

/// What refers to one manifest of a repository, and the names that fail where that cannot be listed.
#[derive(Clone, Debug, Default)]
struct Group {
    referrers: BTreeSet<Digest>,
    names: BTreeSet<usize>,
    /// Whether one of them was pushed now.
    pushed: bool,
}

/// Sees to it that every referrer that is in place can be found. A name whose referrers cannot be listed has failed.
pub(super) async fn list(work: &Arc<Work>, named: &mut [Named], ledger: &Ledger) {
    let mut groups: BTreeMap<(usize, Digest), Group> = BTreeMap::new();
    for (place, (name, named)) in work.plan.names.iter().zip(named.iter()).enumerate() {
        let pushed = match named {
            // What a tag of cosign names there is not what the bundle holds.
            Named::Present(there) if *there != name.root && !name.subjects.is_empty() => continue,
            Named::Present(_) => false,
            Named::Set(_) => true,
            Named::Failed(_) | Named::Skipped => continue,
        };
        for node in work.nodes.closure(&name.root) {
            if let Some(subject) = node.subject {
                let group = groups.entry((name.repository, subject)).or_default();
                group.referrers.insert(node.digest);
                group.names.insert(place);
                group.pushed |= pushed || ledger.pushed.contains(&(name.repository, node.digest));
            }
        }
    }
    let results = jobs::run(work.jobs, OnFailure::GoOn, groups.clone(), |((number, subject), group)| {
        let work = Arc::clone(work);
        async move { work.ask(Box::pin(one(&work, number, subject, &group))).await }
    })
    .await;
    for (((_, subject), group), result) in groups.into_iter().zip(results) {
        let Some(Err(error)) = result else { continue };
        let mut error = Some(error.during(format!("it cannot be listed as a referrer of {subject}")));
        for place in group.names {
            let again = || Error::Conflict {
                message: format!("referrers of {subject} cannot be listed, as said above"),
                items: vec![],
                hint: None,
            };
            if let Some(named) = named.get_mut(place) {
                *named = Named::Failed(error.take().unwrap_or_else(again).into());
            }
        }
    }
}

async fn one(work: &Arc<Work>, number: usize, subject: Digest, group: &Group) -> Result<()> {
    let repository = work.repository(number)?;
    let tag = list_tag(&subject);
    // A list that the bundle carries under that name is complete as it is.
    let is_carried =
        work.plan.names.iter().any(|name| name.repository == number && name.tag.as_deref() == Some(&tag));
    if is_carried || work.client.says_subject(repository) {
        return Ok(());
    }
    // A registry that lists what is pushed says so in its answer; where nothing was pushed, it has to be asked.
    if !group.pushed && work.client.lists_referrers(repository, &subject).await? {
        return Ok(());
    }
    for _ in 0..TRIES {
        let listed = listed(work, repository, &tag).await?;
        let missing: Vec<Digest> =
            group.referrers.iter().filter(|digest| !listed.digests.contains(digest)).copied().collect();
        if missing.is_empty() {
            return Ok(());
        }
        let mut entries = Vec::with_capacity(missing.len());
        for digest in missing {
            entries.push(entry(&work.manifest(digest).await?, digest)?);
        }
        let bytes = append(&listed.bytes, &entries).map_err(|error| unreadable(&tag, &error.to_string()))?;
        work.client.put_manifest(repository, By::Tag(&tag), media_type::OCI_INDEX, bytes.into()).await?;
    }
    Err(Error::Conflict {
        message: format!("tag `{tag}` of `{repository}` is written by others again and again"),
        items: vec![],
        hint: Some("run the same command again".to_owned()),
    })
}

struct Listed {
    bytes: Bytes,
    digests: BTreeSet<Digest>,
}

async fn listed(work: &Work, repository: &Repository, tag: &str) -> Result<Listed> {
    let there = match work.client.manifest(repository, By::Tag(tag)).await {
        Ok(there) => there,
        Err(error) if matches!(error.root(), Error::NotFound { .. }) => {
            return Ok(Listed { bytes: Bytes::from_static(EMPTY), digests: BTreeSet::new() });
        }
        Err(error) => return Err(error),
    };
    let manifest = Manifest::parse(&there.descriptor.media_type, &there.bytes)
        .map_err(|error| unreadable(tag, &error.to_string()))?;
    if manifest.media_type != media_type::OCI_INDEX {
        return Err(unreadable(tag, "it is not an OCI index"));
    }
    let digests = manifest.manifests.iter().map(|child| child.digest).collect();
    Ok(Listed { bytes: there.bytes, digests })
}

fn unreadable(tag: &str, why: &str) -> Error {
    Error::Conflict {
        message: format!("tag `{tag}` does not hold a list of referrers: {why}"),
        items: vec![],
        hint: None,
    }
}

/// Returns the descriptor of a referrer as a list holds it.
fn entry(bytes: &[u8], digest: Digest) -> Result<Vec<u8>> {
    let manifest = Manifest::parse("", bytes)
        .map_err(|error| Error::Unsupported { message: format!("manifest {digest}: {error}"), hint: None })?;
    let mut entry = serde_json::json!({
        "mediaType": manifest.media_type,
        "digest": digest,
        "size": bytes.len(),
    });
    if let Some(fields) = entry.as_object_mut() {
        let artifact_type = manifest.type_of_artifact();
        if !artifact_type.is_empty() {
            fields.insert("artifactType".to_owned(), artifact_type.into());
        }
        if !manifest.annotations.is_empty() {
            fields.insert("annotations".to_owned(), serde_json::json!(manifest.annotations));
        }
    }
    Ok(entry.to_string().into_bytes())
}
