//! What one platform alone would weigh, for people.

use bytesize::ByteSize;

use super::Item;
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
            1 => " (1 image lacks it and would be an error)".to_owned(),
            count => format!(" ({count} images lack it and would be errors)"),
        };
        format!("`--platform {platform}` alone: {}{without}", ByteSize(weight.size))
    };
    weights.iter().map(line).collect()
}
