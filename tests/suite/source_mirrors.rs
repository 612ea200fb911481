//! Mirrors of the source: asked first, recorded under the name of the list.

use airgap_bundle::stores::registry::server::{Auth, Fault, Faults, Options, RequestView, Server};

use crate::export::contents;
use crate::fixture::{Graph, image};
use crate::site::Site;

/// A registry with an image `PATH:1`.
fn registry(path: &str, options: Options) -> Server {
    let server = Server::start(options).unwrap();
    graph().put(server.registry(), path, Some("1"));
    server
}

fn graph() -> Graph {
    image(1, 2, 1000)
}

fn empty() -> Server {
    Server::start(Options::memory()).unwrap()
}

/// The names of the artifacts in the bundle.
fn names(site: &Site) -> serde_json::Value {
    contents(site, "airgap-bundle.tar")["artifacts"][0]["reference"].clone()
}

#[test]
fn what_a_mirror_has_is_read_there_and_recorded_under_its_own_name() {
    let mirror = registry("hub/library/nginx", Options::memory());
    let site = Site::new().named("MIRROR", mirror.host());
    site.run("export nginx:1 --source-mirror docker.io=MIRROR/hub").any_stdout().any_stderr().code(0);
    assert_eq!(names(&site), "docker.io/library/nginx:1");
    assert_eq!(contents(&site, "airgap-bundle.tar")["artifacts"][0]["digest"], graph().digest().to_string());
    site.run("export nginx:1 --source-mirror docker.io/library=http://MIRROR/hub/library -o 2.tar")
        .any_stdout()
        .any_stderr()
        .code(0);
    let to = empty();
    let site = site.named("TO", to.host());
    site.run("mirror nginx:1 --to TO --source-mirror docker.io=MIRROR/hub").any_stdout().any_stderr().code(0);
    assert!(to.registry().manifest("library/nginx", "1").is_some());
}

#[test]
fn referrers_are_looked_for_where_the_manifest_was_found() {
    let (mirror, own) = (registry("x/a", Options::memory()), empty());
    let digest = graph().digest().to_string();
    let tag = format!("{}.sig", digest.replace(':', "-"));
    image(7, 1, 100).put(mirror.registry(), "x/a", Some(&tag));
    let site = Site::new().named("MIRROR", mirror.host()).named("OWN", own.host());
    site.run("export OWN/a:1 --source-mirror OWN=MIRROR/x").any_stdout().any_stderr().code(0);
    let raw = String::from_utf8(site.run("inspect --raw").any_stdout().code(0)).unwrap();
    assert!(raw.contains(&image(7, 1, 100).digest().to_string()), "{raw}");
    assert_eq!(own.requests().len(), 0);
}

#[test]
fn a_mirror_that_lacks_it_hands_over_to_the_next_and_to_the_registry() {
    let (lacks, has, own) = (empty(), registry("x/a", Options::memory()), registry("b", Options::memory()));
    let site = Site::new().named("LACKS", lacks.host()).named("HAS", has.host()).named("OWN", own.host());
    let flags = "--source-mirror OWN=LACKS --source-mirror OWN=HAS/x -v";
    let said = site.run(&format!("export OWN/a:1 {flags}")).any_stdout().stderr_of(0);
    assert!(
        said.contains("mirror `LACKS/a` does not serve it: ") && said.contains("; asking `HAS/x/a`\n"),
        "{said}"
    );
    assert_eq!(own.requests().len(), 0);
    site.run(&format!("export OWN/b:1 -o 2.tar {flags}")).any_stdout().any_stderr().code(0);
    assert!(!own.requests().is_empty());
}

#[test]
fn a_rerun_with_kept_manifests_looks_for_referrers_at_the_mirror() {
    let overloaded = |view: &RequestView<'_>| view.gets_manifest() && view.path.contains("/x/b/");
    let faults = Faults::times(1, Fault::status(503), overloaded);
    let (mirror, own) = (registry("x/a", Options { faults, ..Options::memory() }), empty());
    graph().put(mirror.registry(), "x/b", Some("1"));
    let digest = graph().digest().to_string();
    let signature = image(7, 1, 100);
    signature.put(mirror.registry(), "x/a", Some(&format!("{}.sig", digest.replace(':', "-"))));
    let site = Site::new().named("MIRROR", mirror.host()).named("OWN", own.host());
    let line = format!("export OWN/a@{digest} OWN/b:1 --source-mirror OWN=MIRROR/x --retries 1 --jobs 1");
    // Overload passes, although the registry itself does not know it.
    site.run(&line)
        .stderr_holds("HTTP status 503")
        .stderr_holds("what was fetched is kept beside `airgap-bundle.tar`")
        .code(1);
    let before = (mirror.requests().len(), own.requests().len());
    site.run(&line).any_stdout().any_stderr().code(0);
    let raw = String::from_utf8(site.run("inspect --raw").any_stdout().code(0)).unwrap();
    assert!(raw.contains(&signature.digest().to_string()), "{raw}");
    assert_eq!(own.requests().len(), before.1);
    let asked = mirror.requests().split_off(before.0);
    let of_it = asked.iter().filter(|asked| asked.path.ends_with(&format!("/x/a/manifests/{digest}")));
    assert_eq!(
        of_it.map(|asked| asked.method.clone()).collect::<Vec<_>>(),
        ["HEAD"],
        "kept, and not fetched"
    );
}

/// A mirror breaks a layer off, and does not go on with it but as `then` says; returns the ranges that the registry itself
/// was asked for.
fn ranges_asked_for_where_a_mirror_dies(then: Fault) -> Vec<Option<String>> {
    let dies = Faults::new(move |view| match (view.gets_blob(), view.headers.contains_key("range")) {
        (true, false) => Fault::CutBodyAfter(50_000),
        (true, true) => then.clone(),
        _ => Fault::None,
    });
    let big = image(5, 1, 200_000);
    let (mirror, own) = (Server::start(Options { faults: dies, ..Options::memory() }).unwrap(), empty());
    big.put(mirror.registry(), "a", Some("1"));
    big.put(own.registry(), "a", Some("1"));
    let site = Site::new().named("MIRROR", mirror.host()).named("OWN", own.host());
    site.run("export OWN/a:1 --source-mirror OWN=MIRROR").any_stdout().any_stderr().code(0);
    own.requests().iter().map(|asked| asked.range.clone()).collect()
}

#[test]
fn a_mirror_that_dies_in_the_middle_of_a_blob_hands_over_at_that_byte() {
    let ranges = ranges_asked_for_where_a_mirror_dies(Fault::status(404));
    assert_eq!(ranges, [Some("bytes=50000-".to_owned())], "the rest of the layer alone");
}

#[test]
fn a_mirror_that_sends_nothing_more_hands_over_too() {
    let ranges = ranges_asked_for_where_a_mirror_dies(Fault::CutBodyAfter(0));
    assert_eq!(ranges, [Some("bytes=50000-".to_owned())]);
}

#[test]
fn a_mirror_that_refuses_is_warned_of_once_and_asked_no_more() {
    let mirror = registry("a", Options { auth: Auth::basic("user", "secret"), ..Options::memory() });
    let own = registry("a", Options::memory());
    let site = Site::new().named("MIRROR", mirror.host()).named("OWN", own.host());
    let said = site.run("export OWN/a:1 --source-mirror OWN=MIRROR").any_stdout().stderr_of(0);
    assert_eq!(said.matches("warning: mirror `MIRROR/a` is passed over: ").count(), 1, "{said}");
    assert!(said.contains("HTTP status 401") && said.contains("; asking `OWN/a`"), "{said}");
    assert!(mirror.requests().iter().all(|asked| !asked.path.contains("/blobs/")), "asked no more");
    // Where nobody has it, what helps at the mirror is the hint.
    let said = site.run("export OWN/b:1 -o 2.tar --source-mirror OWN=MIRROR").stderr_of(1);
    let hint = said.split("hint: ").nth(1).unwrap_or_default();
    assert!(hint.contains("MIRROR"), "{said}");
}

#[test]
fn a_mirror_of_nothing_that_was_asked_for_is_warned_of() {
    let own = registry("a", Options::memory());
    let site = Site::new().named("OWN", own.host());
    site.run("export OWN/a:1 --source-mirror quay.io=m.example --source-mirror quay.io=n.example")
        .any_stdout()
        .stderr_holds("warning: `--source-mirror quay.io=m.example` is for nothing that this call has read\n")
        .code(0);
}

#[test]
fn a_mirror_that_lacks_a_blob_or_does_not_answer_hands_over() {
    let lacks = Faults::new(|view| if view.gets_blob() { Fault::status(404) } else { Fault::None });
    let mirror = registry("a", Options { faults: lacks, ..Options::memory() });
    let own = registry("a", Options::memory());
    let gone = { std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string() };
    let site = Site::new().named("MIRROR", mirror.host()).named("OWN", own.host()).named("GONE", gone);
    site.run("export OWN/a:1 --source-mirror OWN=MIRROR").any_stdout().any_stderr().code(0);
    let asked = own.requests();
    assert!(asked.iter().any(|request| request.path.contains("/blobs/")));
    assert!(!asked.iter().any(|request| request.path.contains("/manifests/")));
    let said = site.run("export OWN/a:1 --source-mirror OWN=GONE -o 2.tar -v").any_stdout().stderr_of(0);
    assert_eq!(said.matches("mirror `GONE/a` does not serve it").count(), 1, "asked no more: {said}");
}

#[test]
fn an_error_tells_of_every_place_that_was_tried() {
    let (one, own) = (empty(), empty());
    let site = Site::new().named("ONE", one.host()).named("OWN", own.host());
    let said = site.run("export OWN/a:1 --source-mirror OWN=ONE/x").stderr_of(1);
    assert!(said.contains("cause: `ONE/x/a` was tried, too: reading from registry `ONE`: "), "{said}");
    assert!(said.contains("cause: reading from registry `OWN`: manifest `1` of `OWN/a`"), "{said}");
}

#[test]
fn wrong_bytes_of_a_mirror_are_an_error_and_no_reason_to_go_elsewhere() {
    let bad = Faults::new(|view| if view.gets_manifest() { Fault::FlipBit(9) } else { Fault::None });
    let mirror = registry("a", Options { faults: bad, ..Options::memory() });
    let own = registry("a", Options::memory());
    let site = Site::new().named("MIRROR", mirror.host()).named("OWN", own.host());
    let pinned = format!("OWN/a@{}", graph().digest());
    let said = site.run(&format!("export {pinned} --source-mirror OWN=MIRROR")).stderr_of(3);
    assert!(said.contains("reading from registry `MIRROR`"), "{said}");
    assert_eq!(own.requests().len(), 0);
}

#[test]
fn a_mirror_gets_its_own_credentials_and_never_those_of_the_registry() {
    let auth = Auth::basic("mirror", "secret");
    let mirror = registry("x/a", Options { auth, ..Options::memory() });
    let own = registry("a", Options { auth: Auth::basic("own", "secret"), ..Options::memory() });
    // Both in one file: of the mirror by its path.
    let login = |user: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(format!("{user}:secret"))
    };
    let json = format!(
        r#"{{"auths":{{"MIRROR/x":{{"auth":"{}"}},"OWN":{{"auth":"{}"}}}}}}"#,
        login("mirror"),
        login("own")
    );
    let site = Site::new().named("MIRROR", mirror.host()).named("OWN", own.host()).file("auth.json", &json);
    site.run("export OWN/a:1 --source-mirror OWN=MIRROR/x --auth-file auth.json")
        .any_stdout()
        .any_stderr()
        .code(0);
    assert_eq!(own.requests().len(), 0);
    // With those of the registry alone the mirror sees none.
    let json = format!(r#"{{"auths":{{"OWN":{{"auth":"{}"}}}}}}"#, login("own"));
    let site = site.file("auth.json", &json);
    mirror.requests();
    let before = mirror.requests().len();
    site.run("export OWN/a:1 --source-mirror OWN=MIRROR/x --auth-file auth.json -o 2.tar")
        .any_stdout()
        .any_stderr()
        .code(0);
    let asked = mirror.requests();
    assert!(asked.len() > before && asked[before..].iter().all(|request| request.authorization.is_none()));
}

#[test]
fn registries_conf_of_containers_is_followed() {
    let (mirror, moved) = (registry("hub/a/b", Options::memory()), registry("new/c", Options::memory()));
    let text = "[[registry]]\nlocation = \"one.example\"\n[[registry.mirror]]\nlocation = \"MIRROR/hub\"\n\
                [[registry]]\nprefix = \"*.old.example\"\nlocation = \"MOVED/new\"\n";
    let place =
        |path: &str| Site::new().named("MIRROR", mirror.host()).named("MOVED", moved.host()).file(path, text);
    for site in [
        place("home/.config/containers/registries.conf"),
        place("home/.config/containers/registries.conf.d/50-own.conf"),
        place("named.conf").env("CONTAINERS_REGISTRIES_CONF", "SITE/named.conf"),
    ] {
        site.run("export one.example/a/b:1").any_stdout().any_stderr().code(0);
        assert_eq!(names(&site), "one.example/a/b:1");
        site.run("export x.old.example/c:1 -o 2.tar").any_stdout().any_stderr().code(0);
    }
}

#[test]
fn a_blocked_registry_is_refused_by_file_and_line() {
    let server = registry("a", Options::memory());
    let text = "[[registry]]\nlocation = \"q.io\"\n\n[[registry]]\nprefix = \"HOST\"\nblocked = true\n";
    let site = Site::new().named("HOST", server.host()).file("r.conf", text);
    let site = site.env("CONTAINERS_REGISTRIES_CONF", "SITE/r.conf");
    site.run("export HOST/a:1").stderr_holds("cause: `HOST/a` is blocked by `SITE/r.conf:4`\n").code(2);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_registries_conf_with_a_mistake_is_named() {
    let site = Site::new().file("r.conf", "[[registry]]\nblocked = 1\n");
    let site = site.env("CONTAINERS_REGISTRIES_CONF", "SITE/r.conf");
    site.run("export q.io/a:1").stderr_holds("error: `SITE/r.conf:2`: ").code(2);
    let site = site.env("CONTAINERS_REGISTRIES_CONF", "SITE/gone.conf");
    site.run("export q.io/a:1")
        .stderr_holds("error: `SITE/gone.conf` cannot be read: ")
        .stderr_holds("hint: correct the variable `CONTAINERS_REGISTRIES_CONF`")
        .code(2);
    let site = site.env("CONTAINERS_REGISTRIES_CONF", "");
    site.run("export q.io/a:1 --source-mirror q.io")
        .stderr_holds("error: `--source-mirror q.io`: there is no `=`\n\nhint: write `--source-mirror docker.io=HOST/PREFIX`")
        .code(2);
}

#[test]
fn insecure_in_registries_conf_is_of_its_host_alone() {
    // Another name of this machine, which is no loopback, so that nothing but the file allows plain HTTP.
    let server = registry("a", Options::memory());
    let elsewhere = format!("0.0.0.0:{}", server.address().port());
    let site = Site::new()
        .named("ELSEWHERE", elsewhere)
        .file("r.conf", "[[registry]]\nlocation = \"ELSEWHERE\"\ninsecure = true\n");
    site.run("export ELSEWHERE/a:1").stderr_holds("does not speak TLS here").code(1);
    let site = site.env("CONTAINERS_REGISTRIES_CONF", "SITE/r.conf");
    let warning = "warning: `ELSEWHERE` does not speak TLS: plain HTTP, as `insecure` allows\n";
    site.run("export ELSEWHERE/a:1").any_stdout().stderr_holds(warning).code(0);
}

#[test]
fn insecure_falls_to_plain_http_on_no_silence() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let elsewhere = format!("0.0.0.0:{}", listener.local_addr().unwrap().port());
    let (sent, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut first = [0];
            let _ = std::io::Read::read(&mut stream, &mut first);
            let _ = sent.send(first[0]);
        }
    });
    let site = Site::new()
        .named("ELSEWHERE", elsewhere)
        .file("r.conf", "[[registry]]\nlocation = \"ELSEWHERE\"\ninsecure = true\n")
        .env("CONTAINERS_REGISTRIES_CONF", "SITE/r.conf");
    site.run("export ELSEWHERE/a:1 --retries 1").any_stderr().code(1);
    let heard: Vec<u8> = heard.try_iter().collect();
    assert!(heard.len() > 1 && heard.iter().all(|byte| *byte == 22), "TLS handshakes alone: {heard:?}");
}
