//! Bundles whose bytes are right, or nearly, and whose snaps are not what they are said to be.

use airgap_bundle::model::sha3::Sha3_384;

use super::crafted::{Crafted, site};
use super::place::{Snap, TRUST};
use crate::fixture::Pack;
use crate::fixture::assertions::{Key, declaration, revision};

fn tool() -> Crafted {
    Crafted::new(Snap { weight: 2000, ..Snap::app("tool", 7) })
}

/// Asserts that `verify` and `extract` refuse it with this sentence, and that nothing is written.
pub(super) fn refused(crafted: Crafted, why: &str) {
    let reference = crafted.reference.clone();
    let site = crafted.site();
    site.run(&format!("verify {TRUST}"))
        .any_stdout()
        .stderr_holds(&format!("snap `{reference}` is not proven\n  cause: "))
        .stderr_holds(why)
        .code(3);
    let report = site.run(&format!("verify {TRUST} --json")).json(3);
    let row = &report["artifacts"][0];
    assert!(row["status"] == "failed" && row["error"].as_str().unwrap().contains(why), "{row}");
    site.run(&format!("extract --to out {TRUST}")).any_stdout().stderr_holds(why).code(3);
    let report = site.run(&format!("extract --to out {TRUST} --json")).json(3);
    assert_eq!(report["commands"].as_array().map_or(0, Vec::len), 0, "{report}");
    assert!(!site.path("out/tool_7.snap").exists() && !site.path("out/tool_7.assert").exists());
}

#[test]
fn an_honest_bundle_by_hand_is_proven() {
    let site = tool().site();
    site.run(&format!("verify {TRUST}")).any_stdout().stderr_holds("1 snap proven by assertions").code(0);
    site.run(&format!("extract --to out {TRUST}"))
        .any_stdout()
        .stderr_holds("sudo snap ack out/tool_7.assert && sudo snap install out/tool_7.snap\n")
        .code(0);
}

#[test]
fn a_proven_snap_is_under_its_own_name_alone() {
    refused(tool().called("other:7"), "`other:7` is another snap: expected `other:7`, got `tool:7`");
    refused(tool().called("tool:8"), "`tool:8` is another snap: expected `tool:8`, got `tool:7`");
    for (crafted, what, expected, got) in [
        (tool().says("name", "other").called("other:7"), "name", "tool", "other"),
        (tool().says("revision", "8").called("tool:8"), "revision", "7", "8"),
        (tool().says("id", "another"), "id", &*tool().snap.id(), "another"),
        (tool().says("publisher", "me"), "publisher", "canonical", "me"),
        (
            tool().says("publisher-validation", "starred"),
            "validation of the publisher",
            "verified",
            "starred",
        ),
    ] {
        let why =
            format!("snap `tool` has another {what} than its assertions say: expected {expected}, got {got}");
        // What the snap is called comes out of the assertions.
        refused(crafted, &why);
    }
}

#[test]
fn what_is_said_beside_the_proof_is_not_believed() {
    let core = Crafted::new(Snap { weight: 2000, ..Snap::base("core22", 1380) });
    let core = core.says("type", "app").says("confinement", "devmode");
    let tool = tool().says("confinement", "classic").says("type", "snapd").says("base", "core18");
    let free = Snap { weight: 2000, confinement: "classic", ..Snap::app("atool", 1) };
    let free = Crafted::new(free).says("confinement", "strict").says("type", "base");
    let site = site(&tool.into(core.into(free.into(Pack::new()))));
    site.run(&format!("verify {TRUST}"))
        .any_stdout()
        .stderr_holds("snap `atool:1`: its type: expected base, got app")
        .stderr_holds("snap `core22:1380`: its type: expected app, got base")
        .stderr_holds("snap `tool:7`: its base: expected core18, got core22")
        .stderr_holds("0 of 3 snaps proven by assertions")
        .code(3);
    // What is typed comes out of the snaps themselves.
    let report = site.run(&format!("extract --to out {TRUST} --json")).json(0);
    let expected = [("core22_1380", ""), ("atool_1", " --classic"), ("tool_7", "")].map(|(name, flag)| {
        format!("sudo snap ack out/{name}.assert && sudo snap install out/{name}.snap{flag}")
    });
    assert_eq!(report["commands"], serde_json::json!(expected));
}

#[test]
fn assertions_that_do_not_prove_these_bytes_are_told() {
    let (snap, file) = (tool().snap, tool().file);
    let (id, digest) = (snap.id(), Sha3_384::of(&file).base64url());
    let revised = |of: &[u8]| revision(of, &id, 7, "canonical");
    let revoked = declaration(&id, "", "canonical").signed(Key::Store);
    refused(tool().with_assertion(1, revoked), "the snap has been revoked: its `snap-name` is empty");
    let of_other = revised(b"another file").signed(Key::Store);
    refused(
        tool().with_assertion(2, of_other),
        &format!("expected assertion `snap-revision/{digest}`, got `"),
    );
    let size = revised(&file).with("snap-size", "9").signed(Key::Store);
    let why = format!("another size than its assertions say: expected 9, got {}", file.len());
    refused(tool().with_assertion(2, size), &why);
    let other_key = revised(&file).signed(Key::Other);
    refused(tool().with_assertion(2, other_key), &format!("it is signed with key {}", Key::Other.id()));
    let changed = tool().chain[2].replace("snap-revision: 7", "snap-revision: 8");
    let crafted = tool().with_assertion(2, changed).says("revision", "8").called("tool:8");
    refused(
        crafted,
        &format!("its signature is not of key {}, or it has been changed since", Key::Store.id()),
    );
    refused(tool().with_assertion(2, "type: snap-revision\n".to_owned()), "the assertions of snap `tool`: ");
}

#[test]
fn other_bytes_under_a_whole_proof_are_found() {
    let other = tool().with_file(|file| file[1000] ^= 1);
    refused(other, "snap `tool` has another SHA3-384 than its assertions say: expected ");
}
