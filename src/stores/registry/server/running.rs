//! A server that runs.

use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::{Router, middleware};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use super::auth::{self, Auth, Gate, Tokens};
use super::log::{Log, Logged};
use super::options::Options;
use super::registry::Registry;
use super::sessions::Sessions;
use super::site::{self, Site};
use super::{connections, faults, log};
use crate::model::error::{Error, Result};

/// Threads of a server: routes block on the disk, so that there are more than it needs to compute.
const WORKERS: usize = 8;
/// How long a server that stops waits for a thread that is in the middle of something.
const PATIENCE: Duration = Duration::from_secs(5);

/// A server that runs, on threads of its own, until it is dropped.
pub struct Server {
    address: SocketAddr,
    scheme: &'static str,
    site: Arc<Site>,
    gate: Arc<Gate>,
    log: Arc<Log>,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Server {
    /// Opens the store and begins to listen. Needs no runtime, and may be called inside one.
    pub fn start(options: Options) -> Result<Self> {
        let doing = || format!("listening on {}", options.address);
        let registry = Registry::open(options.store).map_err(Error::io("opening the registry's store"))?;
        let tls = options.tls.as_ref().map(super::tls::Tls::acceptor).transpose()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let listener = TcpListener::bind(options.address).map_err(Error::io(doing()))?;
        listener.set_nonblocking(true).map_err(Error::io(doing()))?;
        let address = listener.local_addr().map_err(Error::io(doing()))?;
        let site = Arc::new(Site {
            registry,
            sessions: Sessions::new(options.limits.uploads),
            access: options.access,
            completeness: options.completeness,
            referrers: options.referrers,
            limits: options.limits,
        });
        let tokens = Tokens::new(options.limits.tokens);
        let gate = Arc::new(Gate { auth: options.auth, tokens, clock: options.clock, scheme });
        let log = Arc::new(Log::new(options.limits.log));
        let mut app = Router::new().fallback(site::answer).with_state(Arc::clone(&site));
        if gate.auth != Auth::None {
            app = app.layer(middleware::from_fn_with_state(Arc::clone(&gate), auth::layer));
        }
        let app = app
            .layer(middleware::from_fn_with_state(options.faults, faults::layer))
            .layer(middleware::from_fn_with_state(Arc::clone(&log), log::layer));
        let runtime = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("registry")
            .enable_all()
            .build()
            .map_err(Error::io("starting the registry's threads"))?;
        let (stop, stopped) = oneshot::channel();
        let accept = async move {
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
            connections::accept(listener, tls, app, options.limits.connections).await;
        };
        let thread = thread::spawn(move || run(runtime, accept, stopped));
        Ok(Self { address, scheme, site, gate, log, running: Some((stop, thread)) })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns address and port as they stand in a reference: `127.0.0.1:40001`.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Returns the address as a URL without a path: `http://127.0.0.1:40001`.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Returns the content, to look at it or to put something there.
    pub fn registry(&self) -> &Registry {
        &self.site.registry
    }

    /// Returns what was asked so far, in the order of arrival.
    pub fn requests(&self) -> Vec<Logged> {
        self.log.requests()
    }

    /// Forgets what was asked so far.
    pub fn clear_requests(&self) {
        self.log.clear();
    }

    /// Returns how many uploads are under way.
    pub fn uploads(&self) -> usize {
        self.site.sessions.len()
    }

    /// Forgets all uploads that are under way, as a registry does that was started anew.
    pub fn forget_uploads(&self) {
        self.site.sessions.forget();
    }

    /// Ends all tokens that were given.
    pub fn end_tokens(&self) {
        self.gate.tokens.end();
    }

    /// Stops, as dropping does: connections end, and the port is free when this returns.
    pub fn stop(self) {
        drop(self);
    }
}

/// Runs until the server is dropped.
fn run(runtime: Runtime, accept: impl Future<Output = ()> + Send + 'static, stopped: oneshot::Receiver<()>) {
    runtime.block_on(async move {
        tokio::select! {
            () = accept => {}
            // Nothing is ever sent: the other end is dropped.
            _ = stopped => {}
        }
    });
    runtime.shutdown_timeout(PATIENCE);
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            // A thread that panicked has ended, too.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}
