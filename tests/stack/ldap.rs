//! slapd with the sample school, and changes to it while it runs.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::claim::Port;
use crate::process::{Server, run, run_any};
use crate::{Doing, Failure, Result, school, template};

const COMMAND: Duration = Duration::from_secs(30);
/// To load a large tree.
const LARGE: Duration = Duration::from_secs(300);

/// A running directory server.
#[derive(Debug)]
pub struct Ldap {
    pub server: Server,
    port: Port,
    dir: PathBuf,
}

impl Ldap {
    /// Loads the school and further LDIF text, and starts. `tls` also offers StartTLS with a CA of its own.
    pub fn start(dir: &Path, more: &str, tls: bool) -> Result<Ldap> {
        let home = dir.join("slapd");
        std::fs::create_dir_all(home.join("data"))?;
        let tls = if tls { certificates(&home)? } else { String::new() };
        write_conf(&home, &tls)?;
        let ldif = std::fs::read_to_string(school::fixtures().join("school/school.ldif"))?;
        let file = home.join("load.ldif");
        std::fs::write(&file, format!("{ldif}\n{more}"))?;
        let conf = home.join("slapd.conf");
        run(
            &[
                "slapadd",
                "-q",
                "-f",
                &conf.to_string_lossy(),
                "-b",
                school::BASE,
                "-l",
                &file.to_string_lossy(),
            ],
            b"",
            COMMAND,
        )?;
        let port = Port::claim()?;
        let server = serve(dir, &home, port.number())?;
        Ok(Ldap { server, port, dir: dir.to_owned() })
    }

    /// A large tree of its own under the sample school's schema.
    pub fn large(dir: &Path, ldif: &str) -> Result<Ldap> {
        let home = dir.join("slapd");
        std::fs::create_dir_all(home.join("data"))?;
        write_conf(&home, "")?;
        let (conf, file) = (home.join("slapd.conf"), home.join("load.ldif"));
        std::fs::write(&file, ldif)?;
        let (conf, file) = (conf.to_string_lossy(), file.to_string_lossy());
        run(&["slapadd", "-q", "-f", &conf, "-b", school::BASE, "-l", &file], b"", LARGE)?;
        let port = Port::claim()?;
        let server = serve(dir, &home, port.number())?;
        Ok(Ldap { server, port, dir: dir.to_owned() })
    }

    /// A tree of its own under other schemas (paths, in their order) than the sample school's.
    pub fn with(dir: &Path, schemas: &[PathBuf], ldif: &str) -> Result<Ldap> {
        let home = dir.join("slapd");
        std::fs::create_dir_all(home.join("data"))?;
        write_conf(&home, "")?;
        let conf = home.join("slapd.conf");
        let text = std::fs::read_to_string(&conf)?;
        let rest = text.lines().filter(|line| !line.starts_with("include "));
        let includes = schemas.iter().map(|path| format!("include {}", path.display()));
        let lines: Vec<String> = includes.chain(rest.map(str::to_owned)).collect();
        std::fs::write(&conf, lines.join("\n") + "\n")?;
        let file = home.join("load.ldif");
        std::fs::write(&file, ldif)?;
        let (conf, file) = (conf.to_string_lossy(), file.to_string_lossy());
        run(&["slapadd", "-f", &conf, "-b", school::BASE, "-l", &file], b"", COMMAND)?;
        let port = Port::claim()?;
        let server = serve(dir, &home, port.number())?;
        Ok(Ldap { server, port, dir: dir.to_owned() })
    }

    /// A plain search as the root of the tree: DNs with their values. Nothing where there is no such base.
    pub fn search(&self, base: &str, scope: &str, filter: &str) -> Result<Vec<Found>> {
        let url = self.url();
        let argv = [
            "ldapsearch",
            "-x",
            "-LLL",
            "-o",
            "ldif-wrap=no",
            "-H",
            &url,
            "-D",
            school::ROOT_DN,
            "-w",
            school::ROOT_PASSWORD,
            "-b",
            base,
            "-s",
            scope,
            filter,
        ];
        let output = run_any(&argv, b"", COMMAND)?;
        // 32: no such object, 10: a referral.
        if !matches!(output.status.code(), Some(0 | 10 | 32)) {
            return Err(Failure(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        found(&String::from_utf8_lossy(&output.stdout))
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }

    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port())
    }

    /// The CA that signed the server's certificate, when it was started with TLS.
    pub fn ca(&self) -> PathBuf {
        self.dir.join("slapd/ca.pem")
    }

    /// A CA that did not.
    pub fn wrong_ca(&self) -> PathBuf {
        self.dir.join("slapd/wrong-ca.pem")
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it again on its data and port.
    pub fn restart(&mut self) -> Result<()> {
        self.server.kill();
        self.server = serve(&self.dir, &self.dir.join("slapd"), self.port())?;
        Ok(())
    }

    /// [`Ldap::restart`] of a server that does not hold the school: it answers for its own root only.
    pub fn restart_unknowing(&mut self) -> Result<()> {
        self.server.kill();
        self.server =
            serve_base(&self.dir, &self.dir.join("slapd"), self.port(), &["-s", "base", "-b", ""])?;
        Ok(())
    }

    /// Applies an LDIF of changes as the root of the tree.
    pub fn modify(&self, ldif: &str) -> Result<()> {
        let argv = [
            "ldapmodify",
            "-x",
            "-H",
            &self.url(),
            "-D",
            school::ROOT_DN,
            "-w",
            school::ROOT_PASSWORD,
        ];
        run(&argv, ldif.as_bytes(), COMMAND).map(|_| ())?;
        // Whom it names later is read from here (`watch`).
        let file = self.dir.join("slapd/changes.ldif");
        let kept = std::fs::OpenOptions::new().create(true).append(true).open(file);
        kept.and_then(|mut file| writeln!(file, "{ldif}\n")).doing(|| "changes.ldif".to_owned())
    }

    /// Puts a person into a group of the school, or takes her out.
    pub fn membership(&self, group: &str, uid: &str, is_member: bool) -> Result<()> {
        let verb = if is_member { "add" } else { "delete" };
        self.modify(&format!(
            "dn: cn={group},ou=groups,{}\nchangetype: modify\n{verb}: member\nmember: {}\n",
            school::BASE,
            school::dn(uid)
        ))
    }
}

/// An entry that a search found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub dn: String,
    /// Attribute names in lower case.
    values: Vec<(String, String)>,
}

impl Found {
    pub fn values(&self, attribute: &str) -> Vec<String> {
        let attribute = attribute.to_lowercase();
        self.values.iter().filter(|(name, _)| *name == attribute).map(|(_, v)| v.clone()).collect()
    }

    pub fn is(&self, class: &str) -> bool {
        self.values("objectClass").iter().any(|c| c.eq_ignore_ascii_case(class))
    }
}

fn found(ldif: &str) -> Result<Vec<Found>> {
    let mut all: Vec<Found> = Vec::new();
    for line in ldif.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = match value.strip_prefix(':') {
            Some(encoded) => {
                let bytes = data_encoding::BASE64.decode(encoded.trim().as_bytes());
                String::from_utf8_lossy(&bytes.map_err(|e| Failure(e.to_string()))?).into_owned()
            }
            None => value.trim_start().to_owned(),
        };
        match (name, all.last_mut()) {
            ("dn", _) => all.push(Found { dn: value, values: Vec::new() }),
            (name, Some(entry)) => entry.values.push((name.to_lowercase(), value)),
            (_, None) => {}
        }
    }
    Ok(all)
}

fn serve(dir: &Path, home: &Path, port: u16) -> Result<Server> {
    serve_base(dir, home, port, &["-b", school::BASE, "-s", "base", "dc"])
}

/// `probe`: the search that it must answer before it counts as running.
fn serve_base(dir: &Path, home: &Path, port: u16, probe: &[&str]) -> Result<Server> {
    let url = format!("ldap://127.0.0.1:{port}");
    let ldapi = home.join("ldapi").to_string_lossy().replace('/', "%2F");
    let conf = home.join("slapd.conf");
    let line = format!("slapd -d none -f {} -h '{url} ldapi://{ldapi}'", conf.display());
    let mut server = Server::start_contained("slapd", &dir.join("log"), &line)?;
    server.ready(|| {
        let mut argv = vec!["ldapsearch", "-x", "-LLL", "-H", &url];
        argv.extend_from_slice(probe);
        run(&argv, b"", COMMAND).map(|_| ())
    })?;
    Ok(server)
}

fn write_conf(home: &Path, tls: &str) -> Result<()> {
    let schema = school::fixtures().join("school/school.schema");
    let (schema, dir) = (schema.to_string_lossy(), home.to_string_lossy());
    let values = [
        ("SCHEMA", schema.as_ref()),
        ("DIR", dir.as_ref()),
        ("BASE", school::BASE),
        ("ROOT_DN", school::ROOT_DN),
        ("ROOT_PASSWORD", school::ROOT_PASSWORD),
        ("TLS", tls),
    ];
    let text = template::fill(include_str!("conf/slapd.conf"), &values)?;
    std::fs::write(home.join("slapd.conf"), text).doing(|| "write slapd.conf".to_owned())
}

/// How each certificate here is made, with its key in the clear; who signs it and for whom follows.
const CERTIFICATE: [&str; 8] =
    ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/// A CA, a server certificate for 127.0.0.1, and another CA; the lines of slapd.conf that use them.
fn certificates(home: &Path) -> Result<String> {
    let at = |name: &str| home.join(name).to_string_lossy().into_owned();
    for (ca, key) in [("ca.pem", "ca.key"), ("wrong-ca.pem", "wrong-ca.key")] {
        let subject = format!("/CN=test {ca}");
        let mut argv = CERTIFICATE.to_vec();
        let (out, keyout) = (at(ca), at(key));
        argv.extend(["-days", "3650", "-subj", &subject, "-out", &out, "-keyout", &keyout]);
        run(&argv, b"", COMMAND)?;
    }
    let mut argv = CERTIFICATE.to_vec();
    let (ca, ca_key, cert, key) = (at("ca.pem"), at("ca.key"), at("cert.pem"), at("cert.key"));
    argv.extend([
        "-days",
        "3650",
        "-subj",
        "/CN=ldap.schule.example",
        "-CA",
        &ca,
        "-CAkey",
        &ca_key,
    ]);
    argv.extend([
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
    ]);
    argv.extend(["-out", &cert, "-keyout", &key]);
    run(&argv, b"", COMMAND)?;
    Ok(format!("TLSCertificateFile {cert}\nTLSCertificateKeyFile {key}\n"))
}
