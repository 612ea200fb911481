//! The same round trip on every registry that there is to run, and through what sites put in front of one.

mod nginx;
mod oci_client;
mod process;
mod tinyproxy;
mod token_server;

use std::any::Any;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use self::nginx::{LONGEST_BODY, Nginx};
use self::process::Process;
use self::tinyproxy::Tinyproxy;
use self::token_server::{ISSUER, SERVICE, TokenServer};
use crate::docker_registry::{DockerRegistry, PASSWORD, Settings, Tokens, USER, Version};
use crate::fixture::{Authority, Graph, Pack, artifact, chart, image, index};
use crate::site::Site;

/// A registry, and what it takes to be let in.
struct Place {
    host: String,
    login: bool,
    authority: Option<String>,
    /// The URL of a proxy that it is reached through, and the address at which who goes around that finds it.
    proxy: Option<(String, String)>,
    /// What runs for it, until the place is dropped.
    _running: Vec<Box<dyn Any>>,
}

impl Place {
    fn open(host: &str, running: Vec<Box<dyn Any>>) -> Self {
        Self { host: host.to_owned(), login: false, authority: None, proxy: None, _running: running }
    }

    fn docker_registry(settings: Settings<'_>) -> Self {
        let registry = DockerRegistry::with(settings);
        let host = registry.host().to_owned();
        let login = settings.htpasswd || settings.tokens.is_some();
        Self { login, ..Self::open(&host, vec![Box::new(registry)]) }
    }

    /// Returns a site that knows the place as `HOST`, and the flags that a call needs.
    fn site(&self) -> (Site, String) {
        let mut site = Site::new().named("HOST", &self.host);
        let mut flags = String::new();
        if self.login {
            let auth = STANDARD.encode(format!("{USER}:{PASSWORD}"));
            site = site.file("auth.json", &format!(r#"{{"auths":{{"HOST":{{"auth":"{auth}"}}}}}}"#));
            flags.push_str(" --auth-file auth.json");
        }
        if let Some(authority) = &self.authority {
            site = site.file("authority.crt", authority);
            flags.push_str(" --ca-cert authority.crt");
        }
        if let Some((proxy, _)) = &self.proxy {
            site = site.env("HTTPS_PROXY", proxy);
        }
        (site, flags)
    }
}

/// What is carried: a layer is longer than what [`Nginx`] takes at once.
fn content() -> Vec<(&'static str, &'static str, Graph)> {
    vec![
        ("team/app", "v1", image(71, 2, LONGEST_BODY * 5 / 2)),
        ("team/deep/er/two", "1.2", index(72, &["linux/amd64", "linux/arm64"], 2, 3000)),
        ("charts/app", "1.0.0", chart("app", "1.0.0", b"packed")),
        ("odd", "v1", artifact(73, "application/x.test", None)),
    ]
}

/// Imports, imports again, exports what is there, and asks another client for it.
fn round_trip(place: &Place) {
    let content = content();
    let pack = content
        .iter()
        .fold(Pack::new(), |pack, (path, tag, graph)| pack.graph(&format!("quay.io/{path}:{tag}"), graph));
    let (site, flags) = place.site();
    let site = site.bytes("site.tar", &pack.file("setup.sh", b"#!/bin/sh\n").tar());
    site.run(&format!("import --to HOST{flags} site.tar")).any_stderr().code(0);
    site.run(&format!("import --to HOST{flags} site.tar")).stderr_holds("0 B sent").code(0);
    site.run(&format!("import --no-receipt --to HOST{flags} site.tar")).stderr_holds("0 B sent").code(0);
    let lines: Vec<String> = content.iter().map(|(path, tag, _)| format!("HOST/{path}:{tag}\n")).collect();
    let site = site.file("artifacts.txt", &lines.concat());
    site.run(&format!("export --list artifacts.txt -o back.tar{flags}")).any_stdout().any_stderr().code(0);
    let told = site.run("inspect --json back.tar").any_stderr().json(0);
    let told: Vec<(&str, &str)> = (told["artifacts"].as_array().unwrap().iter())
        .map(|row| (row["reference"].as_str().unwrap(), row["digest"].as_str().unwrap()))
        .collect();
    for (path, tag, graph) in &content {
        let (name, digest) = (format!("{}/{path}:{tag}", place.host), graph.digest().to_string());
        assert!(told.contains(&(name.as_str(), digest.as_str())), "{name} {digest}: {told:?}");
        oci_client::pulls(place, path, tag, graph);
    }
}

#[test]
fn docker_registry() {
    round_trip(&Place::docker_registry(Settings::default()));
}

#[test]
fn docker_registry_with_a_password() {
    round_trip(&Place::docker_registry(Settings { htpasswd: true, ..Settings::default() }));
}

#[test]
fn docker_registry_with_tokens() {
    for version in [Version::Debian, Version::Three] {
        let server = TokenServer::start();
        let realm = server.realm();
        let tokens = Tokens { realm: &realm, service: SERVICE, issuer: ISSUER, certificate: server.pem() };
        let place = Place::docker_registry(Settings { version, tokens: Some(tokens), ..Settings::default() });
        round_trip(&place);
        // Four calls and the other client: each needs one for a repository, and one more for a mount.
        assert!((20..60).contains(&server.asked()), "{} tokens", server.asked());
    }
}

#[test]
fn docker_registry_behind_an_authority_of_its_own() {
    let authority = Authority::new();
    let tls = authority.sign();
    let settings =
        Settings { htpasswd: true, tls: Some((&tls.certificates, &tls.key)), ..Settings::default() };
    round_trip(&Place { authority: Some(authority.pem()), ..Place::docker_registry(settings) });
}

#[test]
fn docker_registry_behind_nginx() {
    let authority = Authority::new();
    let registry = DockerRegistry::with(Settings { htpasswd: true, ..Settings::default() });
    let nginx = Nginx::start(registry.host(), &authority);
    let place = Place::open(&nginx.host(), vec![Box::new(registry), Box::new(nginx)]);
    round_trip(&Place { login: true, authority: Some(authority.pem()), ..place });
}

#[test]
fn distribution_three() {
    round_trip(&Place::docker_registry(Settings { version: Version::Three, ..Settings::default() }));
}

#[test]
fn registry_of_crane() {
    let folder = tempfile::tempdir().unwrap();
    let crane = Process::start("crane", folder.path(), |command, address| {
        command.args(["registry", "serve", "--address", &address.to_string()]);
    });
    round_trip(&Place::open(&crane.host(), vec![Box::new(crane), Box::new(folder)]));
}

#[test]
fn docker_registry_through_tinyproxy() {
    let authority = Authority::new();
    let tls = authority.sign_for(&["127.0.0.1", "registry.example"]);
    let settings =
        Settings { htpasswd: true, tls: Some((&tls.certificates, &tls.key)), ..Settings::default() };
    let direct = Place::docker_registry(settings);
    let port = direct.host.rsplit_once(':').unwrap().1.to_owned();
    let proxy = Tinyproxy::start("secret", "registry.example");
    let url = format!("http://{USER}:secret@{}", proxy.host());
    round_trip(&Place {
        host: format!("registry.example:{port}"),
        authority: Some(authority.pem()),
        proxy: Some((url, direct.host.clone())),
        ..direct
    });
    assert!(proxy.connected() >= 4, "{} connections", proxy.connected());
}
