//! HTTP in the plainest way, so that nothing of the program's own client stands between a test and a registry.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use airgap_bundle::model::media_type::{MANIFESTS, OCTET_STREAM};

use crate::fixture::{Blob, Graph};

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    head: String,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// Returns a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Sends one request on a connection of its own.
pub(super) fn send(host: &str, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len().to_string();
    let fixed = [("Host", host), ("Connection", "close"), ("Content-Length", &length)];
    let headers = fixed.iter().chain(headers).map(|(name, value)| format!("{name}: {value}\r\n"));
    let head = format!("{method} {target} HTTP/1.1\r\n{}\r\n", headers.collect::<String>());
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let answer = Answer { status, head, body: answer[end + 4..].to_vec() };
    assert_eq!(answer.header("transfer-encoding"), None, "{method} {target}");
    answer
}

/// Fetches a manifest as whatever it is stored as.
pub(super) fn manifest(host: &str, repository: &str, reference: &str) -> Answer {
    let target = format!("/v2/{repository}/manifests/{reference}");
    send(host, "GET", &target, &[("Accept", &MANIFESTS.join(", "))], &[])
}

/// Pushes a graph: blobs, manifests by digest, the root under a tag, too.
pub(super) fn push(host: &str, repository: &str, graph: &Graph, tag: &str) {
    for blob in &graph.blobs {
        push_blob(host, repository, blob);
    }
    for manifest in &graph.manifests {
        let is_root = manifest == graph.root();
        let names = is_root.then(|| tag.to_owned()).into_iter().chain([manifest.digest.to_string()]);
        for name in names {
            let target = format!("/v2/{repository}/manifests/{name}");
            let answer =
                send(host, "PUT", &target, &[("Content-Type", &manifest.media_type)], &manifest.bytes);
            let said = String::from_utf8_lossy(&answer.body);
            assert_eq!(answer.status, 201, "PUT {target}: {said}");
        }
    }
}

fn push_blob(host: &str, repository: &str, blob: &Blob) {
    let begun = send(host, "POST", &format!("/v2/{repository}/blobs/uploads/"), &[], &[]);
    let location = begun.header("location").unwrap();
    let path = location.strip_prefix(&format!("http://{host}")).unwrap_or(location);
    let join = if path.contains('?') { '&' } else { '?' };
    let target = format!("{path}{join}digest={}", blob.digest);
    let answer = send(host, "PUT", &target, &[("Content-Type", OCTET_STREAM)], &blob.bytes);
    assert_eq!(answer.status, 201, "PUT {target}: {}", String::from_utf8_lossy(&answer.body));
}
