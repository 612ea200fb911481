//! The one checking reader between every source and every sink.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt};

use super::hashing::Hashing;
use super::marks::Marks;
use crate::model::descriptor::Descriptor;
use crate::model::digest::{Digest, Hasher};
use crate::model::error::{Error, Result};

/// Bytes as they come from a place, not yet proven. No chunk is longer than [`MAX_CHUNK`].
pub type RawBody = BoxStream<'static, Result<Bytes>>;

/// The longest chunk that a place hands out: 1 MiB.
pub const MAX_CHUNK: usize = 1 << 20;

/// Bytes that are exactly what their descriptor says.
///
/// The last chunk is held back until size and digest are right, so whoever has read to the end has read proven bytes,
/// and whoever has not cannot mistake the beginning for the whole. Nothing else can be made into one.
pub struct ProvenBody {
    digest: Digest,
    size: u64,
    learned: Arc<OnceLock<Digest>>,
    stream: BoxStream<'static, Result<Bytes>>,
}

impl ProvenBody {
    /// Puts the check between `raw` and whoever reads. `place` goes into errors: ``registry `ghcr.io` ``, or a path.
    ///
    /// Errors: [`Error::Mismatch`] where size or digest are not what `blob` says, and whatever `raw` ends with.
    pub fn new(blob: &Descriptor, raw: RawBody, place: &str) -> Self {
        Self::resume(blob, raw, place, Hasher::new(blob.digest.algorithm()), 0)
    }

    /// As [`ProvenBody::new`], where the sink holds the first `offset` bytes already and `hasher` has seen them.
    /// `raw` begins at `offset`.
    pub fn resume(blob: &Descriptor, raw: RawBody, place: &str, hasher: Hasher, offset: u64) -> Self {
        Self::checked(blob, Check::new(blob, raw, place, Hashing::new(hasher, offset, None), offset))
    }

    /// As [`ProvenBody::new`], where the sink holds the first `offset` bytes already and nobody knows their hash but
    /// `marks`: `raw` begins where [`Marks::before`] says, and what it has of them is hashed and not handed out. On
    /// the way marks are left for the next time.
    pub fn marked(blob: &Descriptor, raw: RawBody, place: &str, marks: &Arc<Marks>, offset: u64) -> Self {
        let (at, hasher) = marks.before(offset);
        let hashing = Hashing::new(hasher, at, Some(Arc::clone(marks)));
        let check = Check::new(blob, raw, place, hashing, at);
        Self::checked(blob, Check { hidden: offset.saturating_sub(at), ..check })
    }

    fn checked(blob: &Descriptor, check: Check) -> Self {
        let learned = Arc::clone(&check.learned);
        let stream = stream::try_unfold(check, Check::next).boxed();
        Self { digest: blob.digest, size: blob.size, learned, stream }
    }

    /// Returns the digest that the whole has.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Returns where the SHA-256 of a whole that is named by its SHA3-384 stands once everything is proven.
    pub fn learned(&self) -> Arc<OnceLock<Digest>> {
        Arc::clone(&self.learned)
    }

    /// Reads all of it for nothing but the SHA-256, as [`ProvenBody::learned`].
    pub async fn learn(mut self) -> Result<Option<Digest>> {
        while self.next().await?.is_some() {}
        Ok(self.learned.get().copied())
    }

    /// Returns the length of the whole in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the next chunk, or `None` after the last one: everything is proven then.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        self.stream.try_next().await
    }

    /// Reads all of it into memory. Only for what is small by its nature: the caller has bounded the size.
    pub async fn bytes(mut self) -> Result<Bytes> {
        let mut all = Vec::with_capacity(usize::try_from(self.size).unwrap_or(0));
        while let Some(chunk) = self.next().await? {
            if all.is_empty() && u64::try_from(chunk.len()) == Ok(self.size) {
                return self.next().await.map(|_| chunk);
            }
            all.extend_from_slice(&chunk);
        }
        Ok(all.into())
    }
}

impl Stream for ProvenBody {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.stream.poll_next_unpin(context)
    }
}

impl fmt::Debug for ProvenBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProvenBody")
            .field("digest", &self.digest)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

struct Check {
    raw: Option<RawBody>,
    hashing: Hashing,
    seen: u64,
    /// So many of the next bytes are hashed and not handed out.
    hidden: u64,
    digest: Digest,
    size: u64,
    learned: Arc<OnceLock<Digest>>,
    what: String,
}

impl Check {
    fn new(blob: &Descriptor, raw: RawBody, place: &str, hashing: Hashing, offset: u64) -> Self {
        Self {
            raw: Some(raw),
            hashing,
            seen: offset,
            hidden: 0,
            digest: blob.digest,
            size: blob.size,
            learned: Arc::default(),
            what: format!("reading from {place}: blob {}", blob.digest),
        }
    }

    async fn next(mut self) -> Result<Option<(Bytes, Self)>> {
        let Some(mut raw) = self.raw.take() else { return Ok(None) };
        if self.seen == self.size {
            // Only before the first chunk: of nothing, or of a blob that the sink holds whole.
            return match next_chunk(&mut raw).await? {
                Some(chunk) => Err(self.too_long(chunk.len())),
                None => self.prove().await.map(|_| None),
            };
        }
        loop {
            let Some(chunk) = next_chunk(&mut raw).await? else { return Err(self.too_short()) };
            self.seen = self.seen.saturating_add(length(&chunk));
            if self.seen > self.size {
                return Err(self.too_long(0));
            }
            self.hashing.add(chunk.clone()).await?;
            let shown = self.without_hidden(chunk);
            if self.seen == self.size {
                if let Some(extra) = next_chunk(&mut raw).await? {
                    return Err(self.too_long(extra.len()));
                }
                let proven = self.prove().await?;
                return Ok((!shown.is_empty()).then_some((shown, proven)));
            }
            if !shown.is_empty() {
                self.raw = Some(raw);
                return Ok(Some((shown, self)));
            }
        }
    }

    /// Takes off what is not handed out.
    fn without_hidden(&mut self, mut chunk: Bytes) -> Bytes {
        let hidden = usize::try_from(self.hidden).unwrap_or(usize::MAX).min(chunk.len());
        self.hidden = self.hidden.saturating_sub(u64::try_from(hidden).unwrap_or(u64::MAX));
        chunk.split_off(hidden)
    }

    async fn prove(mut self) -> Result<Self> {
        let hasher = self.hashing.finish().await?;
        let beside = hasher.beside();
        let got = hasher.finish();
        if got == self.digest {
            if let Some(beside) = beside {
                // Nobody proves a body twice.
                let _ = self.learned.set(beside);
            }
            return Ok(self);
        }
        Err(Error::Mismatch { what: self.what, expected: self.digest.to_string(), got: got.to_string() })
    }

    fn too_short(self) -> Error {
        Error::Mismatch {
            what: self.what,
            expected: format!("{} bytes", self.size),
            got: format!("{} bytes", self.seen),
        }
    }

    fn too_long(self, more: usize) -> Error {
        let seen = self.seen.saturating_add(u64::try_from(more).unwrap_or(u64::MAX));
        Error::Mismatch {
            what: self.what,
            expected: format!("{} bytes", self.size),
            got: format!("at least {seen} bytes"),
        }
    }
}

fn length(chunk: &Bytes) -> u64 {
    u64::try_from(chunk.len()).unwrap_or(u64::MAX)
}

/// Skips empty chunks, which say nothing.
async fn next_chunk(raw: &mut RawBody) -> Result<Option<Bytes>> {
    while let Some(chunk) = raw.try_next().await? {
        if !chunk.is_empty() {
            return Ok(Some(chunk));
        }
    }
    Ok(None)
}

/// Makes a body of chunks that are in memory.
pub fn raw_of(chunks: Vec<Bytes>) -> RawBody {
    stream::iter(chunks.into_iter().map(Ok)).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(blob: &Descriptor, chunks: &[&'static str]) -> ProvenBody {
        let chunks = chunks.iter().map(|chunk| Bytes::from_static(chunk.as_bytes())).collect();
        ProvenBody::new(blob, raw_of(chunks), "memory")
    }

    #[tokio::test]
    async fn right_bytes_pass_whatever_the_chunks() {
        let blob = Descriptor::of("", b"abcdef");
        for chunks in [&["abcdef"] as &[_], &["abc", "", "def", ""], &["a", "b", "c", "d", "e", "f"]] {
            assert_eq!(body(&blob, chunks).bytes().await.unwrap(), "abcdef");
        }
        assert_eq!(body(&Descriptor::of("", b""), &[""]).bytes().await.unwrap(), "");
    }

    #[tokio::test]
    async fn wrong_bytes_never_end_well() {
        let blob = Descriptor::of("", b"abcdef");
        for (chunks, got) in [
            (&["abcdeX"] as &[_], "got sha256:"),
            (&["abc", "de"], "got 5 bytes"),
            (&[], "got 0 bytes"),
            (&["abc", "def", "g"], "got at least 7 bytes"),
            (&["abcdefg"], "got at least 7 bytes"),
        ] {
            let mut body = body(&blob, chunks);
            let mut seen = 0;
            let error = loop {
                match body.next().await {
                    Ok(Some(chunk)) => seen += chunk.len(),
                    Ok(None) => panic!("{chunks:?} passed"),
                    Err(error) => break error,
                }
            };
            assert!(seen < 6, "the last chunk was handed out: {chunks:?}");
            assert!(error.to_string().contains(got), "{error}");
            assert_eq!(error.exit_code(), 3);
        }
        let nothing = Descriptor { digest: blob.digest, ..Descriptor::of("", b"") };
        assert!(body(&nothing, &[]).next().await.is_err());
    }

    #[tokio::test]
    async fn large_bodies_are_hashed_in_batches() {
        let content: Vec<u8> = (0..3_000_001_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        let blob = Descriptor::of("", &content);
        let chunks: Vec<Bytes> = content.chunks(70_001).map(Bytes::copy_from_slice).collect();
        let proven = ProvenBody::new(&blob, raw_of(chunks.clone()), "memory").bytes().await.unwrap();
        assert!(proven == content);
        let mut hasher = Hasher::new(blob.digest.algorithm());
        hasher.update(&content[..70_001]);
        let rest = ProvenBody::resume(&blob, raw_of(chunks[1..].to_vec()), "memory", hasher, 70_001);
        assert_eq!(
            rest.try_fold(70_001, |n, chunk| async move { Ok(n + chunk.len()) }).await.unwrap(),
            content.len()
        );
    }

    #[tokio::test]
    async fn marked_bodies_go_on_anywhere() {
        let content: Vec<u8> = (0..3_000_001_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        let blob = Descriptor::of("", &content);
        let marks = Arc::new(Marks::new(&blob));
        let raw = |at: u64| {
            let rest = &content[usize::try_from(at).unwrap()..];
            raw_of(rest.chunks(70_001).map(Bytes::copy_from_slice).collect())
        };
        let mut begun = ProvenBody::marked(&blob, raw(0), "memory", &marks, 0);
        for _ in 0..20 {
            begun.next().await.unwrap();
        }
        let (at, _) = marks.before(u64::MAX);
        assert!(at >= 512 << 10, "{at}");
        for offset in [0, 1, at, at + 1, 1_300_000, blob.size - 1, blob.size] {
            let (from, _) = marks.before(offset);
            assert!(offset - from <= 2_500_000, "{from} for {offset}");
            let mut body = ProvenBody::marked(&blob, raw(from), "memory", &marks, offset);
            let mut seen = Vec::new();
            while let Some(chunk) = body.next().await.unwrap() {
                assert!(!chunk.is_empty());
                seen.extend_from_slice(&chunk);
            }
            assert!(seen == content[usize::try_from(offset).unwrap()..], "{offset}");
        }
        let mut wrong = content.clone();
        wrong[0] ^= 1;
        let all = raw_of(wrong.chunks(70_001).map(Bytes::copy_from_slice).collect());
        let fresh = Arc::new(Marks::new(&blob));
        assert!(ProvenBody::marked(&blob, all, "memory", &fresh, 100).bytes().await.is_err());
    }
}
