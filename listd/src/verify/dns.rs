//! The resolver that mail-auth asks.

use std::net::SocketAddr;
use std::time::Duration;

use mail_auth::MessageAuthenticator;
use mail_auth::hickory_resolver::TokioResolver;
use mail_auth::hickory_resolver::config::{NameServerConfig, ResolverConfig, ResolverOpts};
use mail_auth::hickory_resolver::net::NetError;
use mail_auth::hickory_resolver::system_conf::read_system_conf;

/// Wait for one answer; asked twice, a name still fits into the patience for a mail.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Kept at most this long, also where the answer says longer: a key that was just published counts soon.
const MAX_NEGATIVE_TTL: Duration = Duration::from_secs(300);

/// Asks `server`, or else what `/etc/resolv.conf` names. Must be called inside a tokio runtime.
pub fn resolver(server: Option<SocketAddr>) -> Result<MessageAuthenticator, NetError> {
    let (config, mut options) = asked(server)?;
    options.timeout = TIMEOUT;
    options.attempts = 2;
    options.edns0 = true;
    // Parsed answers are kept by our own cache.
    options.cache_size = 64;
    Ok(MessageAuthenticator::new(config, options)?.with_max_negative_ttl(MAX_NEGATIVE_TTL))
}

/// The same for [`answers`] alone: it keeps no answer, and waits so long for one.
pub fn prober(server: Option<SocketAddr>, wait: Duration) -> Result<TokioResolver, NetError> {
    let (config, mut options) = asked(server)?;
    options.timeout = wait;
    options.attempts = 1;
    options.cache_size = 0;
    Ok(MessageAuthenticator::new(config, options)?.resolver().clone())
}

/// True where the resolver says anything, a failure too, to the one question that every resolver has an answer for at hand:
/// who serves the root. So it hangs on nobody else's servers.
pub async fn answers(prober: &TokioResolver) -> bool {
    matches!(prober.ns_lookup(".").await, Ok(_) | Err(NetError::Dns(_)))
}

fn asked(server: Option<SocketAddr>) -> Result<(ResolverConfig, ResolverOpts), NetError> {
    match server {
        Some(server) => Ok((one(server), ResolverOpts::default())),
        None => read_system_conf(),
    }
}

fn one(server: SocketAddr) -> ResolverConfig {
    let mut name_server = NameServerConfig::udp_and_tcp(server.ip());
    for connection in &mut name_server.connections {
        connection.port = server.port();
    }
    ResolverConfig::from_name_servers(vec![name_server])
}
