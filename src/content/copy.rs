//! The copy engine: one blob from the first place that has it, proven, into a sink.

use std::fmt::Debug;

use futures_util::future::BoxFuture;

use super::body::{ProvenBody, RawBody};
use crate::model::descriptor::Descriptor;
use crate::model::digest::Hasher;
use crate::model::error::{Error, Result};

/// A place that blobs are read from.
pub trait Source: Send + Sync + Debug {
    /// Opens the bytes of `blob` from `offset` on. A place that can go on after an interruption does so by itself.
    fn open<'a>(&'a self, blob: &'a Descriptor, offset: u64) -> BoxFuture<'a, Result<RawBody>>;

    /// Returns what to call the place in errors: ``registry `ghcr.io` ``, or a path in backticks.
    fn place(&self) -> String;
}

/// A place that blobs are written to. It can only be handed a [`Supply`], which gives proven bytes and no others.
pub trait Sink: Send + Sync + Debug {
    /// Returns whether the blob is there already, whole and proven.
    fn has<'a>(&'a self, blob: &'a Descriptor) -> BoxFuture<'a, Result<bool>>;

    /// Stores the blob. Until this has succeeded, nobody finds it there.
    fn put<'a>(&'a self, supply: Supply<'a>) -> BoxFuture<'a, Result<()>>;
}

/// Where a sink gets one blob from, proven; again, if it must.
#[derive(Clone, Copy, Debug)]
pub struct Supply<'a> {
    blob: &'a Descriptor,
    source: &'a dyn Source,
}

impl<'a> Supply<'a> {
    /// Offers `blob` out of `source`.
    pub fn new(blob: &'a Descriptor, source: &'a dyn Source) -> Self {
        Self { blob, source }
    }

    /// Returns what is supplied.
    pub fn blob(&self) -> &'a Descriptor {
        self.blob
    }

    /// Opens the whole blob.
    pub async fn open(&self) -> Result<ProvenBody> {
        let raw = self.source.open(self.blob, 0).await?;
        Ok(ProvenBody::new(self.blob, raw, &self.source.place()))
    }

    /// Opens the blob from `offset` on, for a sink that holds the bytes before it; `hasher` has seen those.
    pub async fn resume(&self, hasher: Hasher, offset: u64) -> Result<ProvenBody> {
        let raw = self.source.open(self.blob, offset).await?;
        Ok(ProvenBody::resume(self.blob, raw, &self.source.place(), hasher, offset))
    }
}

/// What [`copy`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// The bytes were moved.
    Moved,
    /// They were there already.
    Present,
}

/// Copies `blob` into `sink` from the first of `sources` that gives the right bytes. Wrong bytes are asked for once
/// more before the next source is tried.
///
/// Errors: the last source's error, with the blob named; [`Error::NotFound`] where there is no source.
pub async fn copy(blob: &Descriptor, sources: &[&dyn Source], sink: &dyn Sink) -> Result<Copied> {
    if sink.has(blob).await? {
        return Ok(Copied::Present);
    }
    let mut last = Error::NotFound { what: format!("a source of blob {}", blob.digest), hint: None };
    for source in sources {
        let supply = Supply::new(blob, *source);
        match put_again(supply, sink).await {
            Ok(()) => return Ok(Copied::Moved),
            Err(error @ Error::Interrupted(_)) => return Err(error),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn put_again(supply: Supply<'_>, sink: &dyn Sink) -> Result<()> {
    match sink.put(supply).await {
        Err(error) if matches!(error.root(), Error::Mismatch { .. }) => sink.put(supply).await,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use bytes::Bytes;

    use super::*;
    use crate::content::body::raw_of;

    #[derive(Debug)]
    struct Answers(Mutex<Vec<&'static [u8]>>);

    impl Source for Answers {
        fn open<'a>(&'a self, _: &'a Descriptor, _: u64) -> BoxFuture<'a, Result<RawBody>> {
            let next = self.0.lock().unwrap().pop().unwrap_or(b"none left");
            Box::pin(async move { Ok(raw_of(vec![Bytes::from_static(next)])) })
        }
        fn place(&self) -> String {
            "`answers`".to_owned()
        }
    }

    #[derive(Debug, Default)]
    struct Memory(Mutex<Vec<Bytes>>);

    impl Sink for Memory {
        fn has<'a>(&'a self, blob: &'a Descriptor) -> BoxFuture<'a, Result<bool>> {
            let has =
                self.0.lock().unwrap().iter().any(|bytes| Descriptor::of("", bytes).digest == blob.digest);
            Box::pin(async move { Ok(has) })
        }
        fn put<'a>(&'a self, supply: Supply<'a>) -> BoxFuture<'a, Result<()>> {
            Box::pin(async move {
                let bytes = supply.open().await?.bytes().await?;
                self.0.lock().unwrap().push(bytes);
                Ok(())
            })
        }
    }

    fn answers(list: &[&'static [u8]]) -> Answers {
        Answers(Mutex::new(list.iter().rev().copied().collect()))
    }

    #[tokio::test]
    async fn wrong_bytes_are_asked_for_once_more_and_then_elsewhere() {
        let blob = Descriptor::of("", b"right");
        for (first, second, good) in [
            (answers(&[b"right"]), answers(&[]), true),
            (answers(&[b"wrong", b"right"]), answers(&[]), true),
            (answers(&[b"wrong", b"wrong", b"right"]), answers(&[b"right"]), true),
            (answers(&[b"wrong", b"wrong"]), answers(&[b"wrong", b"wrong", b"right"]), false),
        ] {
            let sink = Memory::default();
            let copied = copy(&blob, &[&first, &second], &sink).await;
            assert_eq!(copied.is_ok(), good, "{copied:?}");
            assert_eq!(sink.0.lock().unwrap().len(), usize::from(good));
            if good {
                assert_eq!(copy(&blob, &[], &sink).await.unwrap(), Copied::Present);
            }
        }
    }
}
