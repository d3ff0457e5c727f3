//! What an entry means for us: `[directory.lists]` and `[directory.people]` applied to raw attributes.
//!
//! Every value is checked here once (rule X4), so that nothing behind it meets a line break or a broken address.

use std::collections::BTreeSet;

use crate::address::{Address, AddressError};
use crate::config::{ListMapping, PeopleMapping};
use crate::dn;
use crate::entry::{Entry, attribute_name, folded};
use crate::filter::{Filter, FilterError};
use crate::ldap_url::MemberUrl;
use crate::list::ListId;
use crate::list::settings::{Key, Layer, Value};
use crate::recipients::{Group, Member, Person, PersonId};

/// FusionDirectory's word for until when an alias serves (seconds since 1970), read where ours is not set.
const ALIAS_EXPIRES: &str = "aliasExpirationDate";

/// FusionDirectory's word for a group to which only people of the directory may write.
const LOCAL_ONLY: &str = "fdGroupMailLocalOnly";

/// Our own schema's: addresses of lists whose mail a person does not want, or `*`.
const MUTED: &str = "listMuted";

/// Our own schema's: this person is shown to nobody.
const PROTECTED: &str = "listProtected";

/// Most values of `listMuted` that are looked at.
const MOST_MUTED: usize = 1_000;

/// FusionDirectory's second kind of alias: its `mail` is the mailbox, its other addresses lead there.
const DISTRIBUTION: &str = "mailAliasDistribution";

/// Never asked for, whatever a filter names.
const NEVER: [&str; 3] = ["userpassword", "sambantpassword", "sambalmpassword"];

/// Longest name or description (characters); longer ones are cut.
const LONGEST_TEXT: usize = 256;

/// Both mappings, their filters parsed.
#[derive(Clone, Debug)]
pub struct Mapping {
    lists: ListMapping,
    people: PeopleMapping,
    list_filter: Filter,
    people_filter: Filter,
    inactive: Option<Filter>,
}

/// A filter of the configuration that cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {text:?} is no LDAP filter: {error}")]
pub struct MappingError {
    pub key: &'static str,
    pub text: String,
    pub error: FilterError,
}

impl Mapping {
    pub fn new(lists: &ListMapping, people: &PeopleMapping) -> Result<Mapping, MappingError> {
        let parse = |key, text: &str| {
            Filter::parse(text).map_err(|error| MappingError { key, text: text.to_owned(), error })
        };
        let inactive = match people.inactive.trim() {
            "" => None,
            text => Some(parse("directory.people.inactive", text)?),
        };
        Ok(Mapping {
            list_filter: parse("directory.lists.filter", &lists.filter)?,
            people_filter: parse("directory.people.filter", &people.filter)?,
            inactive,
            lists: lists.clone(),
            people: people.clone(),
        })
    }

    /// One search for lists and people, so that one sync cookie covers both.
    pub fn filter_text(&self) -> String {
        let bracketed = |text: &str| match text.trim() {
            t if t.starts_with('(') => t.to_owned(),
            t => format!("({t})"),
        };
        format!("(|{}{})", bracketed(&self.lists.filter), bracketed(&self.people.filter))
    }

    /// Lower-case names of all attributes that are read (rule GD1): what the mappings and their filters name.
    pub fn attributes(&self) -> BTreeSet<String> {
        let (l, p) = (&self.lists, &self.people);
        let single = [&l.address, &l.name, &l.description, &p.login, &p.language, &p.address_shown];
        let many = [&l.aliases, &l.members, &l.external, &l.owners, &l.moderators];
        let people = [&p.address, &p.may_post_as, &p.name];
        let mut names: BTreeSet<String> = single.into_iter().map(|a| attribute_name(a)).collect();
        names.extend(many.into_iter().chain(people).flatten().map(|a| attribute_name(a)));
        names.extend(template_names(&l.address_template));
        names.extend(Key::ALL.map(|key| attribute_name(l.setting(key))));
        names.extend([ALIAS_EXPIRES, LOCAL_ONLY, MUTED, PROTECTED].map(attribute_name));
        for filter in [Some(&self.list_filter), Some(&self.people_filter), self.inactive.as_ref()] {
            names.extend(filter.into_iter().flat_map(Filter::attributes));
        }
        names.insert("objectclass".to_owned());
        names.retain(|name| !name.is_empty() && !NEVER.contains(&name.as_str()));
        names
    }

    /// Further attributes that a group's dynamic members need of people.
    pub fn attributes_of(group: &Group) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = group
            .members
            .iter()
            .chain(&group.owners)
            .chain(&group.moderators)
            .filter_map(|m| match m {
                Member::Url(url) => Some(url.filter.attributes()),
                _ => None,
            })
            .flatten()
            .collect();
        names.retain(|name| !NEVER.contains(&name.as_str()));
        names
    }

    /// The person that an entry is, if it is one.
    pub fn person(&self, id: &str, entry: &Entry) -> Option<Person> {
        if !self.people_filter.matches(entry) {
            return None;
        }
        let mut problems = Vec::new();
        let address =
            self.people.address.iter().find_map(|a| addresses(entry, a, &mut problems).next());
        let mut owns: Vec<Address> = Vec::new();
        for attribute in self.people.address.iter().chain(&self.people.may_post_as) {
            let mut unheard = Vec::new();
            for found in addresses(entry, attribute, &mut unheard) {
                if !owns.iter().any(|a| a.same_as(&found)) {
                    owns.push(found);
                }
            }
        }
        Some(Person {
            id: PersonId(id.to_ascii_lowercase()),
            dn: entry.dn.to_string(),
            logins: entry.values(&self.people.login).iter().map(|v| folded(v)).collect(),
            address,
            owns,
            name: self.people.name.iter().find_map(|a| text(entry, a, &mut problems)),
            language: entry.first(&self.people.language).and_then(language),
            inactive: self.inactive.as_ref().is_some_and(|f| f.matches(entry)),
            muted: muted(entry),
            shows_address: is_true(entry, &self.people.address_shown),
            protected: is_set(entry, PROTECTED),
            problems,
        })
    }

    /// The group that an entry is, if it is one.
    pub fn group(&self, id: &str, entry: &Entry) -> Option<Group> {
        if !self.list_filter.matches(entry) {
            return None;
        }
        let l = &self.lists;
        let mut problems = Vec::new();
        let Names { address, aliases, mailboxes } = self.names(entry, &mut problems);
        let name = text(entry, &l.name, &mut problems);
        let name = name.or_else(|| address.as_ref().map(|a| a.local().to_owned()));
        Some(Group {
            id: ListId(id.to_ascii_lowercase()),
            dn: entry.dn.to_string(),
            name: name.unwrap_or_default(),
            description: text(entry, &l.description, &mut problems).unwrap_or_default(),
            members: members(entry, &l.members)
                .chain(external(entry, &l.external))
                .chain(mailboxes.into_iter().map(Member::Address))
                .collect(),
            owners: members(entry, &l.owners).collect(),
            moderators: members(entry, &l.moderators).collect(),
            settings: self.settings(entry),
            local_only: local_only(entry, &mut problems),
            address,
            aliases,
            problems,
        })
    }

    fn names(&self, entry: &Entry, problems: &mut Vec<String>) -> Names {
        let l = &self.lists;
        let mut own: Vec<Address> = addresses(entry, &l.address, problems).collect();
        if own.is_empty() && problems.is_empty() {
            own.extend(self.template_address(entry, problems));
        }
        let mut aliases = Vec::new();
        for attribute in &l.aliases {
            aliases.extend(addresses(entry, attribute, problems));
        }
        let is =
            |class: &str| entry.values("objectClass").iter().any(|c| c.eq_ignore_ascii_case(class));
        if is(DISTRIBUTION) && !own.is_empty() {
            let mut aliases = aliases.into_iter();
            return Names { address: aliases.next(), aliases: aliases.collect(), mailboxes: own };
        }
        let mut own = own.into_iter();
        let address = own.next();
        Names { address, aliases: own.chain(aliases).collect(), mailboxes: Vec::new() }
    }

    /// What the entry says of the list's settings. Blank values are nothing.
    fn settings(&self, entry: &Entry) -> Layer {
        let read = |key: Key, attribute: &str| {
            let mut values: Vec<&str> = entry.values(attribute).iter().map(AsRef::as_ref).collect();
            if key == Key::Footer && entry.by_language(attribute).next().is_some() {
                values
                    .retain(|value| entry.by_language(attribute).all(|(_, other)| other != *value));
                let others = values.into_iter().map(|text| ("", text));
                return Value::footer(attribute, others.chain(entry.by_language(attribute)));
            }
            Value::read(key, attribute, values.into_iter().filter(|v| !v.trim().is_empty()))
        };
        let said = |key: Key| {
            let found = read(key, self.lists.setting(key));
            let found = match key {
                Key::Expires => found.or_else(|| read(key, ALIAS_EXPIRES)),
                _ => found,
            };
            Some((key, found?))
        };
        Key::ALL.into_iter().filter_map(said).collect()
    }

    fn template_address(&self, entry: &Entry, problems: &mut Vec<String>) -> Option<Address> {
        let template = self.lists.address_template.as_str();
        if template.is_empty() {
            return None;
        }
        let mut written = template.to_owned();
        for name in template_names(template) {
            written = written.replace(&format!("{{{name}}}"), entry.first(&name)?.trim());
        }
        match Address::parse(&written) {
            Ok(address) => Some(address),
            Err(why) => {
                problems.push(rejected("address_template", &written, &why));
                None
            }
        }
    }
}

/// The addresses of a group, and the mailboxes that one kind of alias has as its members.
struct Names {
    address: Option<Address>,
    aliases: Vec<Address>,
    mailboxes: Vec<Address>,
}

/// A value that is neither true nor false counts as true: never more open than meant.
fn local_only(entry: &Entry, problems: &mut Vec<String>) -> bool {
    match entry.first(LOCAL_ONLY).map(|v| v.trim().to_ascii_uppercase()).as_deref() {
        None | Some("FALSE") => false,
        Some("TRUE") => true,
        Some(other) => {
            let short: String = other.chars().take(100).collect();
            problems.push(format!(
                "{LOCAL_ONLY} {short:?} is neither TRUE nor FALSE; it counts as TRUE"
            ));
            true
        }
    }
}

/// Anything but TRUE is no: never more open than meant.
fn is_true(entry: &Entry, attribute: &str) -> bool {
    entry.first(attribute).is_some_and(|v| v.trim().eq_ignore_ascii_case("TRUE"))
}

/// Anything but FALSE is yes: never more open than meant.
fn is_set(entry: &Entry, attribute: &str) -> bool {
    entry.first(attribute).is_some_and(|v| !v.trim().eq_ignore_ascii_case("FALSE"))
}

/// Keys of the lists' addresses, or `*`; what is no address mutes nothing.
fn muted(entry: &Entry) -> Vec<String> {
    let values = entry.values(MUTED).iter().map(|v| v.trim()).take(MOST_MUTED);
    values
        .filter_map(|value| match value {
            "*" => Some("*".to_owned()),
            value => Address::parse(value).ok().map(|address| address.key()),
        })
        .collect()
}

/// The names between braces in `address_template`.
fn template_names(template: &str) -> Vec<String> {
    let behind = template.split('{').skip(1);
    behind.filter_map(|part| part.split_once('}')).map(|(name, _)| name.to_owned()).collect()
}

/// All valid addresses of an attribute; what is none is said in `problems`. Blank values are nothing.
fn addresses<'a>(
    entry: &'a Entry,
    attribute: &'a str,
    problems: &mut Vec<String>,
) -> impl Iterator<Item = Address> + use<> {
    let mut found = Vec::new();
    for value in entry.values(attribute).iter().filter(|v| !v.trim().is_empty()) {
        match checked_address(value) {
            Ok(address) => found.push(address),
            Err(why) => problems.push(rejected(attribute, value, &why)),
        }
    }
    found.into_iter()
}

fn checked_address(value: &str) -> Result<Address, AddressError> {
    let trimmed = value.trim_matches(' ');
    if trimmed.contains('\u{fffd}') {
        return Err(AddressError::BadLocal);
    }
    Address::parse(trimmed)
}

/// A line of text for people: no control character (rule X4), cut where it is too long.
fn text(entry: &Entry, attribute: &str, problems: &mut Vec<String>) -> Option<String> {
    let value = entry.first(attribute)?.trim();
    let bad = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fffd}');
    if value.contains(bad) {
        problems
            .push(format!("{attribute} {value:?} has a line break or a control character in it"));
        return None;
    }
    Some(value.chars().take(LONGEST_TEXT).collect())
}

fn rejected(attribute: &str, value: &str, why: &AddressError) -> String {
    let short: String = value.chars().take(100).collect();
    format!("{attribute} {short:?} is no mail address: {why}")
}

/// `de` from `de-DE, en;q=0.8` (RFC 2798 2.7).
fn language(value: &str) -> Option<String> {
    let first = value.split([',', ';']).next()?.trim().to_ascii_lowercase();
    let fine = (2..=35).contains(&first.len())
        && first.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    fine.then_some(first)
}

fn members<'a>(entry: &'a Entry, attributes: &'a [String]) -> impl Iterator<Item = Member> + 'a {
    attributes.iter().flat_map(move |attribute| {
        let logins = attribute.eq_ignore_ascii_case("memberUid");
        let values = entry.values(attribute).iter().filter(|v| !v.trim().is_empty());
        values.map(move |value| if logins { Member::Login(folded(value)) } else { member(value) })
    })
}

/// What a value of `member` and its like means, by its look.
fn member(value: &str) -> Member {
    let value = value.trim();
    let bad = |why: String| Member::Bad { value: value.chars().take(100).collect(), why };
    if value.get(..4).is_some_and(|s| s.eq_ignore_ascii_case("ldap")) && value.contains("://") {
        return match MemberUrl::parse(value) {
            Ok(url) => Member::Url(Box::new(url)),
            Err(why) => bad(format!("the search is not understood: {why}")),
        };
    }
    // uniqueMember may carry a bit string behind a # (RFC 4517 3.3.21).
    let named =
        value.strip_suffix("'B").and_then(|v| v.rsplit_once("#'")).map_or(value, |(dn, _)| dn);
    match dn::normal(named) {
        Some(dn) if !dn.is_empty() => Member::Dn(dn),
        _ if value.contains('@') => external_value(value),
        _ if value.contains('=') => bad("this is no DN".to_owned()),
        _ => Member::Login(folded(value)),
    }
}

fn external<'a>(entry: &'a Entry, attributes: &'a [String]) -> impl Iterator<Item = Member> + 'a {
    let values = attributes.iter().flat_map(|attribute| entry.values(attribute));
    values.filter(|v| !v.trim().is_empty()).map(|value| external_value(value))
}

fn external_value(value: &str) -> Member {
    match checked_address(value) {
        Ok(address) => Member::Address(address),
        Err(why) => Member::Bad {
            value: value.chars().take(100).collect(),
            why: format!("this is no mail address: {why}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ldif;
    use crate::list::Posters;
    use crate::list::settings::{Base, Source, layer};
    use crate::time::Timestamp;

    fn strings(words: &[&str]) -> Vec<String> {
        words.iter().map(|w| (*w).to_owned()).collect()
    }

    /// The contract's defaults, with a private address before the school's.
    fn mapping(template: &str) -> Mapping {
        let classes = ["groupOfNames", "groupOfUniqueNames", "posixGroup", "groupOfURLs"];
        let more = ["organizationalRole", "nisMailAlias", "mailAliasRedirection", DISTRIBUTION];
        let any: String =
            classes.iter().chain(&more).map(|c| format!("(objectClass={c})")).collect();
        let lists = ListMapping {
            filter: format!("(|{any})"),
            address: "mail".to_owned(),
            address_template: template.to_owned(),
            aliases: strings(&["mailAlternateAddress", "gosaMailAlternateAddress"]),
            name: "cn".to_owned(),
            description: "description".to_owned(),
            members: strings(&["member", "uniqueMember", "memberUid", "memberURL", "roleOccupant"]),
            external: strings(&["gosaMailForwardingAddress", "rfc822MailMember"]),
            owners: strings(&["owner"]),
            moderators: strings(&["listModerator"]),
            settings: [(Key::SubjectTag, "businessCategory".to_owned())].into(),
        };
        let people = PeopleMapping {
            filter: "objectClass=inetOrgPerson".to_owned(),
            login: "uid".to_owned(),
            address: strings(&["fdPrivateMail", "mail"]),
            may_post_as: strings(&["mail", "mailAlternateAddress"]),
            name: strings(&["displayName", "cn"]),
            language: "preferredLanguage".to_owned(),
            inactive: "(pwdAccountLockedTime=000001010000Z)".to_owned(),
            address_shown: "listAddressShown".into(),
        };
        Mapping::new(&lists, &people).unwrap()
    }

    fn entry(lines: &str) -> Entry {
        let ldif = format!("dn: cn=x,dc=x\n{}\n", lines.replace("; ", "\n"));
        ldif::parse(ldif.as_bytes()).unwrap().remove(0)
    }

    fn shown(members: &[Member]) -> Vec<String> {
        let show = |m: &Member| match m {
            Member::Dn(dn) => format!("dn {dn}"),
            Member::Login(login) => format!("login {login}"),
            Member::Url(url) => format!("url {}", url.base),
            Member::Address(address) => format!("mail {address}"),
            Member::Bad { value, .. } => format!("bad {value}"),
        };
        members.iter().map(show).collect()
    }

    fn end(group: &Group) -> Option<Timestamp> {
        layer(&Base::default(), &group.settings, &Layer::new()).expires
    }

    /// Settings stand in our own attributes or in those that the configuration names instead.
    /// RFC 3866: an attribute with a language option is the text for one language.
    #[test]
    fn a_footer_may_have_a_text_for_each_language() {
        let group = |lines: &str| {
            let lines = format!("objectClass: groupOfNames; {lines}");
            mapping("").group("a", &entry(&lines)).unwrap().settings.remove(&Key::Footer)
        };
        let shown = |lines: &str| group(lines).unwrap().value.map(|value| value.to_string());
        for (lines, expect) in [
            ("listFooter: a", Some("\"a\"")),
            ("listFooter: de:a", Some("de:\"a\"")),
            ("listFooter: a; listFooter;lang-DE: b", Some("\"a\", de:\"b\"")),
            ("listFooter;lang-tr: a; listFooter;lang-de: en:b", Some("de:\"en:b\", tr:\"a\"")),
            ("listFooter: a; listFooter;lang-de: {x}", None),
            ("listFooter: a; listFooter;lang-german-: b", None),
        ] {
            assert_eq!(shown(lines).as_deref(), expect, "{lines}");
        }
        assert_eq!(group("listFooter: "), None);
    }

    #[test]
    fn settings_are_read_from_the_entry() {
        let group = mapping("").group(
            "id",
            &entry("objectClass: groupOfNames; listPost: owners; LISTPOST: PEOPLE; listFrom: nonsense; businessCategory: [5b]; listSubjectTag: unread; listFooter: "),
        );
        let held = layer(&Base::default(), &group.unwrap().settings, &Layer::new());
        assert_eq!(held.settings.post, [Posters::Owners, Posters::People]);
        assert_eq!(held.settings.subject_tag, "[5b]");
        assert_eq!(held.problems.len(), 1, "{:?}", held.problems);
        assert!(held.problems[0].starts_with("listFrom \"nonsense\""), "{:?}", held.problems);
        assert_eq!(held.sources[&Key::SubjectTag], Source::Ldap);
        assert_eq!(held.sources[&Key::Footer], Source::Default);
    }

    /// FusionDirectory: a distribution's mail is its mailbox; a local group is for people only, also where nobody
    /// can read whether it is.
    #[test]
    fn fusiondirectory_has_words_of_its_own() {
        let fd = |lines: &str| mapping("").group("id", &entry(lines)).unwrap();
        let group = fd(
            "objectClass: mailAliasDistribution; cn: boss; mail: big@y.example; gosaMailAlternateAddress: boss@x.example; gosaMailAlternateAddress: chef@x.example",
        );
        assert_eq!(group.address.unwrap().to_string(), "boss@x.example");
        assert_eq!(group.aliases.len(), 1);
        assert_eq!(shown(&group.members), ["mail big@y.example"]);
        let cases = [("TRUE", true, 0), ("true", true, 0), ("FALSE", false, 0), ("maybe", true, 1)];
        for (value, local, problems) in cases {
            let group = fd(&format!("objectClass: posixGroup; fdGroupMailLocalOnly: {value}"));
            assert_eq!((group.local_only, group.problems.len()), (local, problems), "{value}");
        }
        let person = mapping("")
            .person("id", &entry("objectClass: inetOrgPerson; listMuted: 5B@x.example; listMuted: *; listMuted: ?"))
            .unwrap();
        assert_eq!(person.muted.len(), 2);
        for (value, shows) in [("TRUE", true), ("true ", true), ("FALSE", false), ("yes", false)] {
            let lines = format!("objectClass: inetOrgPerson; listAddressShown: {value}");
            let person = mapping("").person("id", &entry(&lines)).unwrap();
            assert_eq!(person.shows_address, shows, "{value}");
        }
        // GD4: in doubt she is protected.
        for (value, hidden) in [("TRUE", true), ("yes", true), ("false", false), ("", false)] {
            let lines = format!("objectClass: inetOrgPerson; listProtected: {value}");
            let person = mapping("").person("id", &entry(&lines)).unwrap();
            assert_eq!(person.protected, hidden, "{value}");
        }
    }

    /// Every kind of group that a school's directory has.
    #[test]
    fn members_are_read_from_every_kind_of_group() {
        let cases = [
            ("objectClass: groupOfNames; member: UID=a, dc=x; member: ", "dn uid=a,dc=x"),
            ("objectClass: groupOfUniqueNames; uniqueMember: uid=a,dc=x#'0101'B", "dn uid=a,dc=x"),
            ("objectClass: posixGroup; memberUid: Anna; memberUid: a=b", "login anna|login a=b"),
            ("objectClass: groupOfURLs; memberURL: ldap:///dc=x??sub?(ou=5b)", "url dc=x"),
            ("objectClass: groupOfURLs; memberURL: ldap:///dc=x??sub?(", "bad ldap:///dc=x??sub?("),
            ("objectClass: organizationalRole; roleOccupant: uid=a,dc=x", "dn uid=a,dc=x"),
            (
                "objectClass: nisMailAlias; rfc822MailMember: o@x.example; rfc822MailMember: |/bin/sh",
                "mail o@x.example|bad |/bin/sh",
            ),
            (
                "objectClass: mailAliasRedirection; gosaMailForwardingAddress: O@X.example",
                "mail O@x.example",
            ),
            ("objectClass: groupOfNames; member: ,=x", "bad ,=x"),
        ];
        for (lines, expect) in cases {
            let group = mapping("").group("ID", &entry(lines)).unwrap();
            assert_eq!(shown(&group.members).join("|"), expect, "{lines}");
            assert_eq!(group.id.0, "id");
        }
        assert_eq!(mapping("").group("id", &entry("objectClass: device")), None);
    }

    /// A group's own addresses and texts; X4: what has a line break in it is rejected and told.
    #[test]
    fn lists_have_addresses_names_and_an_end() {
        let group = |template: &str, lines: &str| {
            let lines = format!("objectClass: groupOfNames; {lines}");
            mapping(template).group("id", &entry(&lines)).unwrap()
        };
        let first = group(
            "",
            "cn: 5b; mail: 5b@x.example; mail: b@x.example; mailAlternateAddress: c@x.example; listExpires: 20261122010203Z",
        );
        assert_eq!(first.address.as_ref().unwrap().to_string(), "5b@x.example");
        assert_eq!(first.aliases.len(), 2);
        assert_eq!(end(&first).map(Timestamp::seconds), Some(1_795_309_323));
        assert_eq!(end(&group("", "cn: 5b; aliasExpirationDate: 77")), Some(Timestamp(77_000)));
        assert_eq!(
            end(&group("", "cn: 5b; aliasExpirationDate: soon")),
            Some(Timestamp(0)),
            "closed"
        );
        assert_eq!(group("", "cn: 5b").address, None);
        let made = group("{cn}-{ou}@x.example", "cn: 5b; ou: a");
        assert_eq!(made.address.unwrap().to_string(), "5b-a@x.example");
        assert_eq!(group("{cn}@x.example", "cn: 5 b").problems.len(), 1);
        assert_eq!(group("{cn}@x.example", "ou: a").address, None);
        // "5b\nBcc: x"
        let broken = group("", "cn:: NWIKQmNjOiB4; mail: 5b@x.example; description:: YQpi");
        assert_eq!((broken.name.as_str(), broken.description.as_str()), ("5b", ""));
        assert_eq!(broken.problems.len(), 2, "{:?}", broken.problems);
    }

    /// The first address that is set and valid gets the copies; all that are named are the person's own.
    #[test]
    fn persons_have_one_address_for_copies_and_more_to_post_from() {
        let person = |lines: &str| {
            mapping("")
                .person("ID", &entry(&format!("objectClass: inetOrgPerson; {lines}")))
                .unwrap()
        };
        let anna = person(
            "uid: Anna; mail: a@x.example; fdPrivateMail: p@y.example; mailAlternateAddress: A@x.example; mailAlternateAddress: n@x.example; cn: Anna; preferredLanguage: de-AT, en;q=0.5",
        );
        assert_eq!(anna.address.unwrap().to_string(), "p@y.example");
        assert_eq!(
            anna.owns.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["p@y.example", "a@x.example", "n@x.example"]
        );
        assert_eq!(anna.logins, ["anna"]);
        assert_eq!(anna.language.as_deref(), Some("de-at"));
        assert!(!anna.inactive);
        let second = person("fdPrivateMail: no address; mail: a@x.example");
        assert_eq!(second.address.unwrap().to_string(), "a@x.example");
        assert_eq!(second.problems.len(), 1);
        assert!(person("pwdAccountLockedTime: 000001010000Z").inactive);
        assert!(!person("pwdAccountLockedTime: 20261122010203Z").inactive, "a lockout passes");
        let latin1 = person("mail:: 5EB4LmV4YW1wbGU=");
        assert_eq!((latin1.address, latin1.problems.len()), (None, 1));
        assert_eq!(mapping("").person("id", &entry("objectClass: device")), None);
    }

    /// GD1: exactly what the mappings and the filters name, and never a password.
    #[test]
    fn only_named_attributes_are_asked_for() {
        let names = mapping("{ou}@x.example").attributes();
        for name in ["objectclass", "fdprivatemail", "pwdaccountlockedtime", "ou", "memberurl"] {
            assert!(names.contains(name), "{name}");
        }
        assert!(!names.contains("*") && !names.contains(""));
        let spying =
            "objectClass: groupOfURLs; memberURL: ldap:///dc=x??sub?(|(ou=5b)(userPassword=*))";
        let group = mapping("").group("id", &entry(spying)).unwrap();
        assert_eq!(Mapping::attributes_of(&group).into_iter().collect::<Vec<_>>(), ["ou"]);
        assert_eq!(mapping("").filter_text().matches("inetOrgPerson)").count(), 1);
        assert!(mapping("").filter_text().ends_with("(objectClass=inetOrgPerson))"));
    }
}
