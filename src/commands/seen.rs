//! What a command knows so far: what is said of it where it does not come to its own report, as after a signal.

use std::sync::{Arc, Mutex, PoisonError};

use super::report::{ArtifactRow, BundleRow, Report, Status, whole};
use crate::model::error::Error;

/// Remembers the bundle and the rows of a command. Clones remember the same.
#[derive(Clone, Debug, Default)]
pub struct Seen(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    bundle: Option<BundleRow>,
    rows: Vec<ArtifactRow>,
}

impl Seen {
    /// Remembers which bundle is open.
    pub fn open(&self, bundle: BundleRow) {
        self.with(|known| known.bundle = Some(bundle));
    }

    /// Remembers what is to be done. A row without a status has not been reached.
    pub fn plan(&self, rows: impl IntoIterator<Item = ArtifactRow>) {
        let reached = |row: ArtifactRow| ArtifactRow { status: row.status.or(Some(Status::Skipped)), ..row };
        let rows = rows.into_iter().map(reached).collect();
        self.with(|known| known.rows = rows);
    }

    /// Remembers what became of the `number`th row, counted from 0.
    pub fn settle(&self, number: usize, change: impl FnOnce(&mut ArtifactRow)) {
        self.with(|known| {
            if let Some(row) = known.rows.get_mut(number) {
                change(row);
            }
        });
    }

    /// Remembers that the `number`th row is done, or why it failed.
    pub fn end<T>(&self, number: usize, result: &Result<T, Error>) {
        match result {
            Ok(_) => self.settle(number, |row| row.status = Some(Status::Done)),
            Err(error) => self.fail(number, error),
        }
    }

    /// Remembers why the `number`th row failed. What a signal ends was not reached.
    pub fn fail(&self, number: usize, error: &Error) {
        self.settle(number, |row| {
            if !matches!(error.root(), Error::Interrupted(_)) {
                row.status = Some(Status::Failed);
                row.error = Some(whole(error));
            }
        });
    }

    /// Says in a report what is known.
    pub fn tell(&self, report: &mut Report) {
        self.with(|known| {
            report.bundle = known.bundle.take();
            report.artifacts = std::mem::take(&mut known.rows);
            report.totals.artifacts = u64::try_from(report.artifacts.len()).unwrap_or(u64::MAX);
        });
    }

    fn with(&self, work: impl FnOnce(&mut Known)) {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::contents::Artifact;
    use crate::model::digest::Digest;

    #[test]
    fn what_was_not_reached_is_skipped() {
        let seen = Seen::default();
        let row = ArtifactRow::from(&Artifact::image("docker.io/library/a:1", Digest::sha256(b"")));
        let present = ArtifactRow { status: Some(Status::Present), ..row.clone() };
        seen.plan([row.clone(), row.clone(), present, row.clone(), row]);
        seen.end(0, &Ok(()));
        seen.end(1, &Err::<(), _>(Error::usage("why", None)));
        seen.end(3, &Err::<(), _>(Error::Interrupted(2).during("working")));
        seen.end(9, &Ok(()));
        let mut report = Report::failed("import", Error::Interrupted(2));
        seen.tell(&mut report);
        let statuses: Vec<_> = report.artifacts.iter().filter_map(|row| row.status).collect();
        let expected = [Status::Done, Status::Failed, Status::Present, Status::Skipped, Status::Skipped];
        assert_eq!(statuses, expected);
        assert_eq!(report.artifacts[1].error.as_deref(), Some("why"));
        assert_eq!((report.totals.artifacts, report.exit_code()), (5, 130));
    }
}
