//! Assertions, one at a time: `GET /v2/assertions/TYPE/KEY…`.

use bytes::Bytes;
use reqwest::header::{ACCEPT, HeaderValue};

use super::SnapStore;
use super::refusal::no_answer;
use super::settings::below;
use crate::model::error::{Error, Result};
use crate::stores::http::{Request, is_page};

/// The longest assertion: headers, body and signature of snapd's limits (128 KiB, 2 MiB, 128 KiB), and the white space
/// between them.
const MAX_ASSERTION: u64 = (2 << 20) + (257 << 10);
/// The longest part of a key.
const MAX_PART: usize = 256;
const ASSERTION: HeaderValue = HeaderValue::from_static("application/x.ubuntu.assertion");

impl SnapStore {
    /// Fetches the assertion of a type and a primary key (`["snap-declaration", "16", SNAP_ID]`), as it came. `max_format`
    /// is the newest format of that type that will be understood.
    ///
    /// Errors: [`Error::NotFound`] with type and key where there is none.
    pub async fn assertion(&self, path: &[&str], max_format: u64) -> Result<Bytes> {
        self.fetch_assertion(path, max_format).await.map_err(|error| self.at_assertions(error))
    }

    async fn fetch_assertion(&self, path: &[&str], max_format: u64) -> Result<Bytes> {
        let shown: String = path.join("/").chars().take(MAX_PART).collect();
        let what = format!("assertion `{}`", crate::model::printable::printable(&shown));
        let parts = ["v2", "assertions"].into_iter().chain(path.iter().copied());
        let url = below(self.settings.assertions(), parts);
        let url = url.filter(|_| path.iter().all(|part| part.len() <= MAX_PART));
        let Some(mut url) = url else { return Err(Error::NotFound { what, hint: None }) };
        url.query_pairs_mut().append_pair("max-format", &max_format.to_string());
        let request = self.meant(Request::get(url).header(ACCEPT, ASSERTION));
        let reply = self.fetch(request, MAX_ASSERTION).await?;
        if reply.head.status.as_u16() != 200 {
            return Err(self.refused(&what, &reply));
        }
        if reply.head.media_type().is_some_and(|media_type| is_page(&media_type)) {
            return Err(no_answer(&reply, ""));
        }
        Ok(reply.whole()?.body)
    }
}
