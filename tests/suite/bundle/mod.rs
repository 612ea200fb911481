//! Bundles as files: what proves them, what shows them, and what refuses them.

mod inspect;
pub(crate) mod pack;
mod verify;
