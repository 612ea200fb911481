//! Addresses that are meant as images.

use crate::model::list::{Entry, Location, Subject, last_part};
use crate::model::reference::Reference;
use crate::stores::http::{authority, shown};

/// Returns what to say of an address that reads like an image, and would be taken for a file.
pub fn meant_as_image(entry: &Entry) -> Option<String> {
    let Subject::File { location: Location::Address(url), name: None } = &entry.subject else { return None };
    if entry.sha256.is_some() || url.query().is_some() {
        return None;
    }
    let image = format!("{}{}", authority(url), url.path());
    let last = last_part(url);
    let reads_so = image.parse::<Reference>().is_ok() && (last.contains([':', '@']) || !last.contains('.'));
    reads_so.then(|| {
        let address = shown(url);
        format!("`{address}` was taken for a file behind an address; an image is written without the scheme: `{image}`")
    })
}
