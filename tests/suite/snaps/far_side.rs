//! Out of a registry, onto a host where snapd is; and what that host is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use airgap_bundle::model::digest::Digest;
use airgap_bundle::stores::registry::server::{Fault, Faults, Options, Server};

use super::place::{Snap, TRUST, publish, site};
use crate::fixture::SnapStore;
use crate::namespace;
use crate::site::Site;

const FILES: [&str; 4] = ["core22.assert", "core22.snap", "k8s.assert", "k8s.snap"];

/// Returns a place with a bundle of two snaps, and the file of the first.
fn exported() -> (Site, Vec<u8>) {
    let store = SnapStore::start([]);
    let k8s =
        publish(&store, &Snap { confinement: "classic", ..Snap::app("k8s", 1234) }, &["1.32-classic/stable"]);
    publish(&store, &Snap::base("core22", 1380), &[]);
    let site = site(&store).file("list.txt", "snap k8s channel=1.32-classic/stable basename=k8s\n");
    site.run(&format!("export --list list.txt {TRUST}")).any_stdout().any_stderr().code(0);
    (site, k8s)
}

#[test]
fn snaps_come_out_of_a_registry_as_out_of_the_bundle() {
    let (site, _) = exported();
    let to = Server::start(Options::memory()).unwrap();
    let site = site.named("TO", to.host());
    site.run("import --to TO/site").any_stdout().any_stderr().code(0);
    let bundle = site.run(&format!("extract --to one {TRUST} --json")).json(0);
    let registry = site.run(&format!("extract --to two --from TO/site {TRUST} --json")).json(0);
    for name in FILES {
        assert!(site.read(&format!("one/{name}")) == site.read(&format!("two/{name}")), "{name}");
    }
    let commands = |report: &serde_json::Value| report["commands"].to_string().replace("two/", "one/");
    assert_eq!(commands(&bundle), commands(&registry));
    assert_eq!(registry["warnings"], bundle["warnings"]);
}

#[test]
fn what_is_not_proven_is_not_written() {
    let (site, k8s) = exported();
    let wrong = Arc::new(AtomicBool::new(false));
    let (state, path) = (Arc::clone(&wrong), format!("/blobs/{}", Digest::sha256(&k8s)));
    let faults = Faults::new(move |request| {
        let hits = request.gets_blob() && request.path.ends_with(&path) && state.load(Ordering::SeqCst);
        if hits { Fault::FlipBit(150_000) } else { Fault::None }
    });
    let to = Server::start(Options { faults, ..Options::memory() }).unwrap();
    let site = site.named("TO", to.host());
    site.run("import --to TO").any_stdout().any_stderr().code(0);
    // Nobody who is trusted stands for them.
    site.run("extract --to out --from TO").stderr_holds("could not extract").code(3);
    assert!(!site.path("out/k8s.snap").exists());
    wrong.store(true, Ordering::SeqCst);
    site.run(&format!("extract --to out --from TO {TRUST}"))
        .any_stdout()
        .stderr_holds("reading from registry `TO`: ")
        .stderr_holds("hint: delete that repository in the registry")
        .code(3);
    assert_eq!(site.files("out"), ["out/core22.assert", "out/core22.snap"]);
}

#[test]
fn a_host_without_a_default_route_is_told_what_to_do() {
    let (site, _) = exported();
    let warned = "this host has no default route";
    let command = "ip route add default dev ";
    let said = namespace::run(
        &site,
        &format!(
            "extract() {{ unshare --net bash -c \"$1 \\\"\\$AIRGAP_BUNDLE\\\" extract --to out {TRUST} --only snap\" 2>&1; }}\n\
             extract 'ip link set lo up;'\necho WITH A ROUTE\nextract 'ip link set lo up; {command}lo;'\n"
        ),
    );
    let (without, with) = said.split_once("WITH A ROUTE\n").unwrap();
    assert!(without.contains(warned) && without.contains(&format!("`sudo {command}eth0`")), "{without}");
    assert!(!with.contains(warned), "{with}");
    assert!(with.contains("next: install on every node, in this order:"), "{with}");
}
