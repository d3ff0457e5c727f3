//! What `listctl` does without a daemon: configurations, keys, completions and manual pages.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::played::{Ran, ctl};

fn alone(args: &[&str]) -> Ran {
    ctl(Path::new("/nonexistent"), args, "")
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn a_configuration_is_checked() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("listd.toml");
    let smallest = include_str!("../../../fixtures/config/smallest.toml");
    std::fs::write(&file, smallest).expect("write");
    let ran = alone(&["config", "check", &text(&file)]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ldif = text(&folder.path().join("school.ldif"));
    for part in
        [": fine", &format!("directory.url: cannot read {ldif}"), "no DKIM key", "no admins"]
    {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }

    std::fs::write(&file, smallest.replace("address", "adress")).expect("write");
    let ran = alone(&["--json", "config", "check", &text(&file)]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let json: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(json["ok"], false);
    let first = json["errors"].to_string();
    assert!(
        first.contains(
            "listd.toml:5: relay.adress: there is no such key; did you mean relay.address?"
        ),
        "{first}"
    );

    let ran = alone(&["config", "check", "/nonexistent/listd.toml"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("cannot read /nonexistent/listd.toml"), "{ran:?}");
}

/// DKIM keys: 0600, both records printed, nothing overwritten, and the same records read back.
#[test]
fn keys_are_made_once_and_shown() {
    let folder = tempfile::tempdir().expect("folder");
    let at = text(folder.path());
    let args = ["dkim", "keygen", "Schule.example", "--dir", &at];
    let ran = alone(&args);
    assert_eq!(ran.code, 0, "{ran:?}");
    for part in [
        "._domainkey.schule.example. IN TXT",
        "v=DKIM1; k=rsa",
        "v=DKIM1; k=ed25519",
        "[domain.dkim]",
        "key_file = \"/",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    let files: Vec<_> = std::fs::read_dir(&at).expect("folder").filter_map(Result::ok).collect();
    assert_eq!(files.len(), 2);
    for file in &files {
        let mode = file.metadata().expect("file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file:?}");
    }
    let again = alone(&args);
    assert_eq!(again.code, 1, "{again:?}");
    assert!(again.err.contains("is there already"), "{again:?}");
    assert_eq!(
        alone(&["dkim", "keygen", "schule.example", "--dir", &at, "--selector-date"]).code,
        0
    );

    let dkim = ran.out.split("[domain.dkim]").nth(1).expect("lines for listd.toml");
    let config = folder.path().join("listd.toml");
    let smallest = include_str!("../../../fixtures/config/smallest.toml");
    std::fs::write(&config, format!("{smallest}[domain.dkim]{dkim}")).expect("write");
    let shown = alone(&["dkim", "show", "schule.example", "--config", &text(&config)]);
    assert_eq!(shown.code, 0, "{shown:?}");
    let zone: Vec<&str> = ran.out.lines().filter(|line| line.contains("IN TXT")).collect();
    assert_eq!(zone.len(), 2);
    for line in zone {
        assert!(shown.out.contains(line), "{line} in {}", shown.out);
    }
    assert_eq!(alone(&["dkim", "show", "other.example", "--config", &text(&config)]).code, 1);
    let checked = alone(&["config", "check", &text(&config)]);
    assert!(!checked.out.contains("key"), "the keys are fine: {}", checked.out);
    for file in &files {
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644))
            .expect("chmod");
    }
    let checked = alone(&["config", "check", &text(&config)]);
    assert_eq!(checked.code, 0, "a warning is no error");
    assert_eq!(checked.out.matches("can be read by everybody").count(), 2, "{}", checked.out);
}

#[test]
fn exim_is_configured_from_a_file() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("listd.toml");
    let smallest = include_str!("../../../fixtures/config/smallest.toml");
    std::fs::write(&file, smallest).expect("write");
    let ran = alone(&["exim-config", "--config", &text(&file)]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("lmtp.smtp_listen"), "{ran:?}");
    let more = format!("[lmtp]\nsmtp_listen = [\"127.0.0.1:2525\"]\n{smallest}");
    std::fs::write(&file, more).expect("write");
    let ran = alone(&["exim-config", "--config", &text(&file)]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for part in ["port = 2424", "port = 2525", "domainlist listd_domains = schule.example"] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
}

#[test]
fn completions_and_manual_pages() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = alone(&["completions", shell]);
        assert!(ran.code == 0 && ran.out.contains("listctl"), "{shell}: {ran:?}");
    }
    let ran = alone(&["man"]);
    assert!(ran.code == 0 && ran.out.contains(".TH listctl 1"), "{ran:?}");
    let folder = tempfile::tempdir().expect("folder");
    let ran = alone(&["man", "--dir", &text(folder.path())]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for page in ["listctl.1", "listctl-trace.1", "listctl-queue-retry.1"] {
        assert!(folder.path().join(page).is_file(), "{page}");
    }
}

/// V5: saved bounces, without a daemon: a line of JSON for each, a table, and what to do where there is no mail.
#[test]
fn bounces_are_explained() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("bounce.eml");
    let mail = "From: MAILER-DAEMON@mx.example\nSubject: failure notice\n\n<a@x.example>:\n550 5.1.1 user unknown\n";
    std::fs::write(&file, mail).expect("write");
    let file = text(&file);
    let ran = alone(&["bounces", "explain", "--json", &file, &file]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let lines: Vec<serde_json::Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let expect = serde_json::json!({
        "file": file,
        "kind": "bounce",
        "recipients": [{
            "address": "a@x.example", "class": "hard", "status": "5.1.1",
            "diagnostic": "550 5.1.1 user unknown", "rule": "user-unknown",
        }],
    });
    assert_eq!(lines, [expect.clone(), expect]);

    let ran = ctl(Path::new("/nonexistent"), &["bounces", "explain", "-"], mail);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("a@x.example  hard   5.1.1"), "{}", ran.out);

    let ran = alone(&["bounces", "explain", "/nonexistent/mail.eml", &file]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("cannot read /nonexistent/mail.eml"), "{ran:?}");
    assert!(ran.out.contains("a@x.example"), "the other is explained: {ran:?}");
}
