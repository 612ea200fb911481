//! Floor 4: one verb per file. Each takes options, returns a [`report::Report`], and prints nothing.

pub mod export;
pub mod report;
pub mod sideload;
