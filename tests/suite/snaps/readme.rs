//! "Canonical Kubernetes, air-gapped, from nothing": what the README says is what is done here, up to where snapd would be
//! needed.

use airgap_bundle::stores::registry::server::{Options, Server};

use super::place::{Snap, TRUST, publish, site};
use crate::containerd::Containerd;
use crate::fixture::{Authority, Graph, SnapStore, image};
use crate::site::Site;
use crate::{namespace, tools};

/// What the snap lists: repository and tag of `ghcr.io`.
const IMAGES: [(&str, &str); 2] = [("canonical/k8s-snap/pause", "3.10"), ("canonical/coredns", "1.12.0-ck1")];
const SECTION: &str = "## Canonical Kubernetes, air-gapped, from nothing\n";

/// Returns the lines of the section that stand as typed, and its text.
fn section() -> (Vec<&'static str>, &'static str) {
    let readme = include_str!("../../../README.md");
    let text = readme.split_once(SECTION).unwrap().1.split("\n## ").next().unwrap();
    (text.lines().filter_map(|line| line.strip_prefix("    ")).collect(), text)
}

/// What there is on the connected side.
struct Connected {
    /// In the place of ghcr.io.
    source: Server,
    store: SnapStore,
    /// Each with its name.
    images: Vec<(Graph, String)>,
    /// By the names of the snaps.
    files: [(&'static str, Vec<u8>); 3],
}

impl Connected {
    fn new() -> Self {
        let source = Server::start(Options::memory()).unwrap();
        let images = IMAGES.iter().zip(1..).map(|((path, tag), seed)| {
            let graph = image(seed, 2, 5000);
            graph.put(source.registry(), path, Some(tag));
            (graph, format!("ghcr.io/{path}:{tag}"))
        });
        let images: Vec<(Graph, String)> = images.collect();
        let listed: Vec<&str> = images.iter().map(|(_, name)| name.as_str()).collect();
        let store = SnapStore::start([]);
        let k8s = Snap {
            images: Some(listed.join("\n")),
            confinement: "classic",
            base: Some("core20"),
            ..Snap::app("k8s", 1234)
        };
        let k8s = publish(&store, &k8s, &["1.32-classic/stable"]);
        let core = publish(&store, &Snap::base("core20", 2434), &[]);
        let snapd = Snap { base: None, kind: Some("snapd"), ..Snap::app("snapd", 24718) };
        let snapd = publish(&store, &snapd, &[]);
        Self { source, store, images, files: [("k8s", k8s), ("core20", core), ("snapd", snapd)] }
    }
}

/// Runs a line that begins with the name of the program, with the tests' own root of trust where snaps are proven.
fn run(site: &Site, line: &str, more: &str) -> crate::site::Outcome {
    let arguments = line.strip_prefix("airgap-bundle ").unwrap();
    let proves = ["export", "verify", "extract"].contains(&arguments.split(' ').next().unwrap());
    site.run(&format!("{arguments} {more} {}", if proves { TRUST } else { "" }))
}

/// Returns what `extract` prints to be typed, and removes what it wrote, once it is the right thing.
fn extracted(site: &Site, line: &str, files: &[(&str, Vec<u8>); 3]) -> Vec<String> {
    let report = run(site, line, "--json").json(0);
    for (name, file) in files {
        assert!(site.read(&format!("{name}.snap")) == *file, "{line}: {name}");
        for ending in ["snap", "assert"] {
            std::fs::remove_file(site.path(&format!("{name}.{ending}"))).unwrap();
        }
    }
    let commands = report["commands"].as_array().unwrap().iter();
    commands.map(|command| command.as_str().unwrap().to_owned()).collect()
}

/// Every image, as containerd gets it that was told so of the registry.
fn assert_pulled(site: &Site, hosts: &str, images: &[(Graph, String)]) {
    let ca = String::from_utf8(site.read("ca.pem")).unwrap();
    let folder = "/etc/containerd/hosts.d";
    let here = site.path("hosts.d").display().to_string();
    std::fs::create_dir_all(site.path("hosts.d/ghcr.io")).unwrap();
    std::fs::write(site.path("hosts.d/ghcr.io/ca.crt"), ca).unwrap();
    std::fs::write(site.path("hosts.d/ghcr.io/hosts.toml"), site.fill(hosts).replace(folder, &here)).unwrap();
    let containerd = Containerd::start();
    for (graph, name) in images {
        tools::run(&mut containerd.ctr(&["content", "fetch", "--hosts-dir", &here, name]));
        assert!(containerd.images().contains(&(name.clone(), graph.digest().to_string(), true)), "{name}");
    }
}

#[test]
fn every_command_of_the_readme_does_what_it_says() {
    let Connected { source, store, images, files } = Connected::new();
    let authority = Authority::new();
    let to = Server::start(Options { tls: Some(authority.sign()), ..Options::memory() }).unwrap();
    let mut site = site(&store)
        .named("SOURCE", source.host())
        .named("registry.internal:5000", to.host())
        .file("ca.pem", &authority.pem())
        .file("registries.conf", "[[registry]]\nprefix = \"ghcr.io\"\nlocation = \"SOURCE\"\n")
        .env("CONTAINERS_REGISTRIES_CONF", "SITE/registries.conf")
        .env("AIRGAP_BUNDLE_CA_CERT", "SITE/ca.pem");
    let (lines, text) = section();
    let typed: Vec<&str> = lines.iter().copied().filter(|line| line.starts_with("sudo snap ")).collect();
    let toml: Vec<&str> =
        lines.iter().copied().skip_while(|line| !line.starts_with("server = ")).take(4).collect();
    assert!(text.contains("`/etc/containerd/hosts.d/ghcr.io/hosts.toml`"));
    let mut done = Vec::new();
    for line in lines {
        let verb = line.split(' ').take(3).collect::<Vec<_>>().join(" ");
        match verb.trim_start_matches("sudo ").split(' ').collect::<Vec<_>>().as_slice() {
            ["snap", "k8s", _] => {
                assert!(text.contains("here `k8s.txt`"));
                site = site.file("k8s.txt", &format!("{line}\n"));
                done.push("list");
            }
            ["airgap-bundle", "export", ..] => {
                let report = run(&site, line, "--json").json(0);
                assert_eq!(report["artifacts"].as_array().unwrap().len(), 5);
                assert_eq!(report["warnings"].to_string().matches("does not go along").count(), 0);
                site = site.named("sha256:…", report["bundle"]["id"].as_str().unwrap());
                done.push("export");
            }
            ["airgap-bundle", "verify", ..] => {
                run(&site, line, "").any_stdout().stderr_holds("3 snaps proven by assertions\n").code(0);
                done.push("verify");
            }
            ["airgap-bundle", "extract", ..] => {
                assert_eq!(extracted(&site, line, &files), typed);
                done.push(if line.contains("--from") { "extract --from" } else { "extract" });
            }
            ["airgap-bundle", "sideload", ..] => {
                let line = line.strip_prefix("sudo ").unwrap();
                let script =
                    format!("mount -t tmpfs tmpfs /var\nmkdir -p /var/snap/k8s/current\n{line} 2>&1\n");
                let said = namespace::run(&site, &format!("{script}ls /var/snap/k8s/common/images\n"));
                for word in
                    ["2 images", "`snap restart k8s.containerd`", "canonical-coredns-1.12.0-ck1.tar\n"]
                {
                    assert!(said.contains(word), "{said}");
                }
                assert!(text.contains("`sudo snap restart k8s.containerd`"));
                done.push("sideload");
            }
            ["airgap-bundle", "import", ..] => {
                run(&site, line, "").any_stdout().any_stderr().code(0);
                assert_pulled(&site, &toml.join("\n"), &images);
                done.push("import");
            }
            ["snap", "ack"] => done.push("snap"),
            ["k8s", _] => {
                assert!(
                    ["sudo k8s bootstrap --address 10.10.10.11", "sudo k8s kubectl get node"].contains(&line)
                );
                done.push("k8s");
            }
            _ => assert!(toml.contains(&line), "nobody types `{line}` here"),
        }
    }
    assert_eq!(
        done,
        [
            "list",
            "export",
            "verify",
            "extract",
            "snap",
            "snap",
            "snap",
            "sideload",
            "import",
            "extract --from",
            "k8s",
            "k8s"
        ]
    );
}
