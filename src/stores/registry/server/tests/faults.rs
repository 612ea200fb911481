//! Every fault, as a client sees it.

use std::io::{ErrorKind, Read as _};
use std::net::TcpStream;

use super::super::{Fault, Faults, Hold, Options, Server};
use super::ask::{answer, send, try_ask};
use super::{Answer, ask, both_with};
use crate::model::digest::Digest;

const BYTES: &[u8] = b"0123456789";

/// Downloads a blob from each kind of store, with a fault.
fn download(fault: &Fault, headers: &[(&str, &str)]) -> Vec<Option<Answer>> {
    let faults = |options| Options { faults: always(fault.clone()), ..options };
    let get = |(server, _folder): &(Server, _)| {
        let digest = server.registry().put_blob("a", BYTES).unwrap();
        try_ask(server, "GET", &format!("/v2/a/blobs/{digest}"), headers, b"")
    };
    both_with(faults).iter().map(get).collect()
}

fn always(fault: Fault) -> Faults {
    Faults::new(move |_| fault.clone())
}

#[test]
fn answers_something_else() {
    for (fault, status, name, value, body) in [
        (Fault::status(503), 503, "content-length", "0", ""),
        (Fault::retry_after("7"), 429, "retry-after", "7", ""),
        (Fault::page("<title>Blocked</title>"), 200, "content-type", "text/html", "<title>Blocked</title>"),
        (Fault::Redirect("http://other/".to_owned()), 307, "location", "http://other/", ""),
    ] {
        for answer in download(&fault, &[]).into_iter().flatten() {
            assert_eq!((answer.status, answer.body.as_slice()), (status, body.as_bytes()));
            assert_eq!(answer.header(name), Some(value));
        }
    }
}

#[test]
fn damages_bodies() {
    for (fault, body, whole) in [
        (Fault::None, "0123456789", true),
        (Fault::CutBodyAfter(4), "0123", false),
        (Fault::CutBodyAfter(0), "", false),
        (Fault::EndBodyAfter(4), "0123", true),
        (Fault::ExtraBytes(3), "0123456789\0\0\0", true),
        (Fault::FlipBit(1), "0023456789", true),
        (Fault::FlipBit(99), "0123456789", true),
    ] {
        let answers = download(&fault, &[]);
        assert_eq!(answers.len(), 2);
        for answer in answers {
            let answer = answer.unwrap();
            let got = String::from_utf8_lossy(&answer.body).into_owned();
            assert_eq!((answer.status, got.as_str(), answer.whole), (200, body, whole), "{fault:?}");
        }
    }
}

#[test]
fn sends_far_too_much() {
    for answer in download(&Fault::ExtraBytes(1_000_000), &[]) {
        assert_eq!(answer.unwrap().body.len(), 1_000_010);
    }
}

#[test]
fn ignores_ranges_and_changes_headers() {
    let range = [("Range", "bytes=3-")];
    for answer in download(&Fault::IgnoreRange, &range) {
        let answer = answer.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (200, BYTES));
    }
    let changes =
        [("content-range", Some("bytes 0-9/10")), ("docker-content-digest", None), ("content-length", None)];
    let changes = changes.map(|(name, value)| (name.to_owned(), value.map(str::to_owned)));
    for answer in download(&Fault::Headers(changes.to_vec()), &range) {
        let answer = answer.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (206, &b"3456789"[..]));
        assert_eq!(answer.header("content-range"), Some("bytes 0-9/10"));
        assert_eq!(answer.header("docker-content-digest"), None);
        assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
    }
}

#[test]
fn ends_connections_without_an_answer() {
    for (fault, carried_out) in [(Fault::Disconnect, false), (Fault::LoseAnswer, true)] {
        for (server, _) in both_with(|options| Options { faults: always(fault.clone()), ..options }) {
            let digest = Digest::sha256(BYTES);
            let path = format!("/v2/a/blobs/uploads/?digest={digest}");
            assert!(try_ask(&server, "POST", &path, &[], BYTES).is_none());
            assert_eq!(server.registry().has_blob("a", &digest), carried_out);
        }
    }
}

#[test]
fn cuts_requests_off() {
    let patches = |fault| Faults::times(1, fault, |view| view.method == "PATCH");
    for (server, _) in both_with(|options| Options { faults: patches(Fault::CutRequestAfter(4)), ..options })
    {
        let upload = ask(&server, "POST", "/v2/a/blobs/uploads/", &[], b"");
        let upload = upload.header("location").unwrap();
        assert!(try_ask(&server, "PATCH", upload, &[], BYTES).is_none());
        assert_eq!(ask(&server, "GET", upload, &[], b"").header("range"), Some("0-3"));
        assert_eq!(ask(&server, "PATCH", upload, &[("Content-Range", "4-9")], &BYTES[4..]).status, 202);
        let last = format!("{upload}?digest={}", Digest::sha256(BYTES));
        assert_eq!(ask(&server, "PUT", &last, &[], b"").status, 201);
    }
}

/// Asserts that nothing more comes, and that the connection is open.
#[track_caller]
fn assert_silent(stream: &mut TcpStream) {
    stream.set_nonblocking(true).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn stalls_before_and_within_a_body() {
    for (server, _) in both_with(|options| Options { faults: always(Fault::StallBodyAfter(4)), ..options }) {
        let digest = server.registry().put_blob("a", BYTES).unwrap();
        let mut stream = send(&server, "GET", &format!("/v2/a/blobs/{digest}"), &[], b"");
        let mut got = Vec::new();
        while !got.ends_with(b"\r\n\r\n0123") {
            let mut byte = [0];
            assert_eq!(stream.read(&mut byte).unwrap(), 1);
            got.extend(byte);
        }
        assert_silent(&mut stream);
    }
    for (server, _) in both_with(|options| Options { faults: always(Fault::Stall), ..options }) {
        let mut stream = send(&server, "GET", "/v2/", &[], b"");
        while server.requests().is_empty() {
            std::thread::yield_now();
        }
        assert_silent(&mut stream);
    }
}

#[test]
fn neither_mounts_nor_takes_whole_blobs() {
    for (server, _) in both_with(|options| Options { faults: always(Fault::IgnoreQuery), ..options }) {
        let digest = server.registry().put_blob("b", BYTES).unwrap();
        for query in [format!("mount={digest}&from=b"), format!("digest={digest}")] {
            let answer = ask(&server, "POST", &format!("/v2/a/blobs/uploads/?{query}"), &[], b"");
            assert_eq!(answer.status, 202);
        }
        assert!(!server.registry().has_blob("a", &digest));
    }
}

#[test]
fn holds_requests_until_they_are_released() {
    let hold = Hold::new();
    let server =
        Server::start(Options { faults: always(Fault::Hold(hold.clone())), ..Options::memory() }).unwrap();
    let mut waiting = send(&server, "GET", "/v2/", &[], b"");
    while server.requests().is_empty() {
        std::thread::yield_now();
    }
    assert_silent(&mut waiting);
    hold.release();
    waiting.set_nonblocking(false).unwrap();
    assert_eq!(answer(&mut waiting, "GET").unwrap().status, 200);
    assert_eq!(ask(&server, "GET", "/v2/", &[], b"").status, 200);
}

#[test]
fn chooses_by_what_is_asked() {
    let faults = Faults::times(2, Fault::status(503), |view| view.gets_blob())
        .or(Faults::new(|view| if view.number == 5 { Fault::status(500) } else { Fault::None }))
        .or(Faults::times(1, Fault::status(418), |view| view.gets_manifest() || view.is_token()));
    let server = Server::start(Options { faults, ..Options::memory() }).unwrap();
    let digest = server.registry().put_blob("a", BYTES).unwrap();
    let blob = format!("/v2/a/blobs/{digest}");
    let paths =
        [blob.as_str(), "/v2/a/blobs/uploads/1", &blob, &blob, "/v2/a/manifests/v1", "/v2/", "/token"];
    let status = |path: &&str| ask(&server, "GET", path, &[], b"").status;
    assert_eq!(paths.iter().map(status).collect::<Vec<_>>(), [503, 404, 503, 200, 418, 500, 404]);
}

#[test]
fn shows_the_answer_to_who_sends_a_large_body() {
    let server =
        Server::start(Options { faults: always(Fault::retry_after("1")), ..Options::memory() }).unwrap();
    let body = vec![0; 20_000_000];
    assert_eq!(ask(&server, "PUT", "/v2/a/blobs/uploads/1", &[], &body).status, 429);
}
