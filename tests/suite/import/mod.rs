//! `import`: what lands where, what is asked and sent, what is refused, and what is said.

mod basics;
mod place;
