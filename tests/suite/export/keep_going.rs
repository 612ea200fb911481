//! Artifacts that fail, and bundles without them.

use airgap_bundle::stores::registry::server::{Auth, Fault, Faults, Options, Server};

use super::{ID, asked, contents, digests, next};
use crate::fixture::{Graph, image};
use crate::site::Site;

/// A registry with images `a`, `b` and `c`, in which the only layer of `b` has a fault as long as `broken` exists.
fn content(fault: Fault) -> (Server, Site, [Graph; 3]) {
    let graphs = [1, 2, 3].map(|seed| image(seed, 1, 300_000));
    let layer = graphs[1].blobs[1].digest.hex();
    let site = Site::new().file("broken", "");
    let flag = site.path("broken");
    let faults = Faults::new(move |view| {
        if view.gets_blob() && view.path.ends_with(&layer) && flag.exists() {
            fault.clone()
        } else {
            Fault::None
        }
    });
    let server = Server::start(Options { faults, ..Options::memory() }).unwrap();
    for (name, graph) in ["a", "b", "c"].iter().zip(&graphs) {
        graph.put(server.registry(), name, Some("1"));
    }
    let site = site.named("REGISTRY", server.host());
    let site = site.file("list.txt", "REGISTRY/a:1\nREGISTRY/b:1\nREGISTRY/c:1\n");
    (server, site, graphs)
}

const GONE: &str = "error: could not export `REGISTRY/gone:1` (list.txt:2:1)\n\
                    \x20 cause: reading from registry `REGISTRY`: manifest `1` of `REGISTRY/gone` (HTTP status 404: \
                    MANIFEST_UNKNOWN `gone` has no manifest `1`) was not found\n\
                    \nhint: check the spelling of `REGISTRY/gone` and of the tag `1`\n";

#[test]
fn every_failure_is_listed_and_no_bundle_appears() {
    let (server, site, _) = content(Fault::None);
    let site = site.file("list.txt", "REGISTRY/a:1\nREGISTRY/gone:1\nREGISTRY/b:2\n");
    site.run("export --list list.txt")
        .stderr(&format!(
            "{GONE}error: could not export `REGISTRY/b:2` (list.txt:3:1)\n\
             \x20 cause: reading from registry `REGISTRY`: manifest `2` of `REGISTRY/b` (HTTP status 404: \
             MANIFEST_UNKNOWN `b` has no manifest `2`) was not found\n\
             \nhint: `REGISTRY/b` has the tags `1`\n\
             2 of 3 artifacts failed; no bundle was made\n\
             mend the list and run the same command again, or add `--keep-going` for a bundle without them\n"
        ))
        .code(1);
    assert_eq!(site.files("."), ["broken", "list.txt"]);
    assert_eq!(asked(&server).len(), 1, "only the config that tells the platform");
    let document = site.run("export --list list.txt --json").json(1);
    assert_eq!(document["status"], "failed");
    let statuses: Vec<_> =
        document["artifacts"].as_array().unwrap().iter().map(|row| &row["status"]).collect();
    assert_eq!(statuses, [&serde_json::Value::Null, &"failed".into(), &"failed".into()]);
}

#[test]
fn files_that_are_not_there_are_told_before_anything_is_asked_for() {
    let (server, site, _) = content(Fault::None);
    let site = site.file("list.txt", "REGISTRY/a:1\nfile ./no\nassert ./none.assert\n");
    site.run("export --list list.txt --dry-run")
        .stderr(
            "error: list.txt:2:1: `./no` was not found\n  list.txt:3:1: `./none.assert` was not found\n\
             \nhint: mend the path, which is relative to the list; `--keep-going` makes a bundle without such files\n",
        )
        .code(2);
    assert!(server.requests().is_empty());
    site.run("export --list list.txt --except assert --except file").any_stdout().any_stderr().code(0);
    site.run("export --list list.txt --keep-going -o some.tar").any_stdout().any_stderr().code(4);
}

#[test]
fn keep_going_writes_a_bundle_that_announces_what_it_lacks() {
    let (_server, site, [a, _, _]) = content(Fault::None);
    let site = site.file("list.txt", "REGISTRY/a:1\nREGISTRY/gone:1\nimage REGISTRY/none:1\n");
    let first =
        "1 artifact, 3 blobs, 301.5 KiB in `airgap-bundle.tar` (295.1 KiB fetched, 0 B there already)\n";
    let incomplete = "INCOMPLETE: 2 of 3 artifacts were not exported\n";
    let last = next("airgap-bundle.tar");
    let none = GONE.replace("gone", "none").replace(":2:", ":3:");
    let said = format!("{GONE}{none}{first}{incomplete}{last}");
    site.run("export --list list.txt --keep-going").stdout(ID).stderr(&said).code(4);
    let host = site.fill("REGISTRY");
    assert_eq!(
        contents(&site, "airgap-bundle.tar")["missing"],
        serde_json::json!([{"reference": format!("{host}/gone:1")}, {"kind": "image", "reference": format!("{host}/none:1")}])
    );
    assert_eq!(digests(&site, "airgap-bundle.tar").len(), a.blobs.len() + a.manifests.len());
    // The same again is the same, and says so again.
    let said = format!("{GONE}{none}`airgap-bundle.tar` is this very bundle already\n{incomplete}");
    site.run("export --list list.txt --keep-going").stdout(ID).stderr(&said).code(4);
    site.run("verify").any_stdout().stderr_holds("INCOMPLETE: 2 of 3 artifacts were not exported").code(4);
    let site = site.file("only.txt", "REGISTRY/gone:1\n");
    site.run("export --list only.txt --keep-going -o none.tar")
        .stderr_holds("1 of 1 artifact failed; no bundle was made\n")
        .code(1);
    assert_eq!(site.files("."), ["airgap-bundle.tar", "broken", "list.txt", "only.txt"]);
}

#[test]
fn a_blob_that_fails_costs_its_artifact_alone_and_the_rest_is_kept() {
    let (server, site, graphs) = content(Fault::status(404));
    let cause = "error: could not export `REGISTRY/b:1`\n  cause: reading from registry `REGISTRY`: blob sha256:[1] of `REGISTRY/b`";
    site.run("export --list list.txt")
        .stderr_holds(cause)
        .stderr_holds(
            "1 of 3 artifacts failed; no bundle was made\n\
             mend the list and run the same command again, or add `--keep-going` for a bundle without them\n\
             what was fetched is kept beside `airgap-bundle.tar`\n",
        )
        .code(1);
    assert!(!site.path("airgap-bundle.tar").exists() && site.path("airgap-bundle.tar.partial").exists());

    // A bundle of the others takes everything from there.
    server.clear_requests();
    site.run("export --list list.txt --keep-going")
        .stdout(ID)
        .stderr_holds(cause)
        .stderr_holds("INCOMPLETE: 1 of 3 artifacts were not exported\n")
        .code(4);
    let layers = |server: &Server| -> Vec<usize> {
        let asked = asked(server);
        let count =
            |graph: &Graph| asked.iter().filter(|path| path.contains(&graph.blobs[1].digest.hex())).count();
        graphs.iter().map(count).collect()
    };
    assert_eq!(layers(&server), [0, 1, 0]);
    let host = site.fill("REGISTRY");
    let missing = serde_json::json!([{"kind": "image", "reference": format!("{host}/b:1")}]);
    assert_eq!(contents(&site, "airgap-bundle.tar")["missing"], missing);
    assert_eq!(site.files("."), ["airgap-bundle.tar", "broken", "list.txt"]);

    // Once the registry is well again, only what is missing is fetched, from the incomplete bundle.
    std::fs::remove_file(site.path("broken")).unwrap();
    server.clear_requests();
    site.run("export --list list.txt --force --reuse airgap-bundle.tar").stdout(ID).any_stderr().code(0);
    assert_eq!(layers(&server), [0, 1, 0]);
    site.run("export --list list.txt -o fresh.tar").stdout(ID).any_stderr().code(0);
    assert_eq!(site.read("airgap-bundle.tar"), site.read("fresh.tar"));
}

#[test]
fn wrong_bytes_are_never_taken() {
    let (_server, site, graphs) = content(Fault::FlipBit(100_000));
    site.run("export --list list.txt")
        .stderr_holds("error: could not export `REGISTRY/b:1`\n")
        .stderr_holds(&format!("blob {}", "sha256:[1]"))
        .code(3);
    assert!(!site.path("airgap-bundle.tar").exists());
    std::fs::remove_file(site.path("broken")).unwrap();
    site.run("export --list list.txt").stdout(ID).any_stderr().code(0);
    let digests = digests(&site, "airgap-bundle.tar");
    assert!(graphs.iter().flat_map(|graph| &graph.blobs).all(|blob| digests.contains(&blob.digest)));
}

/// A bundle was made: of what the others failed shows in the errors, not in the exit status.
#[test]
fn whatever_fails_keep_going_is_exit_4() {
    let (_server, site, _) = content(Fault::FlipBit(100_000));
    let site = site
        .file("x", "content")
        .file("kind.txt", "REGISTRY/a:1\nchart REGISTRY/c:1\n")
        .file("sha.txt", &format!("REGISTRY/a:1\nfile ./x sha256={}\n", "0".repeat(64)));
    for (list, alone) in [("kind.txt", 2), ("sha.txt", 3), ("list.txt", 3)] {
        site.run(&format!("export --list {list} -o {list}.tar")).any_stderr().code(alone);
        let line = format!("export --list {list} -o {list}.tar --keep-going --json");
        assert_eq!(
            site.run(&format!("{line} --dry-run")).json(if list == "list.txt" { 0 } else { 4 })["command"],
            "export"
        );
        let document = site.run(&line).json(4);
        assert_eq!(
            (&document["status"], &document["bundle"]["complete"]),
            (&"partial".into(), &false.into())
        );
    }
}

#[test]
fn what_a_registry_says_of_everything_is_told_once() {
    let server = Server::start(Options { auth: Auth::basic("user", "secret"), ..Options::memory() }).unwrap();
    let site = Site::new().named("REGISTRY", server.host());
    let said = site.run("export REGISTRY/a:1 REGISTRY/b:2 REGISTRY/c:3").stderr_of(1);
    assert_eq!(said.matches("error: ").count(), 1, "{said}");
    for part in [
        "could not export 3 artifacts:\n",
        "`REGISTRY/a:1`\n",
        "`REGISTRY/c:3`\n",
        "3 of 3 artifacts failed;",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let open = Server::start(Options::memory()).unwrap();
    image(1, 1, 10).put(open.registry(), "d", Some("1"));
    let site = site.named("OPEN", open.host());
    site.run("export REGISTRY/a:1 REGISTRY/b:2 OPEN/d:1")
        .stderr_holds("could not export 2 artifacts:\n")
        .stderr_holds("2 of 3 artifacts failed; no bundle was made\n")
        .stderr_holds("\nmend what failed and run the same command again, or add `--keep-going`")
        .code(1);
}
