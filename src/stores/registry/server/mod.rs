//! A small registry of the OCI distribution spec 1.1, read and write: the tests' double, the demo's upstream, and what
//! `serve` stands on.
//!
//! A request passes the log, the faults and the gate before a route answers it. Each is a layer of its own, and
//! [`Options`] says what it does. Blobs are stored once, and each repository holds only what was pushed to it or
//! mounted into it. Memory does not grow with the size of blobs unless they are stored in it.
//!
//! ```no_run
//! use airgap_bundle::stores::registry::server::{Auth, Options, Server};
//!
//! let server = Server::start(Options { auth: Auth::basic("user", "secret"), ..Options::memory() })?;
//! let digest = server.registry().put_blob("some/repository", b"content")?;
//! let url = format!("{}/v2/some/repository/blobs/{digest}", server.url());
//! # Ok::<(), airgap_bundle::model::error::Error>(())
//! ```

mod auth;
mod blobs;
mod clock;
mod connections;
mod damage;
mod faults;
mod hold;
mod log;
mod manifests;
mod options;
mod paging;
mod query;
mod range;
mod referrers;
mod refusal;
mod registry;
mod reply;
mod repositories;
mod route;
mod running;
mod sessions;
mod site;
pub mod store;
mod tags;
mod tls;
mod uploads;

#[cfg(test)]
mod tests;

pub use auth::{Anonymous, Auth, Bearer, Credentials};
pub use clock::{Clock, Hand};
pub use faults::{Fault, Faults, RequestView};
pub use hold::Hold;
pub use log::Logged;
pub use options::{Access, Completeness, Limits, Options, Referrers};
pub use registry::{Found, Registry};
pub use running::Server;
pub use tls::Tls;
