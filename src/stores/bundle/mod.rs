//! The bundle: slots computed from sizes, the reader, and the file in the making (`bundle-format.md`).

pub mod header;
pub mod journal;
pub mod partial;
pub mod previous;
pub mod reader;
pub mod slots;
pub mod workshop;
