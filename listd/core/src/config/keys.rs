//! The keys of `listd.toml` and what each expects: the one list that parser, messages and manual share.

/// One key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Dotted; those of a `[[domain]]` begin with `domain.`.
    pub path: &'static str,
    /// What may stand there, to follow the word "expected".
    pub expected: &'static str,
}

const fn key(path: &'static str, expected: &'static str) -> Key {
    Key { path, expected }
}

const ENDPOINTS: &str = "a list of \"unix:/path\" and \"address:port\", e.g. [\"unix:/run/listd/lmtp.sock\", \"127.0.0.1:2424\"]";
const ENDPOINT: &str = "\"unix:/path\" or \"address:port\", e.g. \"127.0.0.1:8026\"";
const ADDRESS_PORT: &str = "\"address:port\" with an IP address, e.g. \"127.0.0.1:8425\"";
const PATH: &str = "a path that starts with /";
const SECRET: &str = "a path that starts with /, or credential: and a name";
const SIZE: &str = "a size in B, kB, MB or GB, e.g. \"25 MB\"";
const DURATION: &str = "a duration in s, min, h or d, e.g. \"15 min\"";
const BOOL: &str = "true or false";
const DN: &str = "a DN, e.g. \"dc=schule,dc=example\"";
const FILTER: &str = "an LDAP filter, e.g. \"(objectClass=inetOrgPerson)\"";
const ATTRIBUTE: &str = "the name of an LDAP attribute, e.g. \"mail\"";
const ATTRIBUTES: &str = "a list of LDAP attribute names, e.g. [\"mail\"]";
const SETTING: &str =
    "\"\" or the name of an LDAP attribute that holds this setting, e.g. \"businessCategory\"";
const URL: &str = "a link that starts with https:// or http://";
const PRIVATE_URL: &str = "a link that starts with https://, or http:// to this machine itself, e.g. \"http://127.0.0.1:8425\"";
const SELECTOR: &str = "a DKIM selector, e.g. \"r2026\"";

/// Every key, in the order of the manual. `domain.list.*` is `list.*` again and not listed.
pub const KEYS: &[Key] = &[
    key("hostname", "a host name, e.g. \"lists.schule.example\""),
    key("store", "\"sqlite:///path/to/listd.db\""),
    key("secret_file", SECRET),
    key("trusted_authserv_id", "a list of host names, e.g. [\"mx.schule.example\"]"),
    key("lmtp.listen", ENDPOINTS),
    key("lmtp.smtp_listen", ENDPOINTS),
    key("lmtp.max_message_size", SIZE),
    key(
        "relay.address",
        "\"host:port\" of the MTA that takes the copies, e.g. \"127.0.0.1:10025\"",
    ),
    key("relay.connections", "a whole number from 1 to 100"),
    key("relay.recipients_per_transaction", "a whole number from 1 to 1000"),
    key("relay.log", PATH),
    key("relay.brake_share", "a share from \"0 %\" to \"100 %\""),
    key("relay.brake_least", "a whole number from 1 to 10000"),
    key(
        "bounces.complaints_from",
        "a list of domains and addresses, e.g. [\"arf.provider.example\", \"staff@provider.example\"]",
    ),
    key(
        "directory.url",
        "\"ldap://host:port\", \"ldaps://host\", \"ldapi://%2Frun%2Fslapd%2Fldapi\" or \"file:school.ldif\"",
    ),
    key("directory.start_tls", BOOL),
    key("directory.ca_file", PATH),
    key("directory.bind_dn", DN),
    key("directory.bind_password_file", SECRET),
    key("directory.base", DN),
    key("directory.sync", "\"auto\" or \"poll\""),
    key("directory.poll_interval", DURATION),
    key("directory.max_staleness", DURATION),
    key("directory.verify_interval", DURATION),
    key("directory.shrink_guard", "a share from \"0 %\" to \"100 %\""),
    key("directory.lists.filter", FILTER),
    key("directory.lists.address", ATTRIBUTE),
    key(
        "directory.lists.address_template",
        "\"\" or an address with attribute names in braces, e.g. \"{cn}@schule.example\"",
    ),
    key("directory.lists.aliases", ATTRIBUTES),
    key("directory.lists.name", ATTRIBUTE),
    key("directory.lists.description", ATTRIBUTE),
    key("directory.lists.members", ATTRIBUTES),
    key("directory.lists.external", ATTRIBUTES),
    key("directory.lists.owners", ATTRIBUTES),
    key("directory.lists.moderators", ATTRIBUTES),
    key("directory.lists.settings.post", SETTING),
    key("directory.lists.settings.nonmembers", SETTING),
    key("directory.lists.settings.unverified", SETTING),
    key("directory.lists.settings.moderation", SETTING),
    key("directory.lists.settings.from", SETTING),
    key("directory.lists.settings.reply_to", SETTING),
    key("directory.lists.settings.author_address", SETTING),
    key("directory.lists.settings.subject_tag", SETTING),
    key("directory.lists.settings.footer", SETTING),
    key("directory.lists.settings.footer_signed", SETTING),
    key("directory.lists.settings.copies", SETTING),
    key("directory.lists.settings.unsubscribe", SETTING),
    key("directory.lists.settings.max_size", SETTING),
    key("directory.lists.settings.arc", SETTING),
    key("directory.lists.settings.attachments_allowed", SETTING),
    key("directory.lists.settings.attachments_forbidden", SETTING),
    key("directory.lists.settings.max_attachment", SETTING),
    key("directory.lists.settings.form", SETTING),
    key("directory.lists.settings.emergency", SETTING),
    key("directory.lists.settings.max_lists", SETTING),
    key("directory.lists.settings.max_recipients", SETTING),
    key("directory.lists.settings.max_outside", SETTING),
    key("directory.lists.settings.posts_per_hour", SETTING),
    key("directory.lists.settings.storm_replies", SETTING),
    key("directory.lists.settings.storm_minutes", SETTING),
    key("directory.lists.settings.storm_members", SETTING),
    key("directory.lists.settings.hold_expires", SETTING),
    key("directory.lists.settings.deputies_after", SETTING),
    key("directory.lists.settings.archive", SETTING),
    key("directory.lists.settings.language", SETTING),
    key("directory.lists.settings.shrink_guard", SETTING),
    key("directory.lists.settings.expires", SETTING),
    key("directory.people.filter", FILTER),
    key("directory.people.login", ATTRIBUTE),
    key("directory.people.address", ATTRIBUTES),
    key("directory.people.may_post_as", ATTRIBUTES),
    key("directory.people.name", ATTRIBUTES),
    key("directory.people.language", ATTRIBUTE),
    key(
        "directory.people.inactive",
        "\"\" or an LDAP filter, e.g. \"(pwdAccountLockedTime=000001010000Z)\"",
    ),
    key("directory.people.address_shown", ATTRIBUTE),
    key("verdict.milter", ENDPOINT),
    key("verdict.on_failure", "\"defer\" or \"accept\""),
    key("verdict.timeout", DURATION),
    key("verdict.rspamd_controller", "an http:// URL, e.g. \"http://127.0.0.1:11334\""),
    key("verdict.rspamd_password_file", SECRET),
    key("verdict.keep_for_learning", DURATION),
    key(
        "list.post",
        "a list of \"members\", \"owners\", \"moderators\", \"people\", \"anyone\" and DNs of groups",
    ),
    key("list.nonmembers", "\"reject\", \"hold\" or \"discard\""),
    key("list.unverified", "\"confirm\", \"hold\", \"reject\" or \"accept\""),
    key("list.moderation", "\"none\", \"all\", \"nonmembers\" or \"first\""),
    key("list.from", "\"rewrite\", \"policy\", \"broken\" or \"keep\""),
    key("list.reply_to", "\"author\", \"list\", \"both\" or an address"),
    key("list.author_address", "\"shown\" or \"hidden\""),
    key("list.subject_tag", "one line of at most 60 characters, e.g. \"[5b]\""),
    key(
        "list.footer",
        "\"\", \"standard\", a text of at most 4000 characters, or one for each language, e.g. { de = \"Liste {list}\", en = \"List {list}\" }",
    ),
    key("list.footer_signed", "\"skip\" or \"wrap\""),
    key("list.copies", "\"personal\" or \"shared\""),
    key("list.unsubscribe", "\"mute\", \"leave\" or \"request\""),
    key("list.max_size", SIZE),
    key("list.arc", "\"off\" or \"seal\""),
    key(
        "list.attachments_allowed",
        "a list of endings, types and families of files, e.g. [\"pdf\", \"image/*\", \"archive\"], or [\"any\"] or [\"nothing\"] alone",
    ),
    key(
        "list.attachments_forbidden",
        "a list of endings, types and families of files, e.g. [\"exe\", \"audio/*\", \"program\"], or [\"nothing\"] alone",
    ),
    key(
        "list.max_attachment",
        "\"\" or a size in B, kB, MB or GB, e.g. \"5 MB\", of at least 1 kB and at most 2 GB",
    ),
    key("list.form", "\"any\", \"text\" or \"html\""),
    key("list.emergency", BOOL),
    key("list.max_lists", "a whole number from 0 (no limit) to 1000"),
    key("list.max_recipients", "a whole number from 0 (no limit) to 10000"),
    key("list.max_outside", "a whole number from 0 (no limit) to 10000"),
    key("list.posts_per_hour", "a whole number from 0 (no limit) to 10000"),
    key("list.storm_replies", "a whole number from 0 (no brake) to 1000"),
    key("list.storm_minutes", "a whole number from 1 to 1440"),
    key("list.storm_members", "a whole number from 0 to 1000000"),
    key("list.hold_expires", DURATION),
    key("list.deputies_after", DURATION),
    key("list.archive", "\"off\" or \"members\""),
    key("list.language", "a language code, e.g. \"de\", or \"\" for the domain's"),
    key("domain.name", "a mail domain, e.g. \"schule.example\""),
    key("domain.base", DN),
    key("domain.language", "a language code, e.g. \"de\""),
    key(
        "domain.admins",
        "a list of addresses and DNs of groups, e.g. [\"postmaster@schule.example\"]",
    ),
    key("domain.shrink_guard", "a share from \"0 %\" to \"100 %\""),
    key(
        "domain.shrink_guard_of",
        "a list of an address and a share each, e.g. [\"klasse-5b@schule.example 80 %\"]",
    ),
    key("domain.once", "true or false"),
    key("domain.imprint_url", URL),
    key("domain.privacy_url", URL),
    key("domain.help_url", URL),
    key("domain.timezone", "the name of a time zone, e.g. \"Europe/Berlin\""),
    key("domain.digest_at", "a time of day, e.g. \"18:00\""),
    key("domain.digest_day", "a day of the week, e.g. \"friday\""),
    key("domain.dkim.rsa.selector", SELECTOR),
    key("domain.dkim.rsa.key_file", SECRET),
    key("domain.dkim.ed25519.selector", SELECTOR),
    key("domain.dkim.ed25519.key_file", SECRET),
    key("web.listen", ADDRESS_PORT),
    key("web.public_url", PRIVATE_URL),
    key("control.socket", PATH),
    key("metrics.listen", ADDRESS_PORT),
    key("dns.server", "\"address:port\" with an IP address, e.g. \"127.0.0.1:53\""),
];

/// `domain.list.post` as `list.post`; others stay.
fn shared(path: &str) -> &str {
    match path.strip_prefix("domain.") {
        Some(rest) if rest.starts_with("list.") => rest,
        _ => path,
    }
}

/// The key with this path, `domain.list.*` included.
pub fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == shared(path))
}

/// True where `path` is a table that holds keys: `lmtp`, `domain.list`.
pub fn is_table(path: &str) -> bool {
    let inside = |key: &Key, table: &str| {
        key.path.strip_prefix(table).is_some_and(|rest| rest.starts_with('.'))
    };
    path == "domain.list" || KEYS.iter().any(|key| inside(key, path))
}

/// The known key or table that an unknown path most likely means: one in the same table that is spelt
/// alike, else one of the same name in another table, else one spelt alike anywhere.
pub fn nearest(path: &str) -> Option<String> {
    let (table, name) = path.rsplit_once('.').unwrap_or(("", path));
    if name.len() > 100 {
        return None;
    }
    let mut best: Option<(usize, String)> = None;
    for candidate in candidates() {
        let (its_table, its_name) = candidate.rsplit_once('.').unwrap_or(("", &candidate));
        let apart = strsim::damerau_levenshtein(name, its_name);
        let near = apart <= 1 + name.len() / 4;
        let cost = match (its_table == table, apart) {
            (true, _) if near => apart,
            (false, 0) => 10,
            (false, _) if near => 10 + apart,
            _ => continue,
        };
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, candidate));
        }
    }
    best.map(|(_, path)| path)
}

/// Every key and every table, `domain.list.*` included.
fn candidates() -> impl Iterator<Item = String> {
    let keys = KEYS.iter().map(|key| key.path.to_owned());
    let again = KEYS.iter().filter(|key| key.path.starts_with("list."));
    let tables = KEYS.iter().flat_map(|key| {
        key.path.match_indices('.').filter_map(|(at, _)| key.path.get(..at)).map(str::to_owned)
    });
    keys.chain(again.map(|key| format!("domain.{}", key.path)))
        .chain(tables)
        .chain(["domain.list".to_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_name_finds_the_right_one() {
        let cases = [
            ("lmtp.lisen", Some("lmtp.listen")),
            ("lmtp.max_mesage_size", Some("lmtp.max_message_size")),
            ("hostnane", Some("hostname")),
            ("lmpt", Some("lmtp")),
            ("lmtp.connections", Some("relay.connections")),
            ("domain.list.fromm", Some("domain.list.from")),
            ("list.fromm", Some("list.from")),
            ("domain.dkim.rsa.keyfile", Some("domain.dkim.rsa.key_file")),
            ("directory.basedn", Some("directory.base")),
            ("qwertz", None),
        ];
        for (wrong, expect) in cases {
            assert_eq!(nearest(wrong).as_deref(), expect, "{wrong}");
        }
    }

    #[test]
    fn keys_and_tables_are_told_apart() {
        assert!(
            is_table("directory.people") && is_table("domain.list") && is_table("domain.dkim.rsa")
        );
        assert!(!is_table("lmtp.listen") && !is_table("lm") && !is_table("list.list"));
        assert!(find("domain.list.post").is_some() && find("domain.post").is_none());
    }
}
