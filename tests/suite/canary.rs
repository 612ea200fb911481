//! Nothing secret goes anywhere but where it belongs: a canary in every source of credentials is looked for in every file
//! that runs write, in all that they print, and in every request to another origin.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use airgap_bundle::stores::registry::server::{Auth, Bearer, Fault, Faults, Options, RequestView, Server};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::json;

use crate::fixture::{Blob, Graph, Pack, Page, Web, image};
use crate::killed::{Point, kill_at};
use crate::site::Site;

/// Another origin: it hears everything, headers included, and answers each request with 404.
struct Ear {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Ear {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, heard) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<u8>>>::default());
        let shared = Arc::clone(&heard);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                thread::spawn(move || listen(stream, &shared));
            }
        });
        Self { address, heard }
    }

    fn heard(&self) -> Vec<u8> {
        self.heard.lock().unwrap().clone()
    }
}

/// Writes down what comes before it answers, so that it is there once the answer is.
fn listen(mut stream: TcpStream, heard: &Mutex<Vec<u8>>) {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    loop {
        let count = stream.read(&mut part).unwrap_or(0);
        heard.lock().unwrap().extend_from_slice(&part[..count]);
        request.extend_from_slice(&part[..count]);
        if count == 0 {
            return;
        }
        if request.windows(4).any(|end| end == b"\r\n\r\n") {
            let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(answer);
            return;
        }
    }
}

/// Returns the spellings under which a text may stand somewhere: itself, and base64 of both alphabets at every offset.
fn spellings(secret: &str) -> Vec<String> {
    let mut all = vec![secret.to_owned()];
    for offset in 0..3 {
        let padded = [&b"xxx"[..offset], secret.as_bytes()].concat();
        for text in [STANDARD.encode(&padded), URL_SAFE.encode(&padded)] {
            // Without the characters that what stands before and behind has a part in.
            let inner = text.trim_end_matches('=');
            all.push(inner[if offset == 0 { 0 } else { offset + 1 }..inner.len() - 2].to_owned());
        }
    }
    all
}

fn has(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|part| part == word.as_bytes())
}

/// Returns which canary is in some bytes. `hidden-` is in addresses that servers lead to: what they lead to may know it.
fn canary(bytes: &[u8]) -> Option<String> {
    let words = ["hidden-", "PRIVATE KEY"].map(str::to_owned);
    spellings("canary-").into_iter().chain(words).find(|word| has(bytes, word))
}

#[test]
fn a_canary_is_found_in_every_spelling() {
    for before in ["", "u:", "us:", "user:"] {
        let pair = format!("{before}canary-4711");
        assert!(canary(STANDARD.encode(&pair).as_bytes()).is_some(), "{pair}");
        assert!(canary(format!("x{pair}x").as_bytes()).is_some(), "{pair}");
    }
    assert_eq!(canary(b"canary"), None);
}

/// Returns the files of a site that have a canary in them and are no sources of credentials. Those are in `secrets/`,
/// `home/` and `bin/`.
fn leaks(site: &Site) -> Vec<String> {
    let mut waiting = vec![site.root().to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !["secrets", "home", "bin"].iter().any(|source| path.ends_with(source)) {
                    waiting.push(path);
                }
            } else if let Some(word) = canary(&std::fs::read(&path).unwrap()) {
                found.push(format!("{}: {word}", path.display()));
            }
        }
    }
    found
}

#[test]
fn files_with_a_canary_are_found() {
    let site = Site::new().file("secrets/x", "canary-1").file("tmp/a/x", "canary-1").file("y", "canary");
    let found = leaks(&site);
    assert!(found.len() == 1 && found[0].ends_with("tmp/a/x: canary-"), "{found:?}");
}

/// Runs a command with all that it can say, and searches what it says and what it leaves.
pub(crate) fn run(site: &Site, line: &str, code: Option<i32>) {
    for talk in ["-v", "--json -v --progress json"] {
        let mut command = assert_cmd::Command::from_std(site.command(&format!("{line} {talk}")));
        let stdin = if line.contains("--password-stdin") { "canary-password\n" } else { "" };
        let output = command.write_stdin(stdin).timeout(Duration::from_secs(60)).output().unwrap();
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        let text = String::from_utf8_lossy(&said);
        assert_eq!(canary(&said), None, "{line}: {text}");
        if code.is_some() {
            assert_eq!(output.status.code(), code, "{line}: {text}");
        } else {
            assert!(!output.status.success(), "{line}: {text}");
        }
        assert_eq!(leaks(site), Vec::<String>::new(), "{line}");
    }
}

/// Where credentials are, and the flags that lead there. The password is `canary-password`, or a token is given.
struct Source {
    name: &'static str,
    site: fn(Site) -> Site,
    flags: &'static str,
}

const ENTRY: &str = r#"{"auths":{"HOST":{"auth":"dXNlcjpjYW5hcnktcGFzc3dvcmQ="}}}"#;
const PLAIN: &str = r#"{"auths":{"HOST":{"username":"user","password":"canary-password"}}}"#;
const IDENTITY: &str = r#"{"auths":{"HOST":{"identitytoken":"canary-identity"}}}"#;
const REGISTRY: &str = r#"{"auths":{"HOST":{"registrytoken":"canary-registry"}}}"#;
const HELPER: &str = r#"printf '{"Username":"user","Secret":"canary-password"}'; echo canary-noise >&2"#;
const TOKEN: &str = r#"printf '{"Username":"<token>","Secret":"canary-identity"}'"#;
const JUNK: &str = "echo canary-junk; echo canary-noise >&2; exit 3";

fn helped(site: Site, script: &str) -> Site {
    site.file("secrets/auth.json", r#"{"credHelpers":{"HOST":"vault"}}"#).helper("vault", script)
}

/// Sources of good credentials.
const SOURCES: [Source; 9] = [
    Source {
        name: "a password file",
        site: |site| site.file("secrets/password", "canary-password\n"),
        flags: "--username HOST=user --password-file secrets/password",
    },
    Source { name: "standard input", site: |site| site, flags: "--username HOST=user --password-stdin" },
    Source {
        name: "--auth-file",
        site: |site| site.file("secrets/auth.json", ENTRY),
        flags: "--auth-file secrets/auth.json",
    },
    Source {
        name: "REGISTRY_AUTH_FILE",
        site: |site| site.file("secrets/auth.json", PLAIN).env("REGISTRY_AUTH_FILE", "secrets/auth.json"),
        flags: "",
    },
    Source {
        name: "DOCKER_CONFIG",
        site: |site| site.file("secrets/config.json", ENTRY).env("DOCKER_CONFIG", "secrets"),
        flags: "",
    },
    Source { name: "the home", site: |site| site.file("home/.docker/config.json", ENTRY), flags: "" },
    Source {
        name: "an identity token",
        site: |site| site.file("secrets/auth.json", IDENTITY),
        flags: "--auth-file secrets/auth.json",
    },
    Source { name: "a helper", site: |site| helped(site, HELPER), flags: "--auth-file secrets/auth.json" },
    Source {
        name: "a helper with a token",
        site: |site| helped(site, TOKEN),
        flags: "--auth-file secrets/auth.json",
    },
];

/// Sources of credentials that no registry takes.
const BAD: [Source; 3] = [
    Source {
        name: "a registry token",
        site: |site| site.file("secrets/auth.json", REGISTRY),
        flags: "--auth-file secrets/auth.json",
    },
    Source {
        name: "a wrong password",
        site: |site| site.file("secrets/password", "canary-wrong\n"),
        flags: "--username HOST=user --password-file secrets/password",
    },
    Source {
        name: "a helper with junk",
        site: |site| helped(site, JUNK),
        flags: "--auth-file secrets/auth.json",
    },
];

fn bearer() -> Bearer {
    let identity_token = Some("canary-identity".to_owned());
    Bearer { identity_token, ..Bearer::new("user", "canary-password") }
}

/// A registry that wants credentials, with `a:1` in it.
fn server(auth: Auth, faults: Faults) -> Server {
    let server = Server::start(Options { auth, faults, ..Options::memory() }).unwrap();
    graph().put(server.registry(), "a", Some("1"));
    server
}

fn graph() -> Graph {
    image(1, 3, 100_000)
}

/// A site with a bundle, a client key that is shown to nobody, and the credentials of a source.
fn site(source: &Source, server: &Server) -> Site {
    let site = Site::new().named("HOST", server.host());
    // The canary is a comment: what is in a key itself has no fixed text.
    let tls = crate::fixture::Authority::new().sign();
    let site = site
        .bytes("secrets/client.key", format!("canary-key\n{}", tls.key).as_bytes())
        .bytes("client.pem", tls.certificates.as_bytes())
        .bytes("site.tar", &Pack::new().graph("q.io/b:1", &graph()).tar());
    (source.site)(site)
}

const KEY: &str = "--client-cert client.pem --client-key secrets/client.key --retries 1";

impl Source {
    fn export(&self) -> String {
        format!("export HOST/a:1 {KEY} {} --force", self.flags)
    }

    fn import(&self) -> String {
        format!("import site.tar --to HOST {KEY} {}", self.flags)
    }
}

#[test]
fn runs_that_succeed_leave_nothing() {
    for source in &SOURCES {
        for auth in [Auth::basic("user", "canary-password"), Auth::Bearer(bearer())] {
            if source.name.contains("token") && matches!(auth, Auth::Basic(_)) {
                continue;
            }
            let server = server(auth, Faults::none());
            let site = site(source, &server);
            run(&site, &source.export(), Some(0));
            run(&site, &source.import(), Some(0));
        }
    }
}

#[test]
fn runs_that_are_not_let_in_leave_nothing() {
    for source in &BAD {
        for auth in [Auth::basic("user", "canary-password"), Auth::Bearer(bearer())] {
            let server = server(auth, Faults::none());
            let site = site(source, &server);
            run(&site, &source.export(), Some(1));
            run(&site, &source.import(), Some(1));
        }
    }
}

#[test]
fn a_login_leaves_nothing_but_itself() {
    let server = server(Auth::Bearer(bearer()), Faults::none());
    for (source, code) in [(&SOURCES[0], 0), (&SOURCES[1], 0), (&BAD[1], 1)] {
        let site = site(source, &server);
        let flags = source.flags.replace("HOST=", "");
        run(&site, &format!("login HOST {KEY} {flags}"), Some(code));
        assert_eq!(site.path("home/.config/containers/auth.json").exists(), code == 0);
    }
    let site = site(&SOURCES[7], &server).file("secrets/password", "canary-password\n");
    let flags = "--auth-file secrets/auth.json";
    run(&site, &format!("login HOST -u user --password-file secrets/password {flags}"), Some(0));
    run(&site, &format!("logout HOST {flags}"), Some(0));
}

#[test]
fn addresses_with_a_password_are_refused_and_not_repeated() {
    let server = server(Auth::Bearer(bearer()), Faults::none());
    let site = Site::new().named("HOST", server.host());
    for flags in [
        "--plain-http http://user:canary-password@HOST",
        "--insecure-skip-tls-verify user:canary-password@HOST",
        "--source-mirror HOST=user:canary-password@m.example/p",
        "--source-mirror https://user:canary-password@m.example/p",
    ] {
        run(&site, &format!("export HOST/a:1 {flags}"), Some(2));
    }
    for text in [
        "location = \"https://ADDRESS/x\"",
        "prefix = \"x\"\nlocation = \"ADDRESS\"",
        "blocked = \"//ADDRESS\"",
    ] {
        let text = format!("[[registry]]\n{}\n", text.replace("ADDRESS", "user:canary-password@m.example"));
        let site = Site::new().file("secrets/r.conf", &text);
        let site = site.env("CONTAINERS_REGISTRIES_CONF", "SITE/secrets/r.conf");
        run(&site, "export h.example/a:1", Some(2));
    }
    assert_eq!(server.requests().len(), 0);
}

type Scenario = (&'static str, fn(&Ear) -> Faults, &'static str);

fn signed(view: &RequestView<'_>) -> bool {
    view.headers.contains_key("authorization")
}

/// What servers do that would like to have credentials, or just go wrong; and what is run.
const SCENARIOS: [Scenario; 13] = [
    ("403", |_| Faults::times(9, Fault::status(403), |view| view.gets_manifest() && signed(view)), "export"),
    ("404", |_| Faults::times(9, Fault::status(404), |view| view.gets_manifest() && signed(view)), "export"),
    ("a bad digest", |_| Faults::times(99, Fault::FlipBit(5), |view| view.gets_blob()), "export"),
    ("a cut", |_| Faults::times(99, Fault::CutBodyAfter(0), |view| view.gets_blob()), "export"),
    ("a blob elsewhere", |ear| elsewhere(ear, |view| view.gets_blob() && signed(view)), "export"),
    ("a manifest elsewhere", |ear| elsewhere(ear, |view| view.gets_manifest() && signed(view)), "export"),
    ("an upload elsewhere", |ear| located(ear, "location", |view| view.is_upload()), "import"),
    ("an upload that is redirected", |ear| elsewhere(ear, |view| view.method == "PUT"), "import"),
    ("a token that is asked for away", |ear| elsewhere(ear, |view| view.is_token()), "export"),
    ("an echo", |_| echo(403, "application/json", |view| view.gets_manifest() && signed(view)), "export"),
    ("a page that echoes", |_| echo(200, "text/html", |view| view.gets_manifest() && signed(view)), "export"),
    ("an echo of a token server", |_| echo(401, "application/json", |view| view.is_token()), "export"),
    ("a page of a token server", |_| echo(200, "text/html", |view| view.is_token()), "import"),
];

fn echo(status: u16, media_type: &'static str, matches: fn(&RequestView<'_>) -> bool) -> Faults {
    Faults::times(99, Fault::Echo { status, media_type }, matches)
}

fn elsewhere(ear: &Ear, matches: fn(&RequestView<'_>) -> bool) -> Faults {
    Faults::times(99, Fault::Redirect(format!("http://{}/x?signature=hidden-4711", ear.address)), matches)
}

fn located(ear: &Ear, header: &str, matches: fn(&RequestView<'_>) -> bool) -> Faults {
    let value = format!("http://user:hidden-4711@{}/x?signature=hidden-4711", ear.address);
    let value = if header == "link" { format!("<{value}>; rel=\"next\"") } else { value };
    Faults::times(99, Fault::Headers(vec![(header.to_owned(), Some(value))]), matches)
}

#[test]
fn servers_that_lead_elsewhere_get_nothing_for_it() {
    for source in [&SOURCES[2], &SOURCES[6]] {
        for (name, faults, verb) in SCENARIOS {
            let ear = Ear::open();
            let server = server(Auth::Bearer(bearer()), faults(&ear));
            let site = site(source, &server);
            let line = if verb == "export" { source.export() } else { source.import() };
            // A redirected upload is one try, and where it leads is the next.
            run(&site, &line.replace("--retries 1", "--retries 2"), None);
            let heard = ear.heard();
            assert_eq!(
                !heard.is_empty(),
                name.contains("elsewhere") || name.contains("redirected"),
                "{name}"
            );
            assert!(spellings("canary-").iter().all(|word| !has(&heard, word)), "{name}");
            let lower = String::from_utf8_lossy(&heard).to_ascii_lowercase();
            assert!(!lower.contains("authorization"), "{name}: {lower}");
        }
    }
}

#[test]
fn a_token_server_elsewhere_and_a_next_page_elsewhere_are_not_asked() {
    for source in [&SOURCES[2], &SOURCES[6]] {
        let ear = Ear::open();
        let realm = Some(format!("http://evil.localhost:{}/token?x=hidden-4711", ear.address.port()));
        let server = server(Auth::Bearer(Bearer { realm, ..bearer() }), Faults::none());
        run(&site(source, &server), &source.export(), Some(1));
        run(&site(source, &server), &source.import(), Some(1));
        let tags = located(&ear, "link", |view| view.path.ends_with("/tags/list"));
        let server = self::server(Auth::Bearer(bearer()), tags);
        let missing = source.export().replace("a:1", "a:2");
        run(&site(source, &server), &missing, Some(1));
        assert!(server.requests().iter().any(|request| request.path.ends_with("/tags/list")));
        assert_eq!(String::from_utf8_lossy(&ear.heard()), "");
    }
}

#[test]
fn the_address_of_a_foreign_layer_gets_nothing() {
    let ear = Ear::open();
    let mut graph = image(2, 2, 5000);
    let layer = graph.blobs.pop().unwrap();
    let mut root: serde_json::Value = serde_json::from_slice(&graph.root().bytes).unwrap();
    root["layers"][1]["mediaType"] = json!("application/vnd.oci.image.layer.nondistributable.v1.tar");
    root["layers"][1]["urls"] = json!([format!("http://{}/{}", ear.address, layer.digest)]);
    let media_type = graph.manifests.pop().unwrap().media_type;
    graph.manifests.push(Blob::new(&media_type, serde_json::to_vec(&root).unwrap()));
    let server = Server::start(Options { auth: Auth::Bearer(bearer()), ..Options::memory() }).unwrap();
    graph.put(server.registry(), "a", Some("1"));
    run(&site(&SOURCES[2], &server), &SOURCES[2].export(), Some(1));
    let heard = String::from_utf8(ear.heard()).unwrap();
    assert!(
        heard.contains("GET /sha256:") && !heard.to_ascii_lowercase().contains("authorization"),
        "{heard}"
    );
}

#[test]
fn runs_that_are_killed_leave_nothing() {
    for source in [&SOURCES[2], &SOURCES[6], &SOURCES[7]] {
        let server = server(Auth::Bearer(bearer()), Faults::none());
        for requests in 1..8 {
            let site = site(source, &server);
            let said = kill_at(&site, &source.export(), Some(Point::Requests(requests))).requests.join("\n");
            assert_eq!(canary(said.as_bytes()), None, "{said}");
            assert_eq!(leaks(&site), Vec::<String>::new(), "an export that was killed");
            let import = source.import().replace("--to HOST", &format!("--to HOST/x{requests}"));
            kill_at(&site, &import, Some(Point::Requests(requests)));
            assert_eq!(leaks(&site), Vec::<String>::new(), "an import that was killed");
        }
    }
}

#[test]
fn what_addresses_in_lists_hold_is_for_their_host_alone() {
    let web = Web::start([("/x", Page::sized(b"content".as_slice()))]);
    let server = server(Auth::None, Faults::none());
    for (path, code) in [("x", 0), ("none", 1)] {
        let list = format!("file http://user:canary-user@WEB/{path}?token=canary-query name=x\nHOST/a:1\n");
        let site =
            Site::new().named("WEB", web.host()).named("HOST", server.host()).file("secrets/list", &list);
        run(&site, "export --list secrets/list --force --retries 1", Some(code));
        if code == 0 {
            run(&site, "inspect", Some(0));
        }
    }
    let site =
        Site::new().file("secrets/list", "file http://user:canary-user@host:port/?token=canary-query\n");
    run(&site, "export --list secrets/list", Some(2));
}

#[test]
fn a_proxy_hears_its_own_password_and_no_other() {
    let ear = Ear::open();
    let site = Site::new()
        .env("HTTPS_PROXY", &format!("http://user:canary-proxy@{}", ear.address))
        .file("secrets/password", "canary-password\n");
    let line = "export registry.invalid/a:1 --retries 1 --username registry.invalid=user --password-file \
                secrets/password";
    run(&site, line, Some(1));
    let heard = ear.heard();
    assert!(spellings("user:canary-proxy").iter().any(|word| has(&heard, word)));
    assert!(spellings("canary-password").iter().all(|word| !has(&heard, word)));
}
