//! Keys whose time is over, by the clock of a host that may be wrong.

use airgap_bundle::model::sha3::Sha3_384;

use super::place::{Snap, TRUST, publish, site};
use crate::fixture::SnapStore;
use crate::fixture::assertions::{Key, account_key, revision};
use crate::site::Site;

const UNTIL: &str = "2020-01-01T00:00:00Z";

/// A store that signs with a key until 2020.
fn place() -> (SnapStore, Snap, Vec<u8>, Site) {
    let store = SnapStore::start([]);
    let tool = Snap { weight: 2000, ..Snap::base("tool", 7) };
    let file = publish(&store, &tool, &[]);
    let key = account_key(Key::Store, "canonical").with("until", UNTIL).signed(Key::Root);
    store.put_assertion(&format!("account-key/{}", Key::Store.id()), key);
    let site = site(&store).file("list.txt", "snap tool\n");
    (store, tool, file, site)
}

#[test]
fn a_key_whose_time_is_over_is_told_and_a_person_may_know_the_time_better() {
    let (_store, _, _, site) = place();
    let span =
        format!("key {} of `canonical` is valid from 2016-04-01T00:00:00Z to {UNTIL}", Key::Store.id());
    let hint = "hint: if the clock of this host is wrong, say what time it is with `--at TIME`";
    for (command, made) in [
        ("export --list list.txt", "airgap-bundle.tar"),
        ("verify", "airgap-bundle.tar"),
        ("extract --to out", "out/tool_7.snap"),
    ] {
        site.run(&format!("{command} {TRUST}"))
            .any_stdout()
            .stderr_holds(&format!("{span}, and the clock says 20"))
            .stderr_holds(hint)
            .code(3);
        // The end is no part of its time.
        site.run(&format!("{command} {TRUST} --at {UNTIL}"))
            .any_stdout()
            .stderr_holds(&format!("{span}, and `--at` says {UNTIL}\n"))
            .code(3);
        assert!(command == "verify" || !site.path(made).exists(), "{command}");
        site.run(&format!("{command} {TRUST} --at 2019-12-31")).any_stdout().any_stderr().code(0);
        assert!(site.path(made).exists(), "{command}");
    }
}

#[test]
fn what_was_signed_after_the_end_stays_wrong_whatever_the_clock_says() {
    let (store, tool, file, site) = place();
    let late = revision(&file, &tool.id(), 7, "canonical").with("timestamp", "2020-01-01T00:00:00Z");
    let path = format!("snap-revision/{}", Sha3_384::of(&file).base64url());
    store.put_assertion(&path, late.signed(Key::Store));
    for at in ["", "--at 2019-06-01T00:00:00Z"] {
        site.run(&format!("export --list list.txt {TRUST} {at}"))
            .stderr_holds(&format!("its timestamp is {UNTIL}, and it is signed with key {}", Key::Store.id()))
            .stderr_holds(&format!("valid from 2016-04-01T00:00:00Z to {UNTIL}"))
            .code(3);
        assert!(!site.path("airgap-bundle.tar").exists());
    }
}

#[test]
fn a_time_that_is_none_is_a_mistake_in_the_call() {
    let (_store, _, _, site) = place();
    for command in ["export --list list.txt", "verify", "extract --to out"] {
        site.run(&format!("{command} --at yesterday"))
            .stderr_holds("invalid value 'yesterday' for '--at <TIME>'")
            .code(2);
    }
}

#[test]
fn a_snap_on_disk_is_judged_by_the_same_clock() {
    let (_store, .., site) = place();
    let at = "--at 2019-12-31T23:59:59Z";
    site.run(&format!("export --list list.txt {TRUST} {at}")).any_stdout().any_stderr().code(0);
    site.run(&format!("extract --to out {TRUST} {at}")).any_stdout().any_stderr().code(0);
    let export = format!("export ./out/tool_7.snap {TRUST} -o local.tar");
    site.run(&export).any_stdout().stderr_holds(&format!("to {UNTIL}, and the clock says 20")).code(3);
    assert!(!site.path("local.tar").exists());
    site.run(&format!("{export} {at}")).any_stdout().stderr_holds("1 artifact, ").code(0);
}
