//! Floor 0: values and rules. Nothing here touches a disk, a network, a clock or the environment.

pub mod artifact;
pub mod assertion;
pub mod contents;
pub mod descriptor;
pub mod digest;
pub mod error;
pub mod file_name;
pub mod hub;
pub mod list;
pub mod manifest;
pub mod media_type;
pub mod moment;
pub mod object;
pub mod platform;
pub mod printable;
pub mod reference;
pub mod referrer;
pub mod selection;
pub mod selector;
pub mod sha3;
pub mod signature;
pub mod snap;
pub mod source;
pub mod target;
