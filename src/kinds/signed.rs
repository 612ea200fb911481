//! Whether an artifact is signed by whom it has to be.

use std::collections::HashMap;

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

/// Sees to it that each of `keys` has signed `root`, with a signature that goes along. What is read of signatures is kept
/// in `origins`.
///
/// Errors: [`Error::Unsigned`], and what keeps a signature from being read.
pub(super) async fn check(
    reference: &Reference,
    root: &Digest,
    found: &Found,
    keys: &[&PublicKey],
    places: &Places,
    origins: &mut HashMap<Digest, Origin>,
) -> Result<()> {
    let repository = Repository::of(reference);
    let mut missing: Vec<&PublicKey> = keys.to_vec();
    let mut seen = 0;
    for layer in layers(found, root).take(MAX_SIGNATURES) {
        if missing.is_empty() {
            return Ok(());
        }
        seen += 1;
        let fetch = async {
            let raw = places.registry.blob(&repository, layer, 0).await?;
            let place = format!("registry `{}`", repository.registry());
            ProvenBody::new(layer, raw, &place).bytes().await
        };
        let bytes = places.earlier.bytes(layer, Box::pin(fetch)).await?;
        missing.retain(|key| !is_signature(layer, &bytes, key, root));
        if layer.size <= KEPT {
            origins.insert(layer.digest, Origin::Memory(bytes));
        }
    }
    let Some(key) = missing.first() else { return Ok(()) };
    Err(Error::Unsigned {
        what: format!("`{reference}` ({root})"),
        key: key.to_string(),
        seen,
        hint: Some(
            "name the key of who signed it with `verify-key=` on its line, or sign it first".to_owned(),
        ),
    })
}

/// Returns what may be a signature of a manifest.
fn layers<'a>(found: &'a Found, root: &'a Digest) -> impl Iterator<Item = &'a Descriptor> {
    let of_root = found.referrers.iter().filter(|referrer| referrer.subject == *root);
    let graphs = of_root.filter_map(|referrer| found.graphs.get(&referrer.digest)?.root());
    graphs.flat_map(|node| signatures(&node.manifest))
}
