//! What a proxy says when it makes no tunnel. The transport keeps neither its status nor its headers, so the proxy is
//! asked once more; only its answer is read here, and no tunnel is used.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::{Either, select};
use reqwest::Url;
use reqwest::dns::Resolve;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::clock::Clock;
use super::hidden::Hidden;
use super::page;
use super::proxy::Proxy;

/// So much of an answer is read: headers, and the page below them.
const MAX_ANSWER: u64 = 64 << 10;
/// So long it may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// The answer of a proxy to CONNECT.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// HTTP status.
    pub(super) status: u16,
    /// The headers.
    pub(super) headers: HeaderMap,
    /// The title of its page.
    pub(super) title: Option<String>,
}

/// Asks a proxy for a tunnel to `url`; `None` where it does not answer as HTTP wants.
pub(super) async fn ask(
    proxy: &Proxy,
    url: &Url,
    resolver: &impl Resolve,
    tls: ClientConfig,
    clock: &dyn Clock,
) -> Option<Answer> {
    let asked = Box::pin(connect_and_ask(proxy, url, resolver, tls));
    match select(asked, clock.timer(PATIENCE)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => None,
    }
}

async fn connect_and_ask(
    proxy: &Proxy,
    url: &Url,
    resolver: &impl Resolve,
    tls: ClientConfig,
) -> Option<Answer> {
    let (host, port) = (proxy.url().host_str()?, proxy.url().port_or_known_default()?);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<SocketAddr> = if let Ok(ip) = bare.parse() {
        vec![SocketAddr::new(ip, port)]
    } else {
        let found = resolver.resolve(bare.parse().ok()?).await.ok()?;
        found.map(|address| SocketAddr::new(address.ip(), port)).collect()
    };
    let stream = TcpStream::connect(&*addresses).await.ok()?;
    if proxy.url().scheme() == "https" {
        let name = ServerName::try_from(bare.to_owned()).ok()?;
        let stream = tokio_rustls::TlsConnector::from(Arc::new(tls)).connect(name, stream).await.ok()?;
        return speak(stream, proxy, url).await;
    }
    speak(stream, proxy, url).await
}

async fn speak(mut stream: impl AsyncRead + AsyncWrite + Unpin, proxy: &Proxy, url: &Url) -> Option<Answer> {
    let target = format!("{}:{}", url.host_str()?, url.port_or_known_default()?);
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
    if let Some(authorization) = proxy.authorization() {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(authorization.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    stream.write_all(&request).await.ok()?;
    let hidden = Hidden::of_proxy(proxy);
    let mut answer = Vec::new();
    let mut stream = stream.take(MAX_ANSWER);
    loop {
        // What broke off is judged by what came.
        let read = stream.read_buf(&mut answer).await.unwrap_or(0);
        let parsed = parse(&answer, &hidden);
        let whole = |parsed: &Answer| parsed.title.is_some() || has_all(parsed, &answer);
        if read == 0 || parsed.as_ref().is_some_and(whole) {
            return parsed;
        }
    }
}

/// Returns whether nothing more is to come that would tell anything: only a page is read, as far as `Content-Length` says.
fn has_all(parsed: &Answer, answer: &[u8]) -> bool {
    let media_type = parsed.headers.get(reqwest::header::CONTENT_TYPE);
    if parsed.status == 200 || !media_type.is_some_and(|value| value.as_bytes().starts_with(b"text/html")) {
        return true;
    }
    let length = parsed.headers.get(reqwest::header::CONTENT_LENGTH);
    let length: Option<usize> = length.and_then(|length| length.to_str().ok()?.trim().parse().ok());
    let body = end_of_headers(answer).map_or(0, |(_, body)| body.len());
    length.is_some_and(|length| body >= length)
}

fn end_of_headers(answer: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some((answer.get(..end)?, answer.get(end.saturating_add(4)..)?))
}

/// Reads status line and headers (RFC 9112, sections 4 and 5); what is no header is passed over.
fn parse(answer: &[u8], hidden: &Hidden) -> Option<Answer> {
    let (head, body) = end_of_headers(answer)?;
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split_ascii_whitespace();
    let status = first.next().filter(|version| version.starts_with("HTTP/1.")).and_then(|_| first.next())?;
    let headers = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value.trim()).ok()?))
    });
    let mut all = HeaderMap::new();
    for (name, value) in headers.take(64) {
        all.append(name, value);
    }
    let page = hidden.cover(&String::from_utf8_lossy(body));
    Some(Answer { status: status.parse().ok()?, headers: all, title: page::title(page.as_bytes()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_far_as_they_came() {
        let answer = parse(
            b"HTTP/1.1 407 Who are you\r\nProxy-Authenticate: NTLM\r\nodd\r\n\r\n<title>No</title>",
            &Hidden::default(),
        );
        let answer = answer.unwrap();
        assert_eq!((answer.status, answer.title.as_deref()), (407, Some("No")));
        assert_eq!(answer.headers["proxy-authenticate"], "NTLM");
        for broken in [&b""[..], b"HTTP/1.1 200 OK\r\n", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"] {
            assert_eq!(parse(broken, &Hidden::default()), None, "{broken:?}");
        }
    }
}
