//! What a folder keeps.

use std::fs;

use serde_json::json;

use super::super::{Options, Server};
use super::{ask, assert_refused};
use crate::model::digest::Digest;
use crate::model::media_type::{OCI_INDEX, OCI_MANIFEST};

#[test]
fn keeps_everything_but_uploads() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Server::start(Options::folder(folder.path()).unwrap()).unwrap();
    let server = start();
    let registry = server.registry();
    let kept = registry.put_blob("a/b/c", b"kept").unwrap();
    let gone = registry.put_blob("a/b/c", b"gone").unwrap();
    let subject = registry.put_manifest("a/b/c", Some("v1"), OCI_INDEX, br#"{"manifests":[]}"#).unwrap();
    registry.put_manifest("a/b/c", Some("v2"), OCI_INDEX, br#"{"manifests":[]}"#).unwrap();
    let referrer = json!({"schemaVersion": 2, "artifactType": "x",
        "subject": {"mediaType": OCI_INDEX, "digest": subject, "size": 16}});
    registry.put_manifest("a/b/c", None, OCI_MANIFEST, referrer.to_string().as_bytes()).unwrap();
    registry.put_blob("a", b"kept").unwrap();
    for path in [format!("blobs/{gone}"), "manifests/v2".to_owned()] {
        assert_eq!(ask(&server, "DELETE", &format!("/v2/a/b/c/{path}"), &[], b"").status, 202);
    }
    let upload = ask(&server, "POST", "/v2/a/blobs/uploads/", &[], b"");
    let upload = upload.header("location").unwrap().to_owned();
    ask(&server, "PATCH", &upload, &[], b"half");
    server.stop();

    let server = start();
    let registry = server.registry();
    assert_eq!(ask(&server, "GET", &format!("/v2/a/b/c/blobs/{kept}"), &[], b"").body, b"kept");
    assert!(registry.has_blob("a", &kept) && !registry.has_blob("a/b/c", &gone));
    assert_eq!(registry.tags("a/b/c"), ["v1"]);
    assert_eq!(registry.manifest("a/b/c", "v1").unwrap().media_type, OCI_INDEX);
    let referrers = ask(&server, "GET", &format!("/v2/a/b/c/referrers/{subject}"), &[], b"");
    let referrers: serde_json::Value = serde_json::from_slice(&referrers.body).unwrap();
    assert_eq!(referrers["manifests"][0]["artifactType"], "x");
    assert_refused(&ask(&server, "GET", &upload, &[], b""), 404, "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(fs::read_dir(folder.path().join("uploads")).unwrap().count(), 0);
}

#[test]
fn belongs_to_one_server_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Options::folder(folder.path()).unwrap()).unwrap();
    let error = Options::folder(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("another server uses this folder"), "{error}");
    server.stop();
    assert!(Options::folder(folder.path()).is_ok());
}

#[test]
fn stores_a_blob_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Options::folder(folder.path()).unwrap()).unwrap();
    for repository in ["a", "b", "c/d"] {
        server.registry().put_blob(repository, b"same").unwrap();
    }
    assert_eq!(fs::read_dir(folder.path().join("blobs/sha256")).unwrap().count(), 1);
}

#[test]
fn leaves_nothing_of_an_upload_that_ends() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Options::folder(folder.path()).unwrap()).unwrap();
    let uploads = || fs::read_dir(folder.path().join("uploads")).unwrap().count();
    let open = ask(&server, "POST", "/v2/a/blobs/uploads/", &[], b"");
    assert_eq!(uploads(), 1);
    ask(&server, "DELETE", open.header("location").unwrap(), &[], b"");
    let wrong = format!("/v2/a/blobs/uploads/?digest={}", Digest::sha256(b"right"));
    ask(&server, "POST", &wrong, &[], b"wrong");
    assert_eq!(uploads(), 0);
}

#[test]
fn says_what_does_not_belong_there() {
    for (path, content) in [
        ("repositories/a/_tags/-x", Digest::sha256(b"").to_string()),
        ("repositories/a/_tags/x", "latest".to_owned()),
        ("repositories/a/_blobs/sha256/12", String::new()),
        ("repositories/UPPER/x", String::new()),
        (&format!("repositories/a/_manifests/sha256/{}", Digest::sha256(b"").hex()), "x".to_owned()),
        ("repositories/a/_tags/long", "x".repeat(5000)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, content).unwrap();
        let error = Server::start(Options::folder(folder.path()).unwrap()).unwrap_err();
        assert!(error.to_string().starts_with("opening the registry's store: "), "{error}");
    }
}
