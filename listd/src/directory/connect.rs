//! A connection to the LDAP server: address, TLS, keepalive, login, and errors that say what to do.
//!
//! It asks nothing; what is asked is `session`, `poll` and `heartbeat`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, StdStream};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// Where the server is and who we are there.
#[derive(Clone, Debug)]
pub struct Server {
    /// `ldap://`, `ldaps://` or `ldapi://`.
    pub url: String,
    pub start_tls: bool,
    pub ca_file: Option<PathBuf>,
    /// `None` = EXTERNAL on ldapi, anonymous elsewhere.
    pub bind_dn: Option<String>,
    /// Read at each login, so that a changed password needs no restart.
    pub bind_password_file: Option<PathBuf>,
    /// For connecting with TLS, and again for the login.
    pub timeout: Duration,
}

impl Server {
    /// A connection that is logged in. It ends when the last handle is dropped.
    ///
    /// # Errors
    /// What happened, with whom, and what to do, in one line.
    pub async fn connect(&self) -> Result<Ldap, String> {
        let opened = tokio::time::timeout(self.timeout, self.open()).await;
        let mut ldap = opened.map_err(|_| {
            format!("{} did not answer within {:?}; is it running?", self.url, self.timeout)
        })??;
        self.log_in(&mut ldap).await?;
        Ok(ldap)
    }

    async fn open(&self) -> Result<Ldap, String> {
        let mut settings = LdapConnSettings::new().set_starttls(self.start_tls);
        if !self.url.starts_with("ldapi://") {
            let stream = self.tcp().await?;
            settings = settings.set_std_stream(StdStream::Tcp(stream));
            if self.start_tls || self.url.starts_with("ldaps://") {
                settings = self.tls(settings)?;
            }
        }
        let connected = LdapConnAsync::with_settings(settings, &self.url).await;
        let (driver, ldap) = connected.map_err(|e| self.explain(&e))?;
        // A malformed answer panics in there; then the handle's next question fails, which is all we need.
        tokio::spawn(async move { driver.drive().await.ok() });
        Ok(ldap)
    }

    /// ldap3 knows no keepalive, and without it a dead firewall state is never noticed while only listening.
    async fn tcp(&self) -> Result<std::net::TcpStream, String> {
        let address = self.host_and_port();
        let failed = |e: std::io::Error| {
            format!(
                "cannot connect to the LDAP server {} ({address}): {e}; is it running, is directory.url right?",
                self.url
            )
        };
        let stream = TcpStream::connect(&address).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let keepalive = TcpKeepalive::new()
            .with_time(Duration::from_secs(30))
            .with_interval(Duration::from_secs(10))
            .with_retries(3);
        SockRef::from(&stream).set_tcp_keepalive(&keepalive).map_err(failed)?;
        stream.into_std().map_err(failed)
    }

    fn host_and_port(&self) -> String {
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("ldap", &self.url));
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        let host = if host.is_empty() { "localhost" } else { host };
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        match (has_port, scheme) {
            (true, _) => host.to_owned(),
            (false, "ldaps") => format!("{host}:636"),
            (false, _) => format!("{host}:389"),
        }
    }

    /// Without `ca_file` ldap3 takes the system's authorities.
    fn tls(&self, settings: LdapConnSettings) -> Result<LdapConnSettings, String> {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let Some(path) = &self.ca_file else {
            // ldap3's own configuration asks for the process's provider; a second call changes nothing.
            provider.install_default().ok();
            return Ok(settings);
        };
        let roots = authorities(path)?;
        let config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .map_err(|e| format!("TLS cannot be set up: {e}"))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(settings.set_config(Arc::new(config)))
    }

    async fn log_in(&self, ldap: &mut Ldap) -> Result<(), String> {
        let result = match &self.bind_dn {
            Some(dn) => {
                let password = self.password().await?;
                ldap.with_timeout(self.timeout).simple_bind(dn, &password).await
            }
            None if self.url.starts_with("ldapi://") => {
                ldap.with_timeout(self.timeout).sasl_external_bind().await
            }
            None => return Ok(()),
        };
        result.and_then(ldap3::LdapResult::success).map(drop).map_err(|e| self.explain(&e))
    }

    async fn password(&self) -> Result<String, String> {
        let Some(path) = &self.bind_password_file else {
            return Err("directory.bind_dn is set, but no directory.bind_password_file".to_owned());
        };
        let read = tokio::fs::read_to_string(path).await;
        let password = read.map_err(|e| {
            format!("the password of the LDAP login cannot be read from {}: {e}", path.display())
        })?;
        let password = password.trim_end_matches(['\r', '\n']).to_owned();
        if password.is_empty() {
            // RFC 4513 5.1.2: the server would take us for anonymous and say yes.
            return Err(format!("the password file {} is empty", path.display()));
        }
        Ok(password)
    }

    /// An error of the protocol or the connection in words that help.
    pub fn explain(&self, error: &LdapError) -> String {
        let who = self.bind_dn.as_deref().unwrap_or("an anonymous reader");
        let url = &self.url;
        match error {
            LdapError::LdapResult { result } => {
                let hint = match result.rc {
                    3 | 4 | 11 => format!(
                        "the server limits how much it tells at once; raise its limits for {who}, e.g. \
                         \"limits users size=unlimited time=unlimited\" in slapd.conf, or olcLimits"
                    ),
                    8 | 13 => "the server wants TLS first; set directory.start_tls = true or use ldaps://".to_owned(),
                    32 => "there is no such entry, or we may not see it; check directory.base and the access rules".to_owned(),
                    49 => format!("name or password is wrong; check directory.bind_dn ({who}) and the password file"),
                    50 => format!("{who} may not read there; check the server's access rules"),
                    51 | 52 => "the server is busy or going down; it is tried again".to_owned(),
                    _ => "see the server's log".to_owned(),
                };
                let said = if result.text.is_empty() {
                    String::new()
                } else {
                    format!(" {:?}", result.text)
                };
                format!("the LDAP server {url} refused with code {}{said}: {hint}", result.rc)
            }
            LdapError::EndOfStream | LdapError::OpSend { .. } | LdapError::ResultRecv { .. } => {
                format!("the connection to the LDAP server {url} broke; it is tried again")
            }
            LdapError::Timeout { .. } => {
                format!("the LDAP server {url} did not answer in time; is it hanging?")
            }
            LdapError::Io { source } if is_certificate(source) => {
                let ca = self
                    .ca_file
                    .as_deref()
                    .map_or("the system's authorities".into(), Path::to_string_lossy);
                format!(
                    "the certificate of the LDAP server {url} was not accepted: {source}; check directory.ca_file ({ca}) and the name in directory.url"
                )
            }
            other => format!("the LDAP server {url} cannot be used: {other}"),
        }
    }
}

fn is_certificate(error: &std::io::Error) -> bool {
    let inner = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::InvalidCertificate(_)))
}

fn authorities(path: &Path) -> Result<RootCertStore, String> {
    let wrong = |e: &dyn std::fmt::Display| {
        format!(
            "directory.ca_file {} cannot be used: {e}; it must hold certificates in PEM",
            path.display()
        )
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|e| wrong(&e))? {
        let certificate = certificate.map_err(|e| wrong(&e))?;
        roots.add(certificate).map_err(|e| wrong(&e))?;
    }
    if roots.is_empty() { Err(wrong(&"no certificate is in it")) } else { Ok(roots) }
}
