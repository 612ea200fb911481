//! Floor 2: places. Each is plain and knows nothing of jobs or of other places.

pub mod bundle;
pub mod containerd;
pub mod file;
pub mod folder;
pub mod http;
pub mod registry;
pub mod room;
pub mod snap_store;
pub mod squashfs;
