//! Files from plain addresses.

use airgap_bundle::model::error::{Error, Result};
use airgap_bundle::stores::http::download::{Download, Trust, download};
use airgap_bundle::stores::registry::server::{Fault, Faults, Options, Server};
use camino::Utf8PathBuf;

use super::place::Place;
use crate::fixture::bytes;

const SIZE: usize = 300_000;

fn headers(name: &str, value: Option<&str>) -> Fault {
    Fault::Headers(vec![(name.to_owned(), value.map(str::to_owned))])
}

/// Fetches a file of [`SIZE`] bytes.
async fn fetch(faults: Faults) -> (Place, Result<Vec<u8>>) {
    let server = Server::start(Options { faults, ..Options::memory() }).unwrap();
    let digest = server.registry().put_blob("a", &bytes(1, SIZE)).unwrap();
    let url = format!("{}/v2/a/blobs/{digest}?secret=1", server.url()).parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::try_from(folder.path().join("file")).unwrap();
    let place = Place::new();
    let done =
        download(place.client.http(), Download { url: &url, path: &path, trust: Trust::Version, hint: "" })
            .await;
    (place, done.map(|()| std::fs::read(&path).unwrap()))
}

#[tokio::test]
async fn a_file_that_is_cut_off_goes_on() {
    let (place, file) = fetch(Faults::times(1, Fault::CutBodyAfter(100_000), |_| true)).await;
    assert!(file.unwrap() == bytes(1, SIZE));
    assert_eq!(place.waits(), [500]);
}

#[tokio::test]
async fn a_file_without_a_length_ends_with_its_connection() {
    let (_, file) = fetch(Faults::times(1, headers("content-length", None), |_| true)).await;
    assert!(file.unwrap() == bytes(1, SIZE));
}

#[tokio::test]
async fn a_missing_file_is_named_without_its_query() {
    let (_, file) = fetch(Faults::times(1, Fault::status(404), |_| true)).await;
    let error = file.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}
