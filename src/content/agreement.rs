//! Whether what refers to artifacts agrees with them: a digest has one size.

use std::collections::{BTreeMap, HashMap};

use super::graph::Part;
use super::plan::{Item, two_sizes};
use crate::model::digest::Digest;
use crate::model::error::Error;

/// Returns, for each item, its referrers that state another size for a digest than an artifact does, or than a referrer
/// before them, and what they state. With one of them there would be no plan.
pub fn contradicting<O>(items: &[Item<O>]) -> Vec<BTreeMap<Digest, Error>> {
    let mut sizes: HashMap<Digest, u64> = HashMap::new();
    for item in items {
        for (digest, size) in stated(&item.part()) {
            sizes.entry(digest).or_insert(size);
        }
    }
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|place| items.get(*place).map(|item| &item.artifact));
    let mut wrong: Vec<BTreeMap<Digest, Error>> = items.iter().map(|_| BTreeMap::new()).collect();
    for place in order {
        let (Some(item), Some(wrong)) = (items.get(place), wrong.get_mut(place)) else { continue };
        for (referrer, part) in item.referrers() {
            let mut own: HashMap<Digest, u64> = HashMap::new();
            let clash = stated(&part).find_map(|(digest, size)| {
                let known = *sizes.get(&digest).unwrap_or_else(|| own.entry(digest).or_insert(size));
                (known != size).then(|| two_sizes(&item.artifact, &digest, size, known))
            });
            match clash {
                Some(error) => drop(wrong.insert(referrer.digest, error)),
                None => sizes.extend(own),
            }
        }
    }
    wrong
}

/// Returns every digest that the manifests of a part name, with the size that they state.
fn stated<'a>(part: &'a Part<'_>) -> impl Iterator<Item = (Digest, u64)> + use<'a> {
    part.nodes.iter().flat_map(|node| {
        let named = node.manifest.blobs().chain(&node.manifest.manifests);
        std::iter::once(&node.descriptor).chain(named).map(|named| (named.digest, named.size))
    })
}
