//! Registries of the OCI distribution spec: the client, who it says it is, and the server that tests and demos run and
//! that `serve` stands on.

pub mod auth;
pub mod client;
pub mod mirrors;
pub mod server;
