//! `extract --from`: what was imported into a registry comes back out of it as it comes out of the bundle.

use std::os::unix::fs::PermissionsExt;

use airgap_bundle::model::digest::Digest;
use airgap_bundle::stores::registry::server::{Auth, Fault, Faults, Options, RequestView, Server};

use crate::docker_registry::DockerRegistry;
use crate::fixture::{Pack, chart, file, image};
use crate::site::Site;

const FROM: &str = "extract --to out --from TO/mirror";
const INTEGRITY: &str =
    "integrity only: nothing here proves who made this bundle; `--expect sha256:…` does\n";

fn pack() -> Pack {
    Pack::new()
        .graph("setup.sh", &file("setup.sh", b"#!/bin/sh\n", "0755"))
        .graph("site/values/prod.yaml", &file("site/values/prod.yaml", b"a: 1\n", "0644"))
        .graph("quay.io/charts/app:1.0.0_b1", &chart("app", "1.0.0+b1", b"packed"))
        .graph("docker.io/library/nginx:1.27", &image(300, 1, 10))
}

fn id(pack: &Pack) -> Digest {
    Digest::sha256(&pack.contents().to_bytes())
}

fn server() -> Server {
    Server::start(Options::memory()).unwrap()
}

/// Returns a place with `site.tar`, whose content is in the registry `TO` below `mirror`.
fn imported(pack: &Pack, to: &Server, more: &str) -> Site {
    let site = Site::new().named("TO", to.host()).bytes("site.tar", &pack.tar());
    site.run(&format!("import site.tar --to TO/mirror {more}")).any_stderr().code(0);
    site
}

/// Compares every file that came out of the registry with what comes out of the bundle, permissions and all.
fn assert_same(site: &Site) {
    site.run("extract site.tar --to from-bundle").any_stderr().code(0);
    let names = |folder: &str| {
        let files = site.files(folder).into_iter();
        files.map(|file| file[folder.len() + 1..].to_owned()).collect::<Vec<String>>()
    };
    let all = names("from-bundle");
    assert!(!all.is_empty());
    assert_eq!(names("out"), all);
    for name in all {
        let [one, other] = ["out", "from-bundle"].map(|folder| format!("{folder}/{name}"));
        assert!(site.read(&one) == site.read(&other), "{name}");
        let permissions = |path: &str| site.path(path).metadata().unwrap().permissions().mode();
        assert_eq!(permissions(&one), permissions(&other), "{name}");
    }
}

#[test]
fn what_was_imported_comes_back_as_it_comes_out_of_the_bundle() {
    let (pack, to) = (pack(), server());
    let site = imported(&pack, &to, "");
    let listed = "quay.io/charts/app:1.0.0_b1 -> out/app-1.0.0+b1.tgz\n\
                  quay.io/charts/app:1.0.0_b1 -> out/app-1.0.0+b1.tgz.prov\n\
                  setup.sh -> out/setup.sh\n\
                  site/values/prod.yaml -> out/site/values/prod.yaml\n";
    site.run(&format!("{FROM} --dry-run"))
        .stdout(listed)
        .stderr("4 files (37 B) to write to `out`, 1 other artifact skipped\n")
        .code(0);
    assert!(!site.path("out").exists());
    to.clear_requests();
    site.run(FROM)
        .stderr(&format!("4 files (37 B) written to `out`, 1 other artifact skipped\n{INTEGRITY}"))
        .code(0);
    assert!(to.requests().iter().all(|request| request.method == "GET" && !request.path.contains("nginx")));
    assert_same(&site);
    site.run(FROM)
        .stderr(&format!("0 files (0 B) written to `out`, 4 present, 1 other artifact skipped\n{INTEGRITY}"))
        .code(0);
}

#[test]
fn docker_registry_gives_it_back_too() {
    let (pack, to) = (pack(), DockerRegistry::start());
    let site = Site::new().named("TO", to.host()).bytes("site.tar", &pack.tar());
    site.run("import site.tar --to TO/mirror").any_stderr().code(0);
    site.run("extract --to out --from TO")
        .stderr_holds("a receipt in `TO/airgap-bundle` was not found")
        .code(1);
    site.run(FROM).any_stderr().code(0);
    assert_same(&site);
}

#[test]
fn names_do_not_matter_but_to_the_receipt() {
    let (pack, to) = (pack(), server());
    let site = Site::new().named("TO", to.host()).bytes("site.tar", &pack.tar());
    let flags = "--layout host-path --max-components 2 --no-digest-tags";
    site.run(&format!("import site.tar --to TO/far {flags}")).any_stderr().code(0);
    let from = "extract --to out --from TO/far";
    site.run(&format!("{from} --max-components 2")).any_stderr().code(0);
    assert_same(&site);
    // One part of a path leaves no room for anything below a prefix.
    site.run("import site.tar --to TO --max-components 1").any_stderr().code(0);
    std::fs::remove_dir_all(site.path("out")).unwrap();
    site.run("extract --to out --from TO --max-components 1 --only chart").any_stderr().code(0);
    assert_eq!(site.files("out"), ["out/app-1.0.0+b1.tgz", "out/app-1.0.0+b1.tgz.prov"]);
}

#[test]
fn what_was_mirrored_comes_out_too() {
    let (source, to) = (server(), server());
    chart("app", "1.0.0", b"packed").put(source.registry(), "charts/app", Some("1.0.0"));
    let site = Site::new().named("FROM", source.host()).named("TO", to.host());
    let site = site.file("list.txt", "oci://FROM/charts/app:1.0.0\nfile ./list.txt\n");
    site.run("mirror --list list.txt --to TO/mirror").any_stdout().any_stderr().code(0);
    site.run(FROM).any_stderr().code(0);
    assert_eq!(site.files("out"), ["out/app-1.0.0.tgz", "out/app-1.0.0.tgz.prov", "out/list.txt"]);
}

#[test]
fn the_id_says_which_bundle() {
    let (one, to) = (pack(), server());
    let two = Pack::new().graph("other", &file("other", b"2", "0644"));
    let site = imported(&one, &to, "").named("ONE", id(&one).to_string()).named("TWO", id(&two).to_string());
    site.run(&format!("{FROM} --expect TWO"))
        .stderr_holds(
            "error: reading from registry `TO`: the receipt of bundle TWO in `TO/mirror/airgap-bundle` was not found\n",
        )
        .stderr_holds("\nhint: say registry and prefix as they were said to `airgap-bundle import --to`")
        .code(1);
    let report = site.run(&format!("{FROM} --expect ONE --json")).json(0);
    let bundle = &report["bundle"];
    assert_eq!(
        (bundle["id"].as_str(), &bundle["complete"]),
        (Some(id(&one).to_string().as_str()), &true.into())
    );
    assert_eq!(bundle["path"], site.fill("TO/mirror"));
    assert_eq!(bundle["size"], site.read("site.tar").len());

    let site = site.bytes("two.tar", &two.tar());
    site.run("import two.tar --to TO/mirror").any_stderr().code(0);
    let mut ids = ["ONE", "TWO"];
    ids.sort_by_key(|id| site.fill(id));
    site.run(FROM)
        .stderr(&format!(
            "error: reading from registry `TO`: `TO/mirror/airgap-bundle` has the receipts of several bundles:\n  {}\n  {}\n\
             \nhint: say which bundle with `--expect sha256:…`\n",
            ids[0], ids[1]
        ))
        .code(1);
    site.run("extract --to two --from TO/mirror --expect TWO")
        .stderr("1 file (1 B) written to `two`\n")
        .code(0);
    assert_eq!(site.read("two/other"), b"2");
    // What has the form of a receipt's tag and is none is nobody's business.
    std::fs::remove_dir_all(site.path("two")).unwrap();
    image(9, 1, 1).put(to.registry(), "mirror/airgap-bundle", Some(&id(&one).short()));
    site.run("extract --to two --from TO/mirror").any_stderr().code(0);
    assert_eq!(site.read("two/other"), b"2");
    site.run(&format!("{FROM} --expect ONE")).stderr_holds("something else has, was not found\n").code(1);
}

#[test]
fn without_a_receipt_it_is_said_where_it_would_be() {
    let (pack, to) = (pack(), server());
    let site = imported(&pack, &to, "--no-receipt");
    let missing = "error: reading from registry `TO`: a receipt in `TO/mirror/airgap-bundle` was not found\n\n\
                   hint: say registry and prefix as they were said to `airgap-bundle import --to`";
    site.run(FROM).stderr_holds(missing).stderr_holds("was told `--no-receipt`\n").code(1);
    site.run("extract --to out --from TO")
        .stderr_holds("a receipt in `TO/airgap-bundle` was not found")
        .code(1);
    site.run("import site.tar --to TO/mirror").any_stderr().code(0);
    site.run(FROM).any_stderr().code(0);
}

#[test]
fn what_was_not_imported_is_told_and_the_others_go_on() {
    let (pack, to) = (pack(), server());
    let site = imported(&pack, &to, "--only chart --only setup.sh");
    site.run(FROM)
        .stderr(&format!(
            "error: could not extract `site/values/prod.yaml`\n  cause: reading from registry `TO`: a name for it in the \
             receipt `TO/mirror/airgap-bundle:{}` was not found\n\nhint: it was not imported: do so with \
             `airgap-bundle import --to TO/mirror`, or leave it out with `--except`\n\
             3 files (32 B) written to `out`, 1 failed, 1 other artifact skipped\n",
            id(&pack).short()
        ))
        .code(4);
    site.run(&format!("{FROM} --except site/*")).any_stderr().code(0);
}

/// Starts a registry in which the lowest bit of a byte is another one, so many times, for what `hits` says.
fn damaging(times: usize, hits: impl Fn(&RequestView<'_>) -> bool + Send + Sync + 'static) -> Server {
    let faults = Faults::times(times, Fault::FlipBit(3), hits);
    Server::start(Options { faults, ..Options::memory() }).unwrap()
}

#[test]
fn damaged_bytes_never_become_a_file() {
    let content = Digest::sha256(b"#!/bin/sh\n").to_string();
    for (times, code) in [(1, 0), (usize::MAX, 3)] {
        let content = content.clone();
        let to = damaging(times, move |request| request.gets_blob() && request.path.ends_with(&content));
        let site = imported(&pack(), &to, "");
        let outcome = site.run(FROM);
        if code == 0 {
            outcome.stderr_holds("has other bytes: got sha256:[2]; asking again\n").code(0);
            assert_same(&site);
            continue;
        }
        outcome
            .stderr_holds(
                "error: could not extract `setup.sh`\n  cause: reading from registry `TO`: blob sha256:[1] has other \
                 bytes: got sha256:[2]\n\nhint: delete that repository in the registry, and put it there again with \
                 `airgap-bundle import --no-receipt`\n",
            )
            .stderr_holds("3 files (27 B) written to `out`, 1 failed")
            .code(code);
        assert!(!site.path("out/setup.sh").exists());
    }
}

#[test]
fn a_damaged_manifest_config_or_receipt_is_told() {
    let pack = pack();
    let bundle = id(&pack).to_string();
    let is_file =
        |request: &RequestView<'_>| request.gets_manifest() && request.path.contains("/files/setup.sh");
    let is_config = |request: &RequestView<'_>| request.gets_blob() && request.path.contains("/charts/app/");
    let is_contents = move |request: &RequestView<'_>| request.gets_blob() && request.path.ends_with(&bundle);
    let to = damaging(usize::MAX, is_file);
    imported(&pack, &to, "")
        .run(FROM)
        .stderr_holds("could not extract `setup.sh`\n  cause: reading from registry `TO`: manifest")
        .code(3);
    let to = damaging(usize::MAX, is_config);
    imported(&pack, &to, "")
        .run(FROM)
        .stderr_holds("could not extract `quay.io/charts/app:1.0.0_b1`\n")
        .code(3);
    let to = damaging(1, is_contents.clone());
    imported(&pack, &to, "")
        .run(FROM)
        .stderr_holds("has other bytes: got sha256:[2]; asking again\n")
        .code(0);
    let to = damaging(usize::MAX, is_contents);
    let site = imported(&pack, &to, "");
    site.run(FROM).stderr_holds("error: reading from registry `TO`: blob sha256:[1] has other bytes").code(3);
    assert!(!site.path("out").exists());
}

#[test]
fn a_registry_that_is_closed_or_cut_off_is_an_error_of_the_registry() {
    let to = Server::start(Options {
        faults: Faults::new(|request| {
            if request.path.contains("/tags/list") { Fault::status(403) } else { Fault::None }
        }),
        ..Options::memory()
    });
    let (pack, to) = (pack(), to.unwrap());
    let site = imported(&pack, &to, "").named("ONE", id(&pack).to_string());
    site.run(FROM)
        .stderr_holds("which bundles `TO/mirror` holds is not known without its list of tags; with `--expect sha256:…` none is needed\n")
        .stderr_holds("cause: reading from registry `TO`: the tags of `TO/mirror/airgap-bundle` was denied")
        .code(1);
    site.run(&format!("{FROM} --expect ONE")).any_stderr().code(0);
    assert_same(&site);
}

#[test]
fn an_incomplete_bundle_says_so() {
    let (pack, to) = (pack().missing("quay.io/lost:1"), server());
    let site = Site::new().named("TO", to.host()).bytes("site.tar", &pack.tar());
    site.run("import site.tar --to TO/mirror --allow-incomplete").any_stderr().code(0);
    let announced = "INCOMPLETE: 1 of 5 artifacts were not exported: `quay.io/lost:1`\n";
    site.run(FROM).stderr_holds(announced).code(4);
    site.run(&format!("{FROM} --allow-incomplete")).stderr_holds(announced).code(0);
}

#[test]
fn mistakes_of_the_call_are_told() {
    let site = Site::new().bytes("site.tar", &pack().tar());
    site.run("extract --to out --from host:5000 site.tar")
        .stderr_holds("'--from <HOST[:PORT][/PREFIX]>' cannot be used with '[BUNDLE]'")
        .code(2);
    site.run("extract --to out site.tar --max-components 2")
        .stderr_holds("hint: leave it out, or name a registry with `--from`\n")
        .code(2);
    site.run("extract --to out --from user:secret@host:5000")
        .stderr_holds("error: `--from`: credentials do not go into a destination")
        .code(2);
    site.run("extract --to out --from ./site.tar").stderr_holds("expected a registry").code(2);
}

/// Who can write to the registry can write a receipt, and only the id says whether it is the right one.
#[test]
fn a_receipt_of_another_bundle_under_the_tag_is_no_receipt_of_this_one() {
    let (one, to) = (pack(), server());
    let two = Pack::new().graph("other", &file("other", b"2", "0644"));
    let site = imported(&two, &to, "").named("ONE", id(&one).to_string()).named("TWO", id(&two).to_string());
    let registry = to.registry();
    let found = registry.manifest("mirror/airgap-bundle", &id(&two).short()).unwrap();
    let bytes = registry.content(&found.digest).unwrap().unwrap().read(1 << 20).unwrap();
    registry
        .put_manifest("mirror/airgap-bundle", Some(&id(&one).short()), &found.media_type, &bytes)
        .unwrap();
    site.run(&format!("{FROM} --expect ONE"))
        .stderr_holds("error: reading from registry `TO`: the bundle id that `TO/mirror/airgap-bundle:")
        .stderr_holds("expected ONE, got TWO\n")
        .code(3);
    // One bundle under two tags is one.
    site.run(FROM).any_stderr().code(0);
}

#[test]
fn credentials_are_those_of_the_registry() {
    let auth = Auth::basic("me", "secret");
    let (pack, to) = (pack(), Server::start(Options { auth, ..Options::memory() }).unwrap());
    let site = Site::new().named("TO", to.host()).bytes("site.tar", &pack.tar()).file("password", "secret\n");
    let login = "--username me --password-file password";
    site.run(&format!("import site.tar --to TO/mirror {login}")).any_stderr().code(0);
    site.run(FROM).stderr_holds("hint: give credentials").code(1);
    site.run(&format!("{FROM} {login}")).any_stderr().code(0);
    assert_same(&site);
}
