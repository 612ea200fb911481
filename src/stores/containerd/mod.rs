//! The folder from which containerd, or what stands before it, imports image tars.
//!
//! One tar per image, because one bad image fails its whole tar; written under a name that no importer takes, and
//! renamed once every byte is proven and on the disk.

pub mod existing;
pub mod folder;
pub mod image_tar;
mod temporary;
