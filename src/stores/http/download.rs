//! A whole file from an address, whose size and digest nobody knows before.

use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use camino::Utf8Path;
use futures_util::StreamExt;
use futures_util::future::FutureExt;
use reqwest::Url;
use reqwest::header::ETAG;

use super::resume::{Expected, Open, body, from_offset};
use super::{Head, HttpClient, Lane, MAX_SMALL, Request, Response, shown};
use crate::model::error::{Error, Result};

/// The largest file that is fetched so: 1 TiB.
const MAX_SIZE: u64 = 1 << 40;

/// Fetches `url` into the file at `path`, which is emptied first. What is cut off goes on where the server says how
/// long the file is; otherwise the end of the connection is the end of the file.
///
/// Errors: [`Error::Remote`] with the status, [`Error::Network`] where fewer bytes come than were announced.
pub async fn download(client: &HttpClient, url: &Url, path: &Utf8Path) -> Result<()> {
    let writing = || format!("writing to `{path}`");
    let what = format!("GET {}", shown(url));
    let too_long = || Error::Network {
        what: what.clone(),
        why: format!("it is longer than the {MAX_SIZE} bytes that are allowed"),
        hint: None,
    };
    let mut first = answer(client, url, 0).await?;
    let mut file = File::create(path).map_err(Error::io(writing()))?;
    let Some(size) = first.head.length() else {
        let mut written = 0_u64;
        loop {
            let chunk = first.inner.chunk().await.map_err(|error| Error::Network {
                what: what.clone(),
                why: error.without_url().to_string(),
                hint: None,
            })?;
            let Some(chunk) = chunk else { return Ok(()) };
            written = written.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
            if written > MAX_SIZE {
                return Err(too_long());
            }
            file.write_all(&chunk).map_err(Error::io(writing()))?;
        }
    };
    if size > MAX_SIZE {
        return Err(too_long());
    }
    let version = first.head.text(&ETAG).map(str::to_owned);
    let first = Arc::new(Mutex::new(Some(first)));
    let again = (client.clone(), url.clone(), version);
    let open: Open = Arc::new(move |offset| {
        let (client, url, version) = again.clone();
        let first = first.lock().unwrap_or_else(PoisonError::into_inner).take();
        async move {
            match first {
                Some(response) if offset == 0 => Ok(response),
                _ => {
                    let response = answer(&client, &url, offset).await?;
                    same(&response.head, version.as_deref())?;
                    Ok(response)
                }
            }
        }
        .boxed()
    });
    let expected = Expected { what, size, may_be_page: true };
    let mut chunks = body(client, expected, 0, open).await?;
    while let Some(chunk) = chunks.next().await {
        file.write_all(&chunk?).map_err(Error::io(writing()))?;
    }
    Ok(())
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

async fn answer(client: &HttpClient, url: &Url, offset: u64) -> Result<Response> {
    let response = client.send(&from_offset(Request::get(url.clone()).lane(Lane::Bodies), offset)).await?;
    let status = response.head.status.as_u16();
    if matches!(status, 200 | 206) {
        return Ok(response);
    }
    let reply = client.read(response, MAX_SMALL).await.map_err(|failure| failure.error)?;
    let what = reply.head.asked();
    if status == 404 {
        return Err(Error::NotFound { what: format!("`{}`", shown(url)), hint: None });
    }
    Err(Error::Remote { what, status, detail: String::new(), hint: None })
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;
    use reqwest::{Method, StatusCode};

    use super::*;

    #[test]
    fn the_rest_of_another_file_is_refused() {
        for (begun, now, good) in [
            (Some("\"a\""), Some("\"a\""), true),
            (Some("\"a\""), Some("\"b\""), false),
            (None, Some("\"b\""), true),
            (Some("\"a\""), None, true),
        ] {
            let head = Head {
                method: Method::GET,
                status: StatusCode::PARTIAL_CONTENT,
                headers: now.map(|now| (ETAG, now.parse().unwrap())).into_iter().collect::<HeaderMap>(),
                url: "https://host/file".parse().unwrap(),
                foreign: false,
            };
            assert_eq!(same(&head, begun).is_ok(), good, "{begun:?} {now:?}");
        }
    }
}
