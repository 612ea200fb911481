//! Carries container images, charts, snaps and files across an air gap in one digest-pinned bundle.
//!
//! The code is built in floors; a floor imports only from lower numbers.
//!
//! | floor | module | what lives there |
//! |---|---|---|
//! | 0 | [`model`] | values and rules, no I/O |
//! | 1 | [`content`] | moving proven bytes: sources, sinks, the plan, the job runner, the copy engine |
//! | 2 | [`stores`] | places: HTTP, registry, bundle, folder |
//! | 3 | [`kinds`] | what a line of a list means |
//! | 4 | [`commands`] | one verb per file |
//! | 5 | [`cli`], [`ui`], `main` | arguments, the only printer, exit codes |

pub mod cli;
pub mod commands;
pub mod content;
pub mod kinds;
pub mod model;
pub mod stores;
pub mod ui;
