//! Other people's tools find what was pushed: regctl, and a program on oras-go.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use airgap_bundle::stores::registry::server::Referrers;

use super::places::{server, site, tag};
use crate::docker_registry::DockerRegistry;
use crate::fixture::{artifact, cosign, image, index_of};
use crate::go_program::built;
use crate::site::Site;
use crate::tools::{command, run};

/// Returns where the program on oras-go is.
fn oras() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| built("oras"))
}

/// What refers to a manifest by oras-go: a line of depth, artifact type and digest for each, all fetched.
fn found_by_oras(site: &Site, host: &str, subject: &str) -> Vec<String> {
    let mut lines: Vec<String> =
        run(Command::new(oras()).args([host, "a/b", subject]).current_dir(site.root()))
            .lines()
            .map(str::to_owned)
            .collect();
    lines.sort();
    lines
}

fn found_by_regctl(site: &Site, host: &str, reference: &str) -> String {
    run(command("regctl", site.root()).args([
        "--host",
        &format!("reg={host},tls=disabled"),
        "artifact",
        "tree",
        &format!("{host}/{reference}"),
    ]))
}

#[test]
fn regctl_and_oras_find_all_of_it_on_both_kinds_of_registries() {
    let (amd64, arm64) = (image(1, 1, 10), image(2, 1, 10));
    let root = index_of(&[("linux/amd64", &amd64), ("linux/arm64", &arm64)]);
    let of_root = artifact(3, "application/vnd.one", Some(&root));
    let deeper = artifact(4, "application/vnd.two", Some(&of_root));
    let of_child = artifact(5, "application/vnd.three", Some(&arm64));
    let signature = cosign(&root, &["me"]);
    let from = server(Referrers::On);
    root.put(from.registry(), "a/b", Some("1"));
    for referrer in [&of_root, &deeper, &of_child] {
        referrer.put(from.registry(), "a/b", None);
    }
    signature.put(from.registry(), "a/b", Some(&format!("{}.sig", tag(&root))));
    let (with, without) = (server(Referrers::On), DockerRegistry::start());
    let site = site(&from, &with);
    site.run("export -o site.tar FROM/a/b:1").any_stdout().any_stderr().code(0);
    for host in [with.host(), without.host().to_owned()] {
        site.run(&format!("import site.tar --to {host}")).any_stderr().code(0);
        let mut expected = vec![
            format!("0 application/vnd.one {}", of_root.digest()),
            format!("1 application/vnd.two {}", deeper.digest()),
        ];
        expected.sort();
        assert_eq!(found_by_oras(&site, &host, &root.digest().to_string()), expected);
        let of_arm64 = format!("0 application/vnd.three {}", of_child.digest());
        assert_eq!(found_by_oras(&site, &host, &arm64.digest().to_string()), [of_arm64]);
        let tree = found_by_regctl(&site, &host, "a/b:1");
        for referrer in [&of_root, &deeper, &of_child] {
            assert!(tree.contains(&referrer.digest().to_string()), "{tree}");
        }
        let digest = run(command("crane", site.root()).args([
            "digest",
            "--insecure",
            &format!("{host}/a/b:{}.sig", tag(&root)),
        ]));
        assert_eq!(digest.trim(), signature.digest().to_string());
    }
}
