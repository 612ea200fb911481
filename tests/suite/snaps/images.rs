//! The images that a snap needs.

use airgap_bundle::stores::registry::server::{Options, Server};

use super::place::{Snap, TRUST, publish, site};
use crate::fixture::SnapStore;
use crate::fixture::image;

#[test]
fn one_line_carries_a_cluster() {
    let registry = Server::start(Options::memory()).unwrap();
    for (number, name) in [(1, "pause"), (2, "coredns")] {
        let graph = image(number, 2, 5000);
        graph.put(registry.registry(), name, Some("1"));
    }
    let host = registry.host();
    let store = SnapStore::start([]);
    let images = format!("{host}/pause:1\n{host}/coredns:1\n");
    let k8s =
        Snap { images: Some(images), confinement: "classic", weight: 3_000_000, ..Snap::app("k8s", 1234) };
    let file = publish(&store, &k8s, &["1.32-classic/stable"]);
    publish(&store, &Snap::base("core22", 1380), &[]);
    let site = site(&store).named("HOST", host);
    let site = site.file("list.txt", "snap k8s channel=1.32-classic/stable images=yes\n");
    let report = site.run(&format!("export --list list.txt {TRUST} --dry-run --json")).json(0);
    let references: Vec<&str> = report["artifacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["reference"].as_str().unwrap())
        .collect();
    assert_eq!(references.len(), 4, "{references:?}");
    // Of the snap itself only a little was read.
    let asked = store.asked();
    let ranges = asked.iter().filter(|asked| asked.headers.contains_key("range")).count();
    assert!((1..=6).contains(&ranges), "{ranges}");
    site.run(&format!("export --list list.txt {TRUST}")).any_stdout().stderr_holds("4 artifacts, ").code(0);
    site.run(&format!("export --list list.txt {TRUST} --only image -o images.tar"))
        .any_stdout()
        .stderr_holds("2 artifacts, ")
        .code(0);
    site.run(&format!("export --list list.txt {TRUST}"))
        .any_stdout()
        .stderr_holds("this very bundle")
        .code(0);
    assert!(file.len() > 3_000_000);
}

#[test]
fn a_snap_without_a_list_of_images_says_so() {
    let store = SnapStore::start([]);
    publish(&store, &Snap::app("tool", 7), &[]);
    publish(&store, &Snap::base("core22", 1380), &[]);
    let site = site(&store).file("list.txt", "snap tool images=yes\n");
    site.run(&format!("export --list list.txt {TRUST}"))
        .stderr_holds("has no `images.txt`, which would say what images it needs")
        .code(1);
}

#[test]
fn what_references_must_name_holds_for_those_in_a_snap() {
    let store = SnapStore::start([]);
    let images = Some("q.io/a/b:1\n".to_owned());
    publish(&store, &Snap { images, ..Snap::app("tool", 7) }, &[]);
    publish(&store, &Snap::base("core22", 1380), &[]);
    let site = site(&store).file("list.txt", "snap tool images=yes\n");
    site.run(&format!("export --list list.txt {TRUST} --require digest"))
        .stderr_holds("tool_7.snap/images.txt:1:1: `q.io/a/b:1` has no digest, which `--require` asks for")
        .stderr_holds("hint: leave `images=yes` out")
        .code(2);
}

#[test]
fn what_a_snap_lists_is_images_and_nothing_else() {
    for line in ["q.io/a/b:1 verify-key=/none", "file /etc/passwd", "q.io/a/b:1 \"as=c\""] {
        let store = SnapStore::start([]);
        publish(&store, &Snap { images: Some(format!("{line}\n")), ..Snap::app("tool", 7) }, &[]);
        publish(&store, &Snap::base("core22", 1380), &[]);
        let site = site(&store).file("list.txt", "snap tool images=yes\n");
        site.run(&format!("export --list list.txt {TRUST}"))
            .stderr_holds("in `images.txt` is more than the reference of an image")
            .code(1);
    }
}
