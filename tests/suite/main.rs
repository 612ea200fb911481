//! Black-box tests: what the program does with other people's tools, and they with it.
//!
//! One binary for all topics, so that it is linked once. `fixture` makes content, `tools` finds and runs programs,
//! `site` runs the binary and compares what it says.

#[cfg(test)]
mod assertions;
#[cfg(test)]
mod bundle;
#[cfg(test)]
mod canary;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod client;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod containerd;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod docker_registry;
#[cfg(test)]
mod export;
#[cfg(test)]
mod extract;
#[cfg(test)]
mod extract_from;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod go_program;
#[cfg(test)]
mod import;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod mirror;
#[cfg(test)]
mod namespace;
#[cfg(test)]
mod places;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod python;
#[cfg(test)]
mod real;
#[cfg(test)]
mod referrers;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod rootfs;
#[cfg(test)]
mod server_interop;
#[cfg(test)]
mod sideload;
#[cfg(test)]
mod signals;
#[cfg(test)]
mod signatures;
#[cfg(test)]
mod site;
#[cfg(test)]
mod snaps;
#[cfg(test)]
mod source_mirrors;
#[cfg(test)]
mod squashfs;
#[cfg(test)]
mod structure;
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod testdata;
#[cfg(test)]
mod tools;
#[cfg(test)]
mod zoo;
