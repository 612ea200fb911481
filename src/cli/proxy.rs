//! Proxies, as the environment names them.

use std::env;

use crate::stores::http::{NamedProxy, ProxySettings};

/// Returns the proxies of the environment: the spelling in capitals first, as Go reads them; `ALL_PROXY` where there is
/// no other, as curl does.
pub(super) fn settings() -> Option<ProxySettings> {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.trim().is_empty());
    settings_of(&variable)
}

fn settings_of(variable: &dyn Fn(&str) -> Option<String>) -> Option<ProxySettings> {
    let first = |names: &[&str]| {
        names.iter().find_map(|name| Some(NamedProxy { url: variable(name)?, source: (*name).to_owned() }))
    };
    let https = first(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]);
    let http = first(&["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]);
    let except = ["NO_PROXY", "no_proxy"].into_iter().find_map(variable).unwrap_or_default();
    (https.is_some() || http.is_some()).then_some(ProxySettings { https, http, except })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_says_something_wins() {
        let sources = |set: &[&str]| {
            let variable = |name: &str| set.contains(&name).then(|| format!("proxy-of-{name}"));
            settings_of(&variable).map(|settings| {
                let source = |named: Option<NamedProxy>| named.map(|named| named.source).unwrap_or_default();
                (source(settings.https), source(settings.http), settings.except)
            })
        };
        for (set, expected) in [
            (&["HTTPS_PROXY", "https_proxy", "ALL_PROXY"][..], Some(("HTTPS_PROXY", "ALL_PROXY", ""))),
            (&["http_proxy", "NO_PROXY", "no_proxy"], Some(("", "http_proxy", "proxy-of-NO_PROXY"))),
            (&["all_proxy", "no_proxy"], Some(("all_proxy", "all_proxy", "proxy-of-no_proxy"))),
            (&["NO_PROXY"], None),
        ] {
            let expected = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
            assert_eq!(sources(set), expected, "{set:?}");
        }
    }
}
