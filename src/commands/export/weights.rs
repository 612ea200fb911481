//! What one platform alone would weigh, for people.

use std::collections::BTreeMap;

use bytesize::ByteSize;

use super::Item;
use crate::content::plan::{Weight, weights};
use crate::kinds::Origin;
use crate::model::platform::Platform;

/// Returns a line for each platform; none where there is nothing to choose.
pub(super) fn lines(items: &[Item<Origin>]) -> Vec<String> {
    let weights = weights(items);
    if weights.len() < 2 { vec![] } else { told(items, &weights) }
}

/// As [`lines`], without the platforms that some images lack: nobody is led to an error.
pub(super) fn possible(items: &[Item<Origin>]) -> Vec<String> {
    let mut weights = weights(items);
    let count = weights.len();
    weights.retain(|_, weight| weight.lacking == 0);
    if count < 2 { vec![] } else { told(items, &weights) }
}

fn told(items: &[Item<Origin>], weights: &BTreeMap<Platform, Weight>) -> Vec<String> {
    if !items.iter().any(|item| item.narrows) {
        return vec![];
    }
    let line = |(platform, weight): (&Platform, &Weight)| {
        let without = match weight.lacking {
            0 => String::new(),
            1 => " (1 image lacks it and would be an error)".to_owned(),
            count => format!(" ({count} images lack it and would be errors)"),
        };
        format!("`--platform {platform}` alone: {}{without}", ByteSize(weight.size))
    };
    weights.iter().map(line).collect()
}
