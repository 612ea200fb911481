//! The newest format of an assertion's headers that the snapd of the far side reads (`max-format`).

use std::str::FromStr;

use crate::model::assertion::newest_format;

/// Of one type of assertions. An older snapd refuses what is newer: `snap ack` names the type, and what it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaxFormat {
    kind: String,
    format: u64,
}

impl MaxFormat {
    /// Returns what is asked of the store for a type: what is known here where nobody said less.
    pub(super) fn of(kind: &str, said: &[Self]) -> u64 {
        let said = said.iter().rev().find(|said| said.kind == kind).map(|said| said.format);
        said.or_else(|| newest_format(kind)).unwrap_or_default()
    }
}

/// Reads `TYPE=N`, such as `snap-declaration=4`.
impl FromStr for MaxFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, format) = text.split_once('=').ok_or("expected `TYPE=N`, such as `snap-declaration=4`")?;
        let newest = newest_format(kind)
            .ok_or_else(|| format!("`{kind}` is no type of assertions that proves a snap"))?;
        let format: u64 = format.parse().map_err(|_| format!("`{format}` is not a whole number"))?;
        if format > newest {
            return Err(format!("the newest format of `{kind}` that this version understands is {newest}"));
        }
        Ok(Self { kind: kind.to_owned(), format })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_may_be_said_than_is_known() {
        let said: Vec<MaxFormat> = ["snap-declaration=4", "account-key=0", "snap-declaration=5"]
            .map(|text| text.parse().unwrap())
            .to_vec();
        let asked = ["snap-declaration", "account-key", "account"].map(|kind| MaxFormat::of(kind, &said));
        assert_eq!(asked, [5, 0, 0]);
        assert_eq!(MaxFormat::of("snap-declaration", &[]), 6);
        for (text, why) in [
            ("snap-declaration", "expected `TYPE=N`"),
            ("snap-declaration=7", "understands is 6"),
            ("snap-declaration=-1", "`-1` is not a whole number"),
            ("snap=1", "`snap` is no type"),
        ] {
            assert!(text.parse::<MaxFormat>().unwrap_err().contains(why), "{text}");
        }
    }
}
