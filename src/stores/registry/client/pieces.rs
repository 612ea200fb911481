//! A body that several requests send, one after the other, each as much of it as the other side takes at once.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::stream::{Stream, StreamExt};

use crate::content::body::ProvenBody;
use crate::model::error::Result;

/// The rest of a body. Clones speak of the same one.
#[derive(Clone, Debug)]
pub(super) struct Pieces(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    body: ProvenBody,
    /// What was read and belongs to the next piece.
    rest: Bytes,
}

/// The next bytes of a body.
#[derive(Debug)]
pub(super) struct Piece {
    state: Arc<Mutex<State>>,
    left: u64,
}

impl Pieces {
    pub(super) fn new(body: ProvenBody) -> Self {
        Self(Arc::new(Mutex::new(State { body, rest: Bytes::new() })))
    }

    /// Returns the next `length` bytes. The piece before must have been read to its end.
    pub(super) fn next(&self, length: u64) -> Piece {
        Piece { state: Arc::clone(&self.0), left: length }
    }
}

impl Stream for Piece {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let state = Arc::clone(&self.state);
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.left == 0 {
            return Poll::Ready(None);
        }
        if state.rest.is_empty() {
            match ready!(state.body.poll_next_unpin(context)) {
                Some(Ok(chunk)) => state.rest = chunk,
                other => return Poll::Ready(other),
            }
        }
        let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(state.rest.len());
        self.left = self.left.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
        Poll::Ready(Some(Ok(state.rest.split_to(length))))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;

    use super::*;
    use crate::content::body::raw_of;
    use crate::model::descriptor::Descriptor;

    fn pieces(chunks: &[&'static [u8]], blob: &Descriptor) -> Pieces {
        let raw = raw_of(chunks.iter().copied().map(Bytes::from_static).collect());
        Pieces::new(ProvenBody::new(blob, raw, "memory"))
    }

    async fn read(piece: Piece) -> Result<Vec<u8>> {
        Ok(piece.try_collect::<Vec<Bytes>>().await?.concat())
    }

    #[tokio::test]
    async fn pieces_follow_each_other_whatever_the_chunks() {
        let blob = Descriptor::of("", b"abcdefgh");
        for chunks in [&[b"abcdefgh" as &[u8]] as &[&[u8]], &[b"a", b"bcd", b"efgh"], &[b"abc", b"defgh"]] {
            let pieces = pieces(chunks, &blob);
            assert_eq!(read(pieces.next(3)).await.unwrap(), b"abc");
            assert_eq!(read(pieces.next(1)).await.unwrap(), b"d");
            assert_eq!(read(pieces.next(4)).await.unwrap(), b"efgh");
        }
    }

    #[tokio::test]
    async fn the_last_piece_is_proven_like_the_whole() {
        let pieces = pieces(&[b"abcd", b"efgX"], &Descriptor::of("", b"abcdefgh"));
        assert_eq!(read(pieces.next(4)).await.unwrap(), b"abcd");
        assert_eq!(read(pieces.next(4)).await.unwrap_err().exit_code(), 3);
    }
}
