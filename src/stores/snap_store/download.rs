//! The bytes of snaps, whole or in ranges.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::FutureExt;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_RANGE, HeaderName, HeaderValue, RANGE};
use tokio::runtime::Handle;

use super::SnapStore;
use super::refusal::no_answer;
use super::settings::Downloads;
use super::snap::Download;
use crate::content::body::RawBody;
use crate::content::ranges::Ranges;
use crate::model::error::{Error, Result};
use crate::stores::http::resume::{Expected, Open, body, content_range, from_offset};
use crate::stores::http::{Lane, MAX_SMALL, Request, Response, is_page};

const CDN: HeaderName = HeaderName::from_static("snap-cdn");
/// What `Snap-Device-Store` is to a download.
const BRAND: HeaderName = HeaderName::from_static("x-ubuntu-store");

impl SnapStore {
    /// Opens the bytes of a snap at `offset`. What is cut off goes on where it was; their hash is the caller's to check.
    ///
    /// Errors: [`Error::Mismatch`] where the length is another, and what the place answers.
    pub async fn open(&self, download: &Download, offset: u64) -> Result<RawBody> {
        let (store, wanted) = (self.clone(), download.clone());
        let open: Open = Arc::new(move |offset| {
            let (store, wanted) = (store.clone(), wanted.clone());
            async move { store.answer(&wanted, from_offset(store.get(&wanted), offset)).await }.boxed()
        });
        let expected = Expected { what: download.what.clone(), size: download.size, may_be_page: true };
        body(&self.http, expected, offset, open).await.map_err(|error| self.at(error))
    }

    /// Reads `length` bytes of a snap from `offset` on, with one request.
    ///
    /// Errors: [`Error::Unsupported`] where the place that has it knows no ranges.
    pub async fn range(&self, download: &Download, offset: u64, length: usize) -> Result<Bytes> {
        self.fetch_range(download, offset, length).await.map_err(|error| self.at(error))
    }

    /// Returns the bytes of a snap where they are, to be read in ranges as they are needed; the first of them come now. It
    /// is made on a thread of the runtime and read on one that may block
    /// ([`jobs::offload`](crate::content::jobs::offload)).
    ///
    /// Errors: as of [`SnapStore::range`].
    pub async fn far(&self, download: &Download) -> Result<Ranges> {
        let first = self.range(download, 0, Ranges::first_block(download.size)).await?;
        let (store, wanted, runtime) = (self.clone(), download.clone(), Handle::current());
        let ranges = Ranges::new(download.size, move |offset, length| {
            runtime.block_on(store.range(&wanted, offset, length)).map_err(io::Error::other)
        });
        Ok(ranges.with_first_block(first))
    }

    async fn fetch_range(&self, download: &Download, offset: u64, length: usize) -> Result<Bytes> {
        let wanted = u64::try_from(length).unwrap_or(u64::MAX);
        let end = offset.saturating_add(wanted).saturating_sub(1);
        if length == 0 {
            return Ok(Bytes::new());
        }
        let mut request = self.get(download).lane(Lane::Requests);
        if let Ok(range) = HeaderValue::try_from(format!("bytes={offset}-{end}")) {
            request = request.header(RANGE, range);
        }
        let reply = self.fetch(request, wanted).await?;
        match reply.head.status {
            StatusCode::PARTIAL_CONTENT => {}
            StatusCode::OK => {
                let place = crate::stores::http::authority(&reply.head.url);
                let message = format!(
                    "{}: `{place}` hands out whole files alone, and no ranges of them",
                    download.what
                );
                return Err(Error::Unsupported { message, hint: None });
            }
            _ => return Err(self.refused_file(&download.what, &reply)),
        }
        let range = reply.head.text(&CONTENT_RANGE).unwrap_or_default();
        let (start, total) = content_range(range).unwrap_or((u64::MAX, None));
        if total.is_some_and(|total| total != download.size) {
            return Err(Error::Mismatch {
                what: download.what.clone(),
                expected: format!("{} bytes", download.size),
                got: format!("{} bytes", total.unwrap_or_default()),
            });
        }
        if start != offset || reply.body.len() != length {
            let why = format!(
                "it was asked for {length} bytes from byte {offset}, and sent `Content-Range: {}`",
                reply.head.hidden.cover(range)
            );
            return Err(Error::Network { what: reply.head.asked(), why, hint: None });
        }
        Ok(reply.body)
    }

    /// Asks for a file, of the brand store that is meant in the words of the first version of the interface.
    fn get(&self, download: &Download) -> Request {
        let request = self.meant_in(BRAND, Request::get(download.url.clone()).lane(Lane::Bodies));
        match self.settings.downloads {
            Downloads::Anywhere => request,
            Downloads::Store => request.header(CDN, HeaderValue::from_static("none")),
        }
    }

    /// Sends a request whose answer must be the snap, or its rest.
    async fn answer(&self, download: &Download, request: Request) -> Result<Response> {
        let response = self.send(request).await?;
        let is_page = response.head.media_type().is_some_and(|media_type| is_page(&media_type));
        let good = matches!(response.head.status, StatusCode::OK | StatusCode::PARTIAL_CONTENT);
        if good && !is_page {
            return Ok(response);
        }
        let reply = self.http.read(response, MAX_SMALL).await.map_err(|failure| failure.error)?;
        Err(if good { no_answer(&reply, "") } else { self.refused_file(&download.what, &reply) })
    }
}
