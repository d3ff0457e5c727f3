//! The Debian package: built twice the same, installed, started as its unit says, upgraded, removed and purged, in a
//! throw-away root: by hand (`tests/package/life.sh`), and by a real systemd (`tests/package/boot.sh`).

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use stack::listd::program;
use stack::process::{run, run_any};
use stack::school;

const BUILD: Duration = Duration::from_secs(120);
const LIFE: Duration = Duration::from_secs(180);

/// What the story needs and a machine may not have; `./x test` installs it.
const TOOLS: &[&str] = &[
    "dpkg-deb",
    "dpkg-shlibdeps",
    "strip",
    "systemd-analyze",
    "systemd-sysusers",
    "systemd-socket-activate",
    "deb-systemd-helper",
    "unshare",
    "swaks",
    "ip",
];

fn missing() -> Vec<&'static str> {
    let there = |tool: &&&str| {
        ["/usr/bin", "/usr/sbin", "/bin", "/sbin"]
            .iter()
            .any(|dir| Path::new(dir).join(tool).exists())
    };
    TOOLS.iter().filter(|tool| !there(tool)).copied().collect()
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Builds the package out of the binaries that this test belongs to.
fn build(out: &Path, version: &str) -> PathBuf {
    let script = source().join("packaging/build");
    let bin = program("listd").unwrap();
    program("listctl").unwrap();
    program("verdictd").unwrap();
    let bin = bin.parent().unwrap().display().to_string();
    let (script, out) = (script.display().to_string(), out.display().to_string());
    let argv = [&script, "--bin", &bin, "--out", &out, "--version", version, "--fast"];
    let said = run(&argv, b"", BUILD).unwrap();
    PathBuf::from(String::from_utf8(said).unwrap().trim())
}

/// What a package installs, as a tar archive with times and rights.
fn files(deb: &Path) -> Vec<u8> {
    run(&["dpkg-deb", "--fsys-tarfile", &deb.display().to_string()], b"", BUILD).unwrap()
}

/// What systemd was told, in order, without the time that goes with a reload.
fn told(notify: &UnixDatagram) -> Vec<String> {
    let mut all = Vec::new();
    let mut datagram = [0; 4096];
    while let Ok(length) = notify.recv(&mut datagram) {
        let text = String::from_utf8_lossy(&datagram[..length]).into_owned();
        all.extend(text.lines().filter(|l| !l.starts_with("MONOTONIC")).map(str::to_owned));
    }
    all
}

/// Runs a script of `tests/package` on both packages and `folder`; `None` where this machine cannot show it.
fn tell(before: &[&str], script: &str, packages: [&Path; 2], folder: &Path) -> Option<String> {
    let script = source().join("tests/package").join(script).display().to_string();
    let ldif = school::fixtures().join("school/school.ldif");
    let files = [packages[0], packages[1], &ldif, folder].map(|path| path.display().to_string());
    let mut argv = [before, &["sh", &script]].concat();
    argv.extend(files.iter().map(String::as_str));
    let ran = run_any(&argv, b"", LIFE).unwrap();
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    eprint!("{out}");
    if ran.status.code() == Some(77) {
        return None;
    }
    assert!(ran.status.success(), "{}\n{out}\n{err}", ran.status);
    Some(out.into_owned())
}

#[test]
fn the_package_is_installed_started_upgraded_and_removed() {
    let missing = missing();
    if !missing.is_empty() {
        eprintln!("SKIPPED: the package is not tried, there is no {}", missing.join(", "));
        return;
    }
    let began = Instant::now();
    let dir = tempfile::tempdir().unwrap();
    let old = build(&dir.path().join("old"), "0.0.9");
    let new = build(&dir.path().join("new"), "0.1.0");
    assert!(files(&old) == files(&new), "the same binaries give other files");
    eprintln!("package: built twice after {:?}", began.elapsed());
    by_hand([&old, &new], &dir.path().join("notify"));
    eprintln!("package: its life by hand was told after {:?}", began.elapsed());
    by_systemd([&old, &new], &dir.path().join("out"));
    eprintln!("package: its life under systemd was told after {:?}", began.elapsed());
}

/// Everywhere: without systemd as PID 1, with what it would be told.
fn by_hand(packages: [&Path; 2], notify: &Path) {
    std::fs::create_dir(notify).unwrap();
    let socket = UnixDatagram::bind(notify.join("socket")).unwrap();
    socket.set_nonblocking(true).unwrap();
    run(&["chmod", "-R", "a+rwX", &notify.display().to_string()], b"", BUILD).unwrap();
    let unshare = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"];
    let Some(out) = tell(&unshare, "life.sh", packages, notify) else { return };
    assert!(
        out.contains("Overall exposure level") && out.ends_with("removed and purged\n"),
        "{out}"
    );
    let life = ["READY=1", "RELOADING=1", "READY=1", "STOPPING=1", "READY=1", "STOPPING=1"];
    assert_eq!(told(&socket), life, "{out}");
}

/// Where systemd can be PID 1 of namespaces: the unit as it is, sandbox and all.
fn by_systemd(packages: [&Path; 2], folder: &Path) {
    std::fs::create_dir(folder).unwrap();
    let Some(out) = tell(&[], "boot.sh", packages, folder) else { return };
    let expected = [
        "started: active active",
        "keys: 2",
        "rights: CapEff: 0000000000000000 CapBnd: 0000000000000000 NoNewPrivs: 1 Seccomp: 2",
        "mail 1: swaks 0, 1 in the queue",
        "reloaded: active active",
        "upgraded: active active",
        // The socket stays, so the next mail wakes it.
        "stopped: inactive active",
        "mail 2: swaks 0, 2 in the queue",
        "woken: active active",
        "removed: inactive inactive",
        "installed again: enabled enabled",
        "failed units: 0",
    ];
    let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    assert_eq!(out.lines().map(str::trim).collect::<Vec<_>>(), expected, "{log}");
}

/// What a socket unit listens on, as a configuration names it.
fn listens(unit: &str) -> Vec<String> {
    let listen = unit.lines().filter_map(|line| line.strip_prefix("ListenStream="));
    listen
        .map(|at| if at.starts_with('/') { format!("unix:{at}") } else { at.to_owned() })
        .collect()
}

/// What the unit listens on is what the packaged configuration names, so that the package starts as it comes.
#[test]
fn the_packaged_configuration_names_the_sockets_of_the_unit() {
    let read = |file: &str| std::fs::read_to_string(source().join("packaging").join(file)).unwrap();
    let config = listcore::config::Config::parse("listd.toml", &read("listd.toml")).unwrap();
    let named = config.lmtp.listen.iter().chain(&config.lmtp.smtp_listen);
    let named: Vec<String> = named.map(ToString::to_string).collect();
    assert_eq!(named, listens(&read("listd-lmtp.socket")));
}

/// The same for verdictd.
#[test]
fn the_packaged_verdictd_names_the_sockets_of_its_unit() {
    let read = |file: &str| std::fs::read_to_string(source().join("packaging").join(file)).unwrap();
    let config = verdictd::config::Config::parse("verdictd.toml", &read("verdictd.toml")).unwrap();
    let named: Vec<String> = config.milter_listen.iter().map(ToString::to_string).collect();
    assert_eq!(named, listens(&read("verdictd.socket")));
}
