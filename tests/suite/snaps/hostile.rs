//! What is not what it says is refused, with a sentence that says which.

use super::place::{Snap, TRUST, publish, publish_as, site};
use crate::fixture::assertions::{Key, declaration, revision};
use crate::fixture::{SnapStore, Trouble};

fn refused(store: &SnapStore, code: i32, why: &str) {
    let site = site(store).file("list.txt", "snap tool\nsnap core22\n");
    site.run(&format!("export --list list.txt {TRUST}")).any_stdout().stderr_holds(why).code(code);
    assert!(!site.path("airgap-bundle.tar").exists());
}

fn store() -> (SnapStore, Snap, Vec<u8>) {
    let store = SnapStore::start([]);
    publish(&store, &Snap::base("core22", 1380), &[]);
    let tool = Snap::app("tool", 7);
    let file = publish(&store, &tool, &[]);
    (store, tool, file)
}

#[test]
fn a_bit_that_flips_on_the_way_is_found() {
    let (store, tool, _) = store();
    store.fail(9, &format!("{}_7", tool.id()), Trouble::Flip(200_000));
    refused(&store, 3, "has other bytes: got sha3-384:");
}

#[test]
fn a_declaration_without_a_name_is_revoked() {
    let (store, tool, _) = store();
    let revoked = declaration(&tool.id(), "", "canonical").signed(Key::Store);
    store.put_assertion(&format!("snap-declaration/16/{}", tool.id()), revoked);
    refused(&store, 3, "revoked");
}

#[test]
fn the_chain_of_another_snap_does_not_serve() {
    let (store, tool, file) = store();
    let digest = airgap_bundle::model::sha3::Sha3_384::of(&file).base64url();
    let other = revision(b"another file", &tool.id(), 7, "canonical").signed(Key::Store);
    store.put_assertion(&format!("snap-revision/{digest}"), other);
    refused(&store, 3, "expected `snap-revision/");
}

#[test]
fn another_size_and_another_revision_are_told() {
    let (store, tool, file) = store();
    let digest = airgap_bundle::model::sha3::Sha3_384::of(&file).base64url();
    let other = revision(&file, &tool.id(), 8, "canonical").signed(Key::Store);
    store.put_assertion(&format!("snap-revision/{digest}"), other);
    refused(&store, 3, "another revision than its assertions say: expected 8, got 7");
}

#[test]
fn a_snap_that_says_something_else_of_itself_is_refused() {
    let store = SnapStore::start([]);
    publish(&store, &Snap::base("core22", 1380), &[]);
    let tool = Snap::app("tool", 7);
    // The store says `strict`, and the snap wants everything.
    let file = Snap { confinement: "classic", ..tool.clone() }.file();
    publish_as(&store, &tool, &[], &file, "canonical");
    refused(&store, 3, "its confinement: expected strict, got classic");
}
