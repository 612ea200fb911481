//! Snaps that did not come to their store in the usual way: somebody else than the store signs their revisions.

use airgap_bundle::model::sha3::Sha3_384;
use airgap_bundle::stores::registry::server::{Options, Server};

use super::crafted::{Crafted, site as crafted_site};
use super::place::{Snap, TRUST, publish, site};
use super::tampered::refused;
use crate::fixture::assertions::{Key, account, account_key, declaration, revision, root, store_key, stream};
use crate::fixture::{Pack, SnapStore, Trouble};
use crate::site::Site;

/// What is said of a snap `tool` where its file and its assertions do not agree.
fn other(expected: &str, got: &str) -> String {
    format!("snap `tool` has another provenance than its assertions say: expected {expected}, got {got}")
}

fn tool(provenance: Option<&'static str>) -> Snap {
    Snap { weight: 2000, provenance, ..Snap::base("tool", 7) }
}

/// Returns what proves this file of a snap for provenance `own`, which `maker` signs, on these devices.
fn chain(snap: &Snap, file: &[u8], devices: &str) -> [String; 5] {
    let authority = format!("\n  -\n    account-id: maker\n    provenance:\n      - own{devices}");
    let declared = declaration(&snap.id(), snap.name, "canonical").with("revision-authority", &authority);
    let revised = revision(file, &snap.id(), snap.revision.into(), "maker").with("authority-id", "maker");
    [
        store_key().to_owned(),
        account("maker").signed(Key::Store),
        account_key(Key::Other, "maker").signed(Key::Root),
        declared.signed(Key::Store),
        revised.with("provenance", "own").signed(Key::Other),
    ]
}

/// Returns the same as a file.
fn assert_file(snap: &Snap, file: &[u8], devices: &str) -> String {
    stream(&chain(snap, file, devices).each_ref().map(String::as_str))
}

/// Puts a snap into a store that has a snap-revision of it for provenance `own` alone.
fn publish_own(store: &SnapStore, snap: &Snap, devices: &str) -> Vec<u8> {
    let file = publish(store, snap, &[]);
    let [_, account, key, declared, revised] = chain(snap, &file, devices);
    store.take_assertion(&revision_path(&file));
    store.put_assertion("account/maker", account);
    store.put_assertion(&format!("account-key/{}", Key::Other.id()), key);
    store.put_assertion(&format!("snap-declaration/16/{}", snap.id()), declared);
    store.put_assertion(&format!("{}/own", revision_path(&file)), revised);
    file
}

fn revision_path(file: &[u8]) -> String {
    format!("snap-revision/{}", Sha3_384::of(file).base64url())
}

/// A bundle of a snap whose file says `own`, which the store itself has signed as its own.
fn resigned() -> Crafted {
    Crafted::new(tool(Some("own")))
}

#[test]
fn another_provenance_goes_all_the_way() {
    let store = SnapStore::start([]);
    let file = publish_own(&store, &tool(Some("own")), "");
    let to = Server::start(Options::memory()).unwrap();
    let site = site(&store).named("TO", to.host()).file("list.txt", "snap tool\n");
    site.run(&format!("export --list list.txt {TRUST}")).any_stdout().any_stderr().code(0);
    let asked = store.asked().into_iter().map(|asked| asked.line);
    let asked: Vec<String> = asked.filter(|line| line.contains("snap-revision")).collect();
    let first = format!("GET /v2/assertions/{}", revision_path(&file));
    assert_eq!(asked, ["", "/own"].map(|more| format!("{first}{more}?max-format=0")));
    site.run(&format!("verify {TRUST}")).any_stdout().stderr_holds("1 snap proven by assertions").code(0);
    site.run(&format!("extract --to out {TRUST}"))
        .any_stdout()
        .stderr_holds("sudo snap ack out/tool_7.assert && sudo snap install out/tool_7.snap\n")
        .code(0);
    assert!(site.read("out/tool_7.snap") == file);
    let said = site.run(&format!("export ./out/tool_7.snap {TRUST} -o disk.tar")).any_stdout().stderr_of(0);
    assert!(!said.contains("only on devices"), "{said}");
    site.run(&format!("verify disk.tar {TRUST}")).any_stdout().stderr_holds("1 snap proven").code(0);
    site.run(&format!("mirror --list list.txt --to TO/site {TRUST}")).any_stdout().any_stderr().code(0);
    site.run(&format!("extract --to back --from TO/site {TRUST}")).any_stdout().any_stderr().code(0);
    assert!(site.read("back/tool_7.snap") == file);
}

/// Asserts that what a store has is not exported, nor mirrored, for this reason.
fn unproven(store: &SnapStore, why: &str) {
    let to = Server::start(Options::memory()).unwrap();
    let site = site(store).named("TO", to.host()).file("list.txt", "snap tool\n");
    for command in ["export", "mirror --to TO/site"] {
        site.run(&format!("{command} --list list.txt {TRUST}")).any_stdout().stderr_holds(why).code(3);
    }
    assert!(!site.path("airgap-bundle.tar").exists());
    assert!(to.registry().manifest("site/snaps/tool", "7").is_none());
}

#[test]
fn a_file_of_another_provenance_is_not_exported() {
    let store = SnapStore::start([]);
    publish(&store, &tool(Some("own")), &[]);
    unproven(&store, &other("global-upload", "own"));
    // What the planning reads says one thing, and what comes says another.
    let store = SnapStore::start([]);
    let file = publish_own(&store, &tool(None), "");
    let parts = resize(tool(Some("own")).file(), file.len());
    store.fail(1000, &format!("{}_7", tool(None).id()), Trouble::Parts(parts.into()));
    unproven(&store, &other("own", "global-upload"));
}

/// Gives a squashfs another length: what follows its end is passed over.
fn resize(mut file: Vec<u8>, length: usize) -> Vec<u8> {
    assert!(file.len() <= length);
    file.resize(length, 0);
    file
}

#[test]
fn a_store_without_the_assertion_is_told_of() {
    let missing = |path: &str| format!("assertion `{path}` (HTTP status 404) was not found");
    let export = format!("export --list list.txt {TRUST}");
    // Of a snap that says nothing there is no other one.
    let store = SnapStore::start([]);
    let path = revision_path(&publish_own(&store, &tool(None), ""));
    let place = site(&store).file("list.txt", "snap tool\n");
    place.run(&export).stderr_holds(&missing(&path)).code(1);
    // One that says something has its own.
    let store = SnapStore::start([]);
    let path = revision_path(&publish_own(&store, &tool(Some("own")), ""));
    store.take_assertion(&format!("{path}/own"));
    let place = site(&store).file("list.txt", "snap tool\n");
    place.run(&export).stderr_holds(&missing(&format!("{path}/own"))).code(1);
    // Where it cannot be looked into, that is what is told.
    store.fail(1000, &format!("{}_7", tool(None).id()), Trouble::Whole);
    place.run(&export).stderr_holds(&missing(&path)).code(1);
}

#[test]
fn a_file_on_disk_has_the_provenance_of_its_assertions() {
    let (own, usual) = (tool(Some("own")), tool(None));
    let (own_file, usual_file) = (own.file(), usual.file());
    let honest = Crafted::new(own.clone()).chain;
    let site = Site::new()
        .file("root.assert", root())
        .bytes("one.snap", &own_file)
        .file("one.assert", &stream(&honest.iter().map(String::as_str).collect::<Vec<_>>()))
        .bytes("two.snap", &usual_file)
        .file("two.assert", &assert_file(&usual, &usual_file, ""))
        .bytes("three.snap", &own_file)
        .file("three.assert", &assert_file(&own, &own_file, ""));
    for (name, expected, got) in [("one", "global-upload", "own"), ("two", "own", "global-upload")] {
        for dry in ["", " --dry-run"] {
            site.run(&format!("export ./{name}.snap {TRUST}{dry}"))
                .stderr_holds(&other(expected, got))
                .code(3);
        }
    }
    site.run(&format!("export ./three.snap {TRUST}")).any_stdout().any_stderr().code(0);
}

#[test]
fn a_file_that_was_signed_again_is_no_proven_snap() {
    refused(resigned(), &other("global-upload", "own"));
    let usual = Crafted::new(tool(None));
    let chain = chain(&usual.snap, &usual.file, "").to_vec();
    refused(usual.with_chain(chain), &other("own", "global-upload"));
    // Nor is one that says what goes without saying, which snapd does not take.
    let crafted = Crafted::new(tool(Some("global-upload"))).site();
    crafted
        .run(&format!("verify {TRUST}"))
        .any_stdout()
        .stderr_holds("its `meta/snap.yaml` has `provenance: global-upload`, which cannot be")
        .code(1);
}

#[test]
fn what_cannot_be_looked_into_says_no_provenance_of_its_own() {
    let (file, snap) = (b"hsqs and nothing else".to_vec(), tool(None));
    let fake = |chain: Vec<String>| {
        let crafted = Crafted::new(snap.clone()).says("sha3-384", &Sha3_384::of(&file).hex());
        crafted.with_file(|content| content.clone_from(&file)).with_chain(chain)
    };
    let why = "`tool:7` is an image of squashfs 0.0; snaps are of 4.0";
    let own = fake(chain(&snap, &file, "").to_vec()).site();
    for command in ["verify", "extract --to out"] {
        own.run(&format!("{command} {TRUST}")).any_stdout().stderr_holds(why).code(1);
    }
    assert!(!own.path("out/tool_7.snap").exists());
    let id = snap.id();
    let usual = vec![
        store_key().to_owned(),
        declaration(&id, snap.name, "canonical").signed(Key::Store),
        revision(&file, &id, 7, "canonical").signed(Key::Store),
    ];
    let usual = fake(usual).site();
    usual.run(&format!("verify {TRUST}")).any_stdout().stderr_holds(why).code(1);
    // As a file it is proven; what to type to install it is not told.
    let said = usual.run(&format!("extract --to out {TRUST}")).any_stdout().stderr_of(0);
    assert!(
        said.contains("what `out/tool_7.snap` is cannot be read") && !said.contains("snap install"),
        "{said}"
    );
}

#[test]
fn a_file_that_was_signed_again_does_not_come_out_of_a_registry() {
    let crafted = resigned();
    let (file, chain) = (crafted.file.clone(), crafted.chain.clone());
    let to = Server::start(Options::memory()).unwrap();
    let site = crafted_site(&crafted.into(Pack::new())).named("TO", to.host());
    site.run("import --to TO/site").any_stdout().any_stderr().code(0);
    let extract = format!("extract --to out --from TO/site {TRUST}");
    let refused = |site: &Site| {
        let said = site.run(&extract).any_stdout().stderr_of(3);
        assert!(said.contains(&other("global-upload", "own")) && !said.contains("snap install"), "{said}");
    };
    refused(&site);
    assert!(!site.path("out/tool_7.snap").exists() && !site.path("out/tool_7.assert").exists());
    // What was there before, as after a run that was killed, is looked into, and not ours to remove.
    let assertions = stream(&chain.iter().map(String::as_str).collect::<Vec<_>>());
    for written in [vec!["snap"], vec!["snap", "assert"]] {
        let site = Site::new().named("TO", to.host()).file("root.assert", root());
        let mut site = site.bytes("out/tool_7.snap", &file);
        if written.contains(&"assert") {
            site = site.file("out/tool_7.assert", &assertions);
        }
        refused(&site);
        assert!(site.path("out/tool_7.snap").exists());
        assert_eq!(site.path("out/tool_7.assert").exists(), written.contains(&"assert"));
    }
}

#[test]
fn a_snap_for_some_devices_alone_is_warned_of() {
    let store = SnapStore::start([]);
    let devices = "\n    on-store:\n      - one\n      - two\n    on-brand:\n      - three";
    publish_own(&store, &tool(Some("own")), devices);
    let site = site(&store).file("list.txt", "snap tool\n");
    let warned = "warning: snap `tool` can be installed only on devices of store `one` or `two` and of brand \
                  `three`: its publisher limits provenance `own` to them\n";
    for command in
        ["export --list list.txt", "verify", "extract --to out", "export ./out/tool_7.snap -o disk.tar"]
    {
        site.run(&format!("{command} {TRUST}")).any_stdout().stderr_holds(warned).code(0);
    }
}
