//! Certificates that no flag names: the system's, those of the environment, those of one host.

use airgap_bundle::stores::registry::server::{Fault, Faults, Options, Server};

use crate::fixture::{Authority, image};
use crate::namespace;
use crate::site::Site;

fn site() -> (Server, Site) {
    let authority = Authority::new();
    let server = Server::start(Options { tls: Some(authority.sign()), ..Options::memory() }).unwrap();
    image(1, 2, 1000).put(server.registry(), "a", Some("1"));
    let site = Site::new().named("HOST", server.host()).file("ca.pem", &authority.pem());
    (server, site)
}

const UNKNOWN: &str = "comes from an authority that this host does not trust";

#[test]
fn the_environment_names_what_is_trusted_instead_of_the_systems() {
    let (_server, site) = site();
    site.run("export HOST/a:1").stderr_holds(UNKNOWN).code(1);
    let site = site.file("folder/0.pem", "").env("SSL_CERT_FILE", "SITE/ca.pem");
    site.run("export HOST/a:1 -o 1.tar").any_stdout().any_stderr().code(0);
    let site = site.env("SSL_CERT_FILE", "").env("SSL_CERT_DIR", "SITE/nowhere:SITE/folder");
    site.run("export HOST/a:1 -o 2.tar").stderr_holds(UNKNOWN).code(1);
    std::fs::copy(site.path("ca.pem"), site.path("folder/0.pem")).unwrap();
    site.run("export HOST/a:1 -o 2.tar").any_stdout().any_stderr().code(0);
}

#[test]
fn a_file_of_the_environment_that_is_not_there_is_named() {
    let (_server, site) = site();
    let site = site.env("SSL_CERT_FILE", "SITE/gone.pem");
    site.run("export HOST/a:1")
        .stderr_holds("reading `SITE/gone.pem` (`SSL_CERT_FILE`)")
        .stderr_holds("hint: correct the variable `SSL_CERT_FILE`")
        .code(1);
}

#[test]
fn plain_http_with_a_server_that_speaks_tls_is_told() {
    for body in [
        "Client sent an HTTP request to an HTTPS server.\n",
        "<html><title>400 The plain HTTP request was sent to HTTPS port</title>",
    ] {
        let fault = Fault::Status { status: 400, headers: Vec::new(), body: body.to_owned() };
        let faults = Faults::times(9, fault, |_| true);
        let server = Server::start(Options { faults, ..Options::memory() }).unwrap();
        Site::new()
            .named("HOST", server.host())
            .run("export HOST/a:1 --plain-http HOST")
            .stderr_holds("hint: it speaks TLS there: leave out `--plain-http HOST`")
            .code(1);
    }
}

#[test]
fn a_host_without_authorities_says_so_and_takes_those_that_are_named() {
    let (_server, site) = site();
    let site = site.file("empty/none", "").env("SSL_CERT_DIR", "SITE/empty");
    site.run("export HOST/a:1")
        .stderr_holds("that this host does not trust: it has no certificates of authorities at all")
        .stderr_holds("hint: name the registry's CA with `--ca-cert FILE`")
        .code(1);
    site.run("export HOST/a:1 --ca-cert ca.pem").any_stdout().any_stderr().code(0);
}

#[test]
fn certs_d_of_the_home_folder_is_read() {
    let (server, site) = site();
    let path = format!("home/.config/containers/certs.d/{}/ca.crt", server.host());
    let pem = String::from_utf8(site.read("ca.pem")).unwrap();
    let site = site.file(&path, &pem);
    site.run("export HOST/a:1").any_stdout().any_stderr().code(0);
    site.run("import --to HOST/b").any_stdout().any_stderr().code(0);
}

#[test]
fn certs_d_of_docker_and_containers_is_read_on_a_host_without_a_bundle() {
    for tool in ["docker", "containers"] {
        let (_server, site) = site();
        namespace::run(
            &site,
            &format!(
                "mount -t tmpfs none /etc\n! airgap-bundle export HOST/a:1 2> none\n\
                 mkdir -p /etc/{tool}/certs.d/HOST\ncp ca.pem /etc/{tool}/certs.d/HOST/any.crt\n\
                 airgap-bundle export HOST/a:1"
            ),
        );
        let said = String::from_utf8(site.read("none")).unwrap();
        assert!(said.contains(UNKNOWN), "{tool}: {said}");
    }
}

#[test]
fn a_host_that_a_flag_names_in_vain_is_warned_of() {
    let (_server, site) = site();
    let flags =
        "--plain-http other.example --insecure-skip-tls-verify HOST --insecure-skip-tls-verify 127.0.0.2";
    let said = site.run(&format!("export HOST/a:1 {flags}")).any_stdout().stderr_of(0);
    let vain = |flag: &str| format!("warning: `{flag}` names a host that this call has not spoken to\n");
    assert!(said.contains(&vain("--plain-http other.example")), "{said}");
    assert!(said.contains(&vain("--insecure-skip-tls-verify 127.0.0.2")), "{said}");
    assert_eq!(said.matches("has not spoken to").count(), 2, "{said}");
}
