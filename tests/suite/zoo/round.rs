//! Out of one registry, through a bundle, into another.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use airgap_bundle::model::digest::{Algorithm, Digest};
use airgap_bundle::stores::registry::server::{Options, Server};

use super::http;
use super::members::{Held, Member, all};
use crate::docker_registry::DockerRegistry;
use crate::fixture::assertions::CANONICAL;
use crate::fixture::{artifact, bytes, image};
use crate::site::Site;
use crate::tools::{command, run};

/// Returns the three ways to name a member: by tag, by digest, by both.
fn references(member: &Member) -> [String; 3] {
    let (name, digest) = (member.name, member.graph.digest());
    [format!("zoo/{name}:v1"), format!("zoo/{name}@{digest}"), format!("zoo/{name}:v1@{digest}")]
}

/// Exports everything from `from` and imports it into `to`, each reference on a line of its own.
fn carry(members: &[Member], from: &str, to: &str) -> Site {
    let lines: Vec<String> =
        members.iter().flat_map(references).map(|reference| format!("FROM/{reference}\n")).collect();
    let site = Site::new().named("FROM", from).named("TO", to);
    let site = site.file("artifacts.txt", &lines.concat());
    site.run("export --list artifacts.txt").any_stdout().any_stderr().code(0);
    site.run("verify").any_stdout().any_stderr().code(0);
    site.run("import --to TO").any_stderr().code(0);
    site.run("import --to TO").stderr_holds("0 B sent").code(0);
    site
}

/// Asserts that a registry holds a member, byte for byte, under every reference.
fn assert_held(host: &str, member: &Member) {
    let repository = format!("zoo/{}", member.name);
    let root = member.graph.root();
    let kept = format!("digest-{}", root.digest.short());
    for reference in ["v1", &kept, &root.digest.to_string()] {
        let answer = http::manifest(host, &repository, reference);
        assert_eq!(answer.status, 200, "{repository} {reference}");
        assert!(answer.body == root.bytes, "{repository} {reference}: other bytes");
        assert_eq!(answer.header("content-type"), Some(root.media_type.as_str()), "{repository} {reference}");
    }
    for manifest in &member.graph.manifests {
        let answer = http::manifest(host, &repository, &manifest.digest.to_string());
        assert!(answer.status == 200 && answer.body == manifest.bytes, "{repository} {}", manifest.digest);
    }
    for blob in &member.graph.blobs {
        let answer = http::send(host, "GET", &format!("/v2/{repository}/blobs/{}", blob.digest), &[], &[]);
        assert!(answer.status == 200 && answer.body == blob.bytes, "{repository} {}", blob.digest);
    }
}

/// Asserts that other people's tools find the same digests.
fn assert_seen(site: &Site, host: &str, member: &Member) {
    let root = member.graph.root();
    if root.digest.algorithm() != Algorithm::Sha256 {
        return;
    }
    let digest = root.digest.to_string();
    let [tag, by_digest, _] = references(member).map(|reference| format!("{host}/{reference}"));
    let crane = run(command("crane", site.root()).args(["digest", "--insecure", &tag]));
    assert_eq!(crane.trim(), digest, "crane {tag}");
    let plain = format!("reg={host},tls=disabled");
    let regctl = run(command("regctl", site.root()).args(["--host", &plain, "manifest", "head", &by_digest]));
    assert_eq!(regctl.trim(), digest, "regctl {by_digest}");
    let skopeo = command("skopeo", site.root())
        .args(["inspect", "--raw", "--tls-verify=false", &format!("docker://{tag}")])
        .output()
        .unwrap();
    assert!(skopeo.status.success(), "skopeo {tag}: {}", String::from_utf8_lossy(&skopeo.stderr));
    assert_eq!(Digest::sha256(&skopeo.stdout), root.digest, "skopeo {tag}");
}

#[test]
fn everything_passes_from_docker_registry_to_docker_registry() {
    let (from, to) = (DockerRegistry::start(), DockerRegistry::start());
    let members: Vec<Member> = all().into_iter().filter(|member| member.held == Held::Everywhere).collect();
    for member in &members {
        http::push(from.host(), &format!("zoo/{}", member.name), &member.graph, "v1");
        assert_eq!(http::manifest(from.host(), &format!("zoo/{}", member.name), "v1").status, 200);
    }
    let site = carry(&members, from.host(), to.host());
    for member in &members {
        assert_held(to.host(), member);
        assert_seen(&site, to.host(), member);
    }
}

#[test]
fn everything_passes_between_our_own_registries() {
    let (from, to) = (Server::start(Options::memory()).unwrap(), Server::start(Options::memory()).unwrap());
    let members = all();
    for member in &members {
        member.graph.put(from.registry(), &format!("zoo/{}", member.name), Some("v1"));
    }
    let site = carry(&members, &from.host(), &to.host());
    for member in &members {
        assert_held(&to.host(), member);
    }
    for member in members.iter().filter(|member| member.held == Held::ByOurs) {
        assert_seen(&site, &to.host(), member);
    }
}

/// Bits of every sort of entry, found by the command: many blobs at a time, as it works for users.
#[test]
fn one_wrong_bit_of_everything_is_found() {
    let from = Server::start(Options::memory()).unwrap();
    let members = all();
    for member in &members {
        member.graph.put(from.registry(), &format!("zoo/{}", member.name), Some("v1"));
    }
    let lines: Vec<String> = members.iter().map(|member| format!("FROM/zoo/{}:v1\n", member.name)).collect();
    let site = Site::new().named("FROM", from.host()).file("artifacts.txt", &lines.concat());
    site.run("export --list artifacts.txt").any_stdout().any_stderr().code(0);
    let file = OpenOptions::new().read(true).write(true).open(site.path("airgap-bundle.tar")).unwrap();
    let length = file.metadata().unwrap().len();
    let seeds = bytes(77, 8 * 60);
    for (turn, seed) in seeds.chunks(8).enumerate() {
        let seed = u64::from_le_bytes(seed.try_into().unwrap());
        // The largest manifest takes most of the file: a third of the bits are of the head, and a third of the end.
        let at = match turn % 3 {
            0 => seed % length.min(40_000),
            1 => length - 1 - seed % length.min(60_000),
            _ => seed % length,
        };
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ (1 << (seed >> 60 & 7))], at).unwrap();
        site.run("verify --jobs 3").any_stdout().any_stderr().code(3);
        file.write_all_at(&byte, at).unwrap();
    }
    site.run("verify").any_stdout().any_stderr().code(0);
}

#[test]
fn an_artifact_with_a_subject_passes_and_is_found() {
    let (from, to) = (DockerRegistry::start(), DockerRegistry::start());
    let subject = image(1, 1, 100);
    let signature = artifact(2, "application/vnd.example.signature", Some(&subject));
    http::push(from.host(), "zoo/signed", &subject, "v1");
    http::push(from.host(), "zoo/signed", &signature, "sig");
    let site = Site::new().named("FROM", from.host()).named("TO", to.host());
    site.run("export FROM/zoo/signed:v1 FROM/zoo/signed:sig").any_stdout().any_stderr().code(0);
    site.run("import --to TO").any_stderr().code(0);
    assert_eq!(http::manifest(to.host(), "zoo/signed", "sig").body, signature.root().bytes);
    let plain = format!("reg={},tls=disabled", to.host());
    let listed = run(command("regctl", site.root()).args([
        "--host",
        &plain,
        "artifact",
        "list",
        &format!("{}/zoo/signed:v1", to.host()),
        "--format",
        "{{range .Descriptors}}{{println .Digest}}{{end}}",
    ]));
    assert_eq!(listed.trim(), signature.digest().to_string());
}

/// Returns every file below a folder, by its path.
fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                files.insert(path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    files
}

#[test]
fn mirror_leaves_the_very_bytes_that_export_and_import_leave() {
    let from = Server::start(Options::memory()).unwrap();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [carried, mirrored] =
        folders.each_ref().map(|folder| Server::start(Options::folder(folder.path()).unwrap()).unwrap());
    let members = all();
    for member in &members {
        member.graph.put(from.registry(), &format!("zoo/{}", member.name), Some("v1"));
    }
    let lines = members.iter().flat_map(references).map(|reference| format!("FROM/{reference}\n"));
    let list =
        lines.chain(["./setup.sh\n".to_owned(), "assert ./brand.assert\n".to_owned()]).collect::<String>();
    let site = Site::new()
        .named("FROM", from.host())
        .file("setup.sh", "#!/bin/sh\n")
        .bytes("brand.assert", CANONICAL);
    let site =
        site.named("CARRIED", carried.host()).named("MIRRORED", mirrored.host()).file("list.txt", &list);
    for flags in ["", "--platform linux/amd64 --except *empty-index*"] {
        let to = if flags.is_empty() { "" } else { "/narrow" };
        site.run(&format!("export --force --list list.txt {flags}")).any_stdout().any_stderr().code(0);
        site.run(&format!("import --to CARRIED{to}")).any_stderr().code(0);
        site.run(&format!("mirror --list list.txt --to MIRRORED{to} {flags}")).any_stderr().code(0);
        let [one, other] = folders.each_ref().map(|folder| tree(folder.path()));
        let (one_names, other_names): (Vec<_>, Vec<_>) = (one.keys().collect(), other.keys().collect());
        assert_eq!(one_names, other_names, "{flags}");
        let differ: Vec<_> = one
            .iter()
            .filter(|(path, bytes)| other.get(*path) != Some(bytes))
            .map(|(path, _)| path)
            .collect();
        assert!(differ.is_empty(), "{flags}: {differ:?}");
        assert!(one.len() > 100, "{}", one.len());
    }
    site.run("mirror --list list.txt --to MIRRORED").stderr_holds("; 0 B sent").code(0);
    site.run("import --to MIRRORED/narrow").stderr_holds("0 B sent").code(0);
}
