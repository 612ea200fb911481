//! Proxies that the environment names: what goes through them, what never does, and who is said to have answered.

use airgap_bundle::stores::registry::server::{Auth, Options, Server};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::fixture::{Authority, Pack, Proxy, image};
use crate::site::Site;

/// The name of a registry that is found through a proxy alone.
const HOST: &str = "registry.example";

/// A registry with `a:1`, behind TLS of an authority.
fn registry(auth: Auth) -> (Server, Authority) {
    let authority = Authority::new();
    let tls = Some(authority.sign_for(&[HOST]));
    let server = Server::start(Options { auth, tls, ..Options::memory() }).unwrap();
    image(1, 2, 1000).put(server.registry(), "a", Some("1"));
    (server, authority)
}

fn site(proxy: &Proxy) -> Site {
    let pack = Pack::new().graph("q.io/b:1", &image(2, 2, 1000));
    Site::new().named("PROXY", proxy.host()).bytes("site.tar", &pack.tar()).file("right", "secret\n")
}

fn secure(proxy: &Proxy, authority: &Authority) -> Site {
    site(proxy).file("ca.pem", &authority.pem()).env("AIRGAP_BUNDLE_CA_CERT", "SITE/ca.pem")
}

/// A registry in plain HTTP, and a site that reaches it through a proxy.
fn plain(change: impl FnOnce(Proxy) -> Proxy) -> (Server, Proxy, Site) {
    plain_with(Auth::None, change)
}

fn plain_with(auth: Auth, change: impl FnOnce(Proxy) -> Proxy) -> (Server, Proxy, Site) {
    let server = Server::start(Options { auth, ..Options::memory() }).unwrap();
    image(1, 2, 1000).put(server.registry(), "a", Some("1"));
    let proxy = change(Proxy::start(&server.host()));
    let site = site(&proxy).env("HTTP_PROXY", "http://PROXY");
    (server, proxy, site)
}

#[test]
fn export_and_import_go_through_the_proxy_of_the_environment() {
    let (server, authority) = registry(Auth::None);
    let proxy = Proxy::start(&server.host());
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let site = secure(&proxy, &authority).env(variable, "PROXY");
        let before = proxy.asked().len();
        site.run("export registry.example/a:1").any_stdout().any_stderr().code(0);
        site.run("import site.tar --to registry.example").any_stdout().any_stderr().code(0);
        assert!(proxy.asked().len() > before, "{variable}");
    }
    assert!(proxy.asked().iter().all(|asked| asked.starts_with("CONNECT registry.example:443 HTTP/1.1\r\n")));
    assert!(server.requests().iter().any(|request| request.path.starts_with("/v2/b/manifests/")));
}

#[test]
fn nothing_secret_reaches_the_other_of_proxy_and_registry() {
    let (server, authority) = registry(Auth::basic("user", "secret"));
    let proxy = Proxy::start(&server.host()).login("pro:x/y");
    let site = secure(&proxy, &authority).env("HTTPS_PROXY", "http://pro:x%2Fy@PROXY");
    let login = "--username user --password-file right -v";
    let said = site.run(&format!("export registry.example/a:1 {login}")).stdout_holds("sha256").stderr_of(0);
    let more = site.run(&format!("import site.tar --to registry.example {login}")).any_stdout().stderr_of(0);
    let (to_proxy, to_registry) = (STANDARD.encode("pro:x/y"), STANDARD.encode("user:secret"));
    for text in [&said, &more] {
        for secret in ["x%2Fy", "x/y", "secret", &to_proxy, &to_registry] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
    for asked in proxy.asked() {
        assert!(asked.contains(&to_proxy) && !asked.contains(&to_registry), "{asked}");
        assert!(!asked.to_ascii_lowercase().contains("\r\nauthorization:"), "{asked}");
    }
    let tunnelled = proxy.tunnelled();
    let holds = |word: &str| tunnelled.windows(word.len()).any(|piece| piece == word.as_bytes());
    assert!(!tunnelled.is_empty() && !holds("uthorization") && !holds(&to_registry) && !holds(&to_proxy));
    let requests = server.requests();
    assert!(requests.iter().any(|request| request.authorization.as_deref() == Some("Basic")));
}

#[test]
fn plain_http_goes_through_its_proxy_too_and_the_origin_sees_no_login_of_the_proxy() {
    let (server, proxy, site) = plain(|proxy| proxy.login("user:pass"));
    let site = site.env("HTTP_PROXY", "http://user:pass@PROXY");
    site.run("export registry.example/a:1 --plain-http registry.example").any_stdout().any_stderr().code(0);
    site.run("import site.tar --to http://registry.example").any_stdout().any_stderr().code(0);
    assert!(proxy.asked().iter().all(|asked| asked.contains(" http://registry.example/v2/")));
    assert!(server.requests().iter().all(|request| request.authorization.is_none()));
}

#[test]
fn no_proxy_and_loopback_go_directly() {
    let server = Server::start(Options::memory()).unwrap();
    image(1, 2, 1000).put(server.registry(), "a", Some("1"));
    let proxy = Proxy::start(&server.host());
    let site = site(&proxy).named("LOOPBACK", server.host()).env("HTTP_PROXY", "PROXY");
    site.run("export LOOPBACK/a:1 -o 1.tar").any_stdout().any_stderr().code(0);
    // Another name for this machine that is no loopback.
    let site = site.named("ELSEWHERE", format!("0.0.0.0:{}", server.address().port()));
    let site = site.env("no_proxy", "10.0.0.0/8, 0.0.0.0/8");
    let export = "export ELSEWHERE/a:1 --plain-http 0.0.0.0";
    site.run(&format!("{export} -o 2.tar")).any_stdout().any_stderr().code(0);
    assert_eq!(proxy.asked(), [""; 0]);
    let site = site.env("no_proxy", "10.0.0.0/8");
    site.run(&format!("{export} -o 3.tar")).any_stdout().any_stderr().code(0);
    assert!(!proxy.asked().is_empty());
}

#[test]
fn a_proxy_that_wants_to_know_who_asks_is_named_with_what_it_wants() {
    let (server, authority) = registry(Auth::None);
    let proxy = Proxy::start(&server.host()).login("user:pass");
    let site = secure(&proxy, &authority);
    site.env("HTTPS_PROXY", "PROXY")
        .run("export registry.example/a:1")
        .stderr_holds("was denied: the proxy `PROXY` (`HTTPS_PROXY`) answered with HTTP status 407: it asks for credentials of the kind `Basic`\n")
        .stderr_holds("hint: put user name and password into it: `HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT`\n")
        .code(1);
    assert_eq!(proxy.asked().len(), 2, "once, and once more to hear why");
    let site = secure(&proxy, &authority);
    site.env("https_proxy", "http://user:wrong@PROXY")
        .run("import site.tar --to registry.example")
        .stderr_holds("the proxy `PROXY` (`https_proxy`) answered with HTTP status 407")
        .stderr_holds("hint: check user name and password in `https_proxy`")
        .code(1);
    let (_server, _proxy, site) = plain(|proxy| proxy.login("user:pass"));
    site.run("export registry.example/a:1 --plain-http registry.example")
        .stderr_holds("the proxy `PROXY` (`HTTP_PROXY`) answered with HTTP status 407")
        .code(1);
}

#[test]
fn a_proxy_that_wants_more_than_basic_is_told_apart() {
    let head =
        "407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM";
    let proxy = Proxy::start("").refusing(head, "");
    site(&proxy)
        .env("HTTPS_PROXY", "http://user:pass@PROXY")
        .run("export registry.example/a:1")
        .stderr_holds("it asks for credentials of the kind `Negotiate` or `NTLM`\n")
        .stderr_holds("hint: only `Basic` is spoken here: ")
        .code(1);
}

#[test]
fn a_proxy_that_says_401_to_a_tunnel_wants_another_password() {
    let head = "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"";
    let proxy = Proxy::start("").refusing(head, "");
    site(&proxy)
        .env("HTTPS_PROXY", "http://user:wrong@PROXY")
        .run("export registry.example/a:1")
        .stderr_holds(
            "(`HTTPS_PROXY`) answered with HTTP status 401: it asks for credentials of the kind `Basic`\n",
        )
        .stderr_holds("hint: check user name and password in `HTTPS_PROXY`")
        .code(1);
}

#[test]
fn a_proxy_that_is_named_with_https_and_speaks_none_is_told() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
            let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let site = Site::new().named("PROXY", address).env("HTTPS_PROXY", "https://PROXY");
    site.run("export registry.example/a:1")
        .stderr_holds("the proxy `PROXY` (`HTTPS_PROXY`) does not speak TLS\n")
        .stderr_holds("hint: most proxies are asked in plain HTTP: `HTTPS_PROXY=http://PROXY`")
        .code(1);
}

#[test]
fn a_proxy_that_refuses_says_so_itself() {
    let page = "<html><title>Blocked by policy</title>";
    let proxy = Proxy::start("").refusing("403 Forbidden\r\nContent-Type: text/html", page);
    site(&proxy)
        .env("HTTPS_PROXY", "PROXY")
        .run("export registry.example/a:1")
        .stderr_holds("the proxy `PROXY` (`HTTPS_PROXY`) refused to connect to `registry.example`: HTTP status 403 (`Blocked by policy`)\n")
        .stderr_holds("hint: ask whoever runs the proxy to allow `registry.example`")
        .code(1);
    assert_eq!(proxy.asked().len(), 2);
    let proxy = Proxy::start("").refusing("502 Bad Gateway", "");
    site(&proxy)
        .env("HTTPS_PROXY", "PROXY")
        .run("import site.tar --to registry.example")
        .stderr_holds(
            "the proxy `PROXY` (`HTTPS_PROXY`) could not connect to `registry.example`: HTTP status 502\n",
        )
        .code(1);
}

#[test]
fn what_a_proxy_repeats_of_its_login_is_not_said_again() {
    // `user:pass-word`
    let page = "<html><title>No dXNlcjpwYXNzLXdvcmQ= (pass-word)</title>";
    let head = "403 Forbidden\r\nContent-Type: text/html";
    let proxy = Proxy::start("").refusing(head, page);
    site(&proxy)
        .env("HTTPS_PROXY", "http://user:pass-word@PROXY")
        .run("export registry.example/a:1")
        .stderr_holds("refused to connect to `registry.example`: HTTP status 403 (`No … (…)`)\n")
        .code(1);
    let answer = "200 OK\r\nContent-Type: text/html";
    let (_server, _proxy, site) = plain(|proxy| proxy.answering("/manifests/", answer, page));
    site.env("HTTP_PROXY", "http://user:pass-word@PROXY")
        .run("export registry.example/a:1 --plain-http registry.example")
        .stderr_holds("a page of type `text/html`, titled `No … (…)`, instead of ")
        .code(1);
}

#[test]
fn a_dead_proxy_is_said_to_be_the_proxy() {
    let proxy = Proxy::start("");
    proxy.die();
    for arguments in ["export registry.example/a:1", "import site.tar --to registry.example"] {
        site(&proxy)
            .env("HTTPS_PROXY", "http://user:secret@PROXY")
            .run(arguments)
            .stderr_holds("could not connect to the proxy `PROXY` (`HTTPS_PROXY`) for `registry.example`: ")
            .stderr_holds("hint: check host and port of the proxy `PROXY` (`HTTPS_PROXY`)")
            .code(1);
    }
}

#[test]
fn a_socks_proxy_is_refused_in_words() {
    let proxy = Proxy::start("");
    site(&proxy)
        .env("ALL_PROXY", "socks5://PROXY")
        .run("export registry.example/a:1")
        .stderr_holds("`ALL_PROXY` names a proxy that speaks `socks5`, which is not spoken here\n")
        .stderr_holds("hint: name one that speaks HTTP with `HTTPS_PROXY=http://HOST:PORT`")
        .code(1);
}

#[test]
fn a_page_in_the_place_of_content_is_quoted() {
    let head = "200 OK\r\nContent-Type: text/html; charset=utf-8";
    for (word, arguments, what) in [
        ("/manifests/", "export registry.example/a:1 --plain-http registry.example", "manifest `1`"),
        ("/blobs/", "export registry.example/a:1 --plain-http registry.example", "blob sha256:"),
        ("POST ", "import site.tar --to http://registry.example", "upload"),
        ("/token?", "export registry.example/a:1 --plain-http registry.example", "/token"),
    ] {
        let auth = if word == "/token?" { Auth::bearer("user", "secret") } else { Auth::None };
        let (_server, _proxy, site) =
            plain_with(auth, |proxy| proxy.answering(word, head, "<title>Please log in</title>"));
        let said = site.run(arguments).any_stdout().stderr_of(1);
        assert!(
            said.contains("a page of type `text/html`, titled `Please log in`, instead of "),
            "{word}: {said}"
        );
        assert!(
            said.contains(what) && said.contains("through the proxy `PROXY` (`HTTP_PROXY`)"),
            "{word}: {said}"
        );
    }
}

#[test]
fn an_error_in_plain_http_may_be_the_proxys() {
    let (_server, _proxy, site) = plain(|proxy| proxy.answering("/manifests/", "403 Forbidden", ""));
    site.run("export registry.example/a:1 --plain-http registry.example")
        .stderr_holds("(or the proxy `PROXY` (`HTTP_PROXY`), which may have answered)")
        .code(1);
}
