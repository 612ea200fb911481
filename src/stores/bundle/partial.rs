//! The bundle in the making: every blob is written once, to its final place, in any order.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::header::{END, blob_name, entry_header, padding};
use super::journal::Journal;
use super::previous::Previous;
use super::slots::{Slot, Slots, head_bytes};
use super::unfinished::first_block;
use super::workshop::Workshop;
use crate::content::body::ProvenBody;
use crate::content::copy::{Sink, Supply};
use crate::content::jobs::{self, OnFailure, Stop};
use crate::content::progress::Progress;
use crate::content::read_at::{PIECE, ReadAt, Window};
use crate::model::contents::Contents;
use crate::model::descriptor::Descriptor;
use crate::model::digest::{Algorithm, Digest, Hasher};
use crate::model::error::{Error, Result};

/// How often a long blob's progress is noted: every 32 MiB.
const NOTE_EVERY: u64 = 32 << 20;
/// How much is written before the disk is told to begin: 64 MiB.
const SYNC_EVERY: u64 = 64 << 20;
/// Blobs up to this size are written with header and padding in one call: 256 KiB.
const SMALL: u64 = 256 << 10;

/// A bundle whose slots are being filled. It has its final name only after [`Partial::finish`].
#[derive(Debug)]
pub struct Partial {
    workshop: Workshop,
    file: Arc<File>,
    pub(super) id: Digest,
    pub(super) slots: Slots,
    journal: Journal,
    pub(super) filled: Mutex<HashSet<Digest>>,
    learned: Mutex<HashMap<Digest, Digest>>,
    begun: Mutex<HashMap<Digest, u64>>,
    unsynced: AtomicU64,
    syncing: Arc<AtomicBool>,
    progress: Arc<dyn Progress>,
}

impl Partial {
    /// Opens `OUTPUT.partial` for these contents, goes on with one of the same plan, and returns earlier ones of other
    /// plans to carry blobs over from. What the journal claims is hashed again, `jobs` slots at a time. Of a blob whose digest
    /// only stands in for one, `late` says which proves it.
    pub async fn open(
        workshop: Workshop,
        contents: Contents,
        late: HashMap<Digest, Digest>,
        jobs: usize,
        progress: Arc<dyn Progress>,
    ) -> Result<(Self, Vec<Previous>)> {
        let (id, head) = head_bytes(&contents);
        let (file, previous) = workshop.plan(&head)?;
        let slots = Slots::new(&contents)?;
        let doing = format!("writing to `{}`", workshop.partial());
        file.set_len(slots.length()).map_err(|source| too_large(source, &doing, slots.length()))?;
        let (journal, claims) = Journal::open(&workshop.journal())?;
        let file = Arc::new(file);
        let Proven { filled, begun, learned } = prove_claims(&file, &slots, &claims, late, jobs).await?;
        let partial = Self {
            workshop,
            file,
            id,
            slots,
            journal,
            filled: Mutex::new(filled),
            learned: Mutex::new(learned),
            begun: Mutex::new(begun),
            unsynced: AtomicU64::new(0),
            syncing: Arc::default(),
            progress,
        };
        Ok((partial, previous))
    }

    /// Returns where everything stands.
    pub fn slots(&self) -> &Slots {
        &self.slots
    }

    /// Returns whether the blob is in its slot, proven in this run.
    pub fn is_filled(&self, digest: &Digest) -> bool {
        self.filled.lock().unwrap_or_else(PoisonError::into_inner).contains(&digest.stand_in())
    }

    /// Returns the sha256 of what is in the slots whose digest stands in for it, by that.
    pub fn learned(&self) -> HashMap<Digest, Digest> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the bytes of a slot that is filled.
    pub fn window(&self, digest: &Digest) -> Option<Window> {
        let slot = self.slots.get(digest)?;
        Some(Window { of: Arc::clone(&self.file) as Arc<dyn ReadAt>, offset: slot.offset, size: slot.size })
    }

    /// Gives the files back, to plan again.
    pub fn into_workshop(self) -> Workshop {
        self.workshop
    }

    /// Forgets the earlier plans: everything worth keeping has been carried over.
    pub fn forget_previous(&self) -> Result<()> {
        self.workshop.forget_previous()
    }

    /// Writes the first block, makes everything durable and gives the bundle its name. Returns the bundle id.
    ///
    /// Errors: [`Error::NotFound`] where a slot has not been filled.
    pub fn finish(self) -> Result<Digest> {
        if let Some(slot) = self.slots.iter().find(|slot| !self.is_filled(&slot.digest)) {
            return Err(Error::NotFound { what: format!("blob {} of the plan", slot.digest), hint: None });
        }
        let (partial, output) = (self.workshop.partial(), self.workshop.output().to_owned());
        let zeros = [0; 1024];
        self.write(&first_block(), 0)?;
        self.write(&zeros, self.slots.length().saturating_sub(END))?;
        self.file.sync_all().map_err(Error::io(format!("writing `{partial}` to the disk")))?;
        fs::rename(&partial, &output).map_err(Error::io(format!("renaming `{partial}` to `{output}`")))?;
        let folder = output.parent().filter(|folder| !folder.as_str().is_empty()).unwrap_or(".".into());
        let doing = || format!("writing folder `{folder}` to the disk");
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io(doing()))?;
        self.workshop.remove()?;
        Ok(self.id)
    }

    pub(super) fn write(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.file
            .write_all_at(bytes, offset)
            .map_err(Error::io(format!("writing to `{}`", self.workshop.partial())))
    }

    fn note(&self, digest: &Digest, bytes: u64) -> Result<()> {
        self.slots.position(digest).map_or(Ok(()), |position| self.journal.note(position, bytes))
    }

    async fn fill(&self, supply: Supply<'_>) -> Result<()> {
        let digest = supply.blob().digest.stand_in();
        let slot = *self
            .slots
            .get(&digest)
            .ok_or_else(|| Error::NotFound { what: format!("a slot for blob {digest}"), hint: None })?;
        let header = entry_header(&blob_name(&digest), slot.size);
        let learned = if slot.size <= SMALL {
            let mut entry = header;
            let body = supply.open().await?;
            let learned = body.learned();
            entry.extend_from_slice(&body.bytes().await?);
            entry.resize(entry.len().next_multiple_of(512), 0);
            self.write(&entry, slot.header)?;
            self.progress.moved(slot.size);
            learned
        } else {
            self.write(&header, slot.header)?;
            self.stream(supply, &slot).await?
        };
        if let Some(learned) = learned.get() {
            self.learned.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, *learned);
        }
        self.note(&digest, slot.size)?;
        self.filled.lock().unwrap_or_else(PoisonError::into_inner).insert(digest);
        self.sync_now_and_then(slot.size.min(SMALL));
        Ok(())
    }

    async fn stream(&self, supply: Supply<'_>, slot: &Slot) -> Result<Arc<OnceLock<Digest>>> {
        let (mut body, mut at) = self.open_where_it_was(supply, slot).await?;
        let learned = body.learned();
        let mut noted = at;
        while let Some(chunk) = body.next().await? {
            self.write(&chunk, slot.offset.saturating_add(at))?;
            let length = u64::try_from(chunk.len()).unwrap_or_default();
            at = at.saturating_add(length);
            self.progress.moved(length);
            if at.saturating_sub(noted) >= NOTE_EVERY {
                noted = at;
                self.note(&slot.digest, at)?;
            }
            self.sync_now_and_then(length);
        }
        let zeros: Bytes = vec![0; usize::try_from(padding(slot.size)).unwrap_or_default()].into();
        self.write(&zeros, slot.offset.saturating_add(slot.size))?;
        Ok(learned)
    }

    /// Goes on within a blob where an earlier run noted how far it was, once: if the whole turns out wrong, the next
    /// try begins at zero.
    async fn open_where_it_was(&self, supply: Supply<'_>, slot: &Slot) -> Result<(ProvenBody, u64)> {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).remove(&slot.digest);
        let Some(begun) = begun.filter(|begun| *begun > 0) else { return Ok((supply.open().await?, 0)) };
        self.note(&slot.digest, 0)?;
        let (file, slot, algorithm) = (Arc::clone(&self.file), *slot, supply.blob().digest.algorithm());
        let hasher = jobs::offload(move || hash(&file, &slot, begun, algorithm, &Stop::default())).await??;
        self.progress.moved(begun);
        Ok((supply.resume(hasher, begun).await?, begun))
    }

    /// Lets the disk begin while the network still delivers, so that the last sync has little left to do.
    fn sync_now_and_then(&self, written: u64) {
        if self.unsynced.fetch_add(written, Ordering::Relaxed).saturating_add(written) < SYNC_EVERY
            || self.syncing.swap(true, Ordering::AcqRel)
        {
            return;
        }
        self.unsynced.store(0, Ordering::Relaxed);
        let (file, syncing) = (Arc::clone(&self.file), Arc::clone(&self.syncing));
        drop(jobs::offload(move || {
            // A failure comes back from the sync that finish() makes, which is the one that counts.
            let _ = file.sync_data();
            syncing.store(false, Ordering::Release);
        }));
    }
}

impl Sink for Partial {
    fn has<'a>(&'a self, blob: &'a Descriptor) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { Ok(self.is_filled(&blob.digest)) })
    }

    fn put<'a>(&'a self, supply: Supply<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.fill(supply))
    }
}

fn too_large(source: std::io::Error, doing: &str, length: u64) -> Error {
    if source.kind() == std::io::ErrorKind::FileTooLarge {
        return Error::Unsupported {
            message: format!("{doing}: the file system cannot hold a file of {length} bytes"),
            hint: Some(
                "name a file on another file system with `--output` (FAT holds at most 4 GiB a file)"
                    .to_owned(),
            ),
        };
    }
    Error::Io { doing: doing.to_owned(), source }
}

/// What the claims of a journal came to.
struct Proven {
    filled: HashSet<Digest>,
    begun: HashMap<Digest, u64>,
    learned: HashMap<Digest, Digest>,
}

/// Hashes what the journal claims and returns what is whole, and how far the others are.
async fn prove_claims(
    file: &Arc<File>,
    slots: &Slots,
    claims: &HashMap<usize, u64>,
    late: HashMap<Digest, Digest>,
    jobs: usize,
) -> Result<Proven> {
    let claimed = |(n, slot): (usize, &Slot)| (claims.get(&n) == Some(&slot.size)).then_some(*slot);
    let whole: Vec<Slot> = slots.iter().enumerate().filter_map(claimed).collect();
    let reading = Arc::clone(file);
    let proven = jobs::run_blocking(jobs, OnFailure::Stop, whole, move |slot, stop| {
        let proof = *late.get(&slot.digest).unwrap_or(&slot.digest);
        let hasher = hash(&reading, &slot, slot.size, proof.algorithm(), stop)?;
        let beside = hasher.beside();
        Ok((hasher.finish() == proof).then_some((slot.digest, beside)))
    })
    .await;
    let (mut filled, mut learned) = (HashSet::new(), HashMap::new());
    for result in proven.into_iter().flatten() {
        if let Some((digest, beside)) = result? {
            filled.insert(digest);
            learned.extend(beside.map(|beside| (digest, beside)));
        }
    }
    let begun = slots.iter().enumerate().filter_map(|(n, slot)| {
        let bytes = claims.get(&n).filter(|bytes| **bytes < slot.size)?;
        Some((slot.digest, *bytes))
    });
    Ok(Proven { filled, begun: begun.collect(), learned })
}

/// Hashes the first `length` bytes of a slot.
fn hash(file: &File, slot: &Slot, length: u64, algorithm: Algorithm, stop: &Stop) -> Result<Hasher> {
    let mut hasher = Hasher::new(algorithm);
    let mut piece = vec![0; PIECE];
    let mut at = 0;
    while at < length {
        stop.check()?;
        let rest = usize::try_from(length.saturating_sub(at)).unwrap_or(usize::MAX).min(PIECE);
        let part = piece.get_mut(..rest).unwrap_or_default();
        FileExt::read_exact_at(file, part, slot.offset.saturating_add(at))
            .map_err(Error::io("reading the unfinished bundle"))?;
        hasher.update(part);
        at = at.saturating_add(u64::try_from(rest).unwrap_or(u64::MAX));
    }
    Ok(hasher)
}

#[cfg(test)]
mod tests {
    use camino::Utf8PathBuf;

    use super::*;
    use crate::content::body::{RawBody, raw_of};
    use crate::content::copy::{Copied, Source, copy};
    use crate::content::progress::Silent;
    use crate::model::contents::{Artifact, Blob, FORMAT};
    use crate::stores::bundle::reader::Bundle;

    #[derive(Debug, Default)]
    struct Shelf {
        blobs: Vec<Bytes>,
        asked: Mutex<Vec<(Digest, u64)>>,
    }

    impl Source for Shelf {
        fn open<'a>(&'a self, blob: &'a Descriptor, offset: u64) -> BoxFuture<'a, Result<RawBody>> {
            self.asked.lock().unwrap().push((blob.digest, offset));
            let found = self.blobs.iter().find(|bytes| Digest::sha256(bytes) == blob.digest).unwrap();
            let rest = found.slice(usize::try_from(offset).unwrap()..);
            let chunks = rest.chunks(100_000).map(Bytes::copy_from_slice).collect();
            Box::pin(async move { Ok(raw_of(chunks)) })
        }
        fn place(&self) -> String {
            "shelf".to_owned()
        }
    }

    fn descriptor(bytes: &Bytes) -> Descriptor {
        Descriptor::of("", bytes)
    }

    fn contents(blobs: &[Bytes]) -> Contents {
        let all: Vec<Blob> =
            blobs.iter().map(descriptor).map(|blob| Blob { digest: blob.digest, size: blob.size }).collect();
        Contents {
            format: FORMAT,
            artifacts: vec![Artifact {
                names: vec!["docker.io/library/a:1".to_owned()],
                ..Artifact::image("docker.io/library/a:1", all[0].digest)
            }],
            manifests: all[..1].to_vec(),
            configs: vec![],
            blobs: all[1..].to_vec(),
            missing: vec![],
            labels: std::collections::BTreeMap::new(),
        }
    }

    fn bytes(seed: u8, length: usize) -> Bytes {
        (0..length).map(|n| seed ^ n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect::<Vec<u8>>().into()
    }

    async fn open(output: &Utf8PathBuf, contents: &Contents) -> (Partial, Vec<Previous>) {
        let workshop = Workshop::open(output).unwrap();
        Partial::open(workshop, contents.clone(), HashMap::new(), 2, Arc::new(Silent)).await.unwrap()
    }

    #[tokio::test]
    async fn what_was_filled_is_not_asked_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let output = Utf8PathBuf::try_from(folder.path().join("b.tar")).unwrap();
        let blobs = vec![bytes(1, 700), bytes(2, 300_000), bytes(3, 0), bytes(4, 1_000_001)];
        let shelf = Shelf { blobs: blobs.clone(), ..Shelf::default() };
        let first = contents(&blobs[..3]);
        let (partial, _) = open(&output, &first).await;
        for blob in &blobs[..2] {
            assert_eq!(copy(&descriptor(blob), &[&shelf], &partial).await.unwrap(), Copied::Moved);
        }
        assert!(matches!(Workshop::open(&output), Err(Error::Conflict { .. })));
        drop(partial);
        assert!(matches!(open(&output, &first).await.0.finish(), Err(Error::NotFound { .. })));

        // The list is mended: the plan changes, and what is there is carried over.
        let (partial, previous) = open(&output, &contents(&blobs)).await;
        assert_eq!(previous.len(), 1);
        assert!(previous[0].claims(&descriptor(&blobs[1])) && !previous[0].claims(&descriptor(&blobs[3])));
        for blob in &blobs {
            let sources: [&dyn Source; 2] = [&previous[0], &shelf];
            let from = usize::from(!previous[0].claims(&descriptor(blob)));
            copy(&descriptor(blob), &sources[from..], &partial).await.unwrap();
        }
        let id = partial.finish().unwrap();
        assert_eq!(shelf.asked.lock().unwrap().len(), 4);
        let bundle = Bundle::open(&output).unwrap();
        assert_eq!(*bundle.id(), id);
        for blob in &blobs {
            assert!(bundle.blob(&descriptor(blob).digest).unwrap().bytes().await.unwrap() == *blob);
        }
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }

    #[tokio::test]
    async fn a_journal_that_lies_is_found_out() {
        let folder = tempfile::tempdir().unwrap();
        let output = Utf8PathBuf::try_from(folder.path().join("b.tar")).unwrap();
        let blobs = vec![bytes(1, 700), bytes(2, 900_000)];
        let shelf = Shelf { blobs: blobs.clone(), ..Shelf::default() };
        let large = descriptor(&blobs[1]);
        let (partial, _) = open(&output, &contents(&blobs)).await;
        partial.note(&descriptor(&blobs[0]).digest, 700).unwrap();
        partial.note(&large.digest, 100_000).unwrap();
        drop(partial);

        let (partial, _) = open(&output, &contents(&blobs)).await;
        assert!(!partial.is_filled(&descriptor(&blobs[0]).digest));
        copy(&descriptor(&blobs[0]), &[&shelf], &partial).await.unwrap();
        copy(&large, &[&shelf], &partial).await.unwrap();
        let asked: Vec<u64> = shelf.asked.lock().unwrap().iter().map(|(_, offset)| *offset).collect();
        // The noted beginning is zeros, so the whole is wrong and is fetched again from zero.
        assert_eq!(asked, [0, 100_000, 0]);
        partial.finish().unwrap();
    }
}
