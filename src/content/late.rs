//! Blobs whose sha256 nobody knows before they have been read, such as snaps: the store says size and SHA3-384. A digest that
//! no content has stands in for it in the manifest and in the plan, so that every length is known beforehand.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

use bytes::Bytes;

use super::graph::{Graph, Node};
use super::plan::Item;
use crate::model::descriptor::Descriptor;
use crate::model::digest::Digest;
use crate::model::error::Result;

impl<O> Item<O> {
    /// Puts what was `learned` in the place of what stood in for it. What was not learned stays.
    pub fn settle<S: BuildHasher>(&mut self, learned: &HashMap<Digest, Digest, S>) -> Result<()> {
        let (now, later): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut self.late)
            .into_iter()
            .partition(|(stand_in, _)| learned.contains_key(stand_in));
        self.late = later;
        let Some(root) = self.graph.root().filter(|_| !now.is_empty()) else { return Ok(()) };
        let mut text = String::from_utf8_lossy(&root.bytes).into_owned();
        for stand_in in now.keys() {
            let Some(digest) = learned.get(stand_in) else { continue };
            text = text.replace(&stand_in.to_string(), &digest.to_string());
            if let Some(origin) = self.origins.remove(stand_in) {
                self.origins.insert(*digest, origin);
            }
        }
        let bytes = Bytes::from(text);
        let node = Node::new(Descriptor::of(&root.descriptor.media_type, &bytes), bytes)?;
        self.artifact.digest = node.descriptor.digest;
        self.graph = Graph::leaf(node);
        Ok(())
    }
}
