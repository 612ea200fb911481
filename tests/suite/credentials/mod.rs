//! Who the program says it is: files, helpers, flags, `login` and `logout`.

mod files;
mod helpers;
mod login;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use airgap_bundle::stores::registry::server::{Auth, Options, Server};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::fixture::image;
use crate::site::Site;

/// A registry that wants `user` and `secret`, with `a:1` in it.
fn closed() -> Server {
    serve(Auth::basic("user", "secret"))
}

fn serve(auth: Auth) -> Server {
    let server = Server::start(Options { auth, ..Options::memory() }).unwrap();
    image(1, 2, 1000).put(server.registry(), "a", Some("1"));
    server
}

/// A site in which `HOST` is the registry.
fn site(server: &Server) -> Site {
    Site::new().named("HOST", server.host())
}

/// Base64 of `USER:PASSWORD`.
fn pair(user: &str, password: &str) -> String {
    STANDARD.encode(format!("{user}:{password}"))
}

impl Site {
    /// Puts `docker-credential-NAME` into the folder `bin`, which is the first of `PATH` then.
    pub(crate) fn helper(self, name: &str, script: &str) -> Self {
        let text = self.fill(&format!("#!/bin/sh\n{script}"));
        std::fs::create_dir_all(self.path("bin")).unwrap();
        program(&self.path(&format!("bin/docker-credential-{name}")), &text);
        let path = std::env::var("PATH").unwrap();
        self.env("PATH", &format!("SITE/bin:{path}"))
    }
}

/// Writes a program. Another program does it: a file that this one has open for writing may be so in a child that another
/// test starts, and cannot be run then.
fn program(path: &Path, text: &str) {
    let mut shell = Command::new("sh")
        .args(["-c", "cat >\"$0\" && chmod 700 \"$0\""])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    shell.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(shell.wait().unwrap().success());
}
