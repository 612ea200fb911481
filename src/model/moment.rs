//! Points in time as assertions write them. The clock itself is read elsewhere.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, PrimitiveDateTime};

/// A point in time, printed in the form of RFC 3339 with the offset that it was written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(OffsetDateTime);

/// Says that a text is not a [`Moment`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time: expected one such as `2026-05-31T16:00:00Z`")]
pub struct MomentError(String);

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, MomentError> {
        // RFC 3339 leaves the separator and the case of letters open, and knows leap seconds; Go, and so snapd, does not.
        let bytes = text.as_bytes();
        let is_strict =
            bytes.get(10) == Some(&b'T') && !bytes.ends_with(b"z") && bytes.get(17..19) != Some(b"60");
        let parsed = OffsetDateTime::parse(text, &Rfc3339).ok().filter(|_| is_strict);
        parsed.map(Self).ok_or_else(|| MomentError(text.to_owned()))
    }
}

/// Whole seconds; what lies before 1970 is taken for its first second, what lies past the year 9999 for its last.
impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let exact = i64::try_from(seconds).ok().and_then(|seconds| {
            // The crate knows no later year.
            OffsetDateTime::from_unix_timestamp(seconds).ok()
        });
        Self(exact.unwrap_or_else(|| PrimitiveDateTime::MAX.assume_utc()))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn parse_and_display_are_inverse() {
        for text in ["2016-04-01T00:00:00Z", "2023-03-21T15:47:07.267177Z", "2024-02-29T23:59:59+05:30"] {
            assert_eq!(text.parse::<Moment>().map(|moment| moment.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2016-04-01",
            "2016-04-01 00:00:00Z",
            "2016-04-01T00:00:00",
            "2016-04-01t00:00:00Z",
            "2016-04-01T00:00:00z",
            "2016-12-31T23:59:60Z",
            "2023-02-29T00:00:00Z",
            "yesterday",
        ] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }

    #[test]
    fn moments_are_compared_whatever_their_offset() {
        let [east, zulu, later] =
            ["2016-04-01T02:00:00+02:00", "2016-04-01T00:00:00.0Z", "2016-04-01T00:00:00.1Z"]
                .map(|text| text.parse::<Moment>().unwrap());
        assert_eq!(east, zulu);
        assert!(later > east);
    }

    #[test]
    fn a_clock_that_is_far_off_is_still_a_moment() {
        let moment = |seconds| Moment::from(UNIX_EPOCH + Duration::from_secs(seconds)).to_string();
        assert_eq!(moment(1_459_468_800), "2016-04-01T00:00:00Z");
        assert!(moment(1 << 40).starts_with("9999-12-31T"));
        assert_eq!(Moment::from(UNIX_EPOCH - Duration::from_secs(9)).to_string(), "1970-01-01T00:00:00Z");
    }
}
