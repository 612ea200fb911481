//! What a caller may decide about HTTP. Nothing here is read from the environment.

use std::fmt;
use std::time::Duration;

use camino::Utf8PathBuf;

/// Settings of an [`HttpClient`](super::HttpClient).
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Files of PEM certificates that are trusted besides the system's.
    pub ca_certificates: Vec<Utf8PathBuf>,
    /// What is trusted for every host.
    pub roots: Roots,
    /// Folders of folders `HOST[:PORT]`, each with what is for that host alone: `*.crt` are authorities, `X.cert` with
    /// `X.key` client certificates, as in `/etc/docker/certs.d`. What is not there is passed over.
    pub host_certificates: Vec<Utf8PathBuf>,
    /// The certificate that this side shows to servers that ask for one.
    pub client_certificate: Option<ClientCertificate>,
    /// Hosts (`HOST` or `HOST:PORT`) that are spoken to in plain HTTP.
    pub plain_http: Vec<String>,
    /// Hosts (`HOST` or `HOST:PORT`) that are spoken to in https and in nothing else, loopback or not.
    pub https: Vec<String>,
    /// Hosts (`HOST` or `HOST:PORT`) whose certificate is not checked.
    pub insecure_skip_tls_verify: Vec<String>,
    /// Hosts (`HOST`, `HOST:PORT` or `*.DOMAIN`) whose certificate is not checked, and which are spoken to in plain HTTP
    /// where they speak no TLS.
    pub insecure: Vec<String>,
    /// Proxies; `None` connects directly.
    pub proxy: Option<ProxySettings>,
    /// Requests to one host at a time; the same number again for blobs on their way in.
    pub per_host: usize,
    /// Bytes of bodies a second, all hosts and both directions together; `None` for as many as come.
    pub limit_rate: Option<u64>,
    /// When a failed request is tried again.
    pub retry: RetrySettings,
    /// When a silent or slow connection is ended.
    pub time_outs: TimeOuts,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            ca_certificates: Vec::new(),
            roots: Roots::System,
            host_certificates: Vec::new(),
            client_certificate: None,
            plain_http: Vec::new(),
            https: Vec::new(),
            insecure_skip_tls_verify: Vec::new(),
            insecure: Vec::new(),
            proxy: None,
            per_host: 32,
            limit_rate: None,
            retry: RetrySettings::default(),
            time_outs: TimeOuts::default(),
        }
    }
}

/// Which authorities are trusted for every host, besides the named ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roots {
    /// The system's.
    System,
    /// These instead of the system's, as `SSL_CERT_FILE` and `SSL_CERT_DIR` name them.
    Named {
        /// A file of PEM certificates.
        file: Option<Utf8PathBuf>,
        /// Folders of such files.
        folders: Vec<Utf8PathBuf>,
    },
}

/// A client certificate and its key, PEM files; they may be the same file.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The certificate and those between it and its root.
    pub certificate: Utf8PathBuf,
    /// The private key: PKCS #8, PKCS #1 or SEC 1.
    pub key: Utf8PathBuf,
}

/// Proxies as `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` name them.
#[derive(Clone, Debug, Default)]
pub struct ProxySettings {
    /// The proxy for https.
    pub https: Option<NamedProxy>,
    /// The proxy for http.
    pub http: Option<NamedProxy>,
    /// Hosts, domains and networks that are reached directly, comma-separated, as Go reads `NO_PROXY`.
    pub except: String,
}

/// A proxy, and who named it.
#[derive(Clone)]
pub struct NamedProxy {
    /// Its URL; without a scheme it is `http`. It may hold a password, so nothing prints it.
    pub url: String,
    /// The variable that holds it, for messages: `HTTPS_PROXY`.
    pub source: String,
}

impl fmt::Debug for NamedProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedProxy").field("source", &self.source).finish_non_exhaustive()
    }
}

/// When a failed request is tried again: after 408, 429, 5xx and faults of the connection.
#[derive(Clone, Copy, Debug)]
pub struct RetrySettings {
    /// Tries without progress, the first one included.
    pub tries: u32,
    /// The first wait; each one is 2.5 times as long as the one before.
    pub first_wait: Duration,
    /// The longest of these waits.
    pub longest_wait: Duration,
    /// The longest wait that a server may ask for with `Retry-After`.
    pub longest_asked: Duration,
    /// What is done where a registry asks for a longer one, or says that no pull is left.
    pub used_up: UsedUp,
}

/// What is done where a registry lets nobody pull for longer than it is worth waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsedUp {
    /// It is an error, after one wait of [`RetrySettings::longest_asked`] at most.
    Fail,
    /// It is waited for, a day at most: `--wait-for-quota`.
    Wait,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            tries: 8,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(60),
            longest_asked: Duration::from_secs(300),
            used_up: UsedUp::Fail,
        }
    }
}

/// When a silent or slow connection is ended.
#[derive(Clone, Copy, Debug)]
pub struct TimeOuts {
    /// For the connection itself, TLS included.
    pub connect: Duration,
    /// From the end of a request to the first byte of the answer: scanners hold back a blob for minutes.
    pub first_byte: Duration,
    /// A transfer of fewer bytes a second than this, averaged over [`Self::stall_window`], is ended and resumed.
    pub stall_rate: u64,
    /// See [`Self::stall_rate`].
    pub stall_window: Duration,
}

impl Default for TimeOuts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            first_byte: Duration::from_secs(300),
            stall_rate: 4096,
            stall_window: Duration::from_secs(60),
        }
    }
}
