//! Lists, and what is wanted of what they name: shared by the commands that read lists.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;

use camino::Utf8PathBuf;

use super::referrers::ReferrersArguments;
use super::registry::RegistryArguments;
use crate::content::budget::Budget;
use crate::kinds::{Earlier, Foreign, Keys, Lacking, Places, Snaps, Staging, TagLists, Wanted};
use crate::model::error::{Error, Result};
use crate::model::list::{self, Collected, Require, Source};
use crate::model::platform::Platform;
use crate::stores::registry::client::RegistryClient;

/// What to carry.
#[derive(Debug, clap::Args)]
pub(super) struct ListArguments {
    /// Further references, each as a line of a list
    #[arg(value_name = "REF")]
    references: Vec<String>,
    /// Read a list, one artifact a line; `-` is standard input
    #[arg(short, long, value_name = "FILE")]
    list: Vec<Utf8PathBuf>,
    /// Fail where a reference has no tag, or no digest
    #[arg(long, value_name = "tag|digest")]
    require: Option<Require>,
}

/// What is wanted of every artifact.
#[derive(Debug, clap::Args)]
pub(super) struct WantedArguments {
    /// Take only these platforms of every image
    #[arg(long, value_name = "P", value_delimiter = ',')]
    platform: Vec<Platform>,
    /// Fail where an image lacks one of the platforms
    #[arg(long)]
    strict_platforms: bool,
    /// Leave out layers that are marked non-distributable
    #[arg(long)]
    no_foreign_layers: bool,
    #[command(flatten)]
    referrers: ReferrersArguments,
    /// Refuse an artifact of a registry that is not signed with this public key, as cosign does it
    #[arg(long, value_name = "FILE")]
    verify_key: Option<Utf8PathBuf>,
}

/// Lists as they were read.
pub(super) struct ReadLists {
    /// What they ask for; nothing where something is wrong with them.
    pub(super) asked: Collected,
    hosts: BTreeSet<String>,
}

impl ReadLists {
    /// Returns the registries that the lists name.
    pub(super) fn hosts(&self) -> BTreeSet<String> {
        self.hosts.clone()
    }
}

impl ListArguments {
    /// Refuses two readers of standard input.
    pub(super) fn check_stdin(&self, registry: &RegistryArguments) -> Option<Error> {
        let lists = self.list.iter().filter(|list| *list == "-").count();
        let hint = match lists {
            1 => "put the password into a file for `--password-file`",
            _ => "give `--list -` once",
        };
        (lists + usize::from(registry.credentials().reads_stdin()) > 1)
            .then(|| Error::usage("standard input can be read once only", Some(hint)))
    }

    /// Returns what every reference must name.
    pub(super) fn require(&self) -> Require {
        self.require.unwrap_or_default()
    }

    /// Reads all lists, and adds to `wrong` all that is wrong with them.
    pub(super) fn read(&self, wrong: &mut Vec<Error>) -> ReadLists {
        let mut lists = Vec::new();
        for list in &self.list {
            match read(list) {
                Ok(read) => lists.push(read),
                Err(error) => wrong.push(error),
            }
        }
        let all_read = lists.len() == self.list.len();
        let hosts = list::registries(&lists, &self.references);
        match list::collect(&lists, &self.references, self.require()) {
            Ok(asked) => ReadLists { asked, hosts },
            Err(error) => {
                // Of lists that could not be read nothing is known, not even that they are empty.
                wrong.extend(Some(error).filter(|error| all_read || matches!(error, Error::List(_))));
                ReadLists { asked: Collected::default(), hosts }
            }
        }
    }
}

impl WantedArguments {
    /// Reads the keys of the call and of the lists, and adds to `wrong` all that is wrong with them.
    pub(super) fn keys(&self, asked: &Collected, wrong: &mut Vec<Error>) -> Keys {
        let keys = Keys::read(self.verify_key.as_deref(), &asked.entries, self.referrers.wanted());
        keys.unwrap_or_else(|errors| {
            wrong.extend(errors);
            Keys::default()
        })
    }

    /// Returns what is wanted.
    pub(super) fn wanted(self, require: Require, keys: Keys, jobs: usize) -> Wanted {
        Wanted {
            platforms: self.platform,
            lacking: if self.strict_platforms { Lacking::Refuse } else { Lacking::Warn },
            foreign: if self.no_foreign_layers { Foreign::Omit } else { Foreign::Include },
            referrers: self.referrers.wanted(),
            require,
            keys,
            jobs,
        }
    }
}

/// Returns where artifacts are resolved: what must be fetched for that goes into the folder for temporary files.
pub(super) fn places(client: RegistryClient, snaps: Snaps) -> Places {
    let folder = Utf8PathBuf::from_path_buf(std::env::temp_dir()).unwrap_or_else(|_| "/tmp".into());
    Places {
        http: client.http().clone(),
        registry: client,
        staging: Staging::temporary(folder),
        earlier: Earlier::default(),
        tag_lists: TagLists::default(),
        budget: Budget::default(),
        snaps,
    }
}

/// Reads a list, and a byte more than the longest one so that the parser can tell.
fn read(path: &Utf8PathBuf) -> Result<(Source, Vec<u8>)> {
    let limit = u64::try_from(list::MAX_SIZE).unwrap_or(u64::MAX).saturating_add(1);
    let mut text = Vec::new();
    let doing = format!("reading list `{path}`");
    if path.as_str().is_empty() {
        return Err(Error::usage("`--list` is empty", Some("name a file with `--list FILE`")));
    }
    if path.is_dir() {
        return Err(Error::usage(
            format!("list `{path}` is a folder"),
            Some(
                "name a file with `--list FILE`; the files of a folder are carried by the line `file FOLDER` in a list",
            ),
        ));
    }
    if path == "-" {
        std::io::stdin().lock().take(limit).read_to_end(&mut text).map_err(Error::io(doing))?;
        return Ok((Source::Stdin, text));
    }
    let file = File::open(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => Error::usage(format!("list `{path}` was not found"), None),
        _ => Error::Io { doing: doing.clone(), source },
    })?;
    file.take(limit).read_to_end(&mut text).map_err(Error::io(doing))?;
    Ok((Source::file(path.clone()), text))
}
