//! Bodies that are not what they should be.

use std::io;

use axum::body::{Body, BodyDataStream};
use axum::http::header::{CONTENT_LENGTH, HeaderValue};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _, stream};

/// How many bytes [`extend`] adds at a time: 64 KiB.
const PIECE: u64 = 64 << 10;

type Piece = Result<Bytes, axum::Error>;

fn length(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// The first `count` bytes of a body.
fn first(body: Body, count: u64) -> impl Stream<Item = Piece> + Send + 'static {
    stream::unfold((body.into_data_stream(), count), async |(mut pieces, left): (BodyDataStream, u64)| {
        if left == 0 {
            return None;
        }
        let piece = pieces.next().await?.map(|mut piece| {
            piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            piece
        });
        let left = piece.as_ref().map_or(0, |piece| left.saturating_sub(length(piece)));
        Some((piece, (pieces, left)))
    })
}

/// Sends `count` bytes, then breaks the connection.
pub(super) fn cut(body: Body, count: u64) -> Body {
    let broken = stream::once(async {
        // What was handed over before is sent first.
        tokio::task::yield_now().await;
        Err(axum::Error::new(io::Error::from(io::ErrorKind::ConnectionReset)))
    });
    Body::from_stream(first(body, count).chain(broken))
}

/// Sends `count` bytes, then nothing.
pub(super) fn stall(body: Body, count: u64) -> Body {
    Body::from_stream(first(body, count).chain(stream::pending()))
}

/// Sends `count` bytes as if they were all.
pub(super) fn end(response: Response, count: u64) -> Response {
    let mut response = response.map(|body| Body::from_stream(first(body, count)));
    let announced =
        response.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|announced: u64| announced > count) {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(count));
    }
    response
}

/// Adds `count` zeros at the end.
pub(super) fn extend(response: Response, count: u64) -> Response {
    let zeros = stream::unfold(count, async |left: u64| {
        let next = left.min(PIECE);
        let zeros = Bytes::from(vec![0; usize::try_from(next).ok()?]);
        (next > 0).then(|| (Piece::Ok(zeros), left.saturating_sub(next)))
    });
    let mut response = response.map(|body| Body::from_stream(body.into_data_stream().chain(zeros)));
    response.headers_mut().remove(CONTENT_LENGTH);
    response
}

/// Flips the lowest bit of the byte at `offset`.
pub(super) fn flip(body: Body, offset: u64) -> Body {
    let mut ahead = offset;
    Body::from_stream(body.into_data_stream().map(move |piece| {
        piece.map(|piece| {
            let at = usize::try_from(ahead).unwrap_or(usize::MAX);
            ahead = ahead.checked_sub(length(&piece)).unwrap_or(u64::MAX);
            let mut bytes = BytesMut::from(piece);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1;
            }
            bytes.freeze()
        })
    }))
}
