//! A real slapd for one test: its own directory, loopback port and certificates; killed when dropped.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A small server for `dc=x` with its root `cn=admin,dc=x`, password `secret`.
pub struct Slapd {
    dir: tempfile::TempDir,
    port: u16,
    child: Child,
}

/// How it is set up.
#[derive(Default)]
pub struct Setup<'a> {
    pub ldif: &'a str,
    /// Lines for the global part of slapd.conf.
    pub global: &'a str,
    /// Without the overlay that RFC 4533 needs.
    pub no_sync: bool,
    pub tls: bool,
}

const SUFFIX: &str = "dn: dc=x\nobjectClass: domain\ndc: x\n\n\
    dn: ou=people,dc=x\nobjectClass: organizationalUnit\nou: people\n\n\
    dn: ou=groups,dc=x\nobjectClass: organizationalUnit\nou: groups\n\n";

/// True where slapd is installed; else the caller's test is skipped aloud.
pub fn installed(test: &str) -> bool {
    let there = Path::new("/usr/sbin/slapd").exists();
    if !there {
        eprintln!("SKIPPED: {test}: /usr/sbin/slapd is not installed");
    }
    there
}

impl Slapd {
    pub fn start(setup: &Setup) -> Slapd {
        let dir = tempfile::tempdir().expect("temporary directory");
        std::fs::create_dir(dir.path().join("data")).expect("data");
        if setup.tls {
            certificates(dir.path());
        }
        std::fs::write(dir.path().join("slapd.conf"), conf(dir.path(), setup)).expect("slapd.conf");
        std::fs::write(dir.path().join("load.ldif"), SUFFIX.to_owned() + setup.ldif).expect("ldif");
        load(dir.path());
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("port").port();
        let child = serve(dir.path(), port, setup.tls);
        let slapd = Slapd { dir, port, child };
        slapd.wait_ready();
        slapd
    }

    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    pub fn ldaps(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.port + 1)
    }

    pub fn ldapi(&self) -> String {
        format!(
            "ldapi://{}",
            self.dir.path().join("ldapi").display().to_string().replace('/', "%2F")
        )
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn kill(&mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
    }

    /// Starts it again on its data and port.
    pub fn restart(&mut self) {
        self.child = serve(self.dir.path(), self.port, false);
        self.wait_ready();
    }

    /// Starts it with other data, as from a backup of that time (`20200101000000`, or empty for now).
    pub fn restart_with(&mut self, ldif: &str, time: &str) {
        std::fs::remove_dir_all(self.file("data")).expect("data");
        std::fs::create_dir(self.file("data")).expect("data");
        let mut text = SUFFIX.to_owned() + ldif;
        if !time.is_empty() {
            let dated = format!("\nentryCSN: {time}.000000Z#000000#000#000000\nobjectClass:");
            // Each entry begins with its first class.
            text = text.replace("\n\ndn:", "\n\n\ndn:");
            let entries = text.split("\n\n\n").map(|e| e.replacen("\nobjectClass:", &dated, 1));
            text = entries.collect::<Vec<_>>().join("\n\n");
        }
        std::fs::write(self.file("load.ldif"), text).expect("ldif");
        load(self.dir.path());
        self.restart();
    }

    /// Another server in its place: other data, another serverID.
    pub fn replace_with(&mut self, ldif: &str, server_id: u16) {
        let conf = self.file("slapd.conf");
        let text = std::fs::read_to_string(&conf).expect("slapd.conf");
        let numbered = text.replacen("modulepath", &format!("serverID {server_id}\nmodulepath"), 1);
        std::fs::write(conf, numbered).expect("slapd.conf");
        self.restart_with(ldif, "");
    }

    /// What it was asked.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.file("slapd.log")).expect("log")
    }

    /// `STOP` and `CONT`.
    pub fn signal(&self, signal: &str) {
        command("kill", &[&format!("-{signal}"), &self.child.id().to_string()], "");
    }

    /// Applies an LDIF of changes.
    pub fn change(&self, ldif: &str) {
        let url = self.url();
        command("ldapmodify", &["-x", "-D", "cn=admin,dc=x", "-w", "secret", "-H", &url], ldif);
    }

    /// Changes the access rules while it runs, of which it tells nobody.
    pub fn access(&self, rules: &[&str]) {
        let rules = rules.iter().enumerate().map(|(n, rule)| format!("olcAccess: {{{n}}}{rule}\n"));
        let dn = "dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nreplace: olcAccess\n";
        let (url, ldif) = (self.url(), dn.to_owned() + &rules.collect::<String>());
        command(
            "ldapmodify",
            &["-x", "-D", "cn=admin,cn=config", "-w", "secret", "-H", &url],
            &ldif,
        );
    }

    fn wait_ready(&self) {
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < end, "slapd did not start");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn load(dir: &Path) {
    let (conf, ldif) = (dir.join("slapd.conf"), dir.join("load.ldif"));
    let arguments = ["-q", "-f", text(&conf), "-b", "dc=x", "-l", text(&ldif)];
    command("/usr/sbin/slapadd", &arguments, "");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("path in UTF-8")
}

fn serve(dir: &Path, port: u16, tls: bool) -> Child {
    let ldapi = dir.join("ldapi").display().to_string().replace('/', "%2F");
    let mut urls = format!("ldap://127.0.0.1:{port} ldapi://{ldapi}");
    if tls {
        urls.push_str(&format!(" ldaps://127.0.0.1:{}", port + 1));
    }
    let log = std::fs::File::create(dir.join("slapd.log")).expect("log");
    Command::new("/usr/sbin/slapd")
        .args(["-f", text(&dir.join("slapd.conf")), "-h", &urls, "-d", "stats"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("slapd")
}

fn conf(dir: &Path, setup: &Setup) -> String {
    let home = dir.display();
    let schemas: String = ["core", "cosine", "inetorgperson", "nis", "dyngroup", "misc"]
        .map(|name| format!("include /etc/ldap/schema/{name}.schema\n"))
        .concat();
    let tls = match setup.tls {
        true => format!(
            "TLSCACertificateFile {home}/ca.pem\nTLSCertificateFile {home}/server.pem\n\
             TLSCertificateKeyFile {home}/server.key\n"
        ),
        false => String::new(),
    };
    let sync = if setup.no_sync { "" } else { "overlay syncprov\nsyncprov-sessionlog 1000\n" };
    let sync_module = if setup.no_sync { "" } else { "moduleload syncprov\n" };
    let global = setup.global;
    format!(
        "{schemas}\
         objectclass ( 1.3.6.1.4.1.99999.1 NAME 'testList' SUP top AUXILIARY MAY ( mail ) )\n\
         modulepath /usr/lib/ldap\nmoduleload back_mdb\nmoduleload refint\n{sync_module}{tls}{global}\n\
         authz-regexp \"gidNumber=0\\\\+uidNumber=0,cn=peercred,cn=external,cn=auth\" \"cn=admin,dc=x\"\n\
         database config\nrootdn cn=admin,cn=config\nrootpw secret\n\
         database mdb\nsuffix dc=x\nrootdn cn=admin,dc=x\nrootpw secret\ndirectory {home}/data\n\
         maxsize 268435456\ndbnosync\n{sync}overlay refint\nrefint_attributes member owner\n"
    )
}

/// A CA that signs the server's certificate, and one that did not.
fn certificates(dir: &Path) {
    let openssl = |arguments: &str| {
        let words: Vec<&str> = arguments.split(' ').collect();
        let ran = Command::new("openssl").args(words).current_dir(dir).output().expect("openssl");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    };
    std::fs::write(dir.join("san"), "subjectAltName=IP:127.0.0.1\n").expect("san");
    for ca in ["ca", "wrong-ca"] {
        openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {ca}.key -out {ca}.pem -days 2 -subj /CN={ca}"
        ));
    }
    openssl(
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr -subj /CN=127.0.0.1",
    );
    openssl(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 2 -extfile san",
    );
}

fn command(program: &str, arguments: &[&str], input: &str) {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("command");
    child.stdin.take().expect("stdin").write_all(input.as_bytes()).expect("write");
    let output = child.wait_with_output().expect("wait");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}
