//! What the files of a list will be called in the bundle, before anything is resolved.

use super::file;
use crate::model::artifact::Kind;
use crate::model::list::{Entry, Location, Subject};

/// Returns the names of the files that an entry stands for, as far as they can be told without the network: of a folder
/// those under it. What cannot be told, or read, is left to [`resolve`](super::resolve). Blocks on the disk.
pub fn file_names(entry: &Entry) -> Vec<(Kind, String)> {
    let Some((kind, location, name)) = place(entry) else { return vec![] };
    let names = match location {
        Location::Path(path) => file::places(&path.resolve(), name)
            .map(|places| places.into_iter().map(|(_, name)| name).collect()),
        Location::Address(url) => file::address_name(url, name).map(|name| vec![name]),
    };
    names.unwrap_or_default().into_iter().map(|name| (kind, name)).collect()
}

/// Returns what an entry names on this machine that is not there: its kind, its name, and the path as it was written.
pub fn missing_file(entry: &Entry) -> Option<(Kind, String, String)> {
    let (kind, location) = match &entry.subject {
        Subject::SnapFile(location) => (Kind::Snap, location),
        _ => place(entry).map(|(kind, location, _)| (kind, location))?,
    };
    let Location::Path(path) = location else { return None };
    let found = std::fs::symlink_metadata(path.resolve());
    let is_missing = found.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
    let name = path.written().file_name().unwrap_or(path.written().as_str()).to_owned();
    is_missing.then(|| (kind, name, path.written().to_string()))
}

/// Returns where the files of an entry are, and the name that it gives them.
fn place(entry: &Entry) -> Option<(Kind, &Location, Option<&str>)> {
    match &entry.subject {
        Subject::File { location, name } => Some((Kind::File, location, name.as_deref())),
        Subject::ChartOrFile(location) => Some((Kind::File, location, None)),
        Subject::AssertFile(location) => Some((Kind::Assert, location, None)),
        _ => None,
    }
}
