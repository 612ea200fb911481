//! Flags about registries, shared by every command that speaks to one.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::time::Duration;

use bytesize::ByteSize;
use camino::Utf8PathBuf;

use super::certificates;
use super::credentials::CredentialArguments;
use super::mirrors::MirrorArguments;
use crate::model::error::{Error, Result};
use crate::model::target::is_registry;
use crate::stores::http::{ClientCertificate, HttpClient, HttpSettings, RetrySettings, TimeOuts, UsedUp};
use crate::stores::registry::client::{RegistryClient, RegistrySettings};
use crate::ui::Ui;

/// The lowest rate, in bytes a second.
const SLOWEST: u64 = 4096;

/// Flags about registries.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Registries")]
pub(super) struct RegistryArguments {
    #[command(flatten)]
    credentials: CredentialArguments,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// Flags about how registries are spoken to, whoever we are.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Registries")]
pub(super) struct ConnectionArguments {
    /// Trust the certificates in this PEM file, too
    #[arg(long, value_name = "FILE", env = "AIRGAP_BUNDLE_CA_CERT")]
    ca_cert: Vec<Utf8PathBuf>,
    /// Show this certificate to the registries that ask for one
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_cert: Option<Utf8PathBuf>,
    /// Use this key with the client certificate
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    client_key: Option<Utf8PathBuf>,
    /// Speak plain HTTP with this host
    #[arg(long, value_name = "HOST")]
    plain_http: Vec<String>,
    /// Do not check the certificate of this host
    #[arg(long, value_name = "HOST")]
    insecure_skip_tls_verify: Vec<String>,
    /// Do so many things at once
    #[arg(long, value_name = "N", default_value_t = 16, env = "AIRGAP_BUNDLE_JOBS", value_parser = jobs)]
    jobs: usize,
    /// Try so many times without progress
    #[arg(long, value_name = "N", default_value_t = RetrySettings::default().tries, value_parser = clap::value_parser!(u32).range(1..=100))]
    retries: u32,
    /// Move so many bytes a second at most, everything together: 10MB, 512KiB
    #[arg(long, value_name = "BYTES", value_parser = rate)]
    limit_rate: Option<u64>,
    /// Wait so long for the first byte of an answer, which a scanner may hold back
    #[arg(long, value_name = "SECONDS", default_value_t = TimeOuts::default().first_byte.as_secs(), value_parser = clap::value_parser!(u64).range(1..=86_400))]
    first_byte_timeout: u64,
    /// Wait until a registry allows more pulls, a day at most, instead of failing
    #[arg(long)]
    wait_for_quota: bool,
}

/// Hosts whose scheme was said otherwise than by flags, such as with `--to http://…`.
#[derive(Clone, Debug, Default)]
pub(super) struct Schemes {
    /// Plain HTTP.
    pub(super) plain_http: Vec<String>,
    /// https, and nothing else.
    pub(super) https: Vec<String>,
    /// https that is not checked, or plain HTTP.
    pub(super) insecure: Vec<String>,
}

/// Reads `--jobs`: 1 to 256.
pub(super) fn jobs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(jobs @ 1..=256) => Ok(jobs),
        _ => Err("expected a number from 1 to 256".to_owned()),
    }
}

/// Reads `--limit-rate`: a size as `ls -h` or `curl` spell it, a second. Slower than 4 KiB is taken for a stall.
fn rate(text: &str) -> Result<u64, String> {
    let spelt = text.trim().trim_end_matches("/s");
    match spelt.parse::<ByteSize>() {
        Ok(ByteSize(bytes @ SLOWEST..)) => Ok(bytes),
        Ok(_) => Err(format!("expected at least {SLOWEST} bytes a second")),
        Err(_) => Err("expected a size such as `500KB`, `10MB` or `1.5MiB`".to_owned()),
    }
}

impl RegistryArguments {
    /// Returns how many things are done at once.
    pub(super) fn jobs(&self) -> usize {
        self.connection.jobs
    }

    /// Returns who we are.
    pub(super) fn credentials(&self) -> &CredentialArguments {
        &self.credentials
    }

    /// Lets a user name without a host be for this registry.
    #[must_use]
    pub(super) fn with_login_for(self, host: &str) -> Self {
        Self { credentials: self.credentials.with_login_for(host), ..self }
    }

    /// Warns of hosts that a flag about connections names and that no request went to, and of mirrors of nothing that was
    /// asked for.
    pub(super) fn warn_of_unvisited(&self, client: &RegistryClient, ui: &Ui) {
        let http = client.http();
        let connection = &self.connection;
        let skip = &connection.insecure_skip_tls_verify;
        for (flag, named) in [("--plain-http", &connection.plain_http), ("--insecure-skip-tls-verify", skip)]
        {
            for host in http.unvisited(named) {
                ui.warn(&format!("`{flag} {host}` names a host that this call has not spoken to"));
            }
        }
        for flag in client.mirrors_in_vain() {
            ui.warn(&format!("{flag} is for nothing that this call has read"));
        }
    }

    /// Makes the client. `hosts` are the registries that this call speaks to: a user name without a host is for the
    /// only one of them.
    ///
    /// Errors: [`Error::Usage`], also where a host is said to be spoken to in both schemes.
    pub(super) fn client(
        &self,
        hosts: &BTreeSet<String>,
        schemes: &Schemes,
        ui: &Ui,
    ) -> Result<RegistryClient> {
        self.client_through(hosts, schemes, &MirrorArguments::default(), ui)
    }

    /// As [`RegistryArguments::client`], with mirrors for what is read.
    pub(super) fn client_through(
        &self,
        hosts: &BTreeSet<String>,
        schemes: &Schemes,
        mirrors: &MirrorArguments,
        ui: &Ui,
    ) -> Result<RegistryClient> {
        check_files(self.credentials.named().chain(self.connection.files()))?;
        let mut schemes = schemes.clone();
        let mirrors = mirrors.mirrors(&mut schemes)?;
        schemes.insecure = mirrors.insecure();
        let http = self.connection.http(&schemes, ui)?;
        // A user name without a host is not for a mirror by chance.
        let hosts = hosts.union(&mirrors.hosts()).cloned().collect();
        let settings = RegistrySettings { mirrors, ..self.credentials.settings(&hosts, ui)? };
        RegistryClient::new(http, &settings)
    }
}

impl ConnectionArguments {
    /// Makes the HTTP client.
    ///
    /// Errors: [`Error::Usage`], also where a host is said to be spoken to in both schemes.
    pub(super) fn http(&self, schemes: &Schemes, ui: &Ui) -> Result<HttpClient> {
        self.check_hosts()?;
        if let Some(host) = self.plain_http.iter().find(|host| schemes.https.contains(host)) {
            let message = format!("`https://{host}` and `--plain-http {host}` contradict each other");
            return Err(Error::usage(message, Some("leave one of them out")));
        }
        let used_up = if self.wait_for_quota { UsedUp::Wait } else { UsedUp::Fail };
        let settings = HttpSettings {
            ca_certificates: self.ca_cert.clone(),
            roots: certificates::roots(),
            host_certificates: certificates::folders(),
            client_certificate: self
                .client_cert
                .clone()
                .zip(self.client_key.clone())
                .map(|(certificate, key)| ClientCertificate { certificate, key }),
            plain_http: self.plain_http.iter().chain(&schemes.plain_http).cloned().collect(),
            https: schemes.https.clone(),
            insecure_skip_tls_verify: self.insecure_skip_tls_verify.clone(),
            insecure: schemes.insecure.clone(),
            proxy: super::proxy::settings(),
            per_host: self.jobs,
            limit_rate: self.limit_rate,
            retry: RetrySettings { tries: self.retries, used_up, ..RetrySettings::default() },
            time_outs: TimeOuts {
                first_byte: Duration::from_secs(self.first_byte_timeout),
                ..TimeOuts::default()
            },
        };
        HttpClient::new(&settings, ui.progress())
    }

    /// Refuses what is no host. What stands before an `@` may be a password and is not repeated.
    fn check_hosts(&self) -> Result<()> {
        let skip = &self.insecure_skip_tls_verify;
        let named = [("--plain-http", &self.plain_http), ("--insecure-skip-tls-verify", skip)];
        let named = named.into_iter().flat_map(|(flag, hosts)| hosts.iter().map(move |host| (flag, host)));
        let wrong: Vec<String> = named
            .filter(|(_, host)| !is_registry(host))
            .map(|(flag, host)| {
                let shown = if host.contains('@') { String::new() } else { format!(" {host}") };
                format!("`{flag}{shown}`: expected `HOST[:PORT]` and nothing else")
            })
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(Error::usage(wrong.join("; "), None)) }
    }

    /// Returns the files that flags name, each with its flag.
    pub(super) fn files(&self) -> impl Iterator<Item = (&'static str, &Utf8PathBuf)> {
        let one = [("--client-cert", &self.client_cert), ("--client-key", &self.client_key)];
        let one = one.into_iter().filter_map(|(flag, path)| Some((flag, path.as_ref()?)));
        one.chain(self.ca_cert.iter().map(|path| ("--ca-cert", path)))
    }
}

/// Checks that every file that a flag names is there.
pub(super) fn check_files<'a>(named: impl Iterator<Item = (&'static str, &'a Utf8PathBuf)>) -> Result<()> {
    let wrong: Vec<String> = named
        .filter_map(|(flag, path)| match std::fs::metadata(path) {
            Ok(kind) if kind.is_dir() => Some(format!("`{flag} {path}` is a folder, not a file")),
            Err(error) if error.kind() == ErrorKind::NotFound => Some(match flag.strip_prefix('$') {
                Some(_) => format!("`{path}`, which `{flag}` names, was not found"),
                None => format!("`{flag} {path}` was not found"),
            }),
            _ => None,
        })
        .collect();
    if wrong.is_empty() { Ok(()) } else { Err(Error::usage(wrong.join("; "), None)) }
}
