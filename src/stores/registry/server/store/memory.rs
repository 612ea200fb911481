//! A store that is gone with the server.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::{Bytes, BytesMut};

use super::{Change, Content, Stage, Store};
use crate::model::digest::Digest;

/// How much room is made beforehand for bytes whose size was announced: at most 64 MiB.
const RESERVE: u64 = 64 << 20;

type Blobs = Arc<RwLock<HashMap<Digest, Bytes>>>;

/// Content in memory.
#[derive(Debug, Default)]
pub struct Memory {
    blobs: Blobs,
}

impl Store for Memory {
    fn load(&self) -> io::Result<Vec<Change>> {
        Ok(Vec::new())
    }

    fn record(&self, _change: &Change) -> io::Result<()> {
        Ok(())
    }

    fn open(&self, digest: &Digest) -> io::Result<Option<Content>> {
        let blobs = self.blobs.read().unwrap_or_else(PoisonError::into_inner);
        Ok(blobs.get(digest).cloned().map(Content::Memory))
    }

    fn stage(&self, size: Option<u64>) -> io::Result<Box<dyn Stage>> {
        let room = usize::try_from(size.unwrap_or(0).min(RESERVE)).unwrap_or_default();
        Ok(Box::new(Staged { blobs: Arc::clone(&self.blobs), bytes: BytesMut::with_capacity(room) }))
    }
}

#[derive(Debug)]
struct Staged {
    blobs: Blobs,
    bytes: BytesMut,
}

impl Stage for Staged {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn read(&self) -> io::Result<Content> {
        Ok(Content::Memory(self.bytes.clone().freeze()))
    }

    fn keep(self: Box<Self>, digest: &Digest) -> io::Result<()> {
        let Self { blobs, bytes } = *self;
        let mut blobs = blobs.write().unwrap_or_else(PoisonError::into_inner);
        blobs.entry(*digest).or_insert_with(|| bytes.freeze());
        Ok(())
    }
}
