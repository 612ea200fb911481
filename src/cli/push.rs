//! Where things go and how they are pushed: shared by the commands that push.

use std::num::NonZeroUsize;

use super::registry::Schemes;
use crate::commands::export::Action;
use crate::commands::import::{DigestTags, MovedTags, Options, Receipt};
use crate::content::jobs::OnFailure;
use crate::model::error::{Error, Result};
use crate::model::selector::Selection;
use crate::model::target::{Destination, DestinationError, Layout, Protocol};
use crate::stores::registry::client::RegistryClient;
use crate::ui::Ui;

/// The destination, and how names are set there.
#[derive(Debug, clap::Args)]
pub(super) struct PushArguments {
    /// The registry, and a prefix for all names in it; `http://` in front insists on plain HTTP, `https://` on TLS
    #[arg(long, value_name = "HOST[:PORT][/PREFIX]")]
    to: String,
    /// How names at the source become names there: path, host-path or flat
    #[arg(long, value_name = "LAYOUT", default_value_t)]
    layout: Layout,
    /// Make deeper `/` of a path `-`, so that it has so many parts at most, those of the prefix included
    #[arg(long, value_name = "N")]
    max_components: Option<NonZeroUsize>,
    /// Print one name a line of what is needed there before, such as `repositories`, and ask nobody
    #[arg(long, value_name = "repositories", conflicts_with = "dry_run")]
    print: Option<Print>,
    /// Print where everything would land, and push nothing
    #[arg(long)]
    dry_run: bool,
    /// Move tags that name something else, and keep that under another tag
    #[arg(long)]
    move_tags: bool,
    /// Stop at the first failure
    #[arg(long)]
    fail_fast: bool,
    /// Give no tag to what has none, although garbage collection may take it then
    #[arg(long)]
    no_digest_tags: bool,
    /// Leave no receipt and trust none: ask for every blob and manifest, also where an earlier import says that it is there
    #[arg(long)]
    no_receipt: bool,
}

/// What can be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Print {
    /// The repositories that would be written to.
    Repositories,
}

impl PushArguments {
    /// Reads `--to`.
    pub(super) fn destination(&self) -> Result<Destination> {
        let to = read_registry("--to", &self.to)?;
        let parts = to.prefix().split('/').filter(|part| !part.is_empty()).count();
        match self.max_components {
            Some(most) if parts >= most.get() => Err(Error::usage(
                format!(
                    "`--max-components {most}` leaves no part for names: the prefix `{}` has {parts}",
                    to.prefix()
                ),
                Some("say a shorter prefix with `--to`, or a larger `--max-components`"),
            )),
            _ => Ok(to),
        }
    }

    /// Returns whether the repositories are to be printed, and nothing else done.
    pub(super) fn prints_repositories(&self) -> bool {
        self.print == Some(Print::Repositories)
    }

    /// Returns the options of a command that pushes to `to` what is selected.
    pub(super) fn options(
        self,
        to: Destination,
        selection: Selection,
        client: RegistryClient,
        jobs: usize,
        ui: &Ui,
    ) -> Options {
        Options {
            to,
            layout: self.layout,
            max_components: self.max_components,
            selection,
            action: if self.dry_run { Action::Say } else { Action::Do },
            moved: if self.move_tags { MovedTags::Move } else { MovedTags::Refuse },
            digest_tags: if self.no_digest_tags { DigestTags::Omit } else { DigestTags::Set },
            receipt: if self.no_receipt { Receipt::Omit } else { Receipt::Leave },
            on_failure: if self.fail_fast { OnFailure::Stop } else { OnFailure::GoOn },
            client,
            jobs,
            seen: ui.seen(),
            progress: ui.progress(),
        }
    }
}

/// Reads the registry and prefix that a flag names. Not clap does it, which would print the value, and a password in it.
pub(super) fn read_registry(flag: &str, text: &str) -> Result<Destination> {
    text.parse().map_err(|error: DestinationError| Error::usage(format!("`{flag}`: {error}"), error.hint()))
}

/// Returns how a destination says that it is spoken to.
pub(super) fn schemes(to: &Destination) -> Schemes {
    let host = to.registry().to_owned();
    match to.protocol() {
        Protocol::Http => Schemes { plain_http: vec![host], ..Schemes::default() },
        Protocol::Https => Schemes { https: vec![host], ..Schemes::default() },
        Protocol::Default => Schemes::default(),
    }
}
