//! What one platform alone would weigh, for people.

use bytesize::ByteSize;

use super::{Item, counted};
use crate::content::plan::weights;
use crate::kinds::Origin;

/// Returns a line for each platform; none where there is nothing to choose.
pub(super) fn lines(items: &[Item<Origin>]) -> Vec<String> {
    let weights = weights(items);
    if weights.len() < 2 || !items.iter().any(|item| item.narrows) {
        return vec![];
    }
    let line = |(platform, weight): (_, &crate::content::plan::Weight)| {
        let without = match weight.lacking {
            0 => String::new(),
            count => format!(" without {} for other platforms only", counted(count, "image")),
        };
        format!("`--platform {platform}` alone: {}{without}", ByteSize(weight.size))
    };
    weights.iter().map(line).collect()
}
