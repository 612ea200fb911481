//! The connection pools below everything: one for each way of trusting a server.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Client, Url};

use super::proxy::Proxies;
use super::resolver::Resolver;
use super::settings::HttpSettings;
use super::tls::{Check, Identity, Tls};
use super::url::names;
use crate::model::error::{Error, Result};

/// Pools by what a connection trusts and shows; each is made when it is first needed.
#[derive(Debug)]
pub(super) struct Transports {
    tls: Tls,
    proxies: Option<Proxies>,
    resolver: Resolver,
    settings: HttpSettings,
    pools: Mutex<BTreeMap<Pool, Client>>,
}

/// Which connections may be shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pool {
    Plain,
    Tls(Check, Identity),
}

impl Transports {
    /// Reads certificates and checks the proxies.
    pub(super) fn new(settings: &HttpSettings) -> Result<Self> {
        Ok(Self {
            tls: Tls::read(settings)?,
            proxies: settings.proxy.as_ref().map(Proxies::read).transpose()?,
            resolver: Resolver::default(),
            settings: settings.clone(),
            pools: Mutex::default(),
        })
    }

    /// Returns the pool for a URL.
    pub(super) fn of(&self, url: &Url, identity: Identity) -> Result<Client> {
        let pool = if url.scheme() == "http" {
            Pool::Plain
        } else {
            let unchecked = names(&self.settings.insecure_skip_tls_verify, url);
            let nothing_to_hide = self.settings.client_certificate.is_none();
            Pool::Tls(
                if unchecked { Check::None } else { Check::Full },
                if nothing_to_hide { Identity::Hidden } else { identity },
            )
        };
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = pools.get(&pool) {
            return Ok(client.clone());
        }
        let client = match pool {
            Pool::Plain => self.client(Check::None, Identity::Hidden)?,
            Pool::Tls(check, identity) => self.client(check, identity)?,
        };
        pools.insert(pool, client.clone());
        Ok(client)
    }

    /// Returns the proxy that a URL is asked through, as it is shown.
    pub(super) fn proxy_of(&self, url: &Url) -> Option<String> {
        self.proxies.as_ref()?.of(url)
    }

    fn client(&self, check: Check, identity: Identity) -> Result<Client> {
        let mut builder = Client::builder()
            .user_agent(concat!("airgap-bundle/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(self.tls.config(check, identity)?)
            .dns_resolver(self.resolver.clone())
            // Redirects and retries follow rules of their own: see `redirect` and `retry`.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .http1_only()
            .tcp_nodelay(true)
            // Whoever takes nothing for a while is judged by the stall rule, not by the kernel.
            .tcp_user_timeout(None)
            .connect_timeout(self.settings.time_outs.connect)
            .pool_idle_timeout(Duration::from_secs(50))
            .pool_max_idle_per_host(self.settings.per_host.saturating_mul(2));
        for proxy in self.proxies.iter().flat_map(Proxies::all) {
            builder = builder.proxy(proxy);
        }
        builder.build().map_err(|error| Error::Network {
            what: "making an HTTP client".to_owned(),
            why: error.to_string(),
            hint: None,
        })
    }
}
