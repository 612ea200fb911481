//! Files of snap assertions. They are carried as they are; what they say is not looked at yet.

use camino::Utf8Path;

use super::{Origin, Resolved, file};
use crate::model::artifact::Kind;
use crate::model::error::Result;
use crate::model::list::Entry;
use crate::stores::file::LocalFile;

/// Takes one file.
pub(super) async fn resolve(entry: &Entry, path: &Utf8Path) -> Result<Resolved> {
    let name = file::base_name(path, None)?;
    let local = LocalFile::new(path);
    let measured = file::measure(&local).await?;
    file::expect(entry, &name, &measured)?;
    let item = file::item(entry, Kind::Assert, Origin::File(local), &measured, &name)?;
    Ok(Resolved { items: vec![item], ..Resolved::default() })
}
