//! Files of snap assertions. They are carried as they are; what they say is not looked at yet.

use camino::Utf8Path;

use super::{Resolved, file};
use crate::content::jobs::{self, OnFailure};
use crate::model::artifact::Kind;
use crate::model::error::Result;
use crate::model::list::Entry;
use crate::stores::file::LocalFile;

/// Takes one file.
pub(super) async fn resolve(entry: &Entry, path: &Utf8Path) -> Result<Resolved> {
    let name = file::base_name(path, None)?;
    let local = LocalFile::new(path);
    let reading = local.clone();
    let measured = jobs::run_blocking(1, OnFailure::Stop, [()], move |(), stop| reading.measure(stop)).await;
    let mut resolved = Resolved::default();
    for measured in measured.into_iter().flatten() {
        let measured = measured?;
        file::expect(entry, &name, &measured)?;
        resolved.items.push(file::item(entry, Kind::Assert, &local, &measured, &name)?);
    }
    Ok(resolved)
}
