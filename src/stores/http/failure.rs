//! What went wrong below HTTP, in words, and whether it may go better another time.

use std::error::Error as StdError;

use reqwest::Url;

use super::resolver::ResolveError;
use super::tls::Refused;
use super::url::{authority, shown};
use crate::model::error::Error;

/// How much hope there is after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// It will fail again.
    Final,
    /// No connection came about: a registry that restarts, or one that was never there.
    Unreachable,
    /// No connection to the proxy came about.
    NoProxy,
    /// It may go well the next time.
    Transient,
}

/// A request without an answer.
#[derive(Debug)]
pub struct Failure {
    /// What to tell.
    pub error: Error,
    /// Whether to try again.
    pub outlook: Outlook,
}

impl Failure {
    /// Makes a failure of which nothing better is to be expected.
    pub fn last(error: Error) -> Self {
        Self { error, outlook: Outlook::Final }
    }

    /// Describes an error of the transport while `method` was sent to `url`, through `proxy` (as it is shown) where there
    /// is one.
    pub(super) fn of(
        method: &reqwest::Method,
        url: &Url,
        proxy: Option<&str>,
        error: &reqwest::Error,
    ) -> Self {
        let host = authority(url);
        let (why, hint, outlook) = describe(&host, proxy, error);
        Self { error: Error::Network { what: format!("{method} {}", shown(url)), why, hint }, outlook }
    }

    /// Says that nothing came in time.
    pub(super) fn time_out(method: &reqwest::Method, url: &Url, proxy: Option<&str>, seconds: u64) -> Self {
        let through = through(proxy);
        let why = format!("`{}` sent no answer within {seconds} seconds{through}", authority(url));
        let error = Error::Network { what: format!("{method} {}", shown(url)), why, hint: None };
        Self { error, outlook: Outlook::Transient }
    }
}

/// Returns every error of a chain, also those that `std::io::Error` holds inside.
pub(super) fn chain<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let mut all = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        all.push(error);
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
        if all.len() > 16 {
            break;
        }
    }
    all
}

/// Returns the TLS error of a chain.
pub(super) fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    chain(error).into_iter().find_map(|error| error.downcast_ref())
}

/// Returns ` through the proxy …`.
pub(super) fn through(proxy: Option<&str>) -> String {
    proxy.map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default()
}

/// Returns whether a proxy answered that it makes no tunnel.
pub(super) fn is_no_tunnel(error: &reqwest::Error) -> bool {
    let innermost = chain(error).last().map(ToString::to_string).unwrap_or_default();
    error.is_connect()
        && ["unsuccessful", "proxy authorization required"].iter().any(|end| innermost.ends_with(end))
}

fn describe(host: &str, proxy: Option<&str>, error: &reqwest::Error) -> (String, Option<String>, Outlook) {
    let all = chain(error);
    if let Some(error) = all.iter().find_map(|error| error.downcast_ref::<ResolveError>()) {
        let outlook = if error.is_final() { Outlook::Final } else { Outlook::Unreachable };
        let named = proxy.map_or_else(|| format!("`{host}`"), |proxy| format!("the proxy {proxy}"));
        let hint =
            error.is_final().then(|| format!("check the spelling of {named}, or add it to /etc/hosts"));
        let why = match proxy {
            Some(proxy) => format!("could not connect to the proxy {proxy} for `{host}`: {error}"),
            None => error.to_string(),
        };
        return (why, hint, outlook);
    }
    if let Some(error) = tls_error(error) {
        return describe_tls(host, proxy, error);
    }
    let innermost = all.last().map(ToString::to_string).unwrap_or_default();
    // A proxy that answers refuses to make a tunnel; one that does not was never reached.
    let peer = match proxy {
        Some(proxy) if innermost.contains("tunnel") || innermost.contains("proxy auth") => {
            let why = format!("the proxy {proxy} did not connect to `{host}`: {innermost}");
            return (why, None, Outlook::Unreachable);
        }
        Some(proxy) if error.is_connect() => format!("the proxy {proxy} for `{host}`"),
        Some(proxy) => format!("`{host}` through the proxy {proxy}"),
        None => format!("`{host}`"),
    };
    if error.is_timeout() && error.is_connect() {
        // One that lets the whole time pass will do so again.
        let outlook = if proxy.is_some() { Outlook::Final } else { Outlook::Unreachable };
        return (format!("{peer} did not accept a connection in time"), None, outlook);
    }
    if error.is_connect() {
        let says = |kind| {
            let mut system = all.iter().filter_map(|error| error.downcast_ref::<std::io::Error>());
            system.any(|error| error.kind() == kind)
        };
        let hint = if let Some(proxy) = proxy {
            Some(format!(
                "check host and port of the proxy {proxy}, or name `{host}` in `NO_PROXY` if it is reached directly"
            ))
        } else if innermost.contains("handshake eof") || says(std::io::ErrorKind::ConnectionReset) {
            Some(plain(host))
        } else if says(std::io::ErrorKind::ConnectionRefused) {
            Some("check host and port: nothing accepts connections there".to_owned())
        } else {
            None
        };
        let outlook = if proxy.is_some() { Outlook::NoProxy } else { Outlook::Unreachable };
        return (format!("could not connect to {peer}: {innermost}"), hint, outlook);
    }
    (format!("the connection to {peer} failed: {innermost}"), None, Outlook::Transient)
}

fn plain(host: &str) -> String {
    format!("if it speaks plain HTTP, say `--plain-http {host}`")
}

fn describe_tls(host: &str, proxy: Option<&str>, error: &rustls::Error) -> (String, Option<String>, Outlook) {
    let (why, hint) = match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other)) => {
            match other.0.downcast_ref::<Refused>() {
                Some(refused) => describe_certificate(host, refused),
                None => (format!("the certificate of `{host}` cannot be trusted: {other:?}"), None),
            }
        }
        rustls::Error::InvalidMessage(_) => (format!("`{host}` does not speak TLS here"), Some(plain(host))),
        rustls::Error::AlertReceived(alert) => {
            let hint =
                "if it asks for a client certificate, name one with `--client-cert` and `--client-key`";
            (format!("`{host}` ended TLS: {alert:?}"), Some(hint.to_owned()))
        }
        other => (format!("TLS with `{host}` failed: {other}"), None),
    };
    (format!("{why}{}", through(proxy)), hint, Outlook::Final)
}

/// Says which certificate was refused, for which name, and what helps.
fn describe_certificate(host: &str, refused: &Refused) -> (String, Option<String>) {
    use rustls::CertificateError::{
        BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
        NotValidYetContext, Other, UnknownIssuer,
    };
    let certificate = &refused.certificate;
    let shown = format!("the certificate of `{host}`{}", certificate.parties());
    let skip = |otherwise: &str| Some(format!("{otherwise}, say `--insecure-skip-tls-verify {host}`"));
    let clock = "if the clock of this host is wrong, set it; if this is known and meant";
    let above = refused.above.as_ref().filter(|_| certificate.untimely().is_none());
    match &refused.reason {
        Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. } if above.is_some() => {
            let above = above.map(|above| (above.subject.as_str(), above.untimely().unwrap_or_default()));
            let (subject, why) = above.unwrap_or_default();
            let why =
                format!("{shown} is good, but that of `{subject}`, which the server sends with it, {why}");
            (
                why,
                skip("let whoever runs it send the one that has taken its place; if this is known and meant"),
            )
        }
        UnknownIssuer | BadSignature => {
            let none = if refused.has_roots { "" } else { ": it has no certificates of authorities at all" };
            let why = format!("{shown} comes from an authority that this host does not trust{none}");
            let hint = if refused.has_named {
                format!(
                    "none of the certificates that were named has signed it: name that of `{}` with `--ca-cert FILE`, \
                     or let the server send the certificates between its own and yours",
                    certificate.issuer
                )
            } else {
                "name the registry's CA with `--ca-cert FILE`".to_owned()
            };
            (why, Some(hint))
        }
        Expired | ExpiredContext { .. } => {
            let why = format!(
                "{shown}, or one above it, has expired: its own is valid until {}, and the clock of this host says {}",
                certificate.until, certificate.now
            );
            (why, skip(clock))
        }
        NotValidYet | NotValidYetContext { .. } => {
            let why = format!(
                "{shown}, or one above it, is not valid yet: its own is valid from {}, and the clock of this host says {}",
                certificate.from, certificate.now
            );
            (why, skip(clock))
        }
        NotValidForName | NotValidForNameContext { .. } => {
            let names: Vec<String> = certificate.names.iter().map(|name| format!("`{name}`")).collect();
            let names = if names.is_empty() { "no name at all".to_owned() } else { names.join(", ") };
            let why = format!("{shown} is not for that name: it is for {names}");
            (why, skip("ask for the host by a name that it is for, or, if this is known and meant"))
        }
        Other(_) => {
            let why = format!("{shown} is not one for a server, but perhaps that of an authority");
            (
                why,
                Some(format!(
                    "if it is the server's own, name it with `--ca-cert FILE`; {}",
                    skip("if this is known and meant").unwrap_or_default()
                )),
            )
        }
        reason => (format!("{shown} cannot be trusted: {reason}"), skip("if this is known and meant")),
    }
}
