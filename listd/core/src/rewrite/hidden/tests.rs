//! What a reader of a list with hidden authors sees, and what is never seen.

use proptest::prelude::*;

use super::*;
use crate::list::{AuthorAddress, ListId, ReplyTo, Settings};
use crate::rewrite::{Frozen, Ours, PostKind, copy_head};

const RELAY: &str = "klasse-5b-author+abc@schule.example";

fn address(text: &str) -> Address {
    Address::parse(text).expect("address")
}

fn hidden() -> Hidden {
    Hidden {
        relay: address(RELAY),
        name: "Ayse Yilmaz".to_owned(),
        addresses: vec![address("ayse@gmx.example"), address("ayse@büro.example")],
        answers: None,
        ids: vec![("1.ayse@gmx.example".to_owned(), "x.hidden@schule.example".to_owned())],
    }
}

fn frozen(change: impl FnOnce(&mut Frozen)) -> Frozen {
    let mut frozen = Frozen {
        description: "Klasse 5b".to_owned(),
        settings: Settings { author_address: AuthorAddress::Hidden, ..Settings::default() },
        language: "en".to_owned(),
        received:
            "Received: from mx by lists with LMTP id 1;\r\n\tThu, 01 Jan 1970 00:00:00 +0000\r\n"
                .to_owned(),
        add_message_id: Some("<new@lists.schule.example>".to_owned()),
        hidden: Some(hidden()),
        ..Frozen::new(PostKind::List, ListId("5b".to_owned()), address("klasse-5b@schule.example"))
    };
    change(&mut frozen);
    frozen
}

fn copied(text: &str, change: impl FnOnce(&mut Frozen)) -> Result<String, Unsendable> {
    let ours = Ours {
        signs_for: &|d| d == "schule.example",
        authserv_ids: &[],
        body: crate::rewrite::BodyOf::Original,
        utf8: true,
    };
    let raw = format!("{}\r\n\r\n", text.trim_end().replace('\n', "\r\n"));
    let head = copy_head(raw.as_bytes(), &frozen(change), &ours)?;
    Ok(String::from_utf8(head.bytes).expect("UTF-8"))
}

fn field(head: &str, name: &str) -> Vec<String> {
    let bytes = head.as_bytes();
    let text =
        |f: &Field| String::from_utf8_lossy(f.value(bytes)).replace("\r\n", "").trim().to_owned();
    fields::fields(bytes).iter().filter(|f| f.is(bytes, name)).map(text).collect()
}

/// F6, GD3, T1, R4: everything in which programs and providers put an author's address.
const PLANTED: &str = "Return-Path: <ayse@gmx.example>
Received: from x (helo=[1.2.3.4]) by mout.gmx.example
 for <klasse-5b@schule.example>; envelope-from <ayse@gmx.example>
Authentication-Results: mx.other.example; spf=pass smtp.mailfrom=ayse@gmx.example
Received-SPF: pass envelope-from=ayse@gmx.example
DKIM-Signature: v=1; d=gmx.example; i=ayse@gmx.example; b=x
ARC-Authentication-Results: i=1; x; smtp.mailfrom=ayse@gmx.example
From: Ayse Yilmaz <Ayse@GMX.example>
Sender: ayse@gmx.example
Reply-To: ayse@gmx.example, ayse@xn--bro-hoa.example
To: klasse-5b@schule.example, Carl <carl@x.example>
Cc: Ayse <ayse@gmx.example>, ayse+5b@gmx.example, jan-ayse@gmx.example
Subject: Elternabend
Message-ID: <1.ayse@gmx.example>
In-Reply-To: <2@gmx.example>
References: <1.ayse@gmx.example> <3.ayse@gmx.example> <2@gmx.example>
Date: Thu, 01 Jan 1970 00:00:00 +0000
X-Original-From: ayse@gmx.example
X-Originating-Email: [ayse@gmx.example]
X-Provags-ID: V03:K1:secret
Autocrypt: addr=ayse@gmx.example; keydata=xsBNB
Author: ayse@gmx.example
Organization: ayse@gmx.example
Disposition-Notification-To: ayse@gmx.example
Resent-From: ayse@gmx.example
List-Unsubscribe: <mailto:x?subject=ayse%40gmx.example>
Errors-To: ayse@gmx.example
Thread-Topic: =?utf-8?B?YXlzZUBnbXguZXhhbXBsZQ==?=
Importance: high
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Description: von ayse@gmx.example
User-Agent: Mail 1.0
";

#[test]
fn a_planted_address_is_nowhere() {
    let head = copied(PLANTED, |_| {}).expect("sendable");
    assert!(!head.to_lowercase().replace("jan-ayse@gmx.example", "").contains("ayse@"), "{head}");
    assert_eq!(field(&head, "From"), [format!("\"Ayse Yilmaz via Klasse 5b\" <{RELAY}>")]);
    assert_eq!(field(&head, "Reply-To"), [format!("\"Ayse Yilmaz\" <{RELAY}>")]);
    assert_eq!(field(&head, "To"), ["klasse-5b@schule.example, Carl <carl@x.example>"]);
    assert_eq!(field(&head, "Cc"), [format!("{RELAY}, jan-ayse@gmx.example")]);
    assert_eq!(field(&head, "Subject"), ["Elternabend"]);
    assert_eq!(field(&head, "Message-ID"), ["<x.hidden@schule.example>"]);
    assert_eq!(field(&head, "In-Reply-To"), ["<2@gmx.example>"]);
    assert_eq!(field(&head, "References"), ["<x.hidden@schule.example> <2@gmx.example>"]);
    assert_eq!(
        (field(&head, "Importance"), field(&head, "Date").len()),
        (vec!["high".to_owned()], 1)
    );
    assert_eq!(field(&head, "Content-Type"), ["text/plain; charset=utf-8"]);
    for gone in [
        "Sender",
        "DKIM-Signature",
        "X-Provags-ID",
        "Autocrypt",
        "Author",
        "User-Agent",
        "Return-Path",
        "Thread-Topic",
        "Content-Description",
        "Authentication-Results",
        "Received-SPF",
    ] {
        assert!(field(&head, gone).is_empty(), "{gone}");
    }
    assert_eq!(field(&head, "Received").len(), 1, "T1: ours alone");
    assert_eq!(field(&head, "List-Post").len(), 1);
}

/// P1 to P3: an answer to the author reaches the relay address, whatever the list sets.
#[test]
fn answers_reach_the_author() {
    let answers = |reply_to: ReplyTo| {
        let head = copied(PLANTED, |f| f.settings.reply_to = reply_to).expect("sendable");
        assert!(field(&head, "From")[0].ends_with(&format!("<{RELAY}>")));
        field(&head, "Reply-To").concat()
    };
    assert_eq!(answers(ReplyTo::List), "klasse-5b@schule.example");
    let both = answers(ReplyTo::Both);
    assert!(both.contains(RELAY) && both.ends_with(", klasse-5b@schule.example"), "{both}");
    assert_eq!(
        answers(ReplyTo::Address(address("office@schule.example"))),
        "office@schule.example"
    );
}

/// H11, GD3: mail to a hidden author is no list mail; whoever lets her address be seen is answered there.
#[test]
fn mail_to_a_hidden_author() {
    let to_her = |f: &mut Frozen| f.kind = PostKind::Author(255);
    let head = copied(PLANTED, to_her).expect("sendable");
    assert!(!head.contains("List-") && field(&head, "Precedence").is_empty(), "{head}");
    assert_eq!(field(&head, "X-Loop"), ["author-ff@klasse-5b.schule.example"]);
    assert_eq!(field(&head, "From"), [format!("\"Ayse Yilmaz via Klasse 5b\" <{RELAY}>")]);
    assert_eq!(field(&head, "Reply-To"), [format!("\"Ayse Yilmaz\" <{RELAY}>")]);
    let shown = copied(PLANTED, |f| {
        to_her(f);
        let hidden = f.hidden.as_mut().expect("set above");
        hidden.addresses.clear();
        hidden.answers = Some(address("ayse@gmx.example"));
    });
    assert_eq!(field(&shown.expect("sendable"), "Reply-To"), ["ayse@gmx.example"]);
    let without = copied(PLANTED, |f| (f.kind, f.hidden) = (PostKind::Author(1), None));
    assert_eq!(without, Err(Unsendable::AddressShown("From".to_owned())));
}

/// F4, F5: a name that is an address is none; where there is no name a word stands for it.
#[test]
fn names_give_nothing_away() {
    for name in ["", " ", "ayse@gmx.example", "Ayse (ayse＠gmx.example)", "ayse=gmx.example"] {
        let head = copied("From: ayse@gmx.example", |f| {
            f.hidden.as_mut().expect("set").name = name.to_owned();
        });
        let from = field(&head.expect("sendable"), "From").concat();
        assert_eq!(from, format!("\"A member via Klasse 5b\" <{RELAY}>"), "{name}");
    }
}

/// GD3: a subject loses the address; what can't lose it is not sent.
#[test]
fn what_cannot_be_taken_out_is_not_sent() {
    let subject = |text: &str| copied(&format!("From: a@x.example\nSubject: {text}"), |_| {});
    let head = subject("Re: Ayse@GMX.example, =?utf-8?Q?sch=C3=B6n?=").expect("sendable");
    assert_eq!(text::decode(field(&head, "Subject").concat().as_bytes()), "Re: ..., schön");
    let shown = |name: &str| Err(Unsendable::AddressShown(name.to_owned()));
    assert_eq!(subject("Re: ayse%40gmx.example"), shown("Subject"));
    let typed = "From: a@x.example\nContent-Type: text/plain; name*=utf-8''ayse%40gmx.example";
    assert_eq!(copied(typed, |_| {}), shown("Content-Type"));
    let list = |f: &mut Frozen| f.description = "Liste von ayse@gmx.example".to_owned();
    assert_eq!(copied("From: a@x.example", list), shown("List-Id"));
}

/// Forms in which the address is planted; `%` is its place.
const FORMS: [&str; 12] = [
    "%",
    "<%>",
    "Ayse <%>",
    "\"%\" <other@x.example>",
    "klasse-5b@schule.example, % (ich)",
    "smtp.mailfrom=% ; x",
    "[%]",
    "<1.%>",
    "text %: more",
    "<%-123>",
    "<20261122%.4711@x.example>",
    "<4711.%>; x=(y)",
];

/// How an address is written; the last two hide it from who only looks for it.
fn written(how: usize) -> String {
    let plain = "ayse@gmx.example";
    let hex = |sign: char| plain.replace('@', &format!("{sign}40"));
    match how {
        0 => plain.to_owned(),
        1 => plain.to_uppercase(),
        2 => hex('%'),
        3 => format!("=?utf-8?Q?{}?=", hex('=')),
        4 => format!("=?UTF-8?B?{}?=", data_encoding::BASE64.encode(plain.as_bytes())),
        5 => "ayse@XN--BRO-HOA.example".to_owned(),
        6 => "=?utf-8?Q?ayse=40b=C3=BCro.example?=".to_owned(),
        7 => "\"ayse\"@gmx.example".to_owned(),
        8 => "ayse\r\n @gmx.example".to_owned(),
        9 => "ayse=gmx.example@bounce.example".to_owned(),
        10 => "ayse+tag@gmx.example".to_owned(),
        11 => data_encoding::BASE64.encode(plain.as_bytes()),
        12 => data_encoding::HEXLOWER.encode(plain.as_bytes()),
        13 => plain.replace('@', "\u{200b}\u{ff20}"),
        14 => "=?utf-8?Q?AYSE=40?=\r\n\t=?us-ascii?B?R01YLkVYQU1QTEU=?=".to_owned(),
        _ => "=?utf-8?Q?ayse?= =?utf-8?Q?=40gmx.example?=".to_owned(),
    }
}

const NAMES: [&str; 24] = [
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Subject",
    "Message-ID",
    "References",
    "In-Reply-To",
    "X-Original-From",
    "Received",
    "DKIM-Signature",
    "Authentication-Results",
    "X-Sender",
    "Return-Path",
    "List-Post",
    "Thread-Topic",
    "Content-Type",
    "Content-Disposition",
    "Content-Id",
    "Keywords",
    "Resent-To",
    "Autocrypt",
    "X-Loop",
    "Comments",
];

/// Independent of [`Secrets`]: the copy in lower case with everything decoded by mail-parser holds no address.
fn seen(head: &str) -> bool {
    let parsed = mail_parser::MessageParser::default().parse(head.as_bytes()).expect("a mail");
    let all = format!("{head}\n{:?}", parsed.headers()).to_lowercase();
    let flat = all
        .replace("\r\n", "")
        .replace(['\u{200b}', '\t'], "")
        .replace('\u{ff20}', "@")
        .replace(['"', ' ', '\\'], "")
        .replace("%40", "@")
        .replace("=40", "@");
    flat.contains("ayse@gmx.example")
        || flat.contains("ayse@xn--bro-hoa.example")
        || flat.contains("ayse@büro.example")
        || head.contains("YXlzZUBnbXguZXhhbXBsZQ")
        || head.contains("6179736540676d782e6578616d706c65")
}

/// The address with some letters large and some octets escaped, by the bits of two numbers.
fn escaped(large: u32, hidden: u32, sign: char) -> String {
    let bit = |of: u32, at: usize| of >> (at % 32) & 1 == 1;
    let one = |(at, c): (usize, char)| {
        let c = if bit(large, at) { c.to_ascii_uppercase() } else { c };
        if bit(hidden, at) { format!("{sign}{:02X}", u32::from(c)) } else { c.to_string() }
    };
    "ayse@gmx.example".chars().enumerate().map(one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// GD3: whichever letters are large and whichever octets escaped, in a word or not, it is seen.
    #[test]
    fn no_escape_hides_the_address(
        large: u32, hidden: u32, sign in prop::sample::select(vec!['%', '=']), word: bool,
        name in prop::sample::select(vec!["Subject", "Message-ID", "References", "Keywords", "Content-Description"]),
    ) {
        let value = escaped(large, hidden, sign);
        let value = if word && sign == '=' { format!("=?utf-8?Q?{value}?=") } else { value };
        match copied(&format!("From: a@x.example\n{name}: <1.{value}-2>"), |_| {}) {
            Ok(copy) => {
                let flat = escapes_undone(&copy).to_lowercase();
                prop_assert!(!flat.contains("ayse@gmx"), "{value}\n{copy}");
            }
            Err(why) => prop_assert!(matches!(why, Unsendable::AddressShown(_)), "{why}"),
        }
    }
}

/// Independent of [`Secrets`]: all that is escaped by either sign is plain.
fn escapes_undone(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['%', '=']) {
        let octet = rest.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push_str(&rest[..at]);
        out.push(octet.map_or('?', char::from));
        rest = &rest[at + if octet.is_some() { 3 } else { 1 }..];
    }
    out + rest
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// GD3: wherever and however an address is planted, no copy shows it.
    #[test]
    fn no_copy_shows_the_address(
        planted in proptest::collection::vec((0..NAMES.len(), 0..FORMS.len(), 0..16_usize), 1..8),
        reply_to in 0..3_usize,
        to_her in any::<bool>(),
    ) {
        let mut head = "From: Ayse Yilmaz <ayse@gmx.example>\r\n".to_owned();
        let mut once: Vec<usize> = Vec::new();
        for (name, form, how) in planted {
            // There it is the address of somebody else.
            let others = (form == 7 || form > 8) && ["To", "Cc", "X-Loop"].contains(&NAMES[name]);
            if !once.contains(&name) && !others {
                once.push(name);
                head.push_str(&format!("{}: {}\r\n", NAMES[name], FORMS[form].replace('%', &written(how))));
            }
        }
        let frozen = frozen(|f| {
            f.settings.reply_to = [ReplyTo::Author, ReplyTo::List, ReplyTo::Both][reply_to].clone();
            if to_her {
                f.kind = PostKind::Author(7);
            }
        });
        let body = crate::rewrite::BodyOf::Original;
        let ours = Ours { signs_for: &|_| false, authserv_ids: &[], body, utf8: true };
        match copy_head(format!("{head}\r\n").as_bytes(), &frozen, &ours) {
            Ok(copy) => {
                let copy = String::from_utf8(copy.bytes).expect("UTF-8");
                prop_assert!(!seen(&copy), "{head}\n->\n{copy}");
                prop_assert!(copy.contains(RELAY));
            }
            Err(Unsendable::AddressShown(_)) => {}
            Err(other) => prop_assert!(false, "{other}: {head}"),
        }
    }
}
