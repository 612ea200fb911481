//! Signatures: what cosign makes, and what is refused without one.

mod cosign;
mod required;
