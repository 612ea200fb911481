//! How long a snap is: what the store says, what the assertions say, and what comes.

use airgap_bundle::model::sha3::Sha3_384;

use super::place::{Snap, TRUST, publish, site};
use crate::fixture::assertions::{Key, revision};
use crate::fixture::{SnapStore, Trouble};

fn store() -> (SnapStore, Snap, Vec<u8>) {
    let store = SnapStore::start([]);
    publish(&store, &Snap { weight: 2000, ..Snap::base("core22", 1380) }, &[]);
    let tool = Snap { weight: 20_000, ..Snap::app("tool", 7) };
    let file = publish(&store, &tool, &[]);
    (store, tool, file)
}

#[test]
fn the_assertions_and_the_store_have_to_agree() {
    let (store, tool, file) = store();
    let length = file.len();
    for other in [length - 1, length + 1] {
        let revised = revision(&file, &tool.id(), 7, "canonical").with("snap-size", &other.to_string());
        let path = format!("snap-revision/{}", Sha3_384::of(&file).base64url());
        store.put_assertion(&path, revised.signed(Key::Store));
        let site = site(&store).file("list.txt", "snap tool\n");
        site.run(&format!("export --list list.txt {TRUST}"))
            .stderr_holds(&format!(
                "snap `tool` has another size than its assertions say: expected {other}, got {length}"
            ))
            .code(3);
        assert!(!site.path("airgap-bundle.tar").exists());
    }
}

#[test]
fn what_comes_has_to_be_as_long_as_was_said() {
    for by in [-10_isize, 10] {
        let (store, tool, file) = store();
        let length = file.len();
        let mut other = file;
        other.resize(length.checked_add_signed(by).unwrap(), 0);
        let got = other.len();
        store.fail(1000, &format!("{}_7", tool.id()), Trouble::Other(other.into()));
        let site = site(&store).file("list.txt", "snap tool\n");
        site.run(&format!("export --list list.txt {TRUST}"))
            .any_stdout()
            .stderr_holds("error: could not export `tool:7`")
            .stderr_holds(&format!(
                "`STORE`: revision 7 of snap `tool`: expected {length} bytes, got {got} bytes"
            ))
            .code(3);
        assert!(!site.path("airgap-bundle.tar").exists());
    }
}
