//! Where a redirect leads, and what may go along.

use reqwest::header::{HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode, Url};

use super::failure::Failure;
use super::request::Request;
use super::tls::Shows;
use super::url::shown;
use crate::model::error::Error;

/// So many redirects are followed.
pub(super) const MAX_REDIRECTS: usize = 10;

/// One of the places that a request is sent to.
#[derive(Clone, Debug)]
pub(super) struct Hop {
    /// The URL.
    pub url: Url,
    /// Credentials; gone for good once the origin has changed.
    pub authorization: Option<HeaderValue>,
    /// Likewise for the client certificate.
    pub shows: Shows,
    /// Whether the origin has changed.
    pub foreign: bool,
}

impl Hop {
    /// Begins with the request's own URL.
    pub(super) fn first(request: &Request) -> Self {
        Self {
            url: request.url.clone(),
            authorization: request.authorization.clone(),
            shows: Shows::Identity,
            foreign: false,
        }
    }

    /// Returns the next hop, or `None` where the answer is not a redirect that can be followed: a request with a body
    /// follows 307 and 308 only (RFC 9110, section 15.4).
    pub(super) fn next(
        &self,
        method: &Method,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<Option<Self>, Failure> {
        let reads = method == Method::GET || method == Method::HEAD;
        let follows = match status.as_u16() {
            301..=303 => reads,
            307 | 308 => true,
            _ => false,
        };
        let Some(location) = headers.get(LOCATION).filter(|_| follows) else { return Ok(None) };
        let refused = |why: String| {
            Failure::last(Error::Network { what: format!("{method} {}", shown(&self.url)), why, hint: None })
        };
        let url = location
            .to_str()
            .ok()
            .and_then(|location| self.url.join(location).ok())
            .ok_or_else(|| refused("it redirects to something that is not a URL".to_owned()))?;
        match (self.url.scheme(), url.scheme()) {
            (_, "https") | ("http", "http") => {}
            ("https", "http") => {
                return Err(refused(format!(
                    "it redirects from https to plain http, which is not followed: {}",
                    shown(&url)
                )));
            }
            _ => return Err(refused("it redirects to something that is neither http nor https".to_owned())),
        }
        if url.origin() == self.url.origin() {
            return Ok(Some(Self { url, ..self.clone() }));
        }
        Ok(Some(Self { url, authorization: None, shows: Shows::Nothing, foreign: true }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(from: &str, method: &Method, status: u16, location: &str) -> Result<Option<Hop>, Failure> {
        let mut request = Request::get(from.parse().unwrap());
        request.authorization = Some(HeaderValue::from_static("Basic c2VjcmV0"));
        let headers = HeaderMap::from_iter([(LOCATION, location.parse().unwrap())]);
        Hop::first(&request).next(method, StatusCode::from_u16(status).unwrap(), &headers)
    }

    #[test]
    fn credentials_stay_with_their_origin() {
        for (location, url, kept) in [
            ("/b?x=1", "https://h/b?x=1", true),
            ("https://h:443/b", "https://h/b", true),
            ("https://H/b", "https://h/b", true),
            ("https://h:444/b", "https://h:444/b", false),
            ("https://g.h/b", "https://g.h/b", false),
            ("//g/b", "https://g/b", false),
        ] {
            let hop = next("https://h/a", &Method::GET, 307, location).unwrap().unwrap();
            assert_eq!(hop.url.as_str(), url);
            assert_eq!(hop.authorization.is_some(), kept, "{location}");
            assert_eq!((hop.shows == Shows::Identity, !hop.foreign), (kept, kept), "{location}");
        }
        let hop = next("http://h/a", &Method::GET, 302, "https://h/a").unwrap().unwrap();
        assert!(hop.authorization.is_none());
    }

    #[test]
    fn credentials_do_not_come_back() {
        let away = next("https://h/a", &Method::GET, 302, "https://g/a").unwrap().unwrap();
        let headers = HeaderMap::from_iter([(LOCATION, "https://h/a".parse().unwrap())]);
        let back = away.next(&Method::GET, StatusCode::FOUND, &headers).unwrap().unwrap();
        assert!(back.authorization.is_none() && back.foreign);
    }

    #[test]
    fn https_does_not_become_http() {
        for location in ["http://h/b", "file:///etc/passwd", "ftp://h/", "http://["] {
            let failure = next("https://h/a?token=secret", &Method::GET, 302, location).unwrap_err();
            assert!(!failure.error.to_string().contains("secret"), "{}", failure.error);
        }
    }

    #[test]
    fn only_what_can_be_repeated_is_followed() {
        for (method, status, followed) in [
            (Method::GET, 200, false),
            (Method::GET, 303, true),
            (Method::GET, 304, false),
            (Method::HEAD, 301, true),
            (Method::PUT, 302, false),
            (Method::PUT, 307, true),
            (Method::POST, 308, true),
        ] {
            assert_eq!(next("https://h/a", &method, status, "/b").unwrap().is_some(), followed, "{status}");
        }
    }
}
