//! The places that a real site has: a read-only medium, a small `TMPDIR`, the folder of Canonical Kubernetes.

use airgap_bundle::stores::registry::server::{Options, Server};

use crate::containerd::Containerd;
use crate::docker_registry::DockerRegistry;
use crate::fixture::{Pack, chart, image, index};
use crate::namespace::run;
use crate::site::Site;

/// Every layer alone is longer than what `TMPDIR` holds.
const LAYER: usize = 12_000_000;

#[test]
fn a_read_only_medium_and_a_small_tmpdir_are_enough_for_every_command_that_reads() {
    let to = Server::start(Options::memory()).unwrap();
    let big = image(1, 2, LAYER);
    let pack = Pack::new()
        .graph("quay.io/a/big:1", &big)
        .graph("quay.io/charts/app:1.0.0", &chart("app", "1.0.0", b"packed"))
        .file("setup.sh", &vec![b'#'; LAYER]);
    let site = Site::new().named("TO", to.host()).bytes("medium/airgap-bundle.tar", &pack.tar());
    let stdout = run(
        &site,
        r"
        mount --bind medium medium
        mount -o remount,bind,ro medium
        mount -t tmpfs -o size=10m tmpfs tmp
        mkdir target && mount -t tmpfs -o size=200m tmpfs target
        cd medium
        if touch proof 2>/dev/null; then exit 9; fi
        airgap-bundle verify
        airgap-bundle verify --cached
        airgap-bundle inspect >/dev/null
        airgap-bundle inspect --raw >/dev/null
        airgap-bundle inspect --list >/dev/null
        airgap-bundle import --to TO
        airgap-bundle sideload --containerd-dir=../target/images --platform linux/amd64
        airgap-bundle extract --to ../target/files
        cd ..
        find tmp home -mindepth 1
        find target -type f | sort
        ",
    );
    assert_eq!(
        stdout,
        "target/files/app-1.0.0.tgz\ntarget/files/app-1.0.0.tgz.prov\ntarget/files/setup.sh\n\
         target/images/quay.io-a-big-1.tar\n"
    );
    big.assert_in(to.registry(), "a/big", "1");
}

#[test]
fn a_folder_that_cannot_be_written_to_is_one_error() {
    let pack = (0..3).fold(Pack::new(), |pack, number| {
        pack.graph(&format!("quay.io/a/n{number}:1"), &image(number, 1, 10))
    });
    let site = Site::new().bytes("site.tar", &pack.tar());
    let stdout = run(
        &site,
        r#"
        mkdir images
        mount --bind images images
        mount -o remount,bind,ro images
        set +e
        airgap-bundle sideload --containerd-dir=images --platform linux/amd64 site.tar 2>&1
        echo "exit status $?"
        "#,
    );
    assert_eq!(
        stdout,
        "error: writing to folder `images`: Read-only file system (os error 30)\n\n\
         hint: name another place with `--containerd-dir`\nexit status 1\n"
    );
}

#[test]
fn the_three_lines_of_the_readme_do_what_they_say() {
    let platforms = ["linux/amd64", "linux/arm64"];
    let (one, two) = (index(1, &platforms, 2, 50_000), index(2, &platforms, 1, 1000));
    let from = Server::start(Options::memory()).unwrap();
    one.put(from.registry(), "a/one", Some("1"));
    two.put(from.registry(), "two", Some("v2"));
    chart("app", "1.0.0", b"packed").put(from.registry(), "charts/app", Some("1.0.0"));
    let (to, containerd) = (DockerRegistry::start(), Containerd::start());
    let import = format!("{:?}", containerd.ctr(&["images", "import", "--no-unpack"]));
    let site = Site::new()
        .named("FROM", from.host())
        .named("DESTINATION", to.host())
        .named("CTR-IMPORT", import)
        .file("artifacts.txt", "FROM/a/one:1\nFROM/two:v2\noci://FROM/charts/app:1.0.0\nfile ./setup.sh\n")
        .file("setup.sh", "#!/bin/sh\n");
    let stdout = run(
        &site,
        r#"
        mount -t tmpfs tmpfs /var
        mkdir -p /var/snap/k8s/current
        airgap-bundle export --list artifacts.txt >&2
        airgap-bundle import --to DESTINATION
        airgap-bundle sideload --containerd-dir
        cd /var/snap/k8s/common/images
        ls
        for tar in *.tar; do CTR-IMPORT "$tar" >&2; done
        "#,
    );
    let host = from.host().replace(':', "-");
    assert_eq!(stdout, format!("{host}-a-one-1.tar\n{host}-two-v2.tar\n"));
    let images = containerd.images();
    for (path, tag, graph) in [("a/one", "1", &one), ("two", "v2", &two)] {
        let named = |name: &str| images.iter().find(|(other, _, _)| other == name).cloned();
        let tagged = named(&format!("{}/{path}:{tag}", from.host())).unwrap();
        let by_digest = format!("{}/{path}@{}", from.host(), graph.digest());
        assert!(tagged.2, "{tagged:?}");
        assert_eq!(named(&by_digest), Some((by_digest.clone(), graph.digest().to_string(), true)));
        let there = crate::tools::run(crate::tools::command("crane", &site.path("home")).args([
            "digest",
            "--insecure",
            &format!("{}/{path}:{tag}", to.host()),
        ]));
        assert_eq!(there.trim(), graph.digest().to_string());
    }
    assert!(!std::path::Path::new("/var/snap/k8s/common/images").join(format!("{host}-two-v2.tar")).exists());
}
