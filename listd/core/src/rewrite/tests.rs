//! Cases for `copy_head`: one rule each; whole mails are the golden folders.

use super::*;
use crate::list::{FromPolicy, ReplyTo};

pub(super) fn frozen(change: impl FnOnce(&mut Frozen)) -> Frozen {
    let mut frozen = Frozen {
        description: "Klasse 5b".to_owned(),
        help_url: Some("https://schule.example/mail".to_owned()),
        language: "de".to_owned(),
        received:
            "Received: from mx by lists with LMTP id 1;\r\n\tThu, 01 Jan 1970 00:00:00 +0000\r\n"
                .to_owned(),
        add_message_id: Some("<new@lists.schule.example>".to_owned()),
        add_date: Some("Thu, 01 Jan 1970 00:00:00 +0000".to_owned()),
        ..Frozen::new(
            PostKind::List,
            ListId("5b".to_owned()),
            Address::parse("klasse-5b@schule.example").expect("address"),
        )
    };
    change(&mut frozen);
    frozen
}

fn head_with(text: &str, change: impl FnOnce(&mut Frozen), utf8: bool) -> Result<Head, Unsendable> {
    let ids = ["mx.schule.example".to_owned()];
    let ours = Ours {
        signs_for: &|d| d == "schule.example",
        authserv_ids: &ids,
        body: BodyOf::Original,
        utf8,
    };
    copy_head(format!("{text}\r\n\r\n").as_bytes(), &frozen(change), &ours)
}

fn head(text: &str, change: impl FnOnce(&mut Frozen)) -> String {
    String::from_utf8(head_with(text, change, true).expect("sendable").bytes).expect("UTF-8")
}

/// The whole fields with this name.
fn field(head: &str, name: &str) -> Vec<String> {
    let bytes = head.as_bytes();
    let fields = crate::message::fields::fields(bytes);
    let text =
        |f: &Field| String::from_utf8_lossy(f.value(bytes)).replace("\r\n", "").trim().to_owned();
    fields.iter().filter(|f| f.is(bytes, name)).map(text).collect()
}

const ANNA: &str = "From: Anna Oez <anna@gmx.example>\r\nTo: klasse-5b@schule.example\r\nSubject: x\r\n\
                    Message-ID: <1@gmx.example>\r\nDate: Thu, 01 Jan 1970 00:00:00 +0000";

/// T1, T3, T4, H1 to H4, H11 to H13: what a plain post looks like, in its order.
#[test]
fn a_plain_post() {
    let expect = "Received: from mx by lists with LMTP id 1;\r\n\tThu, 01 Jan 1970 00:00:00 +0000\r\n\
        From: =?utf-8?Q?Anna_Oez_=C3=BCber_Klasse_5b?= <klasse-5b@schule.example>\r\n\
        To: klasse-5b@schule.example\r\nSubject: x\r\nMessage-ID: <1@gmx.example>\r\n\
        Date: Thu, 01 Jan 1970 00:00:00 +0000\r\nAuthor: Anna Oez <anna@gmx.example>\r\n\
        Reply-To: \"Anna Oez\" <anna@gmx.example>\r\nList-Id: \"Klasse 5b\" <klasse-5b.schule.example>\r\nList-Post: <mailto:klasse-5b@schule.example>\r\n\
        List-Help: <https://schule.example/mail>,\r\n <mailto:klasse-5b-request@schule.example?subject=help>\r\n\
        List-Unsubscribe: <mailto:klasse-5b-unsubscribe@schule.example>\r\n\
        List-Subscribe: <mailto:klasse-5b-subscribe@schule.example>\r\n\
        List-Owner: <mailto:klasse-5b-owner@schule.example>\r\nPrecedence: list\r\n\
        X-Auto-Response-Suppress: OOF, AutoReply, DR, RN, NRN\r\n";
    assert_eq!(head(ANNA, |_| {}), expect);
}

/// R5, RFC 5322 4.5: white space before a colon is taken out, and nothing else of the field changes.
#[test]
fn no_space_stays_before_a_colon() {
    let old = "X-A : b\r\nX-Fold \t:\r\n a : b\r\nX-New: a : b\r\nReferences : <gr\u{fc}n@x>\r\nX-Long : ";
    let long = "word ".repeat(250);
    let head = head(&format!("{old}{long}\r\n{}", ANNA.replace("Subject:", "Subject :")), |_| {});
    for whole in [
        "\r\nX-A: b\r\n",
        "\r\nX-Fold:\r\n a : b\r\n",
        "\r\nX-New: a : b\r\n",
        "\r\nSubject: x\r\n",
    ] {
        assert!(head.contains(whole), "{whole:?} in {head}");
    }
    let references = field(&head, "References");
    assert!(references.len() == 1 && head.contains("\r\nReferences: <gr"), "{head}");
    assert!(head.contains("\r\nX-Long: word") && !head.contains(" :\r\n"), "{head}");
}

/// T2, T8, T9, T10, R1 to R5, H1, H5, H12 to H14: gone, whatever the case of the letters; the rest stays byte for byte.
#[test]
fn what_is_removed() {
    let gone = [
        "Return-Path: <a@b>",
        "RETURN-PATH: x",
        "Disposition-Notification-To: a@b",
        "Disposition-Notification-Options: x",
        "Return-Receipt-To: a@b",
        "X-Confirm-Reading-To: a@b",
        "Generate-Delivery-Report: a@b",
        "X-pmrqc: 1",
        "Bcc:\r\n secret@b",
        "Resent-Bcc: secret@b",
        "Apparently-To: a@b",
        "X-Envelope-To: a@b",
        "X-Original-To: a@b",
        "X-Rcpt-To: a@b",
        "Envelope-To: a@b",
        "Delivery-Date: x",
        "Delivered-To: a@b",
        "Approved: password",
        "Approve: password",
        "X-Approved: password",
        "X-Approve: password",
        "Urgent: password",
        "X-Originating-IP: [1.2.3.4]",
        "X-Sender-IP: 1.2.3.4",
        "X-Client-IP: 1.2.3.4",
        "X-Forwarded-For: a@b",
        "List-Id: <foreign.example>",
        "List-Unsubscribe: <https://evil>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "List-Archive: <https://evil>",
        "List-Foo: x",
        "Archived-At: <x>",
        "Precedence: bulk",
        "X-Auto-Response-Suppress: None",
        "Errors-To: a@b",
        "X-Errors-To: a@b",
        "Return-Errors-To: a@b",
        "X-Spam: no",
        "X-Spam-Status: No",
        "X-Spamd-Result: x",
        "X-Rspamd-Score: 1",
        "X-Virus-Scanned: clean",
        "Authentication-Results: mx.schule.example; dkim=pass header.d=x.example",
        "not a field",
        "bad name: x",
    ];
    let kept = [
        "Received: from a\r\n\tby b",
        "DKIM-Signature: v=1;  a=x;\r\n\tb=abc",
        "ARC-Seal: i=1",
        "In-Reply-To: <a@b>",
        "References: <a@b>\r\n <c@d>",
        "Auto-Submitted: auto-generated",
        "Resent-From: a@b",
        "X-Loop: other@x.example",
        "Authentication-Results: other.example; dkim=pass header.d=x.example",
        "Mail-Followup-To: a@b",
        "sUbject2:   odd  ",
        "MIME-Version: 1.0",
        "Content-Type: text/plain;\r\n charset=utf-8",
    ];
    let mut lines = Vec::new();
    for i in 0..gone.len().max(kept.len()) {
        lines.extend(gone.get(i));
        lines.extend(kept.get(i));
    }
    let text: Vec<&str> = lines.into_iter().copied().collect();
    let got = head(&format!("{}\r\n{ANNA}", text.join("\r\n")), |_| {});
    let expect: String = kept.iter().map(|k| format!("{k}\r\n")).collect();
    assert!(got.contains(&expect), "order and bytes are kept: {got}");
    for secret in [
        "secret",
        "password",
        "foreign",
        "evil",
        "1.2.3.4",
        "a@b>\r\nRet",
        "Spam",
        "bulk",
        "not a field",
    ] {
        assert!(!got.contains(secret), "{secret}: {got}");
    }
    assert_eq!(
        field(&got, "Authentication-Results"),
        ["other.example; dkim=pass header.d=x.example"]
    );
    for name in [
        "List-Id",
        "List-Unsubscribe",
        "Precedence",
        "X-Auto-Response-Suppress",
        "From",
        "Reply-To",
    ] {
        assert_eq!(field(&got, name).len(), 1, "{name}");
    }
}

/// S1, S4, S6, L1: the tag stands in the outer Subject of posts to the members, in the place of the old one.
#[test]
fn the_tag_of_the_list() {
    let tag = |f: &mut Frozen| f.settings.subject_tag = "[5b]".to_owned();
    let got = head(ANNA, tag);
    assert_eq!(got, head(ANNA, |_| {}).replace("Subject: x", "Subject: [5b] x"));
    let got = head("From: a@gmx.example\r\nSUBJECT : Re: Re: =?utf-8?Q?=C3=A4?=", tag);
    assert!(got.contains("\r\nSUBJECT: [5b] Re: =?utf-8?Q?=C3=A4?=\r\n"), "{got}");
    assert_eq!(field(&head("From: a@gmx.example", tag), "Subject"), ["[5b]"]);
    let role = head(ANNA, |f| {
        tag(f);
        f.kind = PostKind::Role(Role::Owner);
    });
    assert_eq!(field(&role, "Subject"), ["x"]);
}

/// F4, F5, S5, X4: names that are long, hostile, right-to-left, or pose as an address.
#[test]
fn names_in_from() {
    let cases = [
        ("From: anna@gmx.example", "anna über Klasse 5b"),
        ("From: =?utf-8?Q?=C3=96z?= =?utf-8?Q?_Anna?= <a@gmx.example>", "Öz Anna über Klasse 5b"),
        ("From: \"Oez, Anna\" <a@gmx.example>", "Oez, Anna über Klasse 5b"),
        ("From: \"boss@bank.example\" <a@gmx.example>", "boss über Klasse 5b"),
        ("From: \"boss <boss@bank.example>\" <a@gmx.example>", "boss boss über Klasse 5b"),
        ("From: \"@bank.example\" <a@gmx.example>", "a über Klasse 5b"),
        ("From: =?utf-8?Q?a=0D=0ABcc:_x?= <a@gmx.example>", "a Bcc: x über Klasse 5b"),
        ("From: =?utf-8?Q?=E2=80=AEevil?= <a@gmx.example>", "evil über Klasse 5b"),
        ("From: =?utf-8?Q?Anna_=C3=BCber_Klasse_5b?= <a@gmx.example>", "Anna über Klasse 5b"),
        ("From: M\u{fc}ller <a@gmx.example>", "Müller über Klasse 5b"),
    ];
    for (text, expect) in cases {
        let got = head(text, |_| {});
        let from = field(&got, "From");
        let shown = crate::message::address::mailboxes(from[0].as_bytes()).mailboxes;
        assert_eq!(
            (shown[0].name.as_str(), shown[0].address.to_string().as_str()),
            (expect, "klasse-5b@schule.example"),
            "{text}"
        );
        assert!(field(&got, "Bcc").is_empty());
    }
    let long = head(&format!("From: {} <a@gmx.example>", "Wolkenkratzer".repeat(20)), |f| {
        f.language = "en".to_owned()
    });
    assert!(
        field(&long, "From")[0]
            .starts_with(&format!("\"{} via Klasse 5b\"", &"Wolkenkratzer".repeat(20)[..60]))
    );
}

/// DESIGN: From is kept by setting, and where its domain is one that we sign for; byte for byte.
#[test]
fn from_is_kept() {
    let own = "From:  Anna  <anna@Schule.example> (x)\r\nSender: sek@schule.example";
    let got = head_with(own, |_| {}, true).expect("sendable");
    let text = String::from_utf8(got.bytes).expect("ASCII");
    assert!(text.contains(&format!("{own}\r\n")) && field(&text, "Reply-To").is_empty());
    assert_eq!(got.from.to_string(), "anna@schule.example");
    let kept = head(ANNA, |f| f.settings.from = FromPolicy::Keep);
    assert!(kept.contains("From: Anna Oez <anna@gmx.example>\r\n"));
    for policy in [FromPolicy::Policy, FromPolicy::Broken] {
        assert_eq!(head(ANNA, |f| f.settings.from = policy), head(ANNA, |_| {}));
    }
    let sender = head(&format!("Sender: sek@other.example\r\n{ANNA}"), |_| {});
    assert!(field(&sender, "Sender").is_empty(), "F1");
}

/// RFC 9057, promise 8: where From is the list's, Author is what From was, and nobody else's claim.
#[test]
fn the_author_field() {
    let claims = format!("Author: boss@bank.example\r\nAUTHOR: x\r\n{ANNA}");
    assert_eq!(field(&head(&claims, |_| {}), "Author"), ["Anna Oez <anna@gmx.example>"]);
    let kept = head(&claims, |f| f.settings.from = FromPolicy::Keep);
    assert_eq!(field(&kept, "Author"), ["boss@bank.example", "x"]);
    for from in [
        "From:a@gmx.example (Anna\r\n\t 5b)",
        "From: =?iso-8859-1?Q?=D6z?= <a@gmx.example>",
        "From: \"Oez,\r\n Anna\" <a@gmx.example>",
    ] {
        let got = head(from, |_| {});
        assert!(got.contains(&format!("\r\n{}\r\n", from.replace("From", "Author"))), "{got}");
    }
    let raw = head("From: M\u{fc}ller <a@gmx.example>", |_| {});
    assert_eq!(field(&raw, "Author"), ["=?utf-8?Q?M=C3=BCller?= <a@gmx.example>"]);
    let long = head(&format!("From: \"{}\" <a@gmx.example>", "x ".repeat(495)), |_| {});
    assert!(long.split("\r\n").all(|line| line.len() <= 998));
    assert_eq!(field(&long, "Author").len(), 1);
}

/// T7, F6, P3, promise 8: of several authors the Sender answers for the mail; From never names them.
#[test]
fn several_authors() {
    let from = "From: Anna Oez <anna@gmx.example>, Bob <bob@schule.example>";
    let text = format!("{from}\r\nSender: ANNA@gmx.example");
    for policy in [FromPolicy::Rewrite, FromPolicy::Policy, FromPolicy::Broken] {
        let got = head(&text, |f| {
            f.settings.from = policy;
            f.arrival.dmarc = Some(Dmarc::None);
            f.arrival.signatures = vec![SignatureName::new("abc")];
        });
        let shown = crate::message::address::mailboxes(field(&got, "From")[0].as_bytes());
        assert_eq!(shown.mailboxes[0].name, "Anna Oez, Bob über Klasse 5b");
        assert_eq!(shown.mailboxes[0].address.to_string(), "klasse-5b@schule.example");
        let people = "\"Anna Oez\" <anna@gmx.example>, \"Bob\" <bob@schule.example>";
        assert_eq!(field(&got, "Reply-To"), [people]);
        assert_eq!(field(&got, "Author"), [from.strip_prefix("From: ").expect("From")]);
        assert!(field(&got, "Sender").is_empty());
    }
    let list = head(&format!("{text}\r\nTo: bob@schule.example"), |f| {
        f.settings.reply_to = ReplyTo::List;
    });
    assert_eq!(field(&list, "Cc"), ["\"Anna Oez\" <anna@gmx.example>"]);
    for policy in [FromPolicy::Keep, FromPolicy::Unproven] {
        let got = head_with(&text, |f| f.settings.from = policy, true);
        assert_eq!(got, Err(Unsendable::Malformed(Malformed::SeveralFrom)));
    }
}

/// F2, F8: From is kept where the author's domain asks for nothing, or its signature survives.
#[test]
fn from_by_policy_and_by_signature() {
    let kept = |text: &str, change: &dyn Fn(&mut Frozen)| {
        let got = head(text, change);
        let kept = got.contains("From: Anna Oez <anna@gmx.example>\r\n");
        assert_eq!(field(&got, "Author").is_empty(), kept);
        kept
    };
    for (dmarc, expect) in [
        (Some(Dmarc::None), true),
        (Some(Dmarc::Quarantine), false),
        (Some(Dmarc::Reject), false),
        (Some(Dmarc::Unknown), false),
        (None, false),
    ] {
        let policy = |f: &mut Frozen| {
            f.settings.from = FromPolicy::Policy;
            f.arrival.dmarc = dmarc;
        };
        assert_eq!(kept(ANNA, &policy), expect, "{dmarc:?}");
    }
    let signed = |names: &str| {
        format!("DKIM-Signature: v=1; c=relaxed/relaxed; h={names}; bh=YQ==; b=ab\r\n c\r\n{ANNA}")
    };
    let broken = |f: &mut Frozen| {
        f.settings.from = FromPolicy::Broken;
        f.arrival.signatures = vec![SignatureName::new("abc")];
    };
    assert!(kept(&signed("From:To:Subject:Cc:Reply-To"), &broken));
    assert!(!kept(&signed("From:List-Id"), &broken), "the list's fields are added");
    assert!(!kept(ANNA, &broken), "the signature is gone");
    let tagged = |f: &mut Frozen| {
        broken(f);
        f.settings.subject_tag = "[5b]".to_owned();
    };
    assert!(!kept(&signed("From:Subject"), &tagged));
    assert!(kept(&signed("From:To"), &tagged));
    let to_list = |f: &mut Frozen| {
        broken(f);
        f.settings.reply_to = ReplyTo::List;
    };
    assert!(!kept(&signed("From:Reply-To"), &to_list));
    assert!(kept(&signed("From"), &to_list));
}

/// F6, P1 to P3: one Reply-To by the setting, and the author always within reach.
#[test]
fn answers_go_where_they_should() {
    let office = ReplyTo::Address(Address::parse("office@schule.example").expect("address"));
    let own = "Reply-To: Oma <oma@gmx.example>\r\n";
    let own_self = "Reply-To: ANNA <anna@GMX.example>\r\n";
    let cc = "Cc: b@x.example\r\n";
    let anna = "\"Anna Oez\" <anna@gmx.example>";
    let cases = [
        (ReplyTo::Author, "", anna, ""),
        (ReplyTo::Author, own, "Oma <oma@gmx.example>", anna),
        (ReplyTo::Author, own_self, "ANNA <anna@GMX.example>", ""),
        (ReplyTo::Author, "Reply-To:\r\n", anna, ""),
        (ReplyTo::List, "", "klasse-5b@schule.example", anna),
        (ReplyTo::List, own, "klasse-5b@schule.example", anna),
        (
            ReplyTo::List,
            cc,
            "klasse-5b@schule.example",
            "b@x.example, \"Anna Oez\" <anna@gmx.example>",
        ),
        (ReplyTo::List, "Cc: anna@gmx.example\r\n", "klasse-5b@schule.example", "anna@gmx.example"),
        (ReplyTo::List, "Cc:\r\n", "klasse-5b@schule.example", anna),
        (ReplyTo::List, "Cc: undisclosed:;\r\n", "klasse-5b@schule.example", anna),
        (ReplyTo::Both, "", "\"Anna Oez\" <anna@gmx.example>, klasse-5b@schule.example", ""),
        (ReplyTo::Both, "Reply-To: klasse-5b@Schule.example\r\n", "klasse-5b@schule.example", anna),
        (office.clone(), "", "office@schule.example", anna),
        (office, own, "office@schule.example", anna),
    ];
    for (setting, fields, reply_to, cc) in cases {
        let got = head(&format!("{fields}{ANNA}"), |f| f.settings.reply_to = setting.clone());
        let one = |name| field(&got, name).join("|");
        assert_eq!(
            (one("Reply-To").as_str(), one("Cc").as_str()),
            (reply_to, cc),
            "{setting:?} {fields:?}"
        );
        let role = head(&format!("{fields}{ANNA}"), |f| {
            f.settings.reply_to = setting.clone();
            f.kind = PostKind::Role(Role::Owner);
        });
        assert!(role.contains("anna@"), "the author of mail to the owners is reachable");
    }
}

/// H4, H11, L1: announce lists, and mail to the owners, which is no list traffic.
#[test]
fn kinds_of_lists() {
    let announce = head(ANNA, |f| f.settings.post = Vec::new());
    assert_eq!(field(&announce, "List-Post"), ["NO"]);
    let role = head(ANNA, |f| f.kind = PostKind::Role(Role::Owner));
    assert!(!role.contains("List-") && !role.contains("Precedence"));
    assert_eq!(field(&role, "X-Loop"), ["klasse-5b-owner@schule.example"]);
    assert!(field(&role, "From")[0].ends_with("<klasse-5b-owner@schule.example>"));
    assert_eq!(field(&role, "Reply-To"), ["\"Anna Oez\" <anna@gmx.example>"]);
}

/// T3, T4: what is missing is added, what is there stays.
#[test]
fn ids_and_dates() {
    let got = head("From: a@gmx.example", |_| {});
    assert_eq!(field(&got, "Message-ID"), ["<new@lists.schule.example>"]);
    assert_eq!(field(&got, "Date"), ["Thu, 01 Jan 1970 00:00:00 +0000"]);
    let empty = head("From: a@gmx.example\r\nMessage-ID: \r\nDate: gestern", |_| {});
    assert_eq!(field(&empty, "Message-ID"), ["<new@lists.schule.example>"]);
    assert_eq!(field(&empty, "Date"), ["gestern"]);
}

/// T6, T7, X2, B14: never passed on.
#[test]
fn malformed_is_never_passed_on() {
    for text in [
        "Subject: x",
        "From: a@x.example\r\nFrom: b@x.example",
        "From: a@x.example, b@x.example",
        "From: a@x.example\r\nSubject: a\rb",
        "From: a@x.example\r\nSubject: a\0b",
    ] {
        assert!(matches!(head_with(text, |_| {}, true), Err(Unsendable::Malformed(_))), "{text}");
    }
    let hidden = |f: &mut Frozen| f.settings.author_address = AuthorAddress::Hidden;
    let shown = Err(Unsendable::AddressShown("From".to_owned()));
    assert_eq!(head_with(ANNA, hidden, true), shown, "no relay address");
}

/// U1, U3: SMTPUTF8 only for addresses, and a way round it where the relay has none.
#[test]
fn utf8_only_where_needed() {
    let ascii = head_with(
        "From: M\u{fc}ller <a@gmx.example>\r\nSubject: Sch\u{fc}ler\r\nX-Foo: \u{e4}",
        |_| {},
        true,
    );
    assert!(!ascii.expect("sendable").needs_utf8);
    let author = "From: m\u{fc}ller@gmx.example";
    assert!(head_with(author, |_| {}, true).expect("sendable").needs_utf8, "in Reply-To");
    let shown = head_with(author, |_| {}, false).expect("sendable");
    assert!(!shown.needs_utf8 && shown.bytes.is_ascii());
    let keep = |f: &mut Frozen| f.settings.from = FromPolicy::Keep;
    assert_eq!(head_with(author, keep, false), Err(Unsendable::NeedsUtf8));
    assert!(head_with(author, keep, true).expect("sendable").needs_utf8);
}

/// X4, H2: settings and directory values with line breaks, brackets and other scripts can't break out.
#[test]
fn settings_are_not_trusted() {
    let got = head(ANNA, |f| {
        f.description = "5b\r\nBcc: x@y\r\n\r\n<evil@x>\" Ü".to_owned();
        f.help_url = Some("https://x\r\nBcc: y>".to_owned());
        f.received = "Received: x\r\nBcc: evil\r\n\r\nbody".to_owned();
        f.add_message_id = Some("<a>\r\nBcc: z".to_owned());
    });
    assert!(field(&got, "Bcc").is_empty(), "{got}");
    assert!(!got.contains("\r\n\r\n") && got.is_ascii());
}
