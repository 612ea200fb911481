//! Floor 4: one verb per file. Each takes options, returns a [`report::Report`], and prints nothing.

pub mod export;
pub mod extract;
pub mod import;
pub mod imported;
pub mod inspect;
pub mod login;
pub mod logout;
pub mod mirror;
pub mod open;
pub mod referrer_row;
pub mod report;
pub mod seen;
pub mod sideload;
mod table;
mod together;
pub mod verify;
