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
}

impl Described {
    /// Reads a certificate; one that cannot be read says nothing.
    pub(super) fn of(certificate: &CertificateDer<'_>, now: UnixTime) -> Self {
        let now = date(now.as_secs());
        let Ok((_, parsed)) = X509Certificate::from_der(certificate) else {
            return Self { now, ..Self::default() };
        };
        let names = parsed.subject_alternative_name().ok().flatten();
        let names = names.into_iter().flat_map(|names| &names.value.general_names).filter_map(name);
        let moment = |seconds: i64| u64::try_from(seconds).map(date).unwrap_or_default();
        Self {
            subject: short(&parsed.subject().to_string()),
            issuer: short(&parsed.issuer().to_string()),
            names: names.take(NAMES).collect(),
            from: moment(parsed.validity().not_before.timestamp()),
            until: moment(parsed.validity().not_after.timestamp()),
            now,
        }
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
