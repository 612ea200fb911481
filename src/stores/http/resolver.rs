//! Names to addresses without the C library, so that a static binary needs no files beside it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use hickory_resolver::config::{LookupIpStrategy, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::{ResolverBuilder, TokioResolver};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::url::is_loopback;

/// Asks `/etc/hosts` and the name servers of `/etc/resolv.conf`; `localhost` needs neither.
#[derive(Clone, Default)]
pub(super) struct Resolver(Arc<OnceLock<System>>);

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resolver")
    }
}

/// Says why a name has no address.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResolveError {
    /// `/etc/hosts` does not have it, and `/etc/resolv.conf` is missing or names no server.
    #[error("`{0}` is not in /etc/hosts, and /etc/resolv.conf names no server to ask")]
    NoServers(String),
    /// The servers know of no such name.
    #[error("no name server knows `{0}`")]
    Unknown(String),
    /// The servers do not answer.
    #[error("the name `{name}` could not be resolved: {source}")]
    Failed {
        /// The name.
        name: String,
        /// What the resolver says.
        source: NetError,
    },
}

impl ResolveError {
    /// Returns whether asking again is of no use.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Self::NoServers(_) | Self::Unknown(_) => true,
            Self::Failed { .. } => false,
        }
    }
}

/// What the system's files make.
struct System {
    resolver: Option<TokioResolver>,
    has_servers: bool,
}

impl System {
    /// Reads the files. It needs the runtime, so it waits for the first look-up.
    fn read() -> Self {
        TokioResolver::builder_tokio()
            .map_or_else(|_| Self::of_hosts_file(), |builder| Self::of(builder, true))
    }

    /// For a host without name servers.
    fn of_hosts_file() -> Self {
        let nobody = ResolverConfig::from_parts(None, Vec::new(), Vec::new());
        Self::of(TokioResolver::builder_with_config(nobody, TokioRuntimeProvider::default()), false)
    }

    fn of(mut builder: ResolverBuilder<TokioRuntimeProvider>, has_servers: bool) -> Self {
        builder.options_mut().ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        Self { resolver: builder.build().ok(), has_servers }
    }

    async fn lookup(&self, name: String) -> Result<Vec<SocketAddr>, ResolveError> {
        let Some(resolver) = &self.resolver else { return Err(ResolveError::NoServers(name)) };
        match resolver.lookup_ip(name.as_str()).await {
            Ok(found) => Ok(found.iter().map(|ip| SocketAddr::new(ip, 0)).collect()),
            Err(_) if !self.has_servers => Err(ResolveError::NoServers(name)),
            Err(source) if source.is_nx_domain() || source.is_no_records_found() => {
                Err(ResolveError::Unknown(name))
            }
            Err(source) => Err(ResolveError::Failed { name, source }),
        }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let found = if is_loopback(&name) {
                let both = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
                both.map(|ip| SocketAddr::new(ip, 0)).to_vec()
            } else {
                this.0.get_or_init(System::read).lookup(name).await?
            };
            let found: Addrs = Box::new(found.into_iter());
            Ok(found)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_servers_it_fails_at_once_and_says_so() {
        let error = System::of_hosts_file().lookup("registry.example".to_owned()).await.unwrap_err();
        assert!(error.is_final());
        assert!(error.to_string().contains("/etc/resolv.conf names no server"), "{error}");
    }

    #[tokio::test]
    async fn this_host_needs_no_file() {
        for name in ["localhost", "registry.localhost"] {
            let found: Vec<SocketAddr> =
                Resolver::default().resolve(name.parse().unwrap()).await.unwrap().collect();
            assert!(found.len() == 2 && found.iter().all(|address| address.ip().is_loopback()), "{found:?}");
        }
    }
}
