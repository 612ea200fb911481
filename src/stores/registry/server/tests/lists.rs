//! Lists of tags and of referrers, whole and in pages.

use serde_json::{Value, json};

use super::super::{Options, Referrers, Server};
use super::{ask, assert_refused, both, both_with};
use crate::model::digest::Digest;
use crate::model::media_type::{OCI_INDEX, OCI_MANIFEST};

fn small_pages(mut options: Options) -> Options {
    options.limits.page = 2;
    options
}

/// Follows the pages of a list and returns every page's JSON.
fn pages(server: &Server, path: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let answer = ask(server, "GET", &path, &[], b"");
        assert_eq!(answer.status, 200);
        found.push(serde_json::from_slice(&answer.body).unwrap());
        next = answer
            .header("link")
            .map(|link| link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned());
    }
    found
}

#[test]
fn lists_tags_in_order_and_in_pages() {
    for (server, _) in both_with(small_pages) {
        for tag in ["b", "c", "a", "B", "10"] {
            server.registry().put_manifest("a/b", Some(tag), OCI_INDEX, b"{}").unwrap();
        }
        let tags = |path: &str| -> Vec<Value> {
            pages(&server, path).into_iter().map(|mut page| page["tags"].take()).collect()
        };
        let list = "/v2/a/b/tags/list";
        assert_eq!(tags(list), [json!(["10", "B"]), json!(["a", "b"]), json!(["c"])]);
        assert_eq!(tags(&format!("{list}?n=1&last=a")), [json!(["b"]), json!(["c"])]);
        assert_eq!(tags(&format!("{list}?n=100&last=a")), [json!(["b", "c"])]);
        assert_eq!(tags(&format!("{list}?n=0")), [json!([])]);
        assert_eq!(pages(&server, list)[0]["name"], "a/b");
    }
}

#[test]
fn knows_no_repository_without_content() {
    for (server, _) in both() {
        assert_refused(&ask(&server, "GET", "/v2/a/tags/list", &[], b""), 404, "NAME_UNKNOWN");
        let digest = server.registry().put_blob("a", b"abc").unwrap();
        assert_eq!(pages(&server, "/v2/a/tags/list"), [json!({"name": "a", "tags": []})]);
        ask(&server, "DELETE", &format!("/v2/a/blobs/{digest}"), &[], b"");
        assert_refused(&ask(&server, "GET", "/v2/a/tags/list", &[], b""), 404, "NAME_UNKNOWN");
    }
}

#[test]
fn lists_referrers() {
    for (server, _) in both_with(small_pages) {
        let subject = Digest::sha256(b"subject");
        let put = |artifact_type: &str, config: &str, number: u64| {
            let mut body = json!({
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "config": {"mediaType": config, "digest": Digest::sha256(b""), "size": 0},
                "subject": {"mediaType": OCI_INDEX, "digest": subject, "size": 7},
                "annotations": {"number": number.to_string()},
            });
            if !artifact_type.is_empty() {
                body["artifactType"] = json!(artifact_type);
            }
            let body = body.to_string();
            let digest = server.registry().put_manifest("a", None, OCI_MANIFEST, body.as_bytes()).unwrap();
            (digest.to_string(), body.len())
        };
        let mut all = [put("x/y+z", "c", 1), put("", "c", 2), put("x/y+z", "d", 3)];
        let [first, second, third] = all.clone();
        all.sort();
        let path = format!("/v2/a/referrers/{subject}");
        let found = pages(&server, &path);
        assert_eq!(found[0]["mediaType"], OCI_INDEX);
        let listed = |pages: &[Value]| -> Vec<Value> {
            pages.iter().flat_map(|page| page["manifests"].as_array().unwrap().clone()).collect()
        };
        let digests = |listed: &[Value]| -> Vec<String> {
            listed.iter().map(|entry| entry["digest"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!((found.len(), digests(&listed(&found))), (2, all.map(|entry| entry.0).to_vec()));
        let by_config = listed(&pages(&server, &format!("{path}?artifactType=c")));
        let expected = json!({"mediaType": OCI_MANIFEST, "digest": second.0, "size": second.1,
            "artifactType": "c", "annotations": {"number": "2"}});
        assert_eq!(by_config, [expected]);
        let filtered = format!("{path}?artifactType=x/y%2Bz&n=1");
        let mut both = vec![first.0, third.0];
        both.sort();
        assert_eq!(digests(&listed(&pages(&server, &filtered))), both);
        let answer = ask(&server, "GET", &filtered, &[], b"");
        assert_eq!(answer.header("oci-filters-applied"), Some("artifactType"));
        assert_eq!(answer.header("content-type"), Some(OCI_INDEX));
        let nobody = pages(&server, &format!("/v2/other/referrers/{subject}"));
        assert_eq!(nobody[0]["manifests"], json!([]));
    }
}

#[test]
fn has_no_referrers_when_they_are_off() {
    for (server, _) in both_with(|options| Options { referrers: Referrers::Off, ..options }) {
        let path = format!("/v2/a/referrers/{}", Digest::sha256(b"subject"));
        assert_refused(&ask(&server, "GET", &path, &[], b""), 404, "UNSUPPORTED");
    }
}
