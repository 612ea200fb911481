//! Manifests by tag and by digest, and which ones are refused.

use serde_json::json;

use super::super::{Completeness, Options, Referrers, Server};
use super::{Answer, ask, assert_refused, both, both_with};
use crate::model::digest::{Algorithm, Digest, Hasher};
use crate::model::media_type::{DOCKER_MANIFEST, DOCKER_SCHEMA1_SIGNED, OCI_INDEX, OCI_MANIFEST};

const EMPTY_INDEX: &[u8] = b"{ \"schemaVersion\": 2,\n \"manifests\": [], \"unknown\": 1 }\n";

fn put(server: &Server, reference: &str, media_type: &str, body: &[u8]) -> Answer {
    let path = format!("/v2/a/b/manifests/{reference}");
    ask(server, "PUT", &path, &[("Content-Type", media_type)], body)
}

fn get(server: &Server, reference: &str) -> Answer {
    ask(server, "GET", &format!("/v2/a/b/manifests/{reference}"), &[], b"")
}

fn image(layer: &Digest) -> Vec<u8> {
    let layer = json!({"mediaType": "application/x", "digest": layer, "size": 3});
    json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": layer, "layers": [layer]})
        .to_string()
        .into_bytes()
}

#[test]
fn serves_the_same_bytes_and_type() {
    for (server, _) in both() {
        let mut hasher = Hasher::new(Algorithm::Sha512);
        hasher.update(EMPTY_INDEX);
        let sha512 = hasher.finish();
        let sha256 = Digest::sha256(EMPTY_INDEX);
        for (reference, digest) in
            [("v1".to_owned(), sha256), (sha256.to_string(), sha256), (sha512.to_string(), sha512)]
        {
            let created = put(&server, &reference, &format!("{OCI_INDEX}; charset=utf-8"), EMPTY_INDEX);
            assert_eq!(created.status, 201);
            assert_eq!(created.header("location"), Some(format!("/v2/a/b/manifests/{digest}").as_str()));
            let got = get(&server, &reference);
            assert_eq!((got.status, got.body.as_slice()), (200, EMPTY_INDEX));
            assert_eq!(got.header("content-type"), Some(OCI_INDEX));
            assert_eq!(got.header("docker-content-digest"), Some(digest.to_string().as_str()));
            let head = ask(&server, "HEAD", &format!("/v2/a/b/manifests/{reference}"), &[], b"");
            assert_eq!((head.status, head.body.len()), (200, 0));
            assert_eq!(head.header("content-length"), Some(EMPTY_INDEX.len().to_string().as_str()));
            assert_eq!(head.header("content-type"), Some(OCI_INDEX));
        }
    }
}

#[test]
fn refuses_what_is_not_a_manifest() {
    for (server, _) in both() {
        for (media_type, body) in [
            (OCI_INDEX, &b"<html>"[..]),
            (OCI_MANIFEST, br#"{"schemaVersion":2,"manifests":[]}"#),
            ("text/html", br#"{"schemaVersion":2}"#),
            (DOCKER_SCHEMA1_SIGNED, br#"{"schemaVersion":1}"#),
            (OCI_INDEX, br#"{"schemaVersion":2,"manifests":[],"layers":[]}"#),
        ] {
            assert_refused(&put(&server, "v1", media_type, body), 400, "MANIFEST_INVALID");
        }
        let other = Digest::sha256(b"other").to_string();
        assert_refused(&put(&server, &other, OCI_INDEX, EMPTY_INDEX), 400, "DIGEST_INVALID");
        assert_refused(&put(&server, "-x", OCI_INDEX, EMPTY_INDEX), 400, "MANIFEST_INVALID");
        for reference in ["v1", &other] {
            assert_refused(&get(&server, reference), 404, "MANIFEST_UNKNOWN");
        }
    }
}

#[test]
fn takes_8_mib_and_not_more() {
    for (server, _) in both() {
        let mut body = EMPTY_INDEX.to_vec();
        body.resize(8 << 20, b' ');
        assert_eq!(put(&server, "v1", OCI_INDEX, &body).status, 201);
        assert_eq!(get(&server, "v1").body, body);
        body.push(b' ');
        assert_refused(&put(&server, "v2", OCI_INDEX, &body), 413, "SIZE_INVALID");
    }
}

#[test]
fn wants_the_children_that_it_was_told_to_want() {
    let [layer, child] = [b"abc", b"xyz"].map(|bytes| Digest::sha256(bytes));
    let descriptor = json!({"mediaType": OCI_MANIFEST, "digest": child, "size": 3});
    let sparse = json!({"schemaVersion": 2, "manifests": [descriptor]}).to_string();
    for (completeness, takes_image, takes_index) in [
        (Completeness::All, false, false),
        (Completeness::Blobs, false, true),
        (Completeness::Nothing, true, true),
    ] {
        for (server, _) in both_with(|options| Options { completeness, ..options }) {
            let answers = [
                (takes_image, put(&server, "image", OCI_MANIFEST, &image(&layer))),
                (takes_index, put(&server, "index", OCI_INDEX, sparse.as_bytes())),
            ];
            for (takes, answer) in answers {
                if takes {
                    assert_eq!(answer.status, 201, "{completeness:?}");
                } else {
                    assert_refused(&answer, 400, "MANIFEST_BLOB_UNKNOWN");
                }
            }
            // What another repository holds does not count.
            server.registry().put_blob("other", b"abc").unwrap();
            let answer = put(&server, "image", OCI_MANIFEST, &image(&layer));
            assert_eq!(answer.status == 201, takes_image);
            server.registry().put_blob("a/b", b"abc").unwrap();
            server.registry().put_manifest_as("a/b", child, None, OCI_MANIFEST, b"xyz").unwrap();
            assert_eq!(put(&server, "image", OCI_MANIFEST, &image(&layer)).status, 201);
            assert_eq!(put(&server, "index", OCI_INDEX, sparse.as_bytes()).status, 201);
        }
    }
}

#[test]
fn allows_non_distributable_layers_to_be_missing() {
    let server = Server::start(Options { completeness: Completeness::All, ..Options::memory() }).unwrap();
    let config = server.registry().put_blob("a/b", b"abc").unwrap();
    let foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    let body = json!({
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": {"mediaType": "application/x", "digest": config, "size": 3},
        "layers": [{"mediaType": foreign, "digest": Digest::sha256(b"gone"), "size": 4, "urls": ["https://example.com/x"]}],
    });
    assert_eq!(put(&server, "v1", DOCKER_MANIFEST, body.to_string().as_bytes()).status, 201);
}

#[test]
fn deletes_tags_and_manifests() {
    for (server, _) in both() {
        let digest = Digest::sha256(EMPTY_INDEX).to_string();
        let delete = |reference: &str| {
            ask(&server, "DELETE", &format!("/v2/a/b/manifests/{reference}"), &[], b"").status
        };
        for tag in ["v1", "v2", "v3"] {
            put(&server, tag, OCI_INDEX, EMPTY_INDEX);
        }
        assert_eq!(delete("v1"), 202);
        assert_eq!(
            [get(&server, "v1").status, get(&server, "v2").status, get(&server, &digest).status],
            [404, 200, 200]
        );
        assert_eq!(delete(&digest), 202);
        assert_eq!(
            [get(&server, "v2").status, get(&server, "v3").status, get(&server, &digest).status],
            [404, 404, 404]
        );
        assert_eq!((delete("v2"), delete(&digest)), (404, 404));
    }
}

#[test]
fn says_that_it_knows_the_subject() {
    for (referrers, expected) in [(Referrers::On, true), (Referrers::Off, false)] {
        for (server, _) in both_with(|options| Options { referrers, ..options }) {
            let subject = Digest::sha256(b"subject");
            let body = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [],
                "subject": {"mediaType": OCI_INDEX, "digest": subject, "size": 7}});
            let answer = put(&server, "v1", OCI_INDEX, body.to_string().as_bytes());
            let header = answer.header("oci-subject").map(str::to_owned);
            assert_eq!((answer.status, header), (201, expected.then(|| subject.to_string())));
        }
    }
}
