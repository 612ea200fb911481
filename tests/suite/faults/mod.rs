//! The scripted fault registry: every fault that a remote end can have, as a named row, for export and for import. The
//! commands are driven through the library, so that nobody waits: their clock stands still.

mod export;
mod import;
mod pulls;
mod scene;
mod storm;
mod together;
