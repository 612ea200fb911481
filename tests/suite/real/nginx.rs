//! nginx in front of a registry: it takes TLS off, limits bodies, keeps connections short, waits for a registry that never
//! answers, and sends whoever wants a blob elsewhere.

use std::net::TcpListener;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use super::process::Process;
use crate::docker_registry::{PASSWORD, USER};
use crate::fixture::Authority;

/// The longest body that it takes.
pub(super) const LONGEST_BODY: usize = 1 << 20;

/// nginx, until it is dropped.
#[derive(Debug)]
pub(super) struct Nginx {
    process: Process,
    _folder: TempDir,
    /// Takes connections and never answers: the second registry of the group.
    _silent: TcpListener,
}

impl Nginx {
    /// Starts it in front of `registry`, with a certificate of `authority`.
    pub(super) fn start(registry: &str, authority: &Authority) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let tls = authority.sign();
        std::fs::write(folder.path().join("tls.crt"), &tls.certificates).unwrap();
        std::fs::write(folder.path().join("tls.key"), &tls.key).unwrap();
        let at = folder.path().display();
        let process = Process::start("nginx", folder.path(), |command, address| {
            let storage = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let silent = silent.local_addr().unwrap();
            // What stands in a signed URL otherwise.
            let login = STANDARD.encode(format!("{USER}:{PASSWORD}"));
            let text = format!(
                "daemon off; master_process off; pid {at}/pid; error_log {at}/error.log;\n\
                 events {{ worker_connections 256; }}\n\
                 http {{\n\
                 access_log off; client_body_temp_path {at}/body; proxy_temp_path {at}/proxy;\n\
                 fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;\n\
                 upstream registry {{ server {silent} max_fails=1 fail_timeout=60s; server {registry}; }}\n\
                 server {{\n\
                 listen {address} ssl; ssl_certificate {at}/tls.crt; ssl_certificate_key {at}/tls.key;\n\
                 client_max_body_size {LONGEST_BODY}; keepalive_requests 7; keepalive_timeout 1s;\n\
                 proxy_read_timeout 1s; proxy_next_upstream off; proxy_request_buffering off;\n\
                 proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto https;\n\
                 location / {{ proxy_pass http://registry; }}\n\
                 location ~ ^/v2/.*/blobs/sha {{\n\
                 if ($request_method = GET) {{ return 307 https://{storage}$request_uri; }}\n\
                 proxy_pass http://registry; }}\n\
                 }}\n\
                 server {{\n\
                 listen {storage} ssl; ssl_certificate {at}/tls.crt; ssl_certificate_key {at}/tls.key;\n\
                 location / {{ if ($http_authorization) {{ return 400; }} proxy_pass http://{registry};\n\
                 proxy_set_header Host $http_host; proxy_set_header Authorization \"Basic {login}\"; }}\n\
                 }}\n\
                 }}\n"
            );
            let file = folder.path().join("nginx.conf");
            std::fs::write(&file, text).unwrap();
            command.arg("-c").arg(file).arg("-p").arg(folder.path());
        });
        Self { process, _folder: folder, _silent: silent }
    }

    /// Returns address and port as they stand in a reference.
    pub(super) fn host(&self) -> String {
        self.process.host()
    }
}
