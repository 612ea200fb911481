//! Uploads in one go and in pieces, mounts, and what happens when they go wrong.

use std::io::Write as _;
use std::net::{Shutdown, TcpStream};

use super::super::{Options, Server};
use super::ask::head;
use super::{Answer, ask, assert_refused, both, both_with};
use crate::model::digest::{Algorithm, Digest, Hasher};

const UPLOADS: &str = "/v2/a/blobs/uploads/";

fn open(server: &Server) -> String {
    let answer = ask(server, "POST", UPLOADS, &[], b"");
    assert_eq!((answer.status, answer.header("range")), (202, Some("0-0")));
    answer.header("location").unwrap().to_owned()
}

fn finish(server: &Server, upload: &str, digest: &Digest, body: &[u8]) -> Answer {
    ask(server, "PUT", &format!("{upload}?digest={digest}"), &[], body)
}

#[track_caller]
fn assert_there(server: &Server, digest: &Digest, bytes: &[u8]) {
    let answer = ask(server, "GET", &format!("/v2/a/blobs/{digest}"), &[], b"");
    assert_eq!((answer.status, answer.body.as_slice()), (200, bytes));
}

#[track_caller]
fn assert_created(answer: &Answer, digest: &Digest) {
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.header("location"), Some(format!("/v2/a/blobs/{digest}").as_str()));
    assert_eq!(answer.header("docker-content-digest"), Some(digest.to_string().as_str()));
}

fn sha512(bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(Algorithm::Sha512);
    hasher.update(bytes);
    hasher.finish()
}

#[test]
fn takes_a_blob_in_every_way() {
    for (server, _) in both() {
        for (bytes, digest) in [
            (&b""[..], Digest::sha256(b"")),
            (b"hello", Digest::sha256(b"hello")),
            (b"hello", sha512(b"hello")),
        ] {
            let single = format!("{UPLOADS}?digest={digest}");
            assert_created(&ask(&server, "POST", &single, &[], bytes), &digest);
            assert_created(&finish(&server, &open(&server), &digest, bytes), &digest);
            let upload = open(&server);
            assert_eq!(ask(&server, "PATCH", &upload, &[], bytes).status, 202);
            assert_created(&finish(&server, &upload, &digest, b""), &digest);
            let upload = open(&server);
            let (first, last) = bytes.split_at(bytes.len() / 2);
            assert_eq!(ask(&server, "PATCH", &upload, &[], first).status, 202);
            assert_created(&finish(&server, &upload, &digest, last), &digest);
            assert_there(&server, &digest, bytes);
        }
        assert_eq!(server.uploads(), 0);
    }
}

#[test]
fn takes_pieces_in_order_only() {
    for (server, _) in both() {
        let upload = open(&server);
        let patch =
            |range: &str, body: &[u8]| ask(&server, "PATCH", &upload, &[("Content-Range", range)], body);
        assert_eq!(patch("0-2", b"abc").header("range"), Some("0-2"));
        let early = patch("0-2", b"abc");
        assert_refused(&early, 416, "BLOB_UPLOAD_INVALID");
        assert_eq!((early.header("range"), early.header("location")), (Some("0-2"), Some(upload.as_str())));
        assert_refused(&patch("4-5", b"ef"), 416, "BLOB_UPLOAD_INVALID");
        assert_refused(&patch("3-9", b"de"), 400, "SIZE_INVALID");
        assert_refused(&patch("three", b"de"), 400, "BLOB_UPLOAD_INVALID");
        let status = ask(&server, "GET", &upload, &[], b"");
        assert_eq!((status.status, status.header("range")), (204, Some("0-2")));
        assert_eq!(patch("3-4", b"de").header("range"), Some("0-4"));
        let digest = Digest::sha256(b"abcdef");
        let last = format!("{upload}?digest={digest}");
        assert_created(&ask(&server, "PUT", &last, &[("Content-Range", "5-5")], b"f"), &digest);
        assert_there(&server, &digest, b"abcdef");
        assert_refused(&ask(&server, "GET", &upload, &[], b""), 404, "BLOB_UPLOAD_UNKNOWN");
    }
}

#[test]
fn shows_nothing_under_a_wrong_digest() {
    for (server, _) in both() {
        let right = Digest::sha256(b"right");
        let upload = open(&server);
        assert_refused(&finish(&server, &upload, &right, b"wrong"), 400, "DIGEST_INVALID");
        assert_refused(&finish(&server, &upload, &right, b"right"), 404, "BLOB_UPLOAD_UNKNOWN");
        let single = format!("{UPLOADS}?digest={right}");
        assert_refused(&ask(&server, "POST", &single, &[], b"wrong"), 400, "DIGEST_INVALID");
        assert_refused(&finish(&server, &open(&server), &sha512(b"right"), b"wrong"), 400, "DIGEST_INVALID");
        for digest in [right, sha512(b"right"), Digest::sha256(b"wrong")] {
            assert_eq!(ask(&server, "HEAD", &format!("/v2/a/blobs/{digest}"), &[], b"").status, 404);
            assert!(server.registry().content(&digest).unwrap().is_none());
        }
        let upload = open(&server);
        assert_refused(&ask(&server, "PUT", &upload, &[], b"x"), 400, "DIGEST_INVALID");
        assert_refused(
            &ask(&server, "PUT", &format!("{upload}?digest=md5:1"), &[], b"x"),
            400,
            "DIGEST_INVALID",
        );
    }
}

#[test]
fn keeps_what_arrived_before_a_connection_broke() {
    for (server, _) in both() {
        let upload = open(&server);
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let half = [head(&server, "PATCH", &upload, &[], 10).as_bytes(), b"01234"].concat();
        stream.write_all(&half).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        super::ask::answer(&mut stream, "PATCH");
        let status = ask(&server, "GET", &upload, &[], b"");
        assert_eq!(status.header("range"), Some("0-4"));
        assert_eq!(ask(&server, "PATCH", &upload, &[("Content-Range", "5-9")], b"56789").status, 202);
        let digest = Digest::sha256(b"0123456789");
        assert_created(&finish(&server, &upload, &digest, b""), &digest);
    }
}

#[test]
fn forgets_cancelled_and_surplus_uploads() {
    let limited = |mut options: Options| {
        options.limits.uploads = 2;
        options.limits.blob = 5;
        options
    };
    for (server, _) in both_with(limited) {
        let [first, second] = [open(&server), open(&server)];
        assert_eq!(ask(&server, "DELETE", &first, &[], b"").status, 204);
        assert_refused(&ask(&server, "DELETE", &first, &[], b""), 404, "BLOB_UPLOAD_UNKNOWN");
        let other = second.replace("/v2/a/", "/v2/b/");
        assert_refused(&ask(&server, "GET", &other, &[], b""), 404, "BLOB_UPLOAD_UNKNOWN");
        let third = open(&server);
        open(&server);
        assert_refused(&ask(&server, "GET", &second, &[], b""), 404, "BLOB_UPLOAD_UNKNOWN");
        assert_refused(&ask(&server, "PATCH", &third, &[], b"123456"), 413, "SIZE_INVALID");
        server.forget_uploads();
        assert_refused(&ask(&server, "GET", &third, &[], b""), 404, "BLOB_UPLOAD_UNKNOWN");
    }
}

#[test]
fn counts_all_pieces_against_the_limit() {
    let limited = |mut options: Options| {
        options.limits.blob = 5;
        options
    };
    for (server, _) in both_with(limited) {
        let upload = open(&server);
        assert_eq!(ask(&server, "PATCH", &upload, &[], b"123").status, 202);
        assert_refused(&ask(&server, "PATCH", &upload, &[], b"456"), 413, "SIZE_INVALID");
        assert_eq!(ask(&server, "PATCH", &upload, &[], b"45").status, 202);
    }
}

#[test]
fn mounts_what_the_other_repository_holds() {
    for (server, _) in both() {
        let digest = server.registry().put_blob("from/here", b"abc").unwrap();
        let mount =
            |from: &str| ask(&server, "POST", &format!("{UPLOADS}?mount={digest}&from={from}"), &[], b"");
        for from in ["elsewhere", "a"] {
            let fallback = mount(from);
            assert_eq!(fallback.status, 202);
            let upload = fallback.header("location").unwrap().to_owned();
            assert_eq!(ask(&server, "DELETE", &upload, &[], b"").status, 204);
        }
        assert_created(&mount("from%2Fhere"), &digest);
        assert_there(&server, &digest, b"abc");
    }
}

#[test]
fn takes_one_blob_from_many_at_once() {
    for (server, _) in both() {
        let bytes: Vec<u8> = (0..=250).cycle().take(200_000).collect();
        let digest = Digest::sha256(&bytes);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert_created(&finish(&server, &open(&server), &digest, &bytes), &digest));
            }
        });
        assert_there(&server, &digest, &bytes);
    }
}
