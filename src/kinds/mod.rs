//! Floor 3: what a line of a list means. Every kind becomes a graph, and after that its kind hardly matters.
//!
//! A new kind is one file here and one arm in [`resolve`].

mod address;
mod artifact_manifest;
mod assertion;
mod earlier;
mod file;
mod file_names;
mod keys;
mod meant;
mod near;
mod origin;
mod referrers;
mod registry;
mod signed;
mod snap;
mod staging;
mod tag_lists;

pub use assertion::prove_assertions;
pub use earlier::Earlier;
pub use file_names::{file_names, missing_file};
pub use keys::{Keys, read_key};
pub use meant::meant_as_image;
pub use origin::Origin;
pub use snap::{Clock, Expected, Prover, Snaps, Unknown, same_provenance, warnings};
pub use staging::Staging;
pub use tag_lists::TagLists;

use address::What;

use crate::content::budget::Budget;
use crate::content::plan::Item;
use crate::model::error::{Error, Result};
use crate::model::list::{self, Entry, Location, Require, Subject};
use crate::model::platform::Platform;
use crate::model::referrer::Referrers;
use crate::stores::http::{HttpClient, authority};
use crate::stores::registry::client::RegistryClient;

/// What is wanted of every artifact.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Platforms of the command line; empty for all.
    pub platforms: Vec<Platform>,
    /// Whether an image that lacks one of those is an error.
    pub lacking: Lacking,
    /// What is done with non-distributable layers.
    pub foreign: Foreign,
    /// What is done about what refers to it.
    pub referrers: Referrers,
    /// What references must name that are read out of snaps; those of lists have been looked at.
    pub require: Require,
    /// Who must have signed what comes from registries.
    pub keys: Keys,
    /// How many requests one artifact may have under way.
    pub jobs: usize,
}

/// What is done where an image has some of the platforms of the command line and lacks others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacking {
    /// A warning.
    Warn,
    /// An error: `--strict-platforms`.
    Refuse,
}

/// What is done with layers that are marked non-distributable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// They are carried.
    Include,
    /// They are left out: `--no-foreign-layers`.
    Omit,
}

/// Where artifacts are resolved.
#[derive(Clone, Debug)]
pub struct Places {
    /// Registries.
    pub registry: RegistryClient,
    /// Other servers.
    pub http: HttpClient,
    /// The folder for what has no size or digest before it is fetched.
    pub staging: Staging,
    /// What need not be fetched.
    pub earlier: Earlier,
    /// The tags of repositories that name what refers to something.
    pub tag_lists: TagLists,
    /// The memory for manifests.
    pub budget: Budget,
    /// Where snaps come from.
    pub snaps: Snaps,
}

/// What a line became.
#[derive(Debug, Default)]
pub struct Resolved {
    /// One artifact; several for a folder of files.
    pub items: Vec<Item<Origin>>,
    /// What has to be there for it, unless a line of the list asks for the same.
    pub implied: Vec<Item<Origin>>,
    /// Further lines that follow from it: the images of a snap.
    pub further: Vec<Entry>,
    /// What snaps have to be, once they are there.
    pub expected: Vec<Expected>,
    /// Things that a person should know, each a lower-case sentence without a period.
    pub warnings: Vec<String>,
    /// Where it was kept whole because an index digest pins it: the bytes that `--platform` would have saved.
    pub kept_whole: Option<u64>,
}

/// Turns a line into artifacts: touches disk and network, moves no blob.
pub async fn resolve(entry: &Entry, places: &Places, wanted: &Wanted) -> Result<Resolved> {
    match &entry.subject {
        Subject::Registry(reference) => registry::resolve(entry, reference, places, wanted).await,
        Subject::File { location: Location::Path(path), name } => {
            file::resolve(entry, &path.resolve(), name.as_deref()).await
        }
        Subject::File { location: Location::Address(url), name } => {
            let resolved = address::resolve(entry, What::File, url, name.as_deref(), places).await;
            resolved.map_err(|error| match (error.root(), meant_as_image(entry)) {
                (Error::NotFound { .. }, Some(hint)) => error.with_hint(hint),
                _ => error,
            })
        }
        Subject::ChartOrFile(Location::Path(path)) => {
            file::resolve_unless_chart(entry, &path.resolve()).await
        }
        Subject::ChartOrFile(Location::Address(url)) => {
            address::resolve(entry, What::FileUnlessChart, url, None, places).await
        }
        Subject::Snap { .. } => snap::resolve(entry, places, wanted).await,
        Subject::SnapFile(Location::Path(path)) => {
            snap::resolve_local(entry, &path.resolve(), places, wanted).await
        }
        Subject::AssertFile(Location::Path(path)) => {
            assertion::resolve(entry, &path.resolve(), &places.snaps.prover).await
        }
        Subject::AssertFile(Location::Address(url)) => {
            address::resolve(entry, What::Assertions, url, None, places).await
        }
        Subject::Disk { .. }
        | Subject::ChartRepository { .. }
        | Subject::Chart(_)
        | Subject::SnapFile(Location::Address(_)) => {
            Err(Error::from(list::not_yet(std::slice::from_ref(entry))))
        }
    }
}

/// Returns the registry or server that an entry is asked for at; empty for what is on this machine.
pub fn host(entry: &Entry) -> String {
    match &entry.subject {
        Subject::Registry(reference) => reference.registry().to_owned(),
        Subject::File { location: Location::Address(url), .. }
        | Subject::ChartOrFile(Location::Address(url))
        | Subject::AssertFile(Location::Address(url)) => authority(url),
        _ => String::new(),
    }
}

/// Returns how a person would call the entry, for failures and for `missing`: no user info, no query, no folder.
pub fn shown(entry: &Entry) -> String {
    let location = |location: &Location| match location {
        Location::Path(path) => path.written().file_name().unwrap_or(path.written().as_str()).to_owned(),
        Location::Address(url) => crate::stores::http::shown(url),
    };
    match &entry.subject {
        Subject::Registry(reference) => reference.to_string(),
        Subject::Disk { path, .. } => path.written().file_name().unwrap_or_default().to_owned(),
        Subject::ChartRepository { name, .. }
        | Subject::Snap { name, .. }
        | Subject::File { name: Some(name), .. } => name.clone(),
        Subject::Chart(place)
        | Subject::ChartOrFile(place)
        | Subject::SnapFile(place)
        | Subject::AssertFile(place)
        | Subject::File { location: place, name: None } => location(place),
    }
}
