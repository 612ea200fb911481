//! The rules that the server keeps, over HTTP, with every store.

mod ask;
mod auth;
mod blobs;
mod faults;
mod lists;
mod manifests;
mod restart;
mod tls;
mod uploads;

use super::{Options, Server};
use ask::{Answer, ask};

/// A server for each kind of store. The folder is removed when it is dropped.
fn both() -> Vec<(Server, Option<tempfile::TempDir>)> {
    both_with(|options| options)
}

/// The same with other options.
fn both_with(change: impl Fn(Options) -> Options) -> Vec<(Server, Option<tempfile::TempDir>)> {
    let folder = tempfile::tempdir().unwrap();
    let in_folder = Server::start(change(Options::folder(folder.path()).unwrap())).unwrap();
    vec![(Server::start(change(Options::memory())).unwrap(), None), (in_folder, Some(folder))]
}

/// Asserts that an answer is the error reply of a code.
#[track_caller]
fn assert_refused(answer: &Answer, status: u16, code: &str) {
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, &body["errors"][0]["code"]), (status, &code.into()), "{body}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[test]
fn says_that_it_is_a_registry() {
    for (server, _) in both() {
        for path in ["/v2/", "/v2"] {
            let answer = ask(&server, "GET", path, &[], b"");
            assert_eq!((answer.status, answer.body.as_slice()), (200, &b"{}"[..]));
        }
        assert_refused(&ask(&server, "GET", "/else", &[], b""), 404, "UNSUPPORTED");
        assert_refused(&ask(&server, "PUT", "/v2/", &[], b""), 405, "UNSUPPORTED");
        assert_refused(&ask(&server, "GET", "/v2/UPPER/tags/list", &[], b""), 400, "NAME_INVALID");
    }
}

#[test]
fn logs_what_was_asked() {
    let server = Server::start(Options::memory()).unwrap();
    let digest = server.registry().put_blob("a", b"0123456789").unwrap();
    let headers = [("Range", "bytes=2-4"), ("Authorization", "Basic c2VjcmV0")];
    ask(&server, "GET", &format!("/v2/a/blobs/{digest}?x=y"), &headers, b"");
    ask(&server, "POST", "/v2/a/blobs/uploads/?digest=sha256:12", &[], b"four");
    let requests = server.requests();
    let [get, post] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!((get.number, get.method.as_str(), get.query.as_str()), (0, "GET", "x=y"));
    assert_eq!((get.range.as_deref(), get.authorization.as_deref()), (Some("bytes=2-4"), Some("Basic")));
    assert_eq!((get.status, get.bytes_in, get.bytes_out), (Some(206), 0, 3));
    assert_eq!((post.number, post.status, post.bytes_in), (1, Some(400), 4));
    assert_eq!(post.path, "/v2/a/blobs/uploads/");
    server.clear_requests();
    assert!(server.requests().is_empty());
}

#[test]
fn keeps_the_newest_requests() {
    let mut options = Options::memory();
    options.limits.log = 2;
    let server = Server::start(options).unwrap();
    for _ in 0..5 {
        ask(&server, "GET", "/v2/", &[], b"");
    }
    assert_eq!(server.requests().iter().map(|request| request.number).collect::<Vec<_>>(), [3, 4]);
}

#[test]
fn changes_nothing_when_read_only() {
    for (server, _) in both_with(|options| Options { access: super::Access::ReadOnly, ..options }) {
        let digest = server.registry().put_blob("a", b"abc").unwrap();
        let path = format!("/v2/a/blobs/{digest}");
        assert_eq!(ask(&server, "GET", &path, &[], b"").body, b"abc");
        assert_refused(&ask(&server, "DELETE", &path, &[], b""), 405, "UNSUPPORTED");
        assert_refused(&ask(&server, "POST", "/v2/a/blobs/uploads/", &[], b""), 405, "UNSUPPORTED");
        assert_refused(&ask(&server, "PUT", "/v2/a/manifests/v1", &[], b"{}"), 405, "UNSUPPORTED");
    }
}

#[test]
fn starts_and_stops_inside_a_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let server = Server::start(Options::memory()).unwrap();
        let address = server.address();
        server.stop();
        Server::start(Options { address, ..Options::memory() }).unwrap();
    });
}
