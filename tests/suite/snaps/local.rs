//! Snaps that are on this machine already.

use super::place::{Snap, TRUST, publish, site};
use crate::fixture::SnapStore;

#[test]
fn a_file_is_carried_with_the_assertions_beside_it() {
    let store = SnapStore::start([]);
    let file = publish(&store, &Snap::app("tool", 7), &[]);
    publish(&store, &Snap::base("core22", 1380), &[]);
    let site = site(&store).file("list.txt", "snap tool\n");
    site.run(&format!("export --list list.txt {TRUST}")).any_stdout().any_stderr().code(0);
    site.run(&format!("extract --to out {TRUST}")).any_stdout().any_stderr().code(0);
    store.asked();
    let site = site.file("local.txt", "./out/tool_7.snap\nsnap ./out/core22_1380.snap\n");
    let said = site.run(&format!("export --list local.txt {TRUST} -o local.tar")).any_stdout().stderr_of(0);
    assert!(said.contains("2 artifacts, ") && !said.contains("stands on"), "{said}");
    site.run(&format!("export ./out/tool_7.snap {TRUST} -o alone.tar"))
        .any_stdout()
        .stderr_holds(
            "warning: snap `tool:7` stands on `core22`, which does not go along: add `snap core22`, unless",
        )
        .code(0);
    assert!(store.asked().is_empty());
    site.run(&format!("verify local.tar {TRUST}")).any_stdout().stderr_holds("2 snaps proven").code(0);

    site.run("inspect local.tar --list")
        .stdout_holds("came from a disk, and not from the store, write `snap ./FILE.snap`.\nsnap tool revision=7 arch=amd64\n")
        .code(0);

    site.run(&format!("export ./absent.snap {TRUST} -o absent.tar"))
        .stderr_holds("error: argument 1: `./absent.snap` was not found")
        .code(2);

    // Other bytes, or none that prove it.
    let mut other = file;
    let middle = other.len() / 2;
    other[middle] ^= 1;
    let assertions = site.read("out/tool_7.assert");
    let site = site.bytes("other.snap", &other).bytes("other.assert", &assertions);
    site.run(&format!("export ./other.snap {TRUST} -o other.tar"))
        .stderr_holds("`./other.assert` speaks of revision 7 of snap `tool`, and not of `./other.snap`: expected the file")
        .stderr_holds("hint: fetch both again with `snap download`")
        .code(3);
    std::fs::remove_file(site.path("other.assert")).unwrap();
    site.run(&format!("export ./other.snap {TRUST} -o other.tar"))
        .stderr_holds("`file ./other.snap` carries it as a plain file")
        .code(1);
}
