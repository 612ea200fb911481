//! What a certificate says of itself, for people.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::{CertificateDer, UnixTime};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::model::printable::printable;

/// So many of its names are told.
const NAMES: usize = 5;

/// A certificate that was shown, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::stores::http) struct Described {
    /// Whose it is: `CN=registry.example`.
    pub(in crate::stores::http) subject: String,
    /// Who signed it.
    pub(in crate::stores::http) issuer: String,
    /// The hosts that it is for, at most five.
    pub(in crate::stores::http) names: Vec<String>,
    /// From when it is valid: an HTTP date.
    pub(in crate::stores::http) from: String,
    /// Until when.
    pub(in crate::stores::http) until: String,
    /// The time of this host when it looked.
    pub(in crate::stores::http) now: String,
    /// Where that lies.
    season: Season,
}

/// Where a moment lies, seen from the dates of a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Season {
    Before,
    #[default]
    Within,
    After,
}

impl Described {
    /// Reads a certificate; one that cannot be read says nothing.
    pub(super) fn of(certificate: &CertificateDer<'_>, now: UnixTime) -> Self {
        let seconds = now.as_secs();
        let now = date(seconds);
        let Ok((_, parsed)) = X509Certificate::from_der(certificate) else {
            return Self { now, ..Self::default() };
        };
        let names = parsed.subject_alternative_name().ok().flatten();
        let names = names.into_iter().flat_map(|names| &names.value.general_names).filter_map(name);
        let second = |seconds: i64| u64::try_from(seconds).unwrap_or_default();
        let validity = parsed.validity();
        let (from, until) = (second(validity.not_before.timestamp()), second(validity.not_after.timestamp()));
        let season = match seconds {
            seconds if seconds < from => Season::Before,
            seconds if seconds > until => Season::After,
            _ => Season::Within,
        };
        Self {
            subject: short(&parsed.subject().to_string()),
            issuer: short(&parsed.issuer().to_string()),
            names: names.take(NAMES).collect(),
            from: date(from),
            until: date(until),
            now,
            season,
        }
    }

    /// Returns what is wrong with its dates, such as ``has expired: …``; `None` where it is valid.
    pub(in crate::stores::http) fn untimely(&self) -> Option<String> {
        let (what, date) = match self.season {
            Season::Within => return None,
            Season::Before => ("is not valid yet: it is valid from", &self.from),
            Season::After => ("has expired: it is valid until", &self.until),
        };
        Some(format!("{what} {date}, and the clock of this host says {}", self.now))
    }

    /// Returns subject and issuer, as far as they say anything.
    pub(in crate::stores::http) fn parties(&self) -> String {
        let named = |what: &str, party: &str| (!party.is_empty()).then(|| format!("{what} `{party}`"));
        let issuer = if self.issuer == self.subject { "" } else { &self.issuer };
        let own = if issuer.is_empty() && !self.issuer.is_empty() {
            Some("signed by itself".to_owned())
        } else {
            None
        };
        let parts = [named("of", &self.subject), named("signed by", issuer), own];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
    }
}

/// Returns the issuer of a certificate as it is encoded, for comparison with what a server asks for.
pub(super) fn issuer(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    Some(X509Certificate::from_der(certificate).ok()?.1.issuer().as_raw().to_vec())
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(short(name)),
        GeneralName::IPAddress(bytes) => match **bytes {
            [a, b, c, d] => Some(std::net::Ipv4Addr::new(a, b, c, d).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string()),
        },
        _ => None,
    }
}

/// What comes from a certificate may be anything.
fn short(text: &str) -> String {
    printable(&text.chars().take(120).collect::<String>())
}

fn date(seconds: u64) -> String {
    // What lies beyond the year 9999 has no date in HTTP.
    let moment = UNIX_EPOCH.checked_add(Duration::from_secs(seconds.min(253_402_300_799)));
    moment.map(|moment: SystemTime| httpdate::fmt_http_date(moment)).unwrap_or_default()
}
