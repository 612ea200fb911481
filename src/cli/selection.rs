//! `--only` and `--except`, shared by every command.

use crate::model::selector::{Selection, Selector};

/// Which artifacts.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Selecting")]
pub(super) struct SelectionArguments {
    /// Take only these: a kind, or a pattern of the reference in which `*` crosses `/`
    #[arg(long, value_name = "X")]
    only: Vec<Selector>,
    /// Take all but these
    #[arg(long, value_name = "X")]
    except: Vec<Selector>,
}

impl SelectionArguments {
    /// Returns the selection.
    pub(super) fn selection(&self) -> Selection {
        Selection { only: self.only.clone(), except: self.except.clone() }
    }
}
