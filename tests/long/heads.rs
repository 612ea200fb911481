//! Heads as long as they may be, of what fills the memory: each is an error or a listing, and the memory stays bounded.

use airgap_bundle::model::digest::Digest;
use airgap_bundle::stores::bundle::header::entry_header;
use airgap_bundle::stores::bundle::slots::OCI_LAYOUT;

use crate::peak;
use crate::site::Site;

const MAX: usize = 64 << 20;
const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

fn entry(tar: &mut Vec<u8>, name: &str, content: &[u8]) {
    tar.extend(entry_header(name, content.len().try_into().unwrap()));
    tar.extend_from_slice(content);
    tar.resize(tar.len().next_multiple_of(512), 0);
}

fn tar(index: &[u8], bundle: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    entry(&mut tar, "oci-layout", OCI_LAYOUT);
    entry(&mut tar, "index.json", index);
    entry(&mut tar, "bundle.json", bundle);
    tar.resize(tar.len() + 1024, 0);
    tar
}

/// Repeats what `one` makes of a number, comma-separated, up to what a head holds.
fn many(one: impl Fn(usize) -> String) -> String {
    let room = MAX - 1000;
    let mut all = String::with_capacity(MAX);
    for n in 0.. {
        let next = one(n);
        if all.len() + next.len() + 1 > room {
            break;
        }
        if n > 0 {
            all.push(',');
        }
        all.push_str(&next);
    }
    all
}

fn bundle(artifacts: &str, blobs: &str, missing: &str, labels: &str) -> Vec<u8> {
    format!(
        r#"{{"format":1,"artifacts":[{artifacts}],"manifests":[],"configs":[],"blobs":[{blobs}],"missing":[{missing}],"labels":{{{labels}}}}}"#
    )
    .into_bytes()
    .into_iter()
    .chain([b'\n'])
    .collect()
}

fn index(bundle: &[u8]) -> Vec<u8> {
    let id = Digest::sha256(bundle);
    let media_type = "application/vnd.oci.image.index.v1+json";
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{media_type}","manifests":[],"annotations":{{"dev.airgap-bundle.id":"{id}"}}}}"#
    )
    .into_bytes()
    .into_iter()
    .chain([b'\n'])
    .collect()
}

fn artifact(reference: &str, names: &str) -> String {
    format!(
        r#"{{"kind":"image","reference":"{reference}","digest":"sha256:{ZEROS}","mediaType":"","names":[{names}],"platforms":[],"size":1}}"#
    )
}

/// Asserts how reading a head ends, and that it takes no more than `most` MiB.
fn reads(what: &str, tar: &[u8], message: &str, most: u64) {
    let site = Site::new().bytes("b.tar", tar);
    for command in ["inspect b.tar", "verify b.tar", "import --to 127.0.0.1:9 b.tar"] {
        let (output, peak) = peak::run(&site, command);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(3) && said.contains(message), "{what}: {command}: {said}");
        assert!(peak <= most << 20, "{what}: `{command}` took {} MiB", peak >> 20);
    }
}

#[test]
fn the_longest_heads_fit_into_memory() {
    let blob = |n: usize| format!(r#"{{"digest":"{}","size":1}}"#, Digest::sha256(&n.to_le_bytes()));
    let all = bundle("", &many(blob), "", "");
    reads("as many blobs as fit", &tar(&index(&all), &all), "b.tar", 600);
}

#[test]
fn what_is_too_much_is_refused_before_it_fills_the_memory() {
    let one_too_long = |list: &str| {
        let all = bundle(list, "", "", "");
        tar(&index(&all), &all)
    };
    let names = many(|_| "\"a\"".to_owned());
    reads("sixteen million names", &one_too_long(&artifact("a", &names)), "at most 1000 elements", 200);
    let labels = bundle("", "", "", &many(|n| format!("\"{n:07}\":\"\"")));
    reads("five million labels", &tar(&index(&labels), &labels), "more than 1000 labels", 200);
    let missing = bundle("", "", &many(|_| r#"{"reference":""}"#.to_owned()), "");
    reads("four million missing", &tar(&index(&missing), &missing), "at most 1000000 elements", 300);
    reads("artifacts", &one_too_long(&many(|n| artifact(&n.to_string(), ""))), "b.tar", 600);
    let small = bundle("", "", "", "");
    let annotations = format!(r#"{{"annotations":{{{}}}}}"#, many(|n| format!("\"{n:07}\":\"\"")));
    reads("an index of annotations", &tar(annotations.as_bytes(), &small), "has no bundle id", 200);
}
