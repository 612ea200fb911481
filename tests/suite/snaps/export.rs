//! From the store into a bundle.

use airgap_bundle::model::digest::Digest;
use airgap_bundle::model::sha3::Sha3_384;

use super::place::{SOMEBODY, Snap, TRUST, publish, publish_as, site};
use crate::fixture::assertions::{Key, declaration};
use crate::fixture::{SnapStore, Trouble};

fn store() -> (SnapStore, Vec<u8>, Vec<u8>) {
    let store = SnapStore::start([]);
    let k8s = Snap { confinement: "classic", ..Snap::app("k8s", 1234) };
    let k8s = publish(&store, &k8s, &["1.32-classic/stable"]);
    let core = publish(&store, &Snap::base("core22", 1380), &[]);
    (store, k8s, core)
}

fn contents(site: &crate::site::Site, bundle: &str) -> serde_json::Value {
    serde_json::from_slice(&site.run(&format!("inspect --raw {bundle}")).any_stderr().any_stdout().code(0))
        .unwrap()
}

#[test]
fn a_snap_comes_with_its_base_and_what_proves_both() {
    let (store, k8s, core) = store();
    let site = site(&store).file("list.txt", "snap k8s channel=1.32-classic/stable\n");
    site.run(&format!("export --list list.txt {TRUST}"))
        .any_stdout()
        .stderr_holds("2 artifacts, ")
        .stderr_holds("warning: snap `core22` is proven with the root in `root.assert`")
        .code(0);
    let contents = contents(&site, "airgap-bundle.tar");
    let references: Vec<&str> = contents["artifacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["reference"].as_str().unwrap())
        .collect();
    assert_eq!(references, ["core22:1380", "k8s:1234"]);
    let blobs = contents["blobs"].to_string();
    for file in [&k8s, &core] {
        assert!(blobs.contains(&Digest::sha256(file).hex()), "{blobs}");
    }
    // Each was fetched once, and is staged nowhere.
    let downloads = store.asked().into_iter().filter(|asked| asked.line.contains("download")).count();
    assert_eq!(downloads, 2);
    assert_eq!(site.files("."), ["airgap-bundle.tar", "list.txt", "root.assert"]);
    site.run(&format!("verify {TRUST}")).any_stdout().stderr_holds("2 snaps proven by assertions\n").code(0);
    site.run("verify")
        .any_stdout()
        .stderr_holds("error: snap `core22:1380` is not proven")
        .stderr_holds(
            "the bundle is not good, though every byte of it is whole: 0 of 2 snaps proven by assertions\n",
        )
        .code(3);
}

#[test]
fn the_same_again_is_the_same_and_a_bundle_serves_the_next() {
    let (store, ..) = store();
    let site = site(&store).file("list.txt", "snap k8s channel=1.32-classic/stable\n");
    let export = format!("export --list list.txt {TRUST}");
    site.run(&export).any_stdout().any_stderr().code(0);
    let first = site.read("airgap-bundle.tar");
    store.asked();
    site.run(&export).any_stdout().stderr_holds("is this very bundle already").code(0);
    site.run(&format!("{export} --reuse airgap-bundle.tar -o other.tar"))
        .any_stdout()
        .stderr_holds("reused from `airgap-bundle.tar`")
        .code(0);
    assert!(store.asked().iter().all(|asked| !asked.line.contains("download")));
    assert!(site.read("other.tar") == first);
    site.run(&format!("{export} -o third.tar")).any_stdout().any_stderr().code(0);
    assert!(site.read("third.tar") == first, "the same list and content make the same bytes");
}

#[test]
fn a_download_that_is_cut_goes_on_where_it_was() {
    let (store, k8s, _) = store();
    store.fail(1, &format!("{}_1234", Snap::app("k8s", 1234).id()), Trouble::Cut(100_000));
    let site = site(&store);
    let site = site.file("list.txt", "snap k8s channel=1.32-classic/stable\n");
    site.run(&format!("export --list list.txt {TRUST}")).any_stdout().any_stderr().code(0);
    let again = store.asked().into_iter().find_map(|asked| asked.headers.get("range").cloned());
    assert_eq!(again.as_deref(), Some("bytes=100000-"));
    site.run(&format!("verify {TRUST}")).any_stdout().any_stderr().code(0);
    assert!(k8s.len() > 100_000);
}

#[test]
fn a_publisher_who_is_not_canonical_comes_with_an_account() {
    let store = SnapStore::start([]);
    let tool = Snap::app("tool", 7);
    let file = tool.file();
    publish_as(&store, &tool, &[], &file, SOMEBODY);
    publish(&store, &Snap::base("core22", 1380), &[]);
    let site = site(&store);
    let site = site.file("list.txt", "snap tool\nsnap core22\n");
    site.run(&format!("export --list list.txt {TRUST}")).any_stdout().any_stderr().code(0);
    site.run(&format!("extract --to out {TRUST}")).any_stdout().any_stderr().code(0);
    let text = String::from_utf8(site.read("out/tool_7.assert")).unwrap();
    let types: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("type: ")).collect();
    assert_eq!(types, ["account-key", "account", "snap-declaration", "snap-revision"]);
    assert!(text.contains(&Sha3_384::of(&file).base64url()));
    assert!(text.ends_with('\n') && !text.ends_with("\n\n"));
}

#[test]
fn a_channel_that_is_not_there_is_told_with_those_that_are() {
    let (store, ..) = store();
    let site = site(&store).file("list.txt", "snap k8s channel=1.31-classic/stable\nsnap none\n");
    site.run(&format!("export --list list.txt {TRUST}"))
        .stderr_holds("1.32-classic/stable")
        .stderr_holds("could not export `none` (list.txt:2:1)")
        .code(1);
}

#[test]
fn what_many_snaps_stand_on_is_fetched_once() {
    let (store, ..) = store();
    publish(&store, &Snap::app("helm", 5), &[]);
    publish(&store, &Snap::app("jq", 6), &[]);
    let lines = "snap k8s channel=1.32-classic/stable\nsnap helm\nsnap jq\n";
    let site = site(&store).file("list.txt", lines);
    site.run(&format!("export --list list.txt {TRUST}")).any_stdout().stderr_holds("4 artifacts, ").code(0);
    let asked = store.asked().into_iter().map(|asked| asked.line);
    let mut assertions: Vec<String> = asked.filter(|line| line.contains("/v2/assertions/")).collect();
    let count = assertions.len();
    assertions.sort();
    assertions.dedup();
    assert_eq!((assertions.len(), count), (9, 9), "a key, and two for each snap: {assertions:?}");
}

#[test]
fn an_old_snapd_gets_what_it_reads() {
    let (store, ..) = store();
    let site = site(&store).file("list.txt", "snap core22\n");
    let export = format!("export --list list.txt {TRUST}");
    site.run(&format!("{export} --max-format snap-declaration=4 --max-format account-key=0"))
        .any_stdout()
        .any_stderr()
        .code(0);
    let asked = store.asked().into_iter().map(|asked| asked.line);
    let asked = asked.filter_map(|line| {
        let path = line.strip_prefix("GET /v2/assertions/")?;
        Some(format!("{} {}", path.split_once('/')?.0, path.split_once("?max-format=")?.1))
    });
    let formats: Vec<String> = asked.collect();
    assert_eq!(formats, ["snap-revision 0", "snap-declaration 4", "account-key 0"]);
    let id = Snap::base("core22", 1380).id();
    let newer = declaration(&id, "core22", "canonical").with("format", "5").signed(Key::Store);
    store.put_assertion(&format!("snap-declaration/16/{id}"), newer);
    site.run(&format!("{export} --force --max-format snap-declaration=4"))
        .stderr_holds("expected format 4 at most, got format 5")
        .code(3);
    site.run(&format!("{export} --max-format snap-declaration=7"))
        .stderr_holds("the newest format of `snap-declaration` that this version understands is 6")
        .code(2);
}

#[test]
fn a_dry_run_downloads_no_snap() {
    let (store, ..) = store();
    let site = site(&store).file("list.txt", "snap k8s channel=1.32-classic/stable\n");
    let report = site.run(&format!("export --list list.txt --dry-run {TRUST} --json")).json(0);
    assert_eq!(report["artifacts"][1]["reference"], "k8s:1234");
    assert_eq!(report["artifacts"][1].get("digest"), None);
    assert!(store.asked().iter().all(|asked| !asked.line.contains("download")));
    assert_eq!(site.files("."), ["list.txt", "root.assert"]);
}
