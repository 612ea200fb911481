//! What was read of a snap while planning, and what came then.

use airgap_bundle::stores::registry::server::{Options, Server};

use super::place::{Snap, TRUST, publish, publish_as, site};
use crate::fixture::{SnapStore, Trouble, image};
use crate::site::Site;

/// A registry with two images, and a store; the snap lists the first one, as it is proven.
struct Places {
    registry: Server,
    store: SnapStore,
    tool: Snap,
}

impl Places {
    fn new() -> Self {
        let registry = Server::start(Options::memory()).unwrap();
        for (number, name) in [(1, "one"), (2, "two")] {
            image(number, 1, 500).put(registry.registry(), name, Some("1"));
        }
        let store = SnapStore::start([]);
        publish(&store, &Snap { weight: 2000, ..Snap::base("core22", 1380) }, &[]);
        let images = Some(format!("{}/one:1\n", registry.host()));
        Self { tool: Snap { images, weight: 50_000, ..Snap::app("tool", 7) }, registry, store }
    }

    fn site(&self) -> Site {
        site(&self.store).named("HOST", self.registry.host()).file("list.txt", "snap tool images=yes\n")
    }

    /// Publishes the snap, with parts of another one where parts are asked for.
    fn publish_with_parts_of(&self, other: &Snap) {
        let (mut file, mut other) = (self.tool.file(), other.file());
        let length = file.len().max(other.len());
        // What follows the end of a squashfs is passed over.
        file.resize(length, 0);
        other.resize(length, 0);
        publish_as(&self.store, &self.tool, &[], &file, "canonical");
        self.store.fail(1000, &format!("{}_7", self.tool.id()), Trouble::Parts(other.into()));
    }
}

#[test]
fn another_list_of_images_than_was_planned_with_is_an_error() {
    let places = Places::new();
    let host = places.registry.host();
    for listed in [format!("{host}/two:1\n"), format!("{host}/one:1\n{host}/two:1\n")] {
        let other = Snap { images: Some(listed), ..places.tool.clone() };
        places.publish_with_parts_of(&other);
        let site = places.site();
        // What the first run has left is believed no farther by the second.
        for _ in 0..2 {
            site.run(&format!("export --list list.txt {TRUST}"))
                .any_stdout()
                .stderr_holds("snap `tool:7`: its `images.txt`: expected sha256:[1], got sha256:[2]")
                .code(3);
            assert!(!site.path("airgap-bundle.tar").exists());
        }
        places.store.mend();
        places.store.asked();
        site.run(&format!("export --list list.txt {TRUST}"))
            .any_stdout()
            .stderr_holds("3 artifacts, ")
            .code(0);
        let asked = places.store.asked();
        let downloads = asked.iter().filter(|asked| asked.line.contains("/download/"));
        assert!(downloads.into_iter().all(|asked| asked.headers.contains_key("range")), "fetched before");
    }
}

#[test]
fn where_images_go_alone_their_list_is_proven_first() {
    let places = Places::new();
    let listed = Some(format!("{}/two:1\n", places.registry.host()));
    places.publish_with_parts_of(&Snap { images: listed, ..places.tool.clone() });
    let site = places.site();
    for (number, selected) in ["--only image", "--except snap"].iter().enumerate() {
        let output = format!("{number}.tar");
        site.run(&format!("export --list list.txt {TRUST} {selected} -o {output}"))
            .any_stdout()
            .stderr_holds("1 artifact, ")
            .code(0);
        site.run(&format!("inspect {output} --list")).stdout_holds("HOST/one:1").code(0);
    }
    assert_eq!(site.files("."), ["0.tar", "1.tar", "list.txt", "root.assert"]);
    // An earlier bundle that has the snap proves no list that was read elsewhere.
    places.store.mend();
    site.run(&format!("export --list list.txt {TRUST} -o whole.tar")).any_stdout().any_stderr().code(0);
    let listed = Some(format!("{}/two:1\n", places.registry.host()));
    places.publish_with_parts_of(&Snap { images: listed, ..places.tool.clone() });
    site.run(&format!("export --list list.txt {TRUST} --only image --reuse whole.tar -o reused.tar"))
        .any_stdout()
        .any_stderr()
        .code(0);
    site.run("inspect reused.tar --list").stdout_holds("HOST/one:1").code(0);
}

#[test]
fn images_whose_snap_does_not_come_make_no_bundle() {
    let places = Places::new();
    let listed = Some(format!("{}/two:1\n", places.registry.host()));
    places.publish_with_parts_of(&Snap { images: listed, ..places.tool.clone() });
    let site = places.site();
    let download = format!("{}_7.snap", places.tool.id());
    places.store.fail(1000, &download, Trouble::Flip(30_000));
    places.store.mend();
    places.publish_with_parts_of(&Snap {
        images: Some(format!("{}/two:1\n", places.registry.host())),
        ..places.tool.clone()
    });
    site.run(&format!("export --list list.txt {TRUST} --keep-going")).any_stdout().any_stderr().code(3);
    assert!(!site.path("airgap-bundle.tar").exists());
}

#[test]
fn the_same_list_in_other_parts_is_the_same() {
    let places = Places::new();
    places.publish_with_parts_of(&places.tool.clone());
    places
        .site()
        .run(&format!("export --list list.txt {TRUST}"))
        .any_stdout()
        .stderr_holds("3 artifacts, ")
        .code(0);
}

#[test]
fn of_a_store_without_ranges_the_snap_is_fetched_first() {
    let places = Places::new();
    publish(&places.store, &places.tool, &[]);
    let site = places.site();
    let export = format!("export --list list.txt {TRUST}");
    site.run(&format!("{export} -o old.tar")).any_stdout().any_stderr().code(0);
    places.store.fail(1000, &format!("{}_7", places.tool.id()), Trouble::Whole);
    for further in ["", "--reuse old.tar"] {
        site.run(&format!("{export} -o new.tar --force {further}"))
            .any_stdout()
            .stderr_holds("3 artifacts, ")
            .code(0);
        assert_eq!(site.read("new.tar"), site.read("old.tar"), "{further}");
        std::fs::remove_file(site.path("new.tar")).unwrap();
    }
}

#[test]
fn parts_that_are_no_squashfs_are_told() {
    let places = Places::new();
    let file = publish(&places.store, &places.tool, &[]);
    let other = vec![0; file.len()];
    places.store.fail(1000, &format!("{}_7", places.tool.id()), Trouble::Parts(other.into()));
    places
        .site()
        .run(&format!("export --list list.txt {TRUST}"))
        .stderr_holds("revision 7 of snap `tool`")
        .stderr_holds("squashfs")
        .code(1);
}
