//! Bundles as files: what proves them, what shows them, and what refuses them.

mod flips;
mod format;
mod hostile;
mod inspect;
pub(crate) mod judge;
mod rules;
mod verify;
