//! The registry client, against the project's own server with its faults and against `docker-registry`.

mod auth;
mod downloads;
mod faults;
mod limits;
pub(crate) mod place;
mod proxies;
mod redirects;
mod roundtrip;
mod snap_store;
mod stalls;
mod tls;
mod uploads;
