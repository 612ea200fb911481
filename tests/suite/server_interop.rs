//! The server, driven by skopeo, crane and regctl.

use std::path::Path;
use std::process::Command;

use airgap_bundle::stores::registry::server::{Auth, Options, Server};
use tempfile::TempDir;

use crate::fixture::{Authority, Graph, artifact, image, image_for, index, index_of};
use crate::tools::{command, run};

const USER: &str = "user";
const PASSWORD: &str = "pass word";

/// A server, and a home for the tools in which they are logged in to it.
struct Site {
    server: Server,
    home: TempDir,
}

impl Site {
    fn new(auth: &Auth) -> Self {
        let site = Self {
            server: Server::start(Options { auth: auth.clone(), ..Options::memory() }).unwrap(),
            home: tempfile::tempdir().unwrap(),
        };
        let host = site.server.host();
        run(site.regctl().args(["registry", "set", "--skip-check", "--tls", "disabled", &host]));
        if *auth != Auth::None {
            let credentials = ["--username", USER, "--password", PASSWORD];
            run(site.skopeo("login").args(["--tls-verify=false", &host]).args(credentials));
            run(site.crane().args(["auth", "login", &host]).args(credentials));
            run(site.regctl().args(["registry", "login", &host, "--user", USER, "--pass", PASSWORD]));
        }
        site
    }

    fn home(&self) -> &Path {
        self.home.path()
    }

    fn skopeo(&self, verb: &str) -> Command {
        let mut command = command("skopeo", self.home());
        command.args(["--insecure-policy", verb]);
        command
    }

    fn crane(&self) -> Command {
        let mut command = command("crane", self.home());
        command.arg("--insecure");
        command
    }

    fn regctl(&self) -> Command {
        command("regctl", self.home())
    }

    /// Spells a reference to this server.
    fn at(&self, rest: &str) -> String {
        format!("{}/{rest}", self.server.host())
    }

    /// Writes a graph as a layout and returns its folder.
    fn layout(&self, name: &str, graph: &Graph) -> String {
        let folder = self.home().join(name);
        graph.write_layout(&folder, "v1");
        folder.display().to_string()
    }
}

fn every_auth() -> [Auth; 3] {
    [Auth::None, Auth::basic(USER, PASSWORD), Auth::bearer(USER, PASSWORD)]
}

fn two_platforms(seed: u64) -> Graph {
    index(seed, &["linux/amd64", "linux/arm64"], 2, 3000)
}

#[test]
fn skopeo_pushes_copies_pulls_lists_and_deletes() {
    for auth in every_auth() {
        let site = Site::new(&auth);
        let graph = two_platforms(1);
        let layout = site.layout("in", &graph);
        let registry = site.server.registry();
        let docker = |rest: &str| format!("docker://{}", site.at(rest));
        let copy = |from: &str, to: &str| {
            let flags = ["--all", "--preserve-digests", "--src-tls-verify=false", "--dest-tls-verify=false"];
            run(site.skopeo("copy").args(flags).args([from, to]));
        };
        copy(&format!("oci:{layout}:v1"), &docker("deep/er/name:v1"));
        graph.assert_in(registry, "deep/er/name", "v1");
        copy(&docker("deep/er/name:v1"), &docker("other:v2"));
        graph.assert_in(registry, "other", "v2");
        let pinned = format!("other@{}", graph.digest());
        copy(&docker(&pinned), &format!("oci:{}:v1", site.home().join("out").display()));
        let out = std::fs::read(site.home().join("out/blobs/sha256").join(graph.digest().hex())).unwrap();
        assert_eq!(out, graph.root().bytes);
        let tags = run(site.skopeo("list-tags").args(["--tls-verify=false", &docker("other")]));
        assert!(tags.contains("\"v2\""), "{tags}");
        run(site.skopeo("delete").args(["--tls-verify=false", &docker("other:v2")]));
        assert_eq!(registry.manifest("other", "v2"), None);
        graph.assert_in(registry, "deep/er/name", "v1");
    }
}

#[test]
fn crane_pushes_copies_pulls_lists_and_deletes() {
    for auth in every_auth() {
        let site = Site::new(&auth);
        let graph = two_platforms(2);
        let layout = site.layout("in", &graph);
        let registry = site.server.registry();
        run(site.crane().args(["push", "--index", &layout, &site.at("a/b:v1")]));
        // crane pushes the layout's own index, whose only child is the graph.
        let root = graph.digest().to_string();
        graph.assert_in(registry, "a/b", &root);
        run(site.crane().args(["copy", &site.at(&format!("a/b@{root}")), &site.at("c:v1")]));
        graph.assert_in(registry, "c", "v1");
        assert_eq!(run(site.crane().args(["digest", &site.at("c:v1")])).trim(), root);
        run(site.crane().args(["tag", &site.at("c:v1"), "v2"]));
        assert_eq!(run(site.crane().args(["ls", &site.at("c")])), "v1\nv2\n");
        let manifest = run(site.crane().args(["manifest", &site.at("c:v2")]));
        assert_eq!(manifest.trim_end().as_bytes(), graph.root().bytes);
        let blob = &graph.blobs[1];
        let got = site.crane().args(["blob", &site.at(&format!("c@{}", blob.digest))]).output().unwrap();
        assert_eq!(got.stdout, blob.bytes);
        run(site.crane().args(["delete", &site.at(&format!("c@{root}"))]));
        assert!(registry.tags("c").is_empty());
    }
}

#[test]
fn regctl_pushes_copies_lists_referrers_and_deletes() {
    for auth in every_auth() {
        let site = Site::new(&auth);
        let graph = two_platforms(3);
        let layout = site.layout("in", &graph);
        let registry = site.server.registry();
        run(site.regctl().args(["image", "copy", &format!("ocidir://{layout}:v1"), &site.at("a/b/c:v1")]));
        graph.assert_in(registry, "a/b/c", "v1");
        let signature = artifact(4, "application/vnd.example.signature", Some(&graph));
        let other = artifact(5, "application/vnd.example.sbom", Some(&graph));
        for referrer in [&signature, &other] {
            let layout = site.layout(&referrer.digest().hex(), referrer);
            let to = site.at(&format!("a/b/c@{}", referrer.digest()));
            run(site.regctl().args(["image", "copy", &format!("ocidir://{layout}:v1"), &to]));
        }
        let format = ["--format", "{{range .Descriptors}}{{.Digest}} {{end}}"];
        let listed = |more: &[&str]| {
            run(site.regctl().args(["artifact", "list", &site.at("a/b/c:v1")]).args(format).args(more))
        };
        let mut all: Vec<String> = [&signature, &other].map(|graph| graph.digest().to_string()).into();
        all.sort();
        assert_eq!(listed(&[]).split_whitespace().collect::<Vec<_>>(), all);
        let filter = ["--filter-artifact-type", "application/vnd.example.sbom"];
        assert_eq!(listed(&filter).trim(), other.digest().to_string());
        run(site.regctl().args(["image", "copy", "--referrers", &site.at("a/b/c:v1"), &site.at("d:v1")]));
        graph.assert_in(registry, "d", "v1");
        signature.assert_in(registry, "d", &signature.digest().to_string());
        assert_eq!(run(site.regctl().args(["tag", "ls", &site.at("d")])), "v1\n");
        run(site.regctl().args(["tag", "rm", &site.at("d:v1")]));
        assert!(registry.tags("d").is_empty());
        graph.assert_in(registry, "d", &graph.digest().to_string());
        run(site.regctl().args(["manifest", "rm", &site.at(&format!("d@{}", graph.digest()))]));
        assert_eq!(registry.manifest("d", &graph.digest().to_string()), None);
    }
}

#[test]
fn tools_mount_between_repositories() {
    for auth in every_auth() {
        let site = Site::new(&auth);
        let graph = image(6, 2, 50_000);
        graph.put(site.server.registry(), "from/here", Some("v1"));
        run(site.crane().args(["copy", &site.at("from/here:v1"), &site.at("by/crane:v1")]));
        run(site.regctl().args(["image", "copy", &site.at("from/here:v1"), &site.at("by/regctl:v1")]));
        for repository in ["by/crane", "by/regctl"] {
            graph.assert_in(site.server.registry(), repository, "v1");
        }
        let requests = site.server.requests();
        let mounted = requests.iter().filter(|request| request.query.contains("mount=")).collect::<Vec<_>>();
        assert!(mounted.iter().any(|request| request.status == Some(201)), "{mounted:?}");
        let moved: u64 =
            requests.iter().filter(|request| request.path.contains("/blobs/")).map(|r| r.bytes_in).sum();
        assert!(moved < 50_000, "{moved} bytes were uploaded although they could be mounted");
    }
}

#[test]
fn regctl_pushes_what_is_not_a_plain_image() {
    let site = Site::new(&Auth::None);
    let windows = image_for("windows/amd64", 7, 1, 10);
    let nested = index_of(&[("", &two_platforms(8)), ("windows/amd64", &windows)]);
    let empty = index_of(&[]);
    for (name, graph) in [("nested", &nested), ("empty", &empty), ("bare", &image(9, 0, 0))] {
        let layout = site.layout(name, graph);
        run(site.regctl().args([
            "image",
            "copy",
            "--force-recursive",
            &format!("ocidir://{layout}:v1"),
            &site.at(&format!("{name}:v1")),
        ]));
        graph.assert_in(site.server.registry(), name, "v1");
    }
}

#[test]
fn tools_trust_the_authority_that_they_are_given() {
    let authority = Authority::new();
    let options = Options { tls: Some(authority.sign()), ..Options::memory() };
    let site = Site { server: Server::start(options).unwrap(), home: tempfile::tempdir().unwrap() };
    let certificates = site.home().join("certificates");
    std::fs::create_dir(&certificates).unwrap();
    std::fs::write(certificates.join("authority.crt"), authority.pem()).unwrap();
    let graph = image(10, 1, 100);
    let layout = site.layout("in", &graph);
    run(site
        .skopeo("copy")
        .args(["--preserve-digests", "--dest-cert-dir"])
        .arg(&certificates)
        .args([format!("oci:{layout}:v1"), format!("docker://{}", site.at("a:skopeo"))]));
    let trusted = certificates.join("authority.crt");
    let mut crane = command("crane", site.home());
    run(crane.env("SSL_CERT_FILE", &trusted).args(["tag", &site.at("a:skopeo"), "crane"]));
    let (from, to) = (site.at("a:crane"), site.at("a:regctl"));
    run(site.regctl().env("SSL_CERT_FILE", &trusted).args(["image", "copy", &from, &to]));
    for tag in ["skopeo", "crane", "regctl"] {
        graph.assert_in(site.server.registry(), "a", tag);
    }
    let mut distrustful = command("crane", site.home());
    assert!(!distrustful.args(["digest", &from]).output().unwrap().status.success());
}
