//! Reading by position: what a bundle is read through, be it a file or, one day, volumes or a server with `Range`.

use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};

use super::body::RawBody;
use super::jobs;
use crate::model::error::Error;

/// So many bytes are read at once: large enough for a disk, small enough for a processor's cache.
pub const PIECE: usize = 512 << 10;

/// Bytes that can be read anywhere, by many at once.
pub trait ReadAt: Send + Sync + Debug {
    /// Returns the length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Returns whether it holds no byte.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Fills `buffer` from `offset`, or fails with [`io::ErrorKind::UnexpectedEof`].
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
    /// Lets the system forget what it remembers of the bytes, so that the next read asks the medium. Does nothing
    /// where nothing is remembered.
    fn forget_cached(&self) -> io::Result<()> {
        Ok(())
    }
}

impl ReadAt for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        FileExt::read_exact_at(self, buffer, offset)
    }

    fn forget_cached(&self) -> io::Result<()> {
        // Pages that are not on the medium yet would stay; a file system that cannot sync has nothing to forget.
        let _ = self.sync_data();
        rustix::fs::fadvise(self, 0, None, rustix::fs::Advice::DontNeed)?;
        rustix::fs::fadvise(self, 0, None, rustix::fs::Advice::Sequential)?;
        Ok(())
    }
}

/// A part of something, read as if it were all.
#[derive(Debug)]
pub struct Window {
    /// What it is a part of.
    pub of: Arc<dyn ReadAt>,
    /// Where it begins.
    pub offset: u64,
    /// How long it is.
    pub size: u64,
}

impl ReadAt for Window {
    fn len(&self) -> io::Result<u64> {
        Ok(self.size)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let length = u64::try_from(buffer.len()).map_err(io::Error::other)?;
        if offset.checked_add(length).is_none_or(|end| end > self.size) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.of.read_exact_at(buffer, self.offset.saturating_add(offset))
    }
}

impl ReadAt for Vec<u8> {
    fn len(&self) -> io::Result<u64> {
        u64::try_from(Vec::len(self)).map_err(io::Error::other)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let end = start.checked_add(buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(self.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// Returns `size` bytes from `offset` as a body. The next piece is read while the last one is used; reads happen on
/// threads that may block. `place` goes into errors.
pub fn body(file: Arc<dyn ReadAt>, offset: u64, size: u64, place: &str) -> RawBody {
    let place = place.to_owned();
    let end = offset.saturating_add(size);
    let pieces = stream::unfold(offset, move |at| {
        let file = Arc::clone(&file);
        let length = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX).min(PIECE);
        let next = at.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        let piece = (length > 0).then(|| {
            let read = jobs::offload(move || {
                let mut piece = vec![0; length];
                file.read_exact_at(&mut piece, at).map(|()| Bytes::from(piece))
            });
            (read, next)
        });
        std::future::ready(piece)
    });
    pieces
        .buffered(2)
        .map(move |read| read?.map_err(|source| Error::Io { doing: format!("reading from {place}"), source }))
        .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::body::ProvenBody;
    use crate::model::descriptor::Descriptor;

    #[tokio::test]
    async fn bodies_are_the_bytes_at_their_place() {
        let content: Vec<u8> = (0..2_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
        for (offset, size) in [(0, 2_000_000), (1, 1), (5, 0), (700_001, 1_299_999)] {
            let blob = Descriptor::of("", &content[offset..offset + size]);
            let file: Arc<dyn ReadAt> = Arc::new(content.clone());
            let raw = body(file, offset.try_into().unwrap(), size.try_into().unwrap(), "memory");
            assert!(
                ProvenBody::new(&blob, raw, "memory").bytes().await.unwrap()
                    == content[offset..offset + size]
            );
        }
    }

    #[tokio::test]
    async fn a_short_file_is_an_error() {
        let file: Arc<dyn ReadAt> = Arc::new(vec![0; 10]);
        let results: Vec<_> = body(file, 8, 4, "`x.tar`").collect().await;
        assert!(matches!(&results[..], [Err(Error::Io { doing, .. })] if doing == "reading from `x.tar`"));
    }
}
