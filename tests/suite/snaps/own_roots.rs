//! Roots of one's own: trusted where that is said, and never in silence.

use super::place::{SOMEBODY, Snap, TRUST, publish, site};
use crate::fixture::assertions::{Key, account, account_key, root, store_key, stream};
use crate::fixture::{Pack, SnapStore};
use crate::site::Site;

/// What a brand may carry beside its snaps.
fn brand() -> String {
    stream(&[store_key(), &account(SOMEBODY).signed(Key::Store)])
}

#[test]
fn a_file_of_assertions_is_proven_as_far_as_the_keys_go() {
    let site = Site::new()
        .file("root.assert", root())
        .file("x.assert", &brand())
        .file("list.txt", "assert ./x.assert\n");
    site.run("export --list list.txt -o open.tar")
        .any_stdout()
        .stderr_holds("warning: not all of `x.assert` can be proven here: ")
        .stderr_holds(&format!("it is signed with key {} of `canonical`, and that key is neither among these assertions nor trusted", Key::Root.id()))
        .code(0);
    let said = site.run(&format!("export --list list.txt {TRUST}")).any_stdout().stderr_of(0);
    let warned =
        "warning: `x.assert` is proven with the root in `root.assert`, not with that of the snap store\n";
    assert!(said.contains(warned) && !said.contains("not all of it"), "{said}");
    assert!(site.read("open.tar") == site.read("airgap-bundle.tar"));
    site.run("extract --to out")
        .any_stdout()
        .stderr_holds("next: install on every node, in this order:\n  sudo snap ack out/x.assert\n")
        .code(0);
    assert_eq!(String::from_utf8(site.read("out/x.assert")).unwrap(), brand());
}

#[test]
fn a_file_of_assertions_that_its_keys_have_not_signed_is_refused() {
    let site = Site::new().file("root.assert", root()).file("list.txt", "assert ./x.assert\n");
    for (text, why) in [
        (brand().replace("display-name: The", "display-name: Not"), "or it has been changed since"),
        (brand().replace("type: account\n", "type: account\ntype: account\n"), "`x.assert`: "),
        (String::new(), "`x.assert` holds no assertion"),
    ] {
        let site = site_with(&site, &text);
        site.run(&format!("export --list list.txt {TRUST}")).any_stdout().stderr_holds(why).code(3);
        assert!(!site.path("airgap-bundle.tar").exists());
    }
}

fn site_with<'a>(site: &'a Site, text: &str) -> &'a Site {
    std::fs::write(site.path("x.assert"), text).unwrap();
    site
}

#[test]
fn a_file_of_assertions_in_a_bundle_is_proven_again() {
    let changed = brand().replace("display-name: The", "display-name: Not");
    for (text, why) in [(changed.as_str(), "or it has been changed since"), ("junk", "`x.assert`: line 1: ")]
    {
        let pack = Pack::new().assertions("x.assert", text.as_bytes());
        let site = Site::new().file("root.assert", root()).bytes("airgap-bundle.tar", &pack.tar());
        site.run(&format!("verify {TRUST}"))
            .any_stdout()
            .stderr_holds("file of assertions `x.assert` is not proven")
            .stderr_holds(why)
            .stderr_holds("though every byte of it is whole: 1 file of assertions not proven\n")
            .code(3);
        site.run(&format!("extract --to out {TRUST}")).any_stdout().stderr_holds(why).code(3);
        assert!(!site.path("out/x.assert").exists());
    }
}

#[test]
fn a_root_that_nobody_named_is_told_with_what_names_it() {
    let store = SnapStore::start([]);
    publish(&store, &Snap { weight: 2000, ..Snap::base("tool", 7) }, &[]);
    let site = site(&store).file("list.txt", "snap tool\n");
    site.run("export --list list.txt")
        .stderr_holds("and that key is neither among these assertions nor trusted")
        .stderr_holds("hint: nobody who is trusted stands for them: a store with a root of its own is trusted with `--trusted-key FILE`")
        .code(3);
}

#[test]
fn a_root_of_ones_own_is_told_wherever_it_stands_for_something() {
    let store = SnapStore::start([]);
    publish(&store, &Snap { weight: 2000, ..Snap::base("tool", 7) }, &[]);
    let site = site(&store).file("list.txt", "snap tool\n");
    let warned =
        "warning: snap `tool` is proven with the root in `root.assert`, not with that of the snap store\n";
    for command in
        ["export --list list.txt --dry-run", "export --list list.txt", "verify", "extract --to out"]
    {
        site.run(&format!("{command} {TRUST}")).any_stdout().stderr_holds(warned).code(0);
        let report = site.run(&format!("{command} {TRUST} --json")).json(0);
        assert!(report["warnings"].to_string().contains("the root in `root.assert`"), "{report}");
    }
    // A store that hands out its own root is not trusted for that.
    let its_own = account_key(Key::Root, "canonical").signed(Key::Root);
    store.put_assertion(&format!("account-key/{}", Key::Root.id()), its_own);
    let lacks = format!(
        "it is signed with key {} of `canonical`, and that key is neither among these assertions nor trusted",
        Key::Root.id()
    );
    for (command, why) in [
        (
            "export --list list.txt -o other.tar",
            "the keys that stand for it lead back to itself, and to none that is trusted",
        ),
        ("verify", &*lacks),
        ("extract --to other", &*lacks),
    ] {
        site.run(command).any_stdout().stderr_holds(why).code(3);
    }
    assert!(!site.path("other.tar").exists() && !site.path("other/tool_7.snap").exists());
}

#[test]
fn a_root_that_cannot_be_one_is_refused() {
    let site = Site::new()
        .file("none.assert", "")
        .file("text.assert", "hello\n")
        .file("key.assert", &account_key(Key::Root, "canonical").signed(Key::Root))
        .file("open.assert", &brand());
    for command in ["export x:1", "verify", "extract --to out"] {
        for (file, why) in [
            ("none.assert", "it holds no account"),
            ("text.assert", "`text.assert` cannot be trusted as a root: "),
            ("key.assert", "it holds no account"),
            ("open.assert", &*format!("it is signed with key {} of `canonical`", Key::Root.id())),
        ] {
            site.run(&format!("{command} --trusted-key {file}")).stderr_holds(why).code(2);
        }
        site.run(&format!("{command} --trusted-key absent.assert"))
            .stderr_holds("reading the key `absent.assert` (`--trusted-key`): No such file or directory")
            .code(1);
    }
}
