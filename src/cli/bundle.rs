//! Which bundle a command reads: the same arguments everywhere.

use camino::Utf8PathBuf;

use crate::commands::open::{Choice, OnIncomplete};
use crate::model::digest::Digest;
use crate::ui::Ui;

/// The bundle to read.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct BundleArguments {
    /// The bundle
    #[arg(value_name = "BUNDLE", default_value = "airgap-bundle.tar")]
    bundle: Utf8PathBuf,
    /// Refuse any other bundle than the one with this id
    #[arg(long, value_name = "sha256:…", value_parser = bundle_id)]
    expect: Option<Digest>,
}

/// What to do with a bundle that says that it is incomplete.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct IncompleteArguments {
    /// Let the exit status be 0 although some artifacts were not exported
    #[arg(long)]
    allow_incomplete: bool,
}

impl BundleArguments {
    /// Returns the choice of a command that says something about a bundle and does nothing with it.
    pub(super) fn shown(self, ui: &Ui) -> Choice {
        let on_incomplete = OnIncomplete::Allow;
        Choice { path: self.bundle, expect: self.expect, on_incomplete, seen: ui.seen() }
    }

    /// Returns the choice of a command that does something with a bundle.
    pub(super) fn choice(self, incomplete: IncompleteArguments, ui: &Ui) -> Choice {
        let on_incomplete =
            if incomplete.allow_incomplete { OnIncomplete::Allow } else { OnIncomplete::Tell };
        Choice { path: self.bundle, expect: self.expect, on_incomplete, seen: ui.seen() }
    }
}

fn bundle_id(text: &str) -> Result<Digest, String> {
    match text.parse() {
        Ok(id @ Digest::Sha256(_)) => Ok(id),
        Ok(_) => Err("expected `sha256:` and 64 hexadecimal digits".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
