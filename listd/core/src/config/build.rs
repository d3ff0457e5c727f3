//! The values of a file put together as a [`Config`], with the defaults, and what must fit together.
//!
//! One function for each table of the file. Not what a single value may be (`value`).

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::source::{Errors, Raw, Source, Values};
use super::value::{self, Read};
use super::{
    Config, Control, Directory, DirectorySource, Dkim, DkimKey, Dns, Domain, Endpoint, Learning,
    ListMapping, Lmtp, Metrics, OnFailure, PeopleMapping, Relay, StoreUrl, Sync, Verdict, Web,
    keys, later, syntax,
};
use crate::list::Settings;
use crate::list::settings::Key;

/// Every value that is set and right; all that is wrong is noted in `errors`, and a default stands in for it.
struct Reader<'a, 't, 'e> {
    values: &'a Values<'t>,
    errors: &'a mut Errors<'e>,
}

impl Reader<'_, '_, '_> {
    /// The value of `key`, `None` where it is absent or wrong.
    fn get<T>(&mut self, key: &str, read: impl FnOnce(&Raw<'_>) -> Read<T>) -> Option<T> {
        let raw = self.values.found.get(key)?;
        match read(raw) {
            Ok(value) => Some(value),
            Err(wrong) => {
                let expected = keys::find(key).map_or("something else", |key| key.expected);
                let at = wrong.at.unwrap_or(raw.span().start);
                self.errors.add(at, key, format!("found {}, expected {expected}", wrong.found));
                None
            }
        }
    }

    /// The value of `key` into `place`, which holds the default.
    fn set<T>(&mut self, place: &mut T, key: &str, read: impl FnOnce(&Raw<'_>) -> Read<T>) {
        if let Some(value) = self.get(key, read) {
            *place = value;
        }
    }

    /// As [`get`](Reader::get) for a key that must be there.
    fn need<T>(&mut self, key: &str, read: impl FnOnce(&Raw<'_>) -> Read<T>) -> Option<T> {
        if !self.values.found.contains_key(key) {
            self.missing(key);
        }
        self.get(key, read)
    }

    fn missing(&mut self, key: &str) {
        let table = key.rsplit_once('.').map_or("", |(table, _)| table);
        let expected = keys::find(key).map_or("", |key| key.expected);
        let at = self.at(table);
        self.errors.add(at, key, format!("this key is missing, expected {expected}"));
    }

    fn wrong(&mut self, key: &str, problem: impl Into<String>) {
        let at = self.at(key);
        self.errors.add(at, key, problem);
    }

    /// Where `path` stands in the file, as key or as table, else its table, else the beginning.
    fn at(&self, path: &str) -> usize {
        let key = self.values.found.get(path).map(|raw| raw.span().start);
        key.or_else(|| self.values.tables.get(path).copied())
            .or_else(|| path.rsplit_once('.').map(|(table, _)| self.at(table)))
            .unwrap_or(0)
    }

    fn has(&self, path: &str) -> bool {
        self.values.tables.contains_key(path) || self.values.found.contains_key(path)
    }
}

/// The whole configuration; what stands in `errors` afterwards decides whether it counts.
pub(super) fn config(file: &str, source: &Source<'_>, errors: &mut Errors<'_>) -> Config {
    let home = Path::new(file).parent().unwrap_or(Path::new(""));
    let mut r = Reader { values: &source.top, errors: &mut *errors };
    let defaults = settings(&mut r, "list", Settings::default());
    let mut config = Config {
        hostname: String::new(),
        store: StoreUrl::Sqlite(PathBuf::from("/var/lib/listd/listd.db")),
        secret_file: PathBuf::from("/var/lib/listd/secret"),
        trusted_authserv_id: Vec::new(),
        lmtp: lmtp(&mut r),
        relay: relay(&mut r),
        complaints_from: r
            .get("bounces.complaints_from", |raw| value::list(raw, value::source))
            .unwrap_or_default(),
        directory: directory(&mut r, home),
        verdict: verdict(&mut r),
        list: defaults,
        domains: Vec::new(),
        web: web(&mut r),
        control: Control { socket: PathBuf::from("/run/listd/control.sock") },
        metrics: r.has("metrics").then(|| metrics(&mut r)),
        dns: Dns { server: r.get("dns.server", value::socket) },
        later: later::of(source),
    };
    r.set(&mut config.hostname, "hostname", value::domain);
    r.set(&mut config.store, "store", value::store);
    r.set(&mut config.secret_file, "secret_file", value::secret);
    let names = |raw: &Raw<'_>| value::list(raw, value::domain);
    r.set(&mut config.trusted_authserv_id, "trusted_authserv_id", names);
    r.set(&mut config.control.socket, "control.socket", value::path);
    config.list.shrink_guard = config.directory.shrink_guard_percent;
    config.domains = domains(source, &config, errors);
    if let (true, Some(first)) = (config.hostname.is_empty(), config.domains.first()) {
        config.hostname = format!("lists.{}", first.name);
    }
    template_has_domain(source, &config, errors);
    config
}

fn lmtp(r: &mut Reader<'_, '_, '_>) -> Lmtp {
    let mut lmtp = Lmtp {
        listen: vec![
            Endpoint::Unix(PathBuf::from("/run/listd/lmtp.sock")),
            Endpoint::Tcp(std::net::SocketAddr::from(([127, 0, 0, 1], 2424))),
        ],
        smtp_listen: Vec::new(),
        max_message_size: 25_000_000,
    };
    let endpoints = |raw: &Raw<'_>| value::list(raw, value::endpoint);
    r.set(&mut lmtp.listen, "lmtp.listen", endpoints);
    r.set(&mut lmtp.smtp_listen, "lmtp.smtp_listen", endpoints);
    r.set(&mut lmtp.max_message_size, "lmtp.max_message_size", value::octets);
    // LM1: RFC 2033 5 forbids LMTP on port 25.
    if lmtp.listen.iter().any(|e| matches!(e, Endpoint::Tcp(addr) if addr.port() == 25)) {
        r.wrong("lmtp.listen", "found port 25, which LMTP must not use (RFC 2033 5), expected another port, e.g. \"127.0.0.1:2424\"");
    }
    let mut seen = Vec::new();
    for (key, endpoints) in [("lmtp.listen", &lmtp.listen), ("lmtp.smtp_listen", &lmtp.smtp_listen)]
    {
        for endpoint in endpoints {
            // Port 0 is a free port of the system's choice, another one each time.
            let any = matches!(endpoint, Endpoint::Tcp(addr) if addr.port() == 0);
            if seen.contains(&endpoint) && !any {
                r.wrong(key, format!("found {endpoint} a second time, expected each socket once"));
            }
            seen.push(endpoint);
        }
    }
    if lmtp.listen.is_empty() && lmtp.smtp_listen.is_empty() {
        r.wrong(
            "lmtp.listen",
            "found no socket at all, expected at least one here or in lmtp.smtp_listen",
        );
    }
    lmtp
}

fn relay(r: &mut Reader<'_, '_, '_>) -> Relay {
    Relay {
        address: r.need("relay.address", value::host_port).unwrap_or_default(),
        connections: r.get("relay.connections", |raw| value::number(raw, 1, 100)).unwrap_or(4),
        recipients_per_transaction: r
            .get("relay.recipients_per_transaction", |raw| value::number(raw, 1, 1000))
            .unwrap_or(100),
        log: r.get("relay.log", value::path),
        brake_percent: r.get("relay.brake_share", value::percent).unwrap_or(30),
        brake_least: r.get("relay.brake_least", |raw| value::number(raw, 1, 10_000)).unwrap_or(10),
    }
}

fn directory(r: &mut Reader<'_, '_, '_>, home: &Path) -> Directory {
    let source = r.need("directory.url", |raw| value::directory(raw, home));
    let embedded = matches!(source, Some(DirectorySource::File(_)));
    // The entries of an LDIF file need no base; a server does.
    let base = match (&source, embedded) {
        (Some(_), false) => r.need("directory.base", value::dn),
        _ => r.get("directory.base", value::dn),
    };
    let words = [("auto", Sync::Auto), ("poll", Sync::Poll)];
    let directory = Directory {
        source: source.unwrap_or(DirectorySource::File(PathBuf::new())),
        start_tls: r.get("directory.start_tls", value::boolean).unwrap_or(false),
        ca_file: r.get("directory.ca_file", value::path),
        bind_dn: r.get("directory.bind_dn", value::dn),
        bind_password_file: r.get("directory.bind_password_file", value::secret),
        base: base.unwrap_or_default(),
        sync: r.get("directory.sync", |raw| value::choice(raw, &words)).unwrap_or(Sync::Auto),
        poll_interval: r
            .get("directory.poll_interval", value::duration)
            .unwrap_or(Duration::from_secs(60)),
        max_staleness: r
            .get("directory.max_staleness", value::duration)
            .unwrap_or(Duration::from_secs(15 * 60)),
        verify_interval: r
            .get("directory.verify_interval", value::duration)
            .unwrap_or(Duration::from_secs(10 * 60)),
        shrink_guard_percent: r.get("directory.shrink_guard", value::percent).unwrap_or(50),
        lists: lists(r),
        people: people(r),
    };
    connection_fits(r, &directory);
    directory
}

/// What of a connection does not go together.
fn connection_fits(r: &mut Reader<'_, '_, '_>, directory: &Directory) {
    let plain =
        matches!(&directory.source, DirectorySource::Ldap(url) if url.starts_with("ldap://"));
    if directory.start_tls && !plain {
        r.wrong("directory.start_tls", "found true, expected false: StartTLS is for ldap:// only");
    }
    let (dn, password) = ("directory.bind_dn", "directory.bind_password_file");
    match (r.has(dn), r.has(password)) {
        (true, false) => r.missing(password),
        (false, true) => r.missing(dn),
        _ => {}
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn lists(r: &mut Reader<'_, '_, '_>) -> ListMapping {
    let mut lists = ListMapping {
        filter: "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup)\
                 (objectClass=groupOfURLs)(objectClass=organizationalRole)(objectClass=nisMailAlias)\
                 (objectClass=mailAliasRedirection)(objectClass=mailAliasDistribution))"
            .to_owned(),
        address: "mail".to_owned(),
        address_template: String::new(),
        aliases: words(&["mailAlternateAddress", "gosaMailAlternateAddress"]),
        name: "cn".to_owned(),
        description: "description".to_owned(),
        members: words(&["member", "uniqueMember", "memberUid", "memberURL", "roleOccupant"]),
        external: words(&["gosaMailForwardingAddress", "rfc822MailMember", "mgrpRFC822MailMember"]),
        owners: words(&["owner"]),
        moderators: words(&["listModerator"]),
        settings: std::collections::BTreeMap::new(),
    };
    let names = |raw: &Raw<'_>| value::list(raw, value::attribute);
    r.set(&mut lists.filter, "directory.lists.filter", value::filter);
    r.set(&mut lists.address, "directory.lists.address", value::attribute);
    r.set(&mut lists.address_template, "directory.lists.address_template", value::address_template);
    r.set(&mut lists.aliases, "directory.lists.aliases", names);
    r.set(&mut lists.name, "directory.lists.name", value::attribute);
    r.set(&mut lists.description, "directory.lists.description", value::attribute);
    r.set(&mut lists.members, "directory.lists.members", names);
    r.set(&mut lists.external, "directory.lists.external", names);
    r.set(&mut lists.owners, "directory.lists.owners", names);
    r.set(&mut lists.moderators, "directory.lists.moderators", names);
    for key in Key::ALL {
        let path = format!("directory.lists.settings.{}", key.name());
        if let Some(attribute) =
            r.get(&path, value::attribute_or_empty).filter(|a| a != key.attribute())
        {
            lists.settings.insert(key, attribute);
        }
    }
    if lists.members.is_empty() && lists.external.is_empty() {
        r.wrong("directory.lists.members", "found no attribute here and none in directory.lists.external, expected at least one, else nobody is on any list");
    }
    lists
}

fn people(r: &mut Reader<'_, '_, '_>) -> PeopleMapping {
    let mut people = PeopleMapping {
        filter: "(objectClass=inetOrgPerson)".to_owned(),
        login: "uid".to_owned(),
        address: words(&["mail"]),
        may_post_as: words(&["mail", "mailAlternateAddress", "gosaMailAlternateAddress"]),
        name: words(&["displayName", "cn"]),
        language: "preferredLanguage".to_owned(),
        inactive: "(pwdAccountLockedTime=000001010000Z)".to_owned(),
        address_shown: "listAddressShown".to_owned(),
    };
    let names = |raw: &Raw<'_>| value::list(raw, value::attribute);
    r.set(&mut people.filter, "directory.people.filter", value::filter);
    r.set(&mut people.login, "directory.people.login", value::attribute);
    r.set(&mut people.address, "directory.people.address", names);
    r.set(&mut people.may_post_as, "directory.people.may_post_as", names);
    r.set(&mut people.name, "directory.people.name", names);
    r.set(&mut people.language, "directory.people.language", value::attribute);
    r.set(&mut people.inactive, "directory.people.inactive", value::filter_or_empty);
    r.set(&mut people.address_shown, "directory.people.address_shown", value::attribute);
    if people.address.is_empty() {
        r.wrong(
            "directory.people.address",
            "found an empty list, expected at least one attribute, else nobody gets mail",
        );
    }
    people
}

/// The original of a mail is kept so long for the filter to learn.
const KEEP_FOR_LEARNING: Duration = Duration::from_secs(3 * 24 * 3600);

fn verdict(r: &mut Reader<'_, '_, '_>) -> Option<Verdict> {
    if !r.has("verdict") {
        return None;
    }
    let words = [("defer", OnFailure::Defer), ("accept", OnFailure::Accept)];
    let on_failure = r.get("verdict.on_failure", |raw| value::choice(raw, &words));
    let timeout = r.get("verdict.timeout", value::duration).unwrap_or(Duration::from_secs(60));
    if timeout > Duration::from_secs(240) {
        let found = timeout.as_secs();
        let why = format!("found {found} s, expected at most 240 s: Exim does not wait for ever");
        r.wrong("verdict.timeout", why);
    }
    let learning = learning(r);
    let milter = r.need("verdict.milter", value::endpoint)?;
    let on_failure = on_failure.unwrap_or(OnFailure::Defer);
    Some(Verdict { milter, on_failure, timeout, learning })
}

fn learning(r: &mut Reader<'_, '_, '_>) -> Option<Learning> {
    let (controller, password, keep) =
        ("verdict.rspamd_controller", "verdict.rspamd_password_file", "verdict.keep_for_learning");
    let password_file = r.get(password, value::secret);
    let kept = r.get(keep, value::duration).unwrap_or(KEEP_FOR_LEARNING);
    if !r.has(controller) && (r.has(password) || r.has(keep)) {
        r.missing(controller);
    }
    let controller = r.get(controller, value::http)?;
    Some(Learning { controller, password_file, keep: kept })
}

fn web(r: &mut Reader<'_, '_, '_>) -> Option<Web> {
    if !r.has("web") {
        return None;
    }
    let listen = r.get("web.listen", value::socket);
    let public_url = r.need("web.public_url", value::private_url)?;
    Some(Web {
        listen: listen.unwrap_or_else(|| ([127, 0, 0, 1], 8425).into()),
        public_url: public_url.trim_end_matches('/').to_owned(),
    })
}

fn metrics(r: &mut Reader<'_, '_, '_>) -> Metrics {
    let listen = r.get("metrics.listen", value::socket);
    Metrics { listen: listen.unwrap_or_else(|| ([127, 0, 0, 1], 9425).into()) }
}

/// `[list]` or `[domain.list]`, laid over `settings`.
fn settings(r: &mut Reader<'_, '_, '_>, table: &str, mut settings: Settings) -> Settings {
    let s = &mut settings;
    let key = |name: &str| format!("{table}.{name}");
    let posters = |raw: &Raw<'_>| value::list(raw, value::posters);
    r.set(&mut s.post, &key("post"), posters);
    r.set(&mut s.nonmembers, &key("nonmembers"), value::word);
    r.set(&mut s.unverified, &key("unverified"), value::word);
    r.set(&mut s.moderation, &key("moderation"), value::word);
    r.set(&mut s.from, &key("from"), value::from_policy);
    r.set(&mut s.reply_to, &key("reply_to"), value::reply_to);
    r.set(&mut s.author_address, &key("author_address"), value::word);
    r.set(&mut s.subject_tag, &key("subject_tag"), |raw| value::plain(raw, 60));
    r.set(&mut s.footer, &key("footer"), value::footer);
    r.set(&mut s.footer_signed, &key("footer_signed"), value::word);
    r.set(&mut s.copies, &key("copies"), value::word);
    r.set(&mut s.unsubscribe, &key("unsubscribe"), value::word);
    r.set(&mut s.max_size, &key("max_size"), value::octets);
    r.set(&mut s.archive, &key("archive"), value::word);
    r.set(&mut s.language, &key("language"), value::language_or_empty);
    r.set(&mut s.arc, &key("arc"), value::word);
    r.set(&mut s.attachments_allowed, &key("attachments_allowed"), value::allowed);
    r.set(&mut s.attachments_forbidden, &key("attachments_forbidden"), value::forbidden);
    r.set(&mut s.max_attachment, &key("max_attachment"), value::octets_or_empty);
    r.set(&mut s.form, &key("form"), value::word);
    r.set(&mut s.emergency, &key("emergency"), value::boolean);
    for (place, of) in [
        (&mut s.max_lists, Key::MaxLists),
        (&mut s.max_recipients, Key::MaxRecipients),
        (&mut s.max_outside, Key::MaxOutside),
        (&mut s.posts_per_hour, Key::PostsPerHour),
        (&mut s.storm_replies, Key::StormReplies),
        (&mut s.storm_minutes, Key::StormMinutes),
        (&mut s.storm_members, Key::StormMembers),
    ] {
        r.set(place, &key(of.name()), |raw| value::count(raw, of.bounds()));
    }
    r.set(&mut s.hold_expires, &key("hold_expires"), value::seconds);
    r.set(&mut s.deputies_after, &key("deputies_after"), value::seconds);
    settings
}

fn domains(source: &Source<'_>, config: &Config, errors: &mut Errors<'_>) -> Vec<Domain> {
    let mut domains: Vec<Domain> = Vec::new();
    for values in &source.domains {
        let mut r = Reader { values, errors: &mut *errors };
        let domain = domain(&mut r, &config.list);
        if !domain.name.is_empty() && domains.iter().any(|other| other.name == domain.name) {
            r.wrong(
                "domain.name",
                format!("found {:?} a second time, expected each domain once", domain.name),
            );
        }
        domains.push(domain);
    }
    if !source.names_domain {
        errors.add(
            0,
            "domain",
            "this table is missing, expected at least one [[domain]] with its name",
        );
    }
    domains
}

fn domain(r: &mut Reader<'_, '_, '_>, defaults: &Settings) -> Domain {
    let mut list = settings(r, "domain.list", defaults.clone());
    r.set(&mut list.shrink_guard, "domain.shrink_guard", value::percent);
    let is_set = |key: &Key| match key {
        Key::ShrinkGuard => r.values.found.contains_key("domain.shrink_guard"),
        key => r.values.found.contains_key(&*format!("domain.list.{}", key.name())),
    };
    let own = Key::ALL.into_iter().filter(is_set).collect();
    Domain {
        name: r.need("domain.name", value::domain).unwrap_or_default(),
        language: r.get("domain.language", value::language).unwrap_or_else(|| "de".to_owned()),
        admins: r.get("domain.admins", |raw| value::list(raw, value::admin)).unwrap_or_default(),
        shrink_guard_of: r
            .get("domain.shrink_guard_of", |raw| value::list(raw, value::address_share))
            .unwrap_or_default(),
        imprint_url: r.get("domain.imprint_url", value::web_url),
        privacy_url: r.get("domain.privacy_url", value::web_url),
        help_url: r.get("domain.help_url", value::web_url),
        timezone: r.get("domain.timezone", value::zone),
        digest_at: r.get("domain.digest_at", value::time_of_day).unwrap_or_default(),
        digest_day: r.get("domain.digest_day", value::day).unwrap_or_default(),
        dkim: Dkim {
            rsa: dkim_key(r, "domain.dkim.rsa"),
            ed25519: dkim_key(r, "domain.dkim.ed25519"),
        },
        list,
        own,
        base: r.get("domain.base", value::dn),
        once: r.get("domain.once", value::boolean).unwrap_or(false),
    }
}

fn dkim_key(r: &mut Reader<'_, '_, '_>, table: &str) -> Option<DkimKey> {
    if !r.has(table) {
        return None;
    }
    let selector = r.need(&format!("{table}.selector"), value::selector);
    let key_file = r.need(&format!("{table}.key_file"), value::secret);
    Some(DkimKey { selector: selector?, key_file: key_file? })
}

/// A template whose domain is nobody's would make lists that no mail can reach.
fn template_has_domain(source: &Source<'_>, config: &Config, errors: &mut Errors<'_>) {
    let template = &config.directory.lists.address_template;
    let Some(domain) = syntax::template_domain(template) else { return };
    if !config.domains.iter().any(|d| d.name == domain) {
        let mut r = Reader { values: &source.top, errors };
        r.wrong(
            "directory.lists.address_template",
            format!("found the domain {domain}, expected one that a [[domain]] names"),
        );
    }
}
