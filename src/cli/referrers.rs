//! What is carried along with an artifact: `--referrers`, on every command that fetches from registries.

use crate::model::referrer::Referrers;

/// What is done about signatures and whatever else refers to an artifact.
#[derive(Debug, clap::Args)]
pub(super) struct ReferrersArguments {
    /// Carry signatures and what else refers to an artifact: none, best-effort or require
    #[arg(long, value_name = "MODE", default_value_t)]
    referrers: Referrers,
}

impl ReferrersArguments {
    /// Returns what is wanted.
    pub(super) const fn wanted(&self) -> Referrers {
        self.referrers
    }
}
