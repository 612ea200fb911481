//! HTTP: everything that speaks it stands on [`HttpClient`].
//!
//! What holds for every request: credentials never leave the scheme, host and port that they belong to, https never
//! becomes http, every reply is bounded, what may go better is tried again and what cannot is not, and no message
//! shows user info or a query.

mod client;
pub mod clock;
mod direct;
pub mod download;
mod failure;
mod flow;
mod hidden;
mod host;
mod page;
mod pause;
mod proxy;
mod proxy_failure;
mod quota;
mod rate;
mod redirect;
mod request;
mod resolver;
mod response;
pub mod resume;
mod retry;
mod scheme;
mod settings;
mod stall;
mod tls;
mod transport;
mod tunnel;
mod url;
mod warnings;

pub use client::HttpClient;
pub use failure::{Failure, Outlook};
pub use flow::Flow;
pub use hidden::Hidden;
pub use page::{NO_REGISTRY, is_page, unexpected as unexpected_page};
pub use rate::Rate;
pub use request::{Lane, Reach, Request};
pub use response::{Head, Reply, Response};
pub use retry::{Tries, is_transient};
pub use settings::{
    ClientCertificate, HttpSettings, NamedProxy, ProxySettings, RetrySettings, Roots, TimeOuts, UsedUp,
};
pub use tls::Shows;
pub use url::{authority, shown};

/// The longest body of an error or a token: 1 MiB.
pub const MAX_SMALL: u64 = 1 << 20;
