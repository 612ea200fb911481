//! Out of a bundle, onto a host where snapd is.

use airgap_bundle::model::digest::Digest;
use airgap_bundle::model::media_type;
use airgap_bundle::stores::registry::server::{Options, Server};

use super::place::{Snap, TRUST, publish, site};
use crate::fixture::SnapStore;

fn exported(list: &str) -> (crate::site::Site, Vec<u8>, Vec<u8>) {
    let store = SnapStore::start([]);
    let k8s =
        publish(&store, &Snap { confinement: "classic", ..Snap::app("k8s", 1234) }, &["1.32-classic/stable"]);
    let core = publish(&store, &Snap::base("core22", 1380), &[]);
    publish(&store, &Snap { kind: Some("snapd"), base: None, ..Snap::app("snapd", 9) }, &[]);
    let site = site(&store).file("list.txt", list);
    site.run(&format!("export --list list.txt {TRUST}")).any_stdout().any_stderr().code(0);
    (site, k8s, core)
}

#[test]
fn snaps_are_written_with_their_assertions_and_what_to_type() {
    let (site, k8s, core) = exported("snap k8s channel=1.32-classic/stable snapd=yes\n");
    let said = site.run(&format!("extract --to out {TRUST}")).any_stdout().stderr_of(0);
    let commands = "next: install on every node, in this order:\n  \
                    sudo snap ack out/snapd_9.assert && sudo snap install out/snapd_9.snap\n  \
                    sudo snap ack out/core22_1380.assert && sudo snap install out/core22_1380.snap\n  \
                    sudo snap ack out/k8s_1234.assert && sudo snap install out/k8s_1234.snap --classic\n";
    assert!(said.contains(commands), "{said}");
    assert!(site.read("out/k8s_1234.snap") == k8s && site.read("out/core22_1380.snap") == core);
    let report = site.run(&format!("extract --to out {TRUST} --json")).json(0);
    assert_eq!(report["commands"].as_array().unwrap().len(), 3);
    assert_eq!(
        report["commands"][2],
        "sudo snap ack out/k8s_1234.assert && sudo snap install out/k8s_1234.snap --classic"
    );
}

/// As <https://documentation.ubuntu.com/canonical-kubernetes/> has them, "How to install in air-gapped environments".
#[test]
fn documented_lines_run_letter_for_letter() {
    let (site, ..) = exported("snap k8s channel=1.32-classic/stable basename=k8s\n");
    site.run(&format!("extract --only snap --to . {TRUST}"))
        .any_stdout()
        .stderr_holds(
            "  sudo snap ack core22.assert && sudo snap install ./core22.snap\n  \
             sudo snap ack k8s.assert && sudo snap install ./k8s.snap --classic\n",
        )
        .code(0);
}

#[test]
fn a_snap_goes_through_a_registry() {
    let (site, k8s, _) = exported("snap k8s channel=1.32-classic/stable\n");
    let to = Server::start(Options::memory()).unwrap();
    let site = site.named("TO", to.host());
    site.run("import --to TO/site").any_stdout().any_stderr().code(0);
    assert_eq!(
        to.registry().manifest("site/snaps/k8s", "1234").unwrap().media_type,
        media_type::OCI_MANIFEST
    );
    assert!(to.registry().has_blob("site/snaps/k8s", &Digest::sha256(&k8s)));
}

#[test]
fn inspect_shows_what_is_known_from_the_head() {
    let (site, ..) = exported("snap k8s channel=1.32-classic/stable\n");
    let list = site.run("inspect --list").any_stderr().any_stdout().code(0);
    let list = String::from_utf8(list).unwrap();
    assert!(list.contains("snap k8s channel=1.32-classic/stable revision=1234 arch=amd64"), "{list}");
    assert!(!list.contains("no channel"), "{list}");
    site.run("inspect").any_stderr().stdout_holds("snap  k8s:1234").code(0);
}

#[test]
fn each_node_is_told_what_runs_there() {
    let store = SnapStore::start([]);
    for (revision, architecture) in [(1, "amd64"), (2, "arm64")] {
        let base = Snap { weight: 2000, ..Snap::base("core22", 1380 + revision) };
        let tool = Snap { weight: 2000, ..Snap::app("tool", revision) };
        for snap in [base, tool] {
            publish(&store, &Snap { architecture, ..snap }, &[]);
        }
    }
    let list = "snap tool arch=amd64\nsnap tool arch=arm64\n";
    let site =
        site(&store).file("list.txt", list).file("same.txt", &list.replace("arch", "basename=tool arch"));
    site.run(&format!("export --list list.txt {TRUST}")).any_stdout().stderr_holds("4 artifacts, ").code(0);
    let install =
        |name: &str| format!("  sudo snap ack out/{name}.assert && sudo snap install out/{name}.snap\n");
    let told = |architecture: &str, base: &str, tool: &str| {
        format!(
            "next: install on every node of {architecture}, in this order:\n{}{}",
            install(base),
            install(tool)
        )
    };
    site.run(&format!("extract --to out {TRUST}"))
        .any_stdout()
        .stderr_holds(&told("amd64", "core22_1381", "tool_1"))
        .stderr_holds(&told("arm64", "core22_1382", "tool_2"))
        .code(0);
    // Of one name they could not be extracted beside each other.
    site.run(&format!("export --list same.txt {TRUST} -o same.tar"))
        .stderr_holds("same.txt:2:1: `tool.snap` is the name of another file, too: that of same.txt:1:1")
        .stderr_holds("hint: give the snap another name with `basename=` on its line, or leave that out")
        .code(2);
}
