//! Indexes for registries that refuse one whose manifests are not all there: the same index without what is missing.

use std::collections::BTreeSet;

use super::index_text::{Entry, reduce};
use super::nodes::Nodes;
use super::stock::Stock;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use bytes::Bytes;

/// What takes the place of an index that a registry refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Instead {
    /// There is one image in it: the source's own manifest, unchanged.
    Image(Digest),
    /// An index of what is there, and before it the indexes below it that had to be made anew.
    Indexes(Vec<Made>),
}

/// An index that was made of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Made {
    /// The sha256 of its bytes.
    pub(super) digest: Digest,
    /// The media type of the index that it was made of.
    pub(super) media_type: String,
    /// Its bytes.
    pub(super) bytes: Bytes,
}

impl Instead {
    /// Returns what the name will point at.
    pub(super) fn digest(&self) -> Option<Digest> {
        match self {
            Self::Image(digest) => Some(*digest),
            Self::Indexes(made) => made.last().map(|made| made.digest),
        }
    }
}

/// Returns what takes the place of `root`. The same bundle gives the same bytes. Blocks on the disk.
pub(super) fn instead(stock: &Stock, nodes: &Nodes, root: &Digest) -> Result<Instead> {
    let closure = nodes.closure(root);
    let children = closure.iter().flat_map(|node| &node.children);
    let images: BTreeSet<Digest> =
        children.filter(|child| child.is_image).map(|child| child.digest).collect();
    if let (Some(image), 1) = (images.first(), images.len()) {
        return Ok(Instead::Image(*image));
    }
    let mut made: Vec<(Digest, Made)> = Vec::new();
    for node in closure {
        let replaced = |digest: &Digest| made.iter().find(|(old, _)| old == digest).map(|(_, made)| made);
        if !node.sparse && !node.children.iter().any(|child| replaced(&child.digest).is_some()) {
            continue;
        }
        let bytes = stock.manifest(&node.digest)?;
        let reduced = reduce(&bytes, |digest| match replaced(digest) {
            Some(made) => Entry::Replace(made.digest, made.bytes.len()),
            None if node.children.iter().any(|child| child.digest == *digest) => Entry::Keep,
            None => Entry::Drop,
        });
        let bytes = reduced.map_err(|error| Error::Unsupported {
            message: format!("index {} cannot be taken apart: {error}", node.digest),
            hint: None,
        })?;
        let media_type = node.media_type.clone();
        made.push((node.digest, Made { digest: Digest::sha256(&bytes), media_type, bytes: bytes.into() }));
    }
    Ok(Instead::Indexes(made.into_iter().map(|(_, made)| made).collect()))
}
