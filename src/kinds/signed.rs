//! Whether an artifact is signed by whom it has to be.

use std::collections::{BTreeSet, HashMap};

use super::earlier::KEPT;
use super::referrers::Found;
use super::{Origin, Places};
use crate::content::body::ProvenBody;
use crate::model::descriptor::Descriptor;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::reference::Reference;
use crate::model::signature::{MAX_SIGNATURES, PublicKey, is_signature, signatures};
use crate::stores::registry::client::Repository;

/// Sees to it that each of `keys` has signed `root`, and returns the referrers that hold the signatures: those have to go
/// along. What is read of signatures is kept in `origins`.
///
/// Errors: [`Error::Unsigned`]; [`Error::Conflict`] where not everything could be looked at; and what keeps a signature from
/// being read.
pub(super) async fn check(
    reference: &Reference,
    root: &Digest,
    found: &Found,
    keys: &[&PublicKey],
    places: &Places,
    origins: &mut HashMap<Digest, Origin>,
) -> Result<BTreeSet<Digest>> {
    let repository = Repository::of(reference);
    let mut missing: Vec<&PublicKey> = keys.to_vec();
    let (mut holders, mut seen) = (BTreeSet::new(), 0);
    for (holder, layer) in layers(found, root).take(MAX_SIGNATURES) {
        if missing.is_empty() {
            return Ok(holders);
        }
        seen += 1;
        let fetch = async {
            let raw = places.registry.blob(&repository, layer, 0).await?;
            let place = format!("registry `{}`", repository.registry());
            ProvenBody::new(layer, raw, &place).bytes().await
        };
        let bytes = places.earlier.bytes(layer, Box::pin(fetch)).await?;
        let before = missing.len();
        missing.retain(|key| !is_signature(layer, &bytes, key, root));
        if missing.len() < before {
            holders.insert(holder);
        }
        if layer.size <= KEPT {
            origins.insert(layer.digest, Origin::Memory(bytes));
        }
    }
    let Some(key) = missing.first() else { return Ok(holders) };
    if !found.warnings.is_empty() {
        return Err(Error::Conflict {
            message: format!(
                "`{reference}` ({root}) cannot be shown to be signed with key {key}: what refers to it is not all known"
            ),
            items: found.warnings.clone(),
            hint: None,
        });
    }
    Err(Error::Unsigned {
        what: format!("`{reference}` ({root})"),
        key: key.to_string(),
        seen,
        hint: Some(
            "name the key of who signed it with `verify-key=` on its line, or sign it first".to_owned(),
        ),
    })
}

/// Returns what may be a signature of a manifest, each with the referrer that holds it.
fn layers<'a>(found: &'a Found, root: &'a Digest) -> impl Iterator<Item = (Digest, &'a Descriptor)> {
    let of_root = found.referrers.iter().filter(|referrer| referrer.subject == *root);
    let nodes = of_root.filter_map(|referrer| found.graphs.get(&referrer.digest)?.root());
    nodes.flat_map(|node| signatures(&node.manifest).map(|layer| (node.descriptor.digest, layer)))
}
