//! Debian's `docker-registry` and its successor, on a free port with a root of its own, until it is dropped.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;

use tempfile::TempDir;

use crate::tools::command;

/// The user that [`Settings::htpasswd`] lets in.
pub(crate) const USER: &str = "user";
/// That user's password.
pub(crate) const PASSWORD: &str = "pass word";
/// The line of `htpasswd -B` for both.
const HTPASSWD: &str = "user:$2y$05$abcdefghijklmnopqrstuuIt/9/tGzLcigNq/.RWIDjeEVR30RSf.\n";

/// Which of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Version {
    /// `docker-registry` of Debian, which is distribution 2.8.
    #[default]
    Debian,
    /// `registry` of distribution 3.
    Three,
}

/// Who gives tokens for a registry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tokens<'a> {
    /// URL of the token server.
    pub(crate) realm: &'a str,
    /// Whom they are for.
    pub(crate) service: &'a str,
    /// Who signs them.
    pub(crate) issuer: &'a str,
    /// The certificate of the key that signs them, PEM.
    pub(crate) certificate: &'a str,
}

/// What is set in the configuration file besides the defaults of a test: loopback, deletion, foreign layers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings<'a> {
    /// Which program.
    pub(crate) version: Version,
    /// Ask for [`USER`] and [`PASSWORD`].
    pub(crate) htpasswd: bool,
    /// Ask for tokens.
    pub(crate) tokens: Option<Tokens<'a>>,
    /// Certificate and key, PEM.
    pub(crate) tls: Option<(&'a str, &'a str)>,
}

/// A `docker-registry` that runs.
#[derive(Debug)]
pub(crate) struct DockerRegistry {
    child: Child,
    host: String,
    folder: TempDir,
}

impl DockerRegistry {
    /// Starts one in plain HTTP that lets everybody in.
    pub(crate) fn start() -> Self {
        Self::with(Settings::default())
    }

    /// Starts one, and returns when it listens.
    pub(crate) fn with(settings: Settings<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.yml");
        std::fs::write(&file, configuration(folder.path(), settings)).unwrap();
        let program = match settings.version {
            Version::Debian => "docker-registry",
            Version::Three => "registry",
        };
        let mut child = command(program, folder.path())
            .arg("serve")
            .arg(&file)
            // It takes variables of this prefix for settings of its own.
            .env_remove("REGISTRY_AUTH_FILE")
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let host = loop {
            let Some(Ok(line)) = lines.next() else { panic!("`{program}` ended:\n{said}") };
            if let Some((_, rest)) = line.split_once("listening on ") {
                let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ':'));
                break rest[..end.unwrap_or(rest.len())].to_owned();
            }
            let _ = writeln!(said, "{line}");
        };
        // Whoever does not read the log stops the registry once the pipe is full.
        thread::spawn(move || lines.for_each(drop));
        Self { child, host, folder }
    }

    /// Returns address and port as they stand in a reference.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Returns the folder that holds its content, under `root/`.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        // Both fail only where it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(folder: &Path, settings: Settings<'_>) -> String {
    let root = folder.join("root");
    let mut text = format!(
        "version: 0.1\nlog: {{level: info}}\nstorage:\n  filesystem: {{rootdirectory: {}}}\n  \
         delete: {{enabled: true}}\nvalidation:\n  manifests: {{urls: {{allow: ['.*']}}}}\n\
         http:\n  addr: 127.0.0.1:0\n",
        root.display()
    );
    if let Some((certificate, key)) = settings.tls {
        let (certificate_file, key_file) = (folder.join("tls.crt"), folder.join("tls.key"));
        std::fs::write(&certificate_file, certificate).unwrap();
        std::fs::write(&key_file, key).unwrap();
        let (certificate_file, key_file) = (certificate_file.display(), key_file.display());
        let _ = writeln!(text, "  tls: {{certificate: {certificate_file}, key: {key_file}}}");
    }
    if let Some(Tokens { realm, service, issuer, certificate }) = settings.tokens {
        let file = folder.join("tokens.crt");
        std::fs::write(&file, certificate).unwrap();
        let _ = writeln!(
            text,
            "auth:\n  token: {{realm: '{realm}', service: '{service}', issuer: '{issuer}', rootcertbundle: {}}}",
            file.display()
        );
    }
    if settings.htpasswd {
        let file = folder.join("htpasswd");
        std::fs::write(&file, HTPASSWD).unwrap();
        let _ = writeln!(text, "auth:\n  htpasswd: {{realm: test, path: {}}}", file.display());
    }
    text
}
