//! Accepting connections, and serving requests on them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::faults::Unanswered;

/// How long a client may take for its TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long accepting pauses when the system has no file descriptor left.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections, at most `limit` at a time, until it is dropped; then they all end.
pub(super) async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, app: Router, limit: usize) {
    let permits = Arc::new(Semaphore::new(limit));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        let Ok((socket, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let (tls, app) = (tls.clone(), app.clone());
        connections.spawn(async move {
            serve(socket, tls, app).await;
            drop(permit);
        });
    }
}

async fn serve(socket: TcpStream, tls: Option<TlsAcceptor>, app: Router) {
    // A socket that cannot do without delays still works.
    let _ = socket.set_nodelay(true);
    match tls {
        None => requests(socket, app).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(socket)).await {
                requests(stream, app).await;
            }
        }
    }
}

async fn requests(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, app: Router) {
    let app = TowerToHyperService::new(app);
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = app.call(request);
        async move {
            match answer.await {
                Ok(response) => sendable(response),
                Err(never) => match never {},
            }
        }
    });
    // How a connection ended is the client's affair.
    let _ =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
}

/// Refuses a response that a fault forbids to send, which ends the connection.
fn sendable(response: Response<Body>) -> io::Result<Response<Body>> {
    match response.extensions().get::<Unanswered>() {
        Some(Unanswered) => Err(io::ErrorKind::ConnectionAborted.into()),
        None => Ok(response),
    }
}
