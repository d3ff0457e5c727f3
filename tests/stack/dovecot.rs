//! Dovecot: mailboxes for some of the school's people, LMTP in and IMAP out, logins from slapd.

use std::net::SocketAddr;
use std::path::Path;

use crate::claim::Port;
use crate::process::{Server, run};
use crate::{Result, imap, school, template, wait};

/// A running mailbox server.
#[derive(Debug)]
pub struct Dovecot {
    pub server: Server,
    imap: Port,
    lmtp: Port,
}

impl Dovecot {
    pub fn start(dir: &Path, ldap_url: &str) -> Result<Dovecot> {
        let (imap, lmtp) = (Port::claim()?, Port::claim()?);
        let home = dir.join("dovecot");
        std::fs::create_dir_all(home.join("mail"))?;
        let mail = home.join("mail");
        run(&["chown", "nobody:nogroup", &mail.to_string_lossy()], b"", wait::START)?;
        let dir_text = home.to_string_lossy();
        let (imap_port, lmtp_port) = (imap.number().to_string(), lmtp.number().to_string());
        let values = [
            ("DIR", dir_text.as_ref()),
            ("IMAP_PORT", &imap_port),
            ("LMTP_PORT", &lmtp_port),
            ("LDAP_URL", ldap_url),
            ("BASE", school::BASE),
        ];
        let conf = home.join("dovecot.conf");
        std::fs::write(&conf, template::fill(include_str!("conf/dovecot.conf"), &values)?)?;
        std::fs::write(
            home.join("ldap.conf"),
            template::fill(include_str!("conf/dovecot-ldap.conf"), &values)?,
        )?;
        let line = format!("dovecot -F -c {}", conf.display());
        let mut server = Server::start_contained("dovecot", &dir.join("log"), &line)?;
        let (login, _) = school::MARIA;
        server.ready(|| imap::login(imap.address(), login, school::PASSWORD))?;
        Ok(Dovecot { server, imap, lmtp })
    }

    pub fn imap(&self) -> SocketAddr {
        self.imap.address()
    }

    pub fn lmtp(&self) -> SocketAddr {
        self.lmtp.address()
    }

    /// All mails of a person.
    pub fn inbox(&self, login: &str) -> Result<Vec<Vec<u8>>> {
        imap::inbox(self.imap(), login, school::PASSWORD)
    }

    /// Waits for a mail whose header block contains `text`.
    pub fn wait_for(&self, login: &str, text: &str) -> Result<Vec<u8>> {
        wait::until(&format!("a mail with {text:?} for {login}"), wait::MAIL, || {
            let mut mails = self.inbox(login)?;
            let at = mails.iter().position(|m| contains(crate::mail::split(m).0, text));
            Ok(at.map(|at| mails.swap_remove(at)))
        })
    }
}

fn contains(head: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(head).contains(text)
}
