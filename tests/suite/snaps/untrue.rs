//! Bundles that say what they must not of snaps: what their files are called, and which file they hold.

use super::crafted::{Crafted, site as crafted_site};
use super::place::{Snap, TRUST, publish, site};
use crate::fixture::{Pack, SnapStore};
use crate::site::Site;

/// A snap on nothing.
fn snap() -> Snap {
    Snap { weight: 20_000, ..Snap::base("tool", 7) }
}

fn titled(snap_title: &str, assert_title: &str) -> Site {
    crafted_site(&Crafted::new(snap()).titled(snap_title, assert_title).into(Pack::new()))
}

#[test]
fn two_files_that_do_not_belong_together_are_refused() {
    for (snap, assertions) in
        [("tool_7.snap", "other.assert"), ("tool_7", "tool_7.assert"), ("tool.assert", "tool.snap")]
    {
        let site = titled(snap, assertions);
        for command in ["verify", "extract --to out"] {
            site.run(&format!("{command} {TRUST}"))
                .any_stdout()
                .stderr_holds("calls the snap and its assertions by names that do not belong together")
                .code(1);
        }
        assert!(!site.path("out").exists() || site.files("out").is_empty());
    }
}

#[test]
fn a_name_that_leads_elsewhere_is_not_written() {
    for name in ["../tool", "/tmp/tool", "a/../../tool"] {
        let site = titled(&format!("{name}.snap"), &format!("{name}.assert"));
        let said = site.run(&format!("extract --to out {TRUST}")).any_stdout().stderr_of(1);
        assert!(said.contains(&format!("{name}.snap")) && !said.contains("snap ack"), "{said}");
        assert_eq!(site.files("."), ["airgap-bundle.tar", "root.assert"]);
    }
}

#[test]
fn a_name_is_one_word_of_the_line_to_be_typed() {
    for (name, ack, install) in [
        ("a b", "'out/a b.assert'", "'out/a b.snap'"),
        ("$(reboot)", "'out/$(reboot).assert'", "'out/$(reboot).snap'"),
        ("it's", r"'out/it'\''s.assert'", r"'out/it'\''s.snap'"),
    ] {
        let site = titled(&format!("{name}.snap"), &format!("{name}.assert"));
        site.run(&format!("extract --to out {TRUST}"))
            .any_stdout()
            .stderr_holds(&format!("  sudo snap ack {ack} && sudo snap install {install}\n"))
            .code(0);
    }
}

#[test]
fn an_earlier_bundle_that_lies_serves_nothing() {
    let store = SnapStore::start([]);
    let file = publish(&store, &snap(), &[]);
    let lie = Crafted::new(snap()).with_file(|file| file[10_000] ^= 1);
    let site = site(&store).file("list.txt", "snap tool\n").bytes("lie.tar", &lie.into(Pack::new()).tar());
    site.run(&format!("export --list list.txt {TRUST} --reuse lie.tar")).any_stdout().any_stderr().code(0);
    assert!(store.asked().iter().any(|asked| asked.line.contains("/download/")));
    site.run(&format!("extract --to out {TRUST}")).any_stdout().any_stderr().code(0);
    assert!(site.read("out/tool_7.snap") == file);
    // As it is, where it is true.
    let true_one = Crafted::new(snap()).into(Pack::new()).tar();
    let site = site.bytes("true.tar", &true_one);
    site.run(&format!("export --list list.txt {TRUST} --reuse true.tar -o other.tar"))
        .any_stdout()
        .stderr_holds("reused from `true.tar`")
        .code(0);
    assert!(store.asked().iter().all(|asked| !asked.line.contains("/download/")));
}

#[test]
fn a_bit_that_flips_in_a_finished_bundle_is_found() {
    let store = SnapStore::start([]);
    let snap = Snap::base("tool", 7);
    let file = publish(&store, &snap, &[]);
    let site = super::place::site(&store).file("list.txt", "snap tool\n");
    site.run(&format!("export --list list.txt {TRUST}")).any_stdout().any_stderr().code(0);
    let mut tar = site.read("airgap-bundle.tar");
    let at = tar.windows(64).position(|window| window == &file[100_000..100_064]).unwrap();
    tar[at] ^= 1;
    let site = site.bytes("airgap-bundle.tar", &tar);
    let extract = "error: could not extract `tool:7`\n";
    for (command, which) in [("verify", "got sha256:[1], in `tool:7`"), ("extract --to out", extract)] {
        site.run(&format!("{command} {TRUST}"))
            .any_stdout()
            .stderr_holds("has other bytes: got sha256:")
            .stderr_holds(which)
            .stderr_holds("hint: copy the file again from the connected side")
            .code(3);
    }
    assert!(!site.path("out/tool_7.snap").exists());
}
