//! Floor 1: moving proven bytes. Nothing here knows what a registry or a bundle is.
//!
//! Every byte takes the same way: a place opens a [`body::RawBody`], [`body::ProvenBody`] checks it, and a sink takes
//! nothing but a [`body::ProvenBody`].

pub mod agreement;
pub mod body;
pub mod budget;
pub mod copy;
pub mod graph;
mod hashing;
pub mod jobs;
mod late;
pub mod marks;
pub mod plan;
pub mod progress;
pub mod ranges;
pub mod read_at;
