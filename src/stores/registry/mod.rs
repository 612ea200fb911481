//! Registries of the OCI distribution spec: the server that tests and demos run, and what `serve` stands on.

pub mod server;
