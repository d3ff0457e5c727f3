//! The resolver that mail-auth asks.

use std::net::SocketAddr;
use std::time::Duration;

use mail_auth::MessageAuthenticator;
use mail_auth::hickory_resolver::config::{NameServerConfig, ResolverConfig, ResolverOpts};
use mail_auth::hickory_resolver::net::NetError;
use mail_auth::hickory_resolver::system_conf::read_system_conf;

/// Wait for one answer; asked twice, two names in a row still fit into the deadline of a mail.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Kept at most this long, also where the answer says longer: a key that was just published counts soon.
const MAX_NEGATIVE_TTL: Duration = Duration::from_secs(300);

/// Asks `server`, or else what `/etc/resolv.conf` names. Must be called inside a tokio runtime.
pub fn resolver(server: Option<SocketAddr>) -> Result<MessageAuthenticator, NetError> {
    let (config, mut options) = match server {
        Some(server) => (one(server), ResolverOpts::default()),
        None => read_system_conf()?,
    };
    options.timeout = TIMEOUT;
    options.attempts = 2;
    options.edns0 = true;
    // Parsed answers are kept by our own cache.
    options.cache_size = 64;
    Ok(MessageAuthenticator::new(config, options)?.with_max_negative_ttl(MAX_NEGATIVE_TTL))
}

fn one(server: SocketAddr) -> ResolverConfig {
    let mut name_server = NameServerConfig::udp_and_tcp(server.ip());
    for connection in &mut name_server.connections {
        connection.port = server.port();
    }
    ResolverConfig::from_name_servers(vec![name_server])
}
