//! Snaps that go from the store into a registry, without a bundle in between.

use airgap_bundle::model::digest::Digest;
use airgap_bundle::model::media_type;
use airgap_bundle::stores::registry::server::{Options, Server};

use super::place::{Snap, TRUST, publish, site};
use crate::fixture::assertions::{Key, account_key};
use crate::fixture::{Graph, SnapStore, Trouble, image};
use crate::site::Site;

struct Places {
    from: Server,
    to: Server,
    store: SnapStore,
    k8s: Snap,
    files: [Vec<u8>; 2],
    pause: Graph,
}

impl Places {
    fn new() -> Self {
        let [from, to] = [(); 2].map(|()| Server::start(Options::memory()).unwrap());
        let pause = image(1, 2, 500);
        pause.put(from.registry(), "k8s/pause", Some("3"));
        let store = SnapStore::start([]);
        let images = Some(format!("{}/k8s/pause:3\n", from.host()));
        let k8s = Snap { images, confinement: "classic", weight: 20_000, ..Snap::app("k8s", 1234) };
        let channels = ["1.32-classic/stable"];
        let core = Snap { weight: 2000, ..Snap::base("core22", 1380) };
        let files = [publish(&store, &k8s, &channels), publish(&store, &core, &[])];
        Self { from, to, store, k8s, files, pause }
    }

    fn site(&self) -> Site {
        site(&self.store)
            .named("FROM", self.from.host())
            .named("TO", self.to.host())
            .file("list.txt", "snap k8s channel=1.32-classic/stable images=yes\n")
    }
}

#[test]
fn a_snap_and_its_images_arrive_proven() {
    let places = Places::new();
    let site = places.site();
    let said = site.run(&format!("mirror --list list.txt --to TO/site {TRUST}")).any_stdout().stderr_of(0);
    assert!(said.contains("3 artifacts for `TO/site`: 3 mirrored"), "{said}");
    assert!(said.contains("warning: snap `k8s` is proven with the root in `root.assert`"), "{said}");
    let registry = places.to.registry();
    for (file, name, revision) in [(&places.files[0], "k8s", "1234"), (&places.files[1], "core22", "1380")] {
        let repository = format!("site/snaps/{name}");
        let manifest = registry.manifest(&repository, revision).unwrap();
        assert_eq!(manifest.media_type, media_type::OCI_MANIFEST);
        assert!(registry.has_blob(&repository, &Digest::sha256(file)));
    }
    places.pause.assert_in(registry, "site/k8s/pause", "3");
    site.run(&format!("extract --only snap --to out --from TO/site {TRUST}"))
        .any_stdout()
        .stderr_holds("warning: snap `k8s` is proven with the root in `root.assert`")
        .stderr_holds(
            "  sudo snap ack out/core22_1380.assert && sudo snap install out/core22_1380.snap\n  \
             sudo snap ack out/k8s_1234.assert && sudo snap install out/k8s_1234.snap --classic\n",
        )
        .code(0);
    assert!(site.read("out/k8s_1234.snap") == places.files[0]);
    assert!(site.read("out/core22_1380.snap") == places.files[1]);
    std::fs::remove_dir_all(site.path("out")).unwrap();
    // What was staged is gone.
    assert_eq!(site.files("."), ["list.txt", "root.assert"]);
    site.run(&format!("mirror --list list.txt --to TO/site {TRUST}"))
        .any_stdout()
        .stderr_holds("3 there already; 0 B sent")
        .code(0);
}

#[test]
fn a_snap_that_is_not_proven_does_not_arrive() {
    let places = Places::new();
    places.store.fail(1000, &format!("{}_1234", places.k8s.id()), Trouble::Flip(5000));
    places
        .site()
        .run(&format!("mirror --list list.txt --to TO/site {TRUST}"))
        .any_stdout()
        .stderr_holds("has other bytes: got sha3-384:")
        .code(3);
    assert!(places.to.registry().manifest("site/snaps/k8s", "1234").is_none());
}

#[test]
fn a_snap_that_nobody_trusted_stands_for_does_not_arrive() {
    let places = Places::new();
    let root = account_key(Key::Root, "canonical").signed(Key::Root);
    places.store.put_assertion(&format!("account-key/{}", Key::Root.id()), root);
    places
        .site()
        .run("mirror --list list.txt --to TO/site")
        .any_stdout()
        .stderr_holds(&format!("assertion `account-key/{}`: ", Key::Root.id()))
        .stderr_holds("the keys that stand for it lead back to itself, and to none that is trusted")
        .code(3);
    assert!(places.to.registry().manifest("site/snaps/core22", "1380").is_none());
}

#[test]
fn a_mirror_leaves_what_export_and_import_leave() {
    let places = Places::new();
    let site = places.site();
    site.run(&format!("mirror --list list.txt --to TO/site {TRUST}")).any_stdout().any_stderr().code(0);
    let other = Server::start(Options::memory()).unwrap();
    let site = site.named("OTHER", other.host());
    site.run(&format!("export --list list.txt {TRUST}")).any_stdout().any_stderr().code(0);
    site.run("import --to OTHER/site").any_stdout().any_stderr().code(0);
    for (repository, tag) in [("snaps/k8s", "1234"), ("snaps/core22", "1380"), ("k8s/pause", "3")] {
        let [one, two] = [&places.to, &other]
            .map(|server| server.registry().manifest(&format!("site/{repository}"), tag).unwrap().digest);
        assert_eq!(one, two, "{repository}");
    }
    let report = site.run(&format!("extract --only snap --to out --from OTHER/site {TRUST} --json")).json(0);
    assert_eq!(report["commands"].as_array().unwrap().len(), 2);
    assert!(site.read("out/k8s_1234.snap") == places.files[0]);
}
