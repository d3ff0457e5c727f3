//! Which value of which source holds, and that nonsense never opens a list.

use proptest::prelude::*;

use super::*;
use crate::list::{
    Archive, AuthorAddress, Moderation, Nonmembers, Posters, Unsubscribe, Unverified,
};

fn said(key: Key, texts: &[&str]) -> Layer {
    Value::read(key, key.attribute(), texts.iter().copied())
        .map(|said| (key, said))
        .into_iter()
        .collect()
}

/// Good values of each key, as they are shown; then bad ones.
#[test]
fn values_are_read_or_rejected_with_a_reason() {
    let good: &[(Key, &[&str], &str)] = &[
        (Key::Post, &["members"], "members"),
        (Key::Post, &["Owners", " people "], "owners, people"),
        (Key::Post, &["anyone", "anyone"], "anyone"),
        (Key::Post, &["nobody"], "nobody"),
        (Key::Post, &["cn=Kollegium,ou=groups,dc=x"], "cn=Kollegium,ou=groups,dc=x"),
        (Key::Post, &["ldap:///cn=a,dc=x"], "cn=a,dc=x"),
        (Key::Post, &["cn=M\u{fc}ller\\, Anna,dc=x"], "cn=M\u{fc}ller\\, Anna,dc=x"),
        (Key::Nonmembers, &["HOLD"], "hold"),
        (Key::Unverified, &["accept"], "accept"),
        (Key::Moderation, &["first"], "first"),
        (Key::From, &["policy"], "policy"),
        (Key::ReplyTo, &["list"], "list"),
        (Key::ReplyTo, &["Buero@schule.example"], "Buero@schule.example"),
        (Key::AuthorAddress, &["hidden"], "hidden"),
        (Key::SubjectTag, &["[5b]"], "\"[5b]\""),
        (Key::SubjectTag, &[""], "\"\""),
        (Key::Footer, &["a\r\nb"], "\"a\\nb\""),
        (Key::Footer, &["de:a", "b"], "\"b\", de:\"a\""),
        (Key::FooterSigned, &["Wrap"], "wrap"),
        (Key::Copies, &["shared"], "shared"),
        (Key::Unsubscribe, &["request"], "request"),
        (Key::MaxSize, &["5 MB"], "5000000 B"),
        (Key::MaxSize, &["5000000"], "5000000 B"),
        (Key::Archive, &["members"], "members"),
        (Key::Language, &[" tr"], "\"tr\""),
        (Key::Language, &[""], "\"\""),
        (Key::ShrinkGuard, &["80 %"], "80 %"),
        (Key::ShrinkGuard, &[" 0% "], "0 %"),
        (Key::Arc, &["Seal"], "seal"),
        (Key::AttachmentsAllowed, &["PDF", "image/*"], "pdf, image/*"),
        (Key::AttachmentsAllowed, &["pdf", "a b"], "pdf"),
        (Key::AttachmentsAllowed, &["nothing"], "nothing"),
        (Key::AttachmentsForbidden, &[".exe", "exe", "Script"], "exe, script"),
        (Key::AttachmentsForbidden, &["exe", "//"], "exe"),
        (Key::MaxAttachment, &["5 MB"], "5000000 B"),
        (Key::MaxAttachment, &[""], "\"\""),
        (Key::Form, &["Text"], "text"),
        (Key::Emergency, &["TRUE"], "true"),
        (Key::Emergency, &["false"], "false"),
        (Key::MaxLists, &["0"], "0"),
        (Key::MaxRecipients, &[" 10000 "], "10000"),
        (Key::MaxOutside, &["007"], "7"),
        (Key::PostsPerHour, &["20"], "20"),
        (Key::StormReplies, &["1000"], "1000"),
        (Key::StormMinutes, &["1440"], "1440"),
        (Key::StormMembers, &["1000000"], "1000000"),
        (Key::HoldExpires, &["14 d"], "1209600 s"),
        (Key::DeputiesAfter, &["24 h"], "86400 s"),
        (Key::Expires, &["never"], "never"),
        (Key::Expires, &["2026-12-31"], "1798675200 seconds after 1970"),
        (Key::Expires, &["20261231000000Z"], "1798675200 seconds after 1970"),
        (Key::Expires, &["1798675200"], "1798675200 seconds after 1970"),
        (Key::Post, &["owners", "membres", "a\nb=c"], "owners"),
        (Key::Post, &["nobody", "quark"], "nobody"),
    ];
    for &(key, texts, expect) in good {
        let said = Value::read(key, "place", texts.iter().copied()).unwrap();
        assert_eq!(said.value.map(|v| v.to_string()).as_deref(), Some(expect), "{texts:?}");
    }
    let many = vec!["members"; 10_000];
    let bad: &[(Key, &[&str])] = &[
        (Key::Post, &["everybody"]),
        (Key::Post, &["anyone\nx"]),
        (Key::Post, &["cn=a\u{fffd},dc=x"]),
        (Key::Post, &["ldap:///dc=x??sub?(ou=5b)"]),
        (Key::Post, &many),
        (Key::Nonmembers, &["accept"]),
        (Key::Nonmembers, &["hold", "reject"]),
        (Key::Unverified, &[""]),
        (Key::Moderation, &["some"]),
        (Key::From, &["keep, unproven"]),
        (Key::ReplyTo, &["nobody at all"]),
        (Key::ReplyTo, &["a@x.example\r\nBcc: b@x.example"]),
        (Key::AuthorAddress, &["hide"]),
        (Key::SubjectTag, &["a\nBcc: x"]),
        (Key::SubjectTag, &["J\u{fffd}rg"]),
        (Key::Footer, &["\u{0}"]),
        (Key::Footer, &["{nmae}"]),
        (Key::FooterSigned, &["always"]),
        (Key::Copies, &["one"]),
        (Key::Unsubscribe, &["no"]),
        (Key::MaxSize, &["10"]),
        (Key::MaxSize, &["-1 MB"]),
        (Key::MaxSize, &["3 GB"]),
        (Key::Archive, &["public"]),
        (Key::Language, &["deutsch"]),
        (Key::Language, &["de", "en"]),
        (Key::ShrinkGuard, &["101 %"]),
        (Key::ShrinkGuard, &["80"]),
        (Key::ShrinkGuard, &["-1 %"]),
        (Key::ShrinkGuard, &["10 %", "90 %"]),
        (Key::Arc, &["sign"]),
        (Key::AttachmentsAllowed, &["a b", "*/*"]),
        (Key::AttachmentsForbidden, &["a\nb"]),
        (Key::MaxAttachment, &["5"]),
        (Key::Form, &["pdf"]),
        (Key::Emergency, &["yes"]),
        (Key::Emergency, &["TRUE", "FALSE"]),
        (Key::MaxLists, &["1001"]),
        (Key::MaxRecipients, &["+5"]),
        (Key::MaxOutside, &["-1"]),
        (Key::PostsPerHour, &["many"]),
        (Key::StormReplies, &[""]),
        (Key::StormMinutes, &["0"]),
        (Key::StormMembers, &["99999999999"]),
        (Key::HoldExpires, &["31 d"]),
        (Key::DeputiesAfter, &["0 s"]),
        (Key::Expires, &["2026-13-01"]),
        (Key::Expires, &["-5"]),
    ];
    for &(key, texts) in bad {
        let said = Value::read(key, "listX", texts.iter().copied()).unwrap();
        assert_eq!(said.value, None, "{key:?} {:?}", texts.first());
        let rejected = said.rejected.first().unwrap();
        assert_eq!(rejected.place, "listX");
        assert!(!rejected.why.is_empty() && rejected.value.chars().count() <= 100);
        assert!(said.rejected.len() <= 5);
    }
    assert_eq!(Value::read(Key::Post, "listPost", []), None, "nothing is said");
}

#[test]
fn names_find_their_keys() {
    for key in Key::ALL {
        assert_eq!(Key::from_name(key.name()), Some(key));
        assert!(!key.expected().is_empty() && key.attribute().starts_with("list"));
        let written = serde_json::to_value(key).unwrap();
        assert_eq!(written.as_str(), Some(key.name()), "the same name in JSON");
    }
    assert_eq!(Key::from_name("listPost"), None);
}

/// default < domain < LDAP entry < listctl, each named.
#[test]
fn the_later_source_wins_and_is_named() {
    let with = |tag: &str| Settings { subject_tag: tag.to_owned(), ..Settings::default() };
    let plain = Base::from(with("default"));
    let own = Base { domain: with("domain"), own: [Key::SubjectTag].into(), ..plain.clone() };
    let (none, ldap) = (Layer::new(), said(Key::SubjectTag, &["ldap"]));
    let admin = said(Key::SubjectTag, &["listctl"]);
    let cases = [
        (&plain, &none, &none, "default", Source::Default),
        (&own, &none, &none, "domain", Source::Domain),
        (&own, &ldap, &none, "ldap", Source::Ldap),
        (&own, &ldap, &admin, "listctl", Source::Listctl),
        (&plain, &none, &admin, "listctl", Source::Listctl),
    ];
    for (base, ldap, listctl, expect, source) in cases {
        let held = layer(base, ldap, listctl);
        assert_eq!(held.settings.subject_tag, expect);
        assert_eq!(held.sources.get(&Key::SubjectTag), Some(&source));
        assert_eq!(held.sources.len(), Key::ALL.len());
        assert_eq!(held.problems, [""; 0]);
    }
}

/// What holds, and by whose word, where the entry's value makes no sense.
#[test]
fn nonsense_falls_back_to_the_stricter_of_the_rest() {
    let posting = |post: Vec<Posters>| Settings { post, ..Settings::default() };
    let anyone = Base::from(posting(vec![Posters::Anyone]));
    let nobody = Base::from(posting(Vec::new()));
    let domain =
        Base { domain: posting(vec![Posters::Owners]), own: [Key::Post].into(), ..anyone.clone() };
    let bad = said(Key::Post, &["evrybody"]);
    let open = said(Key::Post, &["anyone"]);
    let none = Layer::new();
    let members = vec![Posters::Members];
    let cases = [
        (&anyone, &bad, &none, members.clone(), Source::Strictest),
        (&Base::default(), &bad, &none, members.clone(), Source::Default),
        (&nobody, &bad, &none, vec![], Source::Default),
        (&domain, &bad, &none, vec![Posters::Owners], Source::Domain),
        (&anyone, &bad, &open, vec![Posters::Anyone], Source::Listctl),
        (&anyone, &open, &bad, members, Source::Strictest),
    ];
    for (base, ldap, listctl, post, source) in cases {
        let held = layer(base, ldap, listctl);
        assert_eq!((&held.settings.post, held.sources.get(&Key::Post)), (&post, Some(&source)));
        let [problem] = held.problems.as_slice() else { panic!("{:?}", held.problems) };
        assert!(problem.contains("listPost \"evrybody\"") && problem.contains("expected members"));
    }
    let size = layer(&Base::default(), &said(Key::MaxSize, &["huge"]), &none);
    assert_eq!(size.settings.max_size, Settings::default().max_size);
    let end = layer(&Base::default(), &said(Key::Expires, &["soon"]), &none);
    assert_eq!(end.expires, Some(Timestamp(0)), "an end that nobody can read: closed");
    assert!(end.problems.iter().any(|p| p.contains("expires is closed now")), "{end:?}");
}

fn posters() -> impl Strategy<Value = Posters> {
    prop_oneof![
        Just(Posters::Members),
        Just(Posters::Owners),
        Just(Posters::Moderators),
        Just(Posters::People),
        Just(Posters::Anyone),
        "cn=[ab],dc=x".prop_map(Posters::Group),
    ]
}

fn settings() -> impl Strategy<Value = Settings> {
    let post = prop::collection::vec(posters(), 0..4);
    let nonmembers =
        prop::sample::select(vec![Nonmembers::Reject, Nonmembers::Hold, Nonmembers::Discard]);
    let unverified = prop::sample::select(vec![
        Unverified::Confirm,
        Unverified::Hold,
        Unverified::Reject,
        Unverified::Accept,
    ]);
    let moderation = prop::sample::select(vec![
        Moderation::None,
        Moderation::All,
        Moderation::Nonmembers,
        Moderation::First,
    ]);
    let rest = (any::<bool>(), any::<bool>(), 1_000_u64..2_000_000_000, 0_u8..=100);
    let limits = (any::<bool>(), prop::collection::vec(0_u32..30, 7));
    (post, nonmembers, unverified, moderation, rest, limits).prop_map(
        |(post, nonmembers, unverified, moderation, rest, (emergency, limits))| {
            let (hidden, archived, max_size, shrink_guard) = rest;
            let limit = |i: usize| limits[i];
            Settings {
                emergency,
                max_lists: limit(0),
                max_recipients: limit(1),
                max_outside: limit(2),
                posts_per_hour: limit(3),
                storm_replies: limit(4),
                storm_minutes: limit(5) + 1,
                storm_members: limit(6),
                post,
                nonmembers,
                unverified,
                moderation,
                max_size,
                shrink_guard,
                author_address: if hidden { AuthorAddress::Hidden } else { AuthorAddress::Shown },
                archive: if archived { Archive::Members } else { Archive::Off },
                unsubscribe: Unsubscribe::Mute,
                ..Settings::default()
            }
        },
    )
}

/// May somebody post who is in these sets? Owners and moderators are not asked.
fn may(post: &[Posters], is: &[Posters]) -> bool {
    post.iter().any(|p| match p {
        Posters::Anyone => true,
        Posters::Owners | Posters::Moderators => false,
        other => is.contains(other),
    })
}

fn openness(m: Moderation) -> [bool; 3] {
    // Goes out unseen: a member's first post, a member's second, a stranger's second.
    match m {
        Moderation::None => [true, true, true],
        Moderation::All => [false, false, false],
        Moderation::Nonmembers => [true, true, false],
        Moderation::First => [false, true, true],
    }
}

/// Nothing that `held` allows is forbidden by `other`.
fn not_more_open(held: &Settings, other: &Settings, is: &[Posters]) {
    assert!(!may(&held.post, is) || may(&other.post, is), "{:?} {:?}", held.post, other.post);
    let rank = |v| {
        [Unverified::Reject, Unverified::Hold, Unverified::Confirm]
            .iter()
            .position(|x| *x == v)
            .unwrap_or(9)
    };
    assert!(rank(held.unverified) <= rank(other.unverified));
    assert!(held.nonmembers != Nonmembers::Hold || other.nonmembers == Nonmembers::Hold);
    let seen = openness(held.moderation).into_iter().zip(openness(other.moderation));
    assert!(seen.into_iter().all(|(held, other)| !held || other));
    assert!(held.max_size <= other.max_size);
    assert!(held.shrink_guard <= other.shrink_guard);
    assert!(held.archive == Archive::Off || other.archive == Archive::Members);
    let hidden = |s: &Settings| s.author_address == AuthorAddress::Hidden;
    assert!(held.emergency || !other.emergency);
    let limits = |s: &Settings| {
        [s.max_lists, s.max_recipients, s.max_outside, s.posts_per_hour, s.storm_replies]
            .map(|limit| if limit == 0 { u32::MAX } else { limit })
    };
    assert!(limits(held).into_iter().zip(limits(other)).all(|(held, other)| held <= other));
    assert!(held.storm_minutes >= other.storm_minutes);
    assert!(held.storm_members <= other.storm_members);
    assert!(held.hold_expires <= other.hold_expires);
    assert!(held.deputies_after <= other.deputies_after);
    assert!(hidden(held) || !hidden(other));
}

/// A whole entry of nonsense.
fn nonsense() -> Layer {
    Key::ALL.into_iter().flat_map(|key| said(key, &["\u{fffd} no sense"])).collect()
}

fn layer_of(s: &Settings) -> Layer {
    let said = |key| Said { value: Some(Value::of(key, s)), rejected: Vec::new() };
    Key::ALL.into_iter().map(|key| (key, said(key))).collect()
}

proptest! {
    /// The promise: whatever is rejected, what holds is at most as open as every source that is left, and as the
    /// built-in defaults.
    #[test]
    fn nonsense_never_opens_a_list(
        list in settings(), domain in settings(), entry in settings(), own in any::<bool>(),
        is in prop::collection::vec(posters(), 0..4),
    ) {
        let own = if own { Key::ALL.into() } else { BTreeSet::new() };
        let domain = if own.is_empty() { list.clone() } else { domain };
        let base = Base { list: list.clone(), domain: domain.clone(), own, ..Base::default() };
        let by_entry = layer(&base, &nonsense(), &Layer::new());
        for rest in [&list, &domain, &Settings::default()] {
            not_more_open(&by_entry.settings, rest, &is);
        }
        let by_admin = layer(&base, &layer_of(&entry), &nonsense());
        for rest in [&entry, &list, &domain, &Settings::default()] {
            not_more_open(&by_admin.settings, rest, &is);
        }
        prop_assert_eq!(by_entry.problems.len(), Key::ALL.len());
        // What makes sense holds, whatever nonsense stands below it.
        let good = layer(&base, &nonsense(), &layer_of(&entry));
        prop_assert_eq!(good.settings, entry);
    }

    /// Rule X4, promise 10: any text is read or rejected, and what is read has no line break in one line.
    #[test]
    fn any_text_is_read_or_rejected(texts in prop::collection::vec(".{0,80}|[a-z]{0,9}", 1..4)) {
        for key in Key::ALL {
            let said = Value::read(key, "x", texts.iter().map(String::as_str)).unwrap();
            prop_assert!(said.value.is_some() || !said.rejected.is_empty());
            if let Some(Value::SubjectTag(tag)) = said.value {
                prop_assert!(!tag.contains(char::is_control));
            }
        }
    }
}
