//! What stood in for digests that nobody knew gives way to the digests: nothing moves, since all of them are as long.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;

use super::header::{BLOCK, blob_name, entry_header};
use super::partial::Partial;
use super::slots::{Slot, Slots, head_bytes};
use crate::model::contents::Contents;
use crate::model::digest::Digest;
use crate::model::error::Result;

/// Whether an unfinished bundle could be settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It has the new contents.
    InPlace,
    /// They stand elsewhere, because two blobs turned out to be one: it is as it was.
    Elsewhere,
}

impl Partial {
    /// Makes the bundle one of `contents`, which differ from those that it was opened with in what was learned, and in the
    /// `manifests` that say so.
    pub fn settle(&mut self, contents: &Contents, manifests: &HashMap<Digest, Bytes>) -> Result<Settled> {
        let slots = Slots::new(contents)?;
        let learned = self.learned();
        let renamed: Vec<(&Slot, &Slot)> =
            self.slots.iter().zip(slots.iter()).filter(|(old, new)| old.digest != new.digest).collect();
        let same_place = |(old, new): (&Slot, &Slot)| (old.header, old.size) == (new.header, new.size);
        let is_known = |(old, new): &(&Slot, &Slot)| {
            learned.get(&old.digest) == Some(&new.digest) || manifests.contains_key(&new.digest)
        };
        let in_place = self.slots.count() == slots.count()
            && self.slots.head() == slots.head()
            && self.slots.iter().zip(slots.iter()).all(same_place)
            && renamed.iter().all(is_known);
        if !in_place {
            return Ok(Settled::Elsewhere);
        }
        for (_, new) in renamed {
            let mut entry = entry_header(&blob_name(&new.digest), new.size);
            entry.extend_from_slice(manifests.get(&new.digest).map(Bytes::as_ref).unwrap_or_default());
            self.write(&entry, new.header)?;
        }
        let (id, head) = head_bytes(contents);
        let first = usize::try_from(BLOCK).unwrap_or(usize::MAX);
        self.write(head.get(first..).unwrap_or_default(), BLOCK)?;
        self.id = id;
        self.filled = slots.iter().map(|slot| slot.digest).collect::<HashSet<Digest>>().into();
        self.slots = slots;
        Ok(Settled::InPlace)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;

    use camino::Utf8PathBuf;
    use futures_util::future::BoxFuture;

    use super::*;
    use crate::content::body::{RawBody, raw_of};
    use crate::content::copy::{Copied, Source, copy};
    use crate::content::graph::{Graph, Node};
    use crate::content::plan::{Item, Plan};
    use crate::content::progress::Silent;
    use crate::model::contents::Artifact;
    use crate::model::descriptor::Descriptor;
    use crate::model::digest::{Algorithm, Hasher};
    use crate::model::media_type;
    use crate::stores::bundle::previous::Previous;
    use crate::stores::bundle::reader::Bundle;
    use crate::stores::bundle::workshop::Workshop;

    /// A source that has one blob, whatever it is called.
    #[derive(Clone, Debug, PartialEq)]
    struct Shelf(Bytes);

    impl Source for Shelf {
        fn open<'a>(&'a self, _: &'a Descriptor, offset: u64) -> BoxFuture<'a, Result<RawBody>> {
            let rest = self.0.slice(usize::try_from(offset).unwrap()..);
            let chunks = rest.chunks(100_000).map(Bytes::copy_from_slice).collect();
            Box::pin(async move { Ok(raw_of(chunks)) })
        }
        fn place(&self) -> String {
            "shelf".to_owned()
        }
    }

    fn sha3(bytes: &[u8]) -> Digest {
        let mut hasher = Hasher::new(Algorithm::Sha3_384);
        hasher.update(bytes);
        hasher.finish()
    }

    /// An artifact with one layer, which is named by `digest`.
    fn item(reference: &str, digest: Digest, content: &Bytes) -> Item<Shelf> {
        let stand_in = digest.stand_in();
        let raw = Bytes::from(format!(
            r#"{{"schemaVersion":2,"layers":[{{"mediaType":"l","digest":"{stand_in}","size":{}}}]}}"#,
            content.len()
        ));
        let root = Node::new(Descriptor::of(media_type::OCI_MANIFEST, &raw), raw).unwrap();
        Item {
            artifact: Artifact {
                names: vec![reference.to_owned()],
                ..Artifact::image(reference, root.descriptor.digest)
            },
            graph: Graph::leaf(root),
            platforms: vec![],
            narrows: false,
            origins: HashMap::from([(stand_in, Shelf(content.clone()))]),
            referring: HashMap::new(),
            needed: BTreeSet::new(),
            late: (stand_in != digest).then_some((stand_in, digest)).into_iter().collect(),
        }
    }

    fn plan(items: &[Item<Shelf>]) -> Plan<Shelf> {
        Plan::new(items, vec![], BTreeMap::new()).unwrap()
    }

    async fn open(output: &Utf8PathBuf, plan: &Plan<Shelf>) -> (Partial, Vec<Previous>) {
        let workshop = Workshop::open(output).unwrap();
        Partial::open(workshop, plan.contents.clone(), plan.late(), 2, Arc::new(Silent)).await.unwrap()
    }

    async fn fill(partial: &Partial, plan: &Plan<Shelf>, previous: &[Previous]) -> usize {
        let mut moved = 0;
        for (digest, bytes) in &plan.manifests {
            let blob = Descriptor { digest: *digest, ..Descriptor::of("", bytes) };
            copy(&blob, &[&Shelf(bytes.clone())], partial).await.unwrap();
        }
        for (blob, origins) in &plan.blobs {
            let earlier =
                previous.iter().filter(|previous| previous.claims(blob)).map(|one| one as &dyn Source);
            let sources: Vec<&dyn Source> =
                earlier.chain(origins.iter().map(|origin| origin as &dyn Source)).collect();
            moved += usize::from(copy(blob, &sources, partial).await.unwrap() == Copied::Moved);
        }
        moved
    }

    fn content() -> Bytes {
        (0..700_001_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect::<Vec<u8>>().into()
    }

    async fn assert_holds(output: &Utf8PathBuf, all: &[&Bytes]) {
        let bundle = Bundle::open(output).unwrap();
        for bytes in all {
            assert!(bundle.blob(&Digest::sha256(bytes)).unwrap().bytes().await.unwrap() == **bytes);
        }
    }

    #[tokio::test]
    async fn what_was_learned_takes_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let output = Utf8PathBuf::try_from(folder.path().join("b.tar")).unwrap();
        let (large, small) = (content(), Bytes::from_static(b"small"));
        let mut items =
            vec![item("q.io/r/a:1", sha3(&large), &large), item("q.io/r/b:1", sha3(&small), &small)];
        let first = plan(&items);
        let (partial, _) = open(&output, &first).await;
        assert_eq!(fill(&partial, &first, &[]).await, 2);
        drop(partial);

        // Another run finds the same out again from what is there.
        let (mut partial, _) = open(&output, &first).await;
        assert_eq!(fill(&partial, &first, &[]).await, 0);
        for item in &mut items {
            item.settle(&partial.learned()).unwrap();
        }
        let settled = plan(&items);
        assert!(settled.late().is_empty());
        assert_eq!(partial.settle(&settled.contents, &settled.manifests).unwrap(), Settled::InPlace);
        let id = partial.finish().unwrap();
        assert_eq!(id, Digest::sha256(&settled.contents.to_bytes()));
        assert_holds(&output, &[&large, &small]).await;
        // As if everything had been known from the start.
        let known = [
            item("q.io/r/a:1", Digest::sha256(&large), &large),
            item("q.io/r/b:1", Digest::sha256(&small), &small),
        ];
        assert_eq!(plan(&known).contents, settled.contents);
    }

    #[tokio::test]
    async fn two_that_turn_out_to_be_one_are_one() {
        let folder = tempfile::tempdir().unwrap();
        let output = Utf8PathBuf::try_from(folder.path().join("b.tar")).unwrap();
        let large = content();
        let mut items = vec![
            item("q.io/r/a:1", sha3(&large), &large),
            item("q.io/r/b:1", Digest::sha256(&large), &large),
        ];
        let first = plan(&items);
        assert_eq!(first.blobs.len(), 2);
        let (mut partial, _) = open(&output, &first).await;
        fill(&partial, &first, &[]).await;
        let learned = partial.learned();
        for item in &mut items {
            item.settle(&learned).unwrap();
        }
        let settled = plan(&items);
        assert_eq!(settled.blobs.len(), 1);
        assert_eq!(partial.settle(&settled.contents, &settled.manifests).unwrap(), Settled::Elsewhere);

        let workshop = partial.into_workshop();
        let (partial, mut previous) =
            Partial::open(workshop, settled.contents.clone(), settled.late(), 2, Arc::new(Silent))
                .await
                .unwrap();
        for one in &mut previous {
            one.learn(&learned);
        }
        fill(&partial, &settled, &previous).await;
        partial.forget_previous().unwrap();
        partial.finish().unwrap();
        assert_holds(&output, &[&large]).await;
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }

    #[tokio::test]
    async fn other_bytes_are_found_out_by_the_digest_that_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let output = Utf8PathBuf::try_from(folder.path().join("b.tar")).unwrap();
        let large = content();
        let wrong = plan(&[item("q.io/r/a:1", sha3(b"another"), &large)]);
        let (partial, _) = open(&output, &wrong).await;
        let (blob, origins) = &wrong.blobs[0];
        let error = copy(blob, &[&origins[0]], &partial).await.unwrap_err();
        let expected = format!("blob {} has other bytes: got {}", sha3(b"another"), sha3(&large));
        assert!(error.to_string().contains(&expected), "{error}");
        assert_eq!(error.exit_code(), 3);
        assert!(partial.learned().is_empty() && !partial.is_filled(&blob.digest));
    }
}
