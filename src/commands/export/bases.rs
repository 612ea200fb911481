//! Whether snaps come with the snaps that have to be there before them.

use super::Item;
use crate::kinds::Origin;
use crate::model::snap::{SnapFacts, SnapType};

/// Returns a warning for each snap that these need and none of them is: a base, and snapd, which snapd itself installs
/// before any application (`installPrereqs`).
pub(super) fn absent(items: &[Item<Origin>]) -> Vec<String> {
    let snaps: Vec<SnapFacts> =
        items.iter().filter_map(|item| SnapFacts::of(&item.graph.root()?.manifest)).collect();
    let needs = |snap: &SnapFacts| {
        let kind: SnapType = snap.kind.as_deref()?.parse().ok()?;
        let base = kind.needs(snap.base.as_deref())?;
        let is_there = snaps.iter().any(|other| other.name == base && runs_beside(other, snap));
        (!is_there).then(|| {
            let SnapFacts { name, revision, .. } = snap;
            format!(
                "snap `{name}:{revision}` stands on `{base}`, which does not go along: add `snap {base}`, \
                 unless the far side has it"
            )
        })
    };
    let mut warnings: Vec<String> = snaps.iter().filter_map(needs).collect();
    let is = |snap: &SnapFacts, kinds: &[SnapType]| {
        snap.kind.as_deref().and_then(|kind| kind.parse().ok()).is_some_and(|kind| kinds.contains(&kind))
    };
    let app = snaps.iter().find(|snap| is(snap, &[SnapType::App]));
    if let Some(app) = app.filter(|_| !snaps.iter().any(|snap| is(snap, &[SnapType::Snapd, SnapType::Core])))
    {
        warnings.push(format!(
            "snap `{}:{}` is installed only where the snap `snapd` is, which does not go along: add `snapd=yes` to \
             its line, unless the far side has it (`snap list snapd`)",
            app.name, app.revision
        ));
    }
    warnings
}

/// Returns whether two snaps are for hosts of one architecture; of those that do not say, nothing is known.
fn runs_beside(one: &SnapFacts, other: &SnapFacts) -> bool {
    let is_any =
        |snap: &SnapFacts| snap.architectures.is_empty() || snap.architectures.iter().any(|a| a == "all");
    is_any(one) || is_any(other) || one.architectures.iter().any(|a| other.architectures.contains(a))
}
