//! The bundle: slots computed from sizes, the reader, and the file in the making (`bundle-format.md`).

mod foreign;
mod head;
pub mod header;
pub mod journal;
pub mod kept;
pub mod partial;
pub mod previous;
pub mod reader;
pub mod rules;
pub mod settle;
pub mod slots;
mod unfinished;
pub mod verify;
pub mod workshop;

pub use head::parse;
