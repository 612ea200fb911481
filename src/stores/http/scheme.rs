//! Which scheme a host is spoken to in.

use std::io;

use futures_util::future::{Either, select};
use reqwest::Url;

use super::HttpClient;
use super::failure::tls_error;
use super::tls::Shows;
use super::url::{authority, is_loopback, names, names_or_above};
use crate::model::error::{Error, Result};

/// So long a loopback host may take to show whether it speaks TLS.
const PROBE: std::time::Duration = std::time::Duration::from_secs(5);

impl HttpClient {
    /// Returns `https://HOST[:PORT]/`, or `http://…` for hosts that were named for this and for loopback and insecure
    /// hosts that do not speak TLS, unless https was asked for.
    pub async fn base(&self, host: &str) -> Result<Url> {
        let parse = |scheme: &str| {
            Url::parse(&format!("{scheme}://{host}/"))
                .ok()
                .filter(|url| url.host_str().is_some() && url.path() == "/" && url.username().is_empty())
                .ok_or_else(|| Error::usage(format!("`{host}` is not a host"), None))
        };
        let url = parse("https")?;
        if names(&self.settings().plain_http, &parse("http")?) {
            return parse("http");
        }
        let may_be_plain = is_loopback(url.host_str().unwrap_or_default())
            || names_or_above(&self.settings().insecure, &url);
        if names(&self.settings().https, &url) || !may_be_plain {
            return Ok(url);
        }
        let host = self.host(&url);
        match host.scheme.get_or_try_init(|| self.probe(&url)).await {
            Ok(scheme) => parse(scheme),
            // Nobody is there: the request itself says so.
            Err(None) => Ok(url),
            Err(Some(error)) => Err(error),
        }
    }

    /// Asks for the scheme; an error of `None` means that nobody said. What is not this machine speaks plain HTTP only
    /// where its answer cannot be TLS: whoever is in between could keep silent, too.
    async fn probe(&self, url: &Url) -> Result<&'static str, Option<Error>> {
        let client = self.transports().of(url, Shows::Identity)?;
        let asked = Box::pin(client.head(url.clone()).send());
        let is_here = is_loopback(url.host_str().unwrap_or_default());
        let otherwise = if is_here { Ok("http") } else { Err(None) };
        let error = match select(asked, self.clock().timer(PROBE)).await {
            Either::Left((Ok(_), _)) => return Ok("https"),
            Either::Left((Err(error), _)) => error,
            Either::Right(_) => return otherwise,
        };
        match tls_error(&error) {
            Some(rustls::Error::InvalidMessage(_)) => {
                if !is_here {
                    let host = authority(url);
                    self.progress()
                        .warn(&format!("`{host}` does not speak TLS: plain HTTP, as `insecure` allows"));
                }
                Ok("http")
            }
            Some(_) => Ok("https"),
            None if is_refused(&error) => Err(None),
            None => otherwise,
        }
    }
}

fn is_refused(error: &(dyn std::error::Error + 'static)) -> bool {
    super::failure::chain(error).into_iter().any(|error| {
        error.downcast_ref::<io::Error>().is_some_and(|error| {
            matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::TimedOut)
        })
    })
}
