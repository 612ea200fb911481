//! Files from an address. What is there from an earlier run is gone on with where that is safe.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use futures_util::StreamExt;
use futures_util::future::FutureExt;
use reqwest::header::{
    CONTENT_RANGE, ETAG, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED,
};
use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};

use super::resume::{Expected, Open, body, content_range, from_offset};
use super::url::login;
use super::{Head, HttpClient, Lane, MAX_SMALL, Request, Response, shown};
use crate::content::body::RawBody;
use crate::content::jobs;
use crate::model::error::{Error, Result};
use crate::stores::room::Room;

/// The largest file that is fetched so: 1 TiB.
const MAX_SIZE: u64 = 1 << 40;
/// How often it is noted how much is on the disk for good: every 16 MiB.
const NOTE_EVERY: u64 = 16 << 20;

/// What makes it safe to go on with what an earlier run left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The whole is proven by a digest afterwards.
    Digest,
    /// Nothing proves the whole: the server must say that it is still the same version of the file.
    Version,
}

/// A file that is to be fetched.
#[derive(Clone, Copy, Debug)]
pub struct Download<'a> {
    /// Where it is.
    pub url: &'a Url,
    /// Where it goes; may hold its beginning from an earlier run.
    pub path: &'a Utf8Path,
    /// What makes it safe to go on with that.
    pub trust: Trust,
    /// What to do where there is no room.
    pub hint: &'a str,
}

/// Which version of a file is there and how much of it, in a file beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    /// A strong `ETag`.
    tag: Option<String>,
    /// `Last-Modified`.
    modified: Option<String>,
    /// How many bytes are on the disk for good.
    size: u64,
    /// Whether that is all.
    whole: bool,
}

impl Note {
    fn path(file: &Utf8Path) -> Utf8PathBuf {
        Utf8PathBuf::from(format!("{file}.version"))
    }

    /// Reads what is noted; what makes no sense says nothing.
    fn read(file: &Utf8Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(Self::path(file)).ok()?).ok()
    }

    /// Notes what a server says of a version, if it says what can be compared (RFC 9110, section 8.8).
    fn of(head: &Head) -> Option<Self> {
        let tag = head.text(&ETAG).filter(|tag| tag.starts_with('"')).map(str::to_owned);
        let modified = head.text(&LAST_MODIFIED).map(str::to_owned);
        (tag.is_some() || modified.is_some()).then_some(Self { tag, modified, size: 0, whole: false })
    }

    fn write(&self, file: &Utf8Path) -> Result<()> {
        let path = Self::path(file);
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        fs::write(&path, bytes).map_err(Error::io(format!("writing `{path}`")))
    }

    /// Adds a condition to a request: `If-Range`, or that it has changed.
    fn condition(&self, request: Request, by_tag: HeaderName, by_time: HeaderName) -> Request {
        let (name, value) = match (&self.tag, &self.modified) {
            (Some(tag), _) => (by_tag, tag),
            (None, Some(modified)) => (by_time, modified),
            (None, None) => return request,
        };
        match HeaderValue::try_from(value.as_str()) {
            Ok(value) => request.header(name, value),
            Err(_) => request,
        }
    }
}

/// Returns how long the file behind an address is, where the server answers HEAD and says so.
///
/// Errors: [`Error::Network`] where there is no answer at all.
pub async fn length(client: &HttpClient, url: &Url) -> Result<Option<u64>> {
    let response = client.send(&Request::new(Method::HEAD, url.clone())).await?;
    let head = &response.head;
    Ok(head.length().filter(|length| head.status.as_u16() == 200 && *length <= MAX_SIZE))
}

/// Opens a file of `size` bytes behind an address at `offset`. Its digest is the caller's to check.
pub async fn open(client: &HttpClient, url: &Url, size: u64, offset: u64) -> Result<RawBody> {
    let what = format!("GET {}", shown(url));
    let (again, address) = (client.clone(), url.clone());
    let open: Open = Arc::new(move |offset| {
        let (client, url) = (again.clone(), address.clone());
        async move { answer(&client, from_offset(get(&url), offset)).await }.boxed()
    });
    body(client, Expected { what, size, may_be_page: true }, offset, open).await
}

/// Fetches a whole file. What is cut off goes on where the server says how long the file is; otherwise the end of the
/// connection is the end of the file.
///
/// Errors: [`Error::Remote`] with the status, [`Error::Network`] where fewer bytes come than were announced,
/// [`Error::NoSpace`] where the server says how long it is and that does not fit.
pub async fn download(client: &HttpClient, wanted: Download<'_>) -> Result<()> {
    let Download { url, path, trust, hint } = wanted;
    let there = fs::metadata(path).map_or(0, |there| there.len());
    let note = Note::read(path);
    let durable = note.as_ref().map_or(0, |note| note.size.min(there));
    let whole = note.as_ref().filter(|note| trust == Trust::Version && note.whole && durable == there);
    let begun = if trust == Trust::Digest { there } else { durable };
    let request = match (&whole, &note) {
        (Some(note), _) => note.condition(get(url), IF_NONE_MATCH, IF_MODIFIED_SINCE),
        (None, Some(note)) if begun > 0 => {
            note.condition(from_offset(get(url), begun), IF_RANGE.clone(), IF_RANGE)
        }
        (None, _) => from_offset(get(url), begun),
    };
    let asks_for_all = begun == 0 && whole.is_none();
    let mut first = if asks_for_all { answer(client, request).await? } else { client.send(&request).await? };
    if whole.is_some() && first.head.status.as_u16() == 304 {
        return Ok(());
    }
    let total = rest_of(&first.head, begun).filter(|_| begun > 0 && whole.is_none());
    if !asks_for_all && total.is_none() && first.head.status.as_u16() != 200 {
        // It cannot go on from there, or it is not there at all: from the start it says which.
        first = answer(client, get(url)).await?;
    }
    let (begun, size) = match total {
        Some(total) => (begun, Some(total)),
        None => (0, first.head.length()),
    };
    if size.is_some_and(|size| size > MAX_SIZE) {
        return Err(too_long(url));
    }
    let folder = path.parent().unwrap_or(Utf8Path::new("."));
    let needed = size.map_or(0, |size| size.saturating_sub(begun));
    let room = Room::of(folder)?;
    let freed = there.saturating_sub(begun);
    Room { free: room.free.saturating_add(freed), ..room }.fits(folder, &[needed], hint)?;
    let mut file = Target::open(path, begun, Note::of(&first.head))?;
    let Some(size) = size else {
        while let Some(chunk) = first.inner.chunk().await.map_err(|error| broken(url, error))? {
            file.write(&chunk).await?;
            client.rate().passed(chunk.len()).await;
            if file.written > MAX_SIZE {
                return Err(too_long(url));
            }
        }
        return file.finish().await;
    };
    let mut chunks = go_on(client, url, first, begun, size).await?;
    while let Some(chunk) = chunks.next().await {
        file.write(&chunk?).await?;
    }
    file.finish().await
}

/// The file that is written, and what is noted of it.
struct Target {
    path: Utf8PathBuf,
    file: Arc<File>,
    note: Option<Note>,
    written: u64,
}

impl Target {
    fn open(path: &Utf8Path, begun: u64, note: Option<Note>) -> Result<Self> {
        let doing = || format!("writing to `{path}`");
        // What an old note says is not true of what is written now.
        if let (0, Err(error)) = (begun, fs::remove_file(Note::path(path)))
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(Error::Io { doing: doing(), source: error });
        }
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(Error::io(doing()))?;
        file.set_len(begun).map_err(Error::io(doing()))?;
        let note = note.map(|note| Note { size: begun, ..note });
        Ok(Self { path: path.to_owned(), file: Arc::new(file), note, written: begun })
    }

    async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        (&*self.file).write_all(chunk).map_err(Error::io(format!("writing to `{}`", self.path)))?;
        self.written = self.written.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        match &self.note {
            Some(note) if self.written.saturating_sub(note.size) >= NOTE_EVERY => self.note(false).await,
            _ => Ok(()),
        }
    }

    async fn finish(mut self) -> Result<()> {
        self.note(true).await
    }

    /// Notes what is written once it is on the disk: nothing else would tell after a power cut.
    async fn note(&mut self, whole: bool) -> Result<()> {
        let Some(note) = &mut self.note else { return Ok(()) };
        let file = Arc::clone(&self.file);
        let synced = jobs::offload(move || file.sync_data()).await?;
        synced.map_err(Error::io(format!("writing `{}` to the disk", self.path)))?;
        (note.size, note.whole) = (self.written, whole);
        note.write(&self.path)
    }
}

/// Returns how long a file is of which the rest from `begun` on comes.
fn rest_of(head: &Head, begun: u64) -> Option<u64> {
    let (start, total) = content_range(head.text(&CONTENT_RANGE)?)?;
    total.filter(|total| head.status.as_u16() == 206 && start == begun && *total > begun)
}

/// Reads what `first` brings, and asks again where that breaks off.
async fn go_on(client: &HttpClient, url: &Url, first: Response, begun: u64, size: u64) -> Result<RawBody> {
    let version = first.head.text(&ETAG).map(str::to_owned);
    let first = Arc::new(Mutex::new(Some(first)));
    let again = (client.clone(), url.clone(), version);
    let open: Open = Arc::new(move |offset| {
        let (client, url, version) = again.clone();
        let first = first.lock().unwrap_or_else(PoisonError::into_inner).take();
        async move {
            match first {
                Some(response) if offset == begun => Ok(response),
                _ => {
                    let response = answer(&client, from_offset(get(&url), offset)).await?;
                    same(&response.head, version.as_deref())?;
                    Ok(response)
                }
            }
        }
        .boxed()
    });
    let expected = Expected { what: format!("GET {}", shown(url)), size, may_be_page: true };
    body(client, expected, begun, open).await
}

/// Refuses the rest of another file than the one that was begun: no digest would tell.
fn same(head: &Head, version: Option<&str>) -> Result<()> {
    match (version, head.text(&ETAG)) {
        (Some(begun), Some(now)) if begun != now => Err(Error::Network {
            what: head.asked(),
            why: "the file changed while it was fetched".to_owned(),
            hint: None,
        }),
        _ => Ok(()),
    }
}

/// Asks for a file, with the user info of its URL as credentials, as curl does.
fn get(url: &Url) -> Request {
    let mut request = Request::get(url.clone()).lane(Lane::Bodies);
    request.authorization = login(url);
    request
}

fn too_long(url: &Url) -> Error {
    let why = format!("it is longer than the {MAX_SIZE} bytes that are allowed");
    Error::Network { what: format!("GET {}", shown(url)), why, hint: None }
}

fn broken(url: &Url, error: reqwest::Error) -> Error {
    Error::Network { what: format!("GET {}", shown(url)), why: error.without_url().to_string(), hint: None }
}

/// Sends a request whose answer must be the file, or its rest.
async fn answer(client: &HttpClient, request: Request) -> Result<Response> {
    let response = client.send(&request).await?;
    let status = response.head.status.as_u16();
    if matches!(status, 200 | 206) {
        return Ok(response);
    }
    let reply = client.read(response, MAX_SMALL).await.map_err(|failure| failure.error)?;
    let what = reply.head.asked();
    if status == 404 {
        return Err(Error::NotFound { what: format!("`{}`", shown(&request.url)), hint: None });
    }
    Err(Error::Remote { what, status, detail: String::new(), hint: None })
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    use super::*;
    use crate::stores::http::Hidden;

    fn head(status: StatusCode, headers: &[(HeaderName, &str)]) -> Head {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
        Head {
            method: Method::GET,
            status,
            headers: headers.collect::<HeaderMap>(),
            url: "https://host/file".parse().unwrap(),
            foreign: false,
            proxy: None,
            hidden: Hidden::default(),
        }
    }

    #[test]
    fn the_rest_of_another_file_is_refused() {
        for (begun, now, good) in [
            (Some("\"a\""), Some("\"a\""), true),
            (Some("\"a\""), Some("\"b\""), false),
            (None, Some("\"b\""), true),
            (Some("\"a\""), None, true),
        ] {
            let headers: Vec<_> = now.map(|now| (ETAG, now)).into_iter().collect();
            let head = head(StatusCode::PARTIAL_CONTENT, &headers);
            assert_eq!(same(&head, begun).is_ok(), good, "{begun:?} {now:?}");
        }
    }

    #[test]
    fn only_what_tells_versions_apart_is_noted() {
        let noted = |headers: &[(HeaderName, &str)]| Note::of(&head(StatusCode::OK, headers));
        assert!(noted(&[(ETAG, "\"a\"")]).is_some_and(|note| note.tag.as_deref() == Some("\"a\"")));
        assert_eq!(noted(&[(ETAG, "W/\"a\"")]), None);
        assert!(noted(&[(ETAG, "W/\"a\""), (LAST_MODIFIED, "Sun, 06 Nov 1994 08:49:37 GMT")]).is_some());
        assert_eq!(noted(&[]), None);
    }

    #[test]
    fn a_rest_is_one_only_from_the_byte_that_was_asked_for() {
        for (range, begun, total) in [
            ("bytes 5-9/10", 5, Some(10)),
            ("bytes 4-9/10", 5, None),
            ("bytes 5-9/*", 5, None),
            ("bytes */10", 10, None),
        ] {
            let head = head(StatusCode::PARTIAL_CONTENT, &[(CONTENT_RANGE, range)]);
            assert_eq!(rest_of(&head, begun), total, "{range}");
        }
    }
}
