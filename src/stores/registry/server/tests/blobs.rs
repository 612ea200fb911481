//! Downloads, ranges, deletion, and who sees what.

use super::{ask, assert_refused, both};

const MISSING: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn serves_blobs_whole_and_in_part() {
    for (server, _) in both() {
        let digest = server.registry().put_blob("a/b", b"0123456789").unwrap();
        let path = format!("/v2/a/b/blobs/{digest}");
        for (range, status, body, content_range) in [
            (None, 200, "0123456789", None),
            (Some("bytes=0-0"), 206, "0", Some("bytes 0-0/10")),
            (Some("bytes=4-"), 206, "456789", Some("bytes 4-9/10")),
            (Some("bytes=-3"), 206, "789", Some("bytes 7-9/10")),
            (Some("bytes=8-99"), 206, "89", Some("bytes 8-9/10")),
            (Some("bytes=1-2,4-5"), 200, "0123456789", None),
        ] {
            let headers: Vec<_> = range.into_iter().map(|range| ("Range", range)).collect();
            let answer = ask(&server, "GET", &path, &headers, b"");
            assert_eq!((answer.status, answer.body.as_slice()), (status, body.as_bytes()), "{range:?}");
            assert_eq!(answer.header("content-range"), content_range);
            assert_eq!(answer.header("docker-content-digest"), Some(digest.to_string().as_str()));
            assert!(answer.whole);
            let head = ask(&server, "HEAD", &path, &headers, b"");
            assert_eq!((head.status, head.body.len()), (status, 0));
            assert_eq!(head.header("content-length"), Some(body.len().to_string().as_str()));
        }
        let beyond = ask(&server, "GET", &path, &[("Range", "bytes=10-")], b"");
        assert_refused(&beyond, 416, "RANGE_INVALID");
        assert_eq!(beyond.header("content-range"), Some("bytes */10"));
    }
}

#[test]
fn serves_empty_and_large_blobs() {
    for (server, _) in both() {
        let large: Vec<u8> = (0..=250).cycle().take(3_000_000).collect();
        for bytes in [Vec::new(), large] {
            let digest = server.registry().put_blob("a", &bytes).unwrap();
            let answer = ask(&server, "GET", &format!("/v2/a/blobs/{digest}"), &[], b"");
            assert!(answer.whole);
            assert_eq!(answer.body, bytes);
        }
    }
}

#[test]
fn shows_blobs_only_where_they_were_put() {
    for (server, _) in both() {
        let digest = server.registry().put_blob("a", b"abc").unwrap();
        assert_refused(&ask(&server, "GET", &format!("/v2/b/blobs/{digest}"), &[], b""), 404, "BLOB_UNKNOWN");
        assert_refused(
            &ask(&server, "GET", &format!("/v2/a/blobs/{MISSING}"), &[], b""),
            404,
            "BLOB_UNKNOWN",
        );
        assert_refused(&ask(&server, "GET", "/v2/a/blobs/sha256:12", &[], b""), 400, "DIGEST_INVALID");
    }
}

#[test]
fn deletes_a_blob_from_one_repository() {
    for (server, _) in both() {
        let digest = server.registry().put_blob("a", b"abc").unwrap();
        server.registry().put_blob("b", b"abc").unwrap();
        let path = format!("/v2/a/blobs/{digest}");
        assert_eq!(ask(&server, "DELETE", &path, &[], b"").status, 202);
        assert_eq!(ask(&server, "HEAD", &path, &[], b"").status, 404);
        assert_refused(&ask(&server, "DELETE", &path, &[], b""), 404, "BLOB_UNKNOWN");
        assert_eq!(ask(&server, "GET", &format!("/v2/b/blobs/{digest}"), &[], b"").body, b"abc");
    }
}
