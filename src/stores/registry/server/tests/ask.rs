//! The smallest HTTP client: one request on a connection of its own, and whatever comes back, whole or not.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::super::Server;

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// Whether the body ended where the headers, or its last chunk, said.
    pub(super) whole: bool,
}

impl Answer {
    /// Returns a header by its lower-case name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.0 == name).map(|header| header.1.as_str())
    }
}

/// Sends a request; the answer must at least have headers.
pub(super) fn ask(
    server: &Server,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    try_ask(server, method, path, headers, body).unwrap()
}

/// Sends a request; none where the connection ended without an answer.
pub(super) fn try_ask(
    server: &Server,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Option<Answer> {
    let mut stream = send(server, method, path, headers, body);
    answer(&mut stream, method)
}

/// Sends a request and returns the connection.
pub(super) fn send(
    server: &Server,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let head = head(server, method, path, headers, body.len());
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    stream
}

/// Writes the head of a request.
pub(super) fn head(
    server: &Server,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    length: usize,
) -> String {
    let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let headers = headers.concat();
    let host = server.host();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    )
}

/// Reads an answer until the connection ends.
pub(super) fn answer(stream: &mut impl Read, method: &str) -> Option<Answer> {
    let mut raw = Vec::new();
    let ended = stream.read_to_end(&mut raw);
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8(raw[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_lowercase(), value.to_owned())
    };
    let mut answer = Answer { status, headers: lines.map(header).collect(), body: Vec::new(), whole: false };
    let rest = &raw[end + 4..];
    if answer.header("transfer-encoding") == Some("chunked") {
        (answer.body, answer.whole) = chunks(rest);
    } else {
        let length = answer.header("content-length").map(|length| length.parse::<usize>().unwrap());
        answer.body = rest.to_vec();
        answer.whole =
            ended.is_ok() && (method == "HEAD" || length.is_none_or(|length| length == rest.len()));
    }
    Some(answer)
}

fn chunks(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(line) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        if size == 0 {
            return (body, true);
        }
        rest = &rest[line + 2..];
        body.extend_from_slice(&rest[..size.min(rest.len())]);
        rest = rest.get(size + 2..).unwrap_or_default();
    }
    (body, false)
}
