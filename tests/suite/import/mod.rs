//! `import`: what lands where, what is asked and sent, what is refused, and what is said.

mod basics;
mod destination;
mod faults;
mod killed;
mod names;
mod place;
mod receipt;
mod referrers;
mod requests;
mod sparse;
mod tags;
