//! One table of subjects as they are read, one of exact bytes, and what holds for every text.

use data_encoding::BASE64;
use proptest::prelude::*;

use super::*;

fn field_of(raw: &[u8], tag: &str) -> Vec<u8> {
    let kept = || [b"Subject: ", raw, b"\r\n"].concat();
    tagged("Subject", Some(raw), tag).unwrap_or_else(kept)
}

fn sound(field: &[u8]) {
    let text = String::from_utf8(field.to_vec()).expect("ASCII");
    let counted = lines(field);
    assert!(
        counted.longest <= 998 && !counted.bare && !counted.nul && !counted.eight_bit,
        "{text}"
    );
    assert_eq!(fields::fields(field).len(), 1, "{text}");
    assert!(text.ends_with("\r\n") && !text.trim_end().is_empty());
    for line in text.split_terminator("\r\n") {
        assert!(!line.trim().is_empty() && !line.contains(|c: char| c.is_control() && c != '\t'));
    }
    let long = |token: &&str| token.contains("=?") && token.len() > 75;
    assert_eq!(text.split_whitespace().find(long), None);
}

/// S1 to S5, S7: what came in, and how it is read then.
#[test]
fn subjects_as_they_are_read() {
    let cases: &[(&[u8], &str)] = &[
        // S1, S2
        (b"Elternabend", "[5b] Elternabend"),
        (b"[5b] Elternabend", "[5b] Elternabend"),
        (b"[5b]Elternabend", "[5b] Elternabend"),
        (b"[ 5b ] Elternabend", "[5b] Elternabend"),
        (b"[5b]\r\n Elternabend", "[5b] Elternabend"),
        (b"[5b] [5b]  [5b] x", "[5b] x"),
        (b"Re: [5b] AW: [5b] Foo", "[5b] Re: Foo"),
        (b"[5b] Re: Foo", "[5b] Re: Foo"),
        (b"[5b] Re: [5b] Foo", "[5b] Re: Foo"),
        (b"[5b] AW: [5b] Re: Foo", "[5b] AW: Foo"),
        (b"=?utf-8?Q?Re:_[5b]_M=C3=BCll?=", "[5b] Re: M\u{fc}ll"),
        (b"=?utf-8?B?W0ZvXQ==?= x", "[5b] [Fo] x"),
        (b"=?utf-8?Q?=5B5b=5D_=C3=84pfel?=", "[5b] \u{c4}pfel"),
        (b"=?utf-8?Q?AW:_[5?= =?utf-8?Q?b]_Stra=C3=9Fe?=", "[5b] AW: Stra\u{df}e"),
        (b"Ausflug der [5b] nach Ulm", "[5b] Ausflug der [5b] nach Ulm"),
        (b"[5bb] x", "[5b] [5bb] x"),
        (b"[5B] x", "[5b] [5B] x"),
        (b"[extern] [5b] x", "[5b] [extern] x"),
        (b"[extern] Re: [5b] x", "[5b] [extern] Re: x"),
        (b"Frage: [5b] x", "[5b] Frage: x"),
        (b"[a] [b] Frage: [5b] [5b] x", "[5b] [a] [b] Frage: x"),
        (b"http://x.example/[5b]", "[5b] http://x.example/[5b]"),
        // S3
        (b"Re: Foo", "[5b] Re: Foo"),
        (b"RE: AW: Re: Foo", "[5b] RE: Foo"),
        (b"re:re:re:Foo", "[5b] re:Foo"),
        (b"Re:Foo", "[5b] Re:Foo"),
        (b"RE : Foo", "[5b] RE : Foo"),
        (b"Re[2]: Foo", "[5b] Re[2]: Foo"),
        (b"Re[2]: Re(3): Foo", "[5b] Re[2]: Foo"),
        (b"Antw: AW: Foo", "[5b] Antw: Foo"),
        (b"SV: VS: Foo", "[5b] SV: Foo"),
        (b"Odp: Re: Foo", "[5b] Odp: Foo"),
        (b"Ynt: YNT: Foo", "[5b] Ynt: Foo"),
        (b"Cevap: Re: Foo", "[5b] Cevap: Foo"),
        (b"RV: TR: Ref: Foo", "[5b] RV: Foo"),
        ("Відп: Отв: Привіт".as_bytes(), "[5b] Відп: Привіт"),
        ("ВІДП: Re: Привіт".as_bytes(), "[5b] ВІДП: Привіт"),
        ("رد: Re: مرحبا".as_bytes(), "[5b] رد: مرحبا"),
        ("\u{200f}رد: مرحبا".as_bytes(), "[5b] رد: مرحبا"),
        ("Re\u{ff1a} 李".as_bytes(), "[5b] Re\u{ff1a} 李"),
        (b"WG: Foo", "[5b] WG: Foo"),
        (b"Fwd: [5b] Foo", "[5b] Fwd: Foo"),
        (b"WG: [5b] Re: Foo", "[5b] WG: Re: Foo"),
        (b"Re: WG: AW: Foo", "[5b] Re: WG: AW: Foo"),
        (b"AW: Re: WG: [5b] Foo", "[5b] AW: WG: Foo"),
        (b"Reise: nach Ulm", "[5b] Reise: nach Ulm"),
        (b"Re Foo", "[5b] Re Foo"),
        (b"Rezept", "[5b] Rezept"),
        (b"Frage zu Re: Foo", "[5b] Frage zu Re: Foo"),
        ("R\u{130}: İzmir".as_bytes(), "[5b] Rİ: İzmir"),
        ("YNT: ığüşöç İIıi".as_bytes(), "[5b] YNT: ığüşöç İIıi"),
        // S4
        (b"", "[5b]"),
        (b"   ", "[5b]"),
        (b"Re:", "[5b] Re:"),
        (b"[5b]", "[5b]"),
        (b"Re: [5b]", "[5b] Re:"),
        (b"=?utf-8?Q??=", "[5b]"),
        // S5
        (b"=?utf-8?q?a=0D=0ABcc:_x@y?=", "[5b] a Bcc: x@y"),
        (b"=?utf-8?q?a=00b=07?=", "[5b] ab"),
        (b"=?utf-8?q?a=E2=80=A8b=C2=85c?=", "[5b] a b c"),
        (b"Re: =?utf-8?q?=0D=0A=0D=0Abody?=", "[5b] Re:   body"),
        // S7
        ("Schülerrat".as_bytes(), "[5b] Schülerrat"),
        (b"Sch\xfclerrat", "[5b] Schülerrat"),
        (b"[5b] Sch\xfclerrat", "[5b] Schülerrat"),
        (b"\xff\xfe\x80", "[5b] \u{ff}\u{fe}\u{20ac}"),
        // other scripts, joined words, broken words
        (b"=?iso-8859-9?Q?=DDstanbul?=", "[5b] İstanbul"),
        (b"=?windows-1256?B?4ePk?=", "[5b] لمن"),
        (b"=?iso-2022-jp?B?GyRCJDMbKEI=?=", "[5b] こ"),
        (b"=?utf-8?Q?=C3=84?= =?utf-8?Q?pfel?= und Birnen", "[5b] Äpfel und Birnen"),
        ("👩‍👩‍👧‍👦 Fest".as_bytes(), "[5b] 👩‍👩‍👧‍👦 Fest"),
        (b"a  b   c", "[5b] a  b   c"),
        (b"a\tb", "[5b] a b"),
    ];
    assert!(cases.len() >= 60, "{}", cases.len());
    for (raw, expect) in cases {
        let field = field_of(raw, "[5b]");
        let shown = String::from_utf8_lossy(raw);
        assert_eq!(read(&field), *expect, "{shown}");
        sound(&field);
        let value = fields::fields(&field)[0].value(&field).to_vec();
        assert_eq!(tagged("Subject", Some(&value), "[5b]"), None, "twice: {shown}");
    }
}

/// S1, S4: unchanged parts byte for byte; words of ours joined and folded; other tags.
#[test]
fn subjects_byte_for_byte() {
    let long = "Elternabend am Dienstag in der Aula mit Kuchen und allen Lehrern der Klasse";
    let words = "=?iso-8859-1?Q?Stra=DFe?=\r\n\t=?iso-8859-1?Q?_und_Hof?= x";
    let cases: &[(Option<&str>, &str, &str)] = &[
        (None, "[5b]", "Subject: [5b]\r\n"),
        (Some("x"), "[5b]", "Subject: [5b] x\r\n"),
        (Some(words), "[5b]", &format!("Subject: [5b] {words}\r\n")),
        (Some(&format!("AW: {words}")), "[5b]", &format!("Subject: [5b] AW: {words}\r\n")),
        (Some(&format!("Re: AW: {words}")), "[5b]", &format!("Subject: [5b] Re: {words}\r\n")),
        (Some(&format!("Re: [5b] {words}")), "[5b]", &format!("Subject: [5b] Re: {words}\r\n")),
        (Some(long), "[5b]", &format!("Subject: [5b]\r\n {long}\r\n")),
        (Some("WG: [5b] x"), "[5b]", "Subject: [5b] WG: x\r\n"),
        (Some("x"), "[Öko]", "Subject: =?utf-8?B?W8OWa29d?= x\r\n"),
        (
            Some("=?utf-8?Q?=C3=84?="),
            "[Öko]",
            "Subject: =?utf-8?B?W8OWa29dIA==?= =?utf-8?Q?=C3=84?=\r\n",
        ),
        (Some("=?utf-8?B?W8OWa29d?= Re: x"), "[Öko]", "Subject: =?utf-8?B?W8OWa29d?= Re: x\r\n"),
        (Some("Klasse 5b: x"), "Klasse 5b:", "Subject: Klasse 5b: x\r\n"),
        (Some("5bb"), "5b", "Subject: 5b 5bb\r\n"),
        (Some("x"), " [5b]\r\nBcc: a ", "Subject: [5b] Bcc: a x\r\n"),
        (Some("x"), "\u{202e}[5b]", "Subject: [5b] x\r\n"),
        (Some("x"), "", "Subject: x\r\n"),
        (Some("x"), " \u{200b}", "Subject: x\r\n"),
        (Some("foo=?utf-8?Q?=C3=A4?="), "[5b]", "Subject: [5b] =?utf-8?B?Zm9vw6Q=?=\r\n"),
    ];
    for (raw, tag, expect) in cases {
        let field = tagged("Subject", raw.map(str::as_bytes), tag);
        let kept = format!("Subject: {}\r\n", raw.unwrap_or_default()).into_bytes();
        let field = String::from_utf8(field.unwrap_or(kept)).expect("ASCII");
        assert_eq!(field, *expect, "{raw:?} {tag:?}");
    }
    assert_eq!(tagged("SUBJECT", Some(b"x"), "[5b]").as_deref(), Some(&b"SUBJECT: [5b] x\r\n"[..]));
}

/// S1: a word of the author's that is too long to be valid is written anew, and so is a line that is.
#[test]
fn what_is_not_valid_is_written_anew() {
    let word = format!("=?utf-8?B?{}?=", BASE64.encode("Schöne Ferien! ".repeat(20).as_bytes()));
    for raw in [word.clone(), format!("Re: Re: {word}"), "a".repeat(3_000), "ä".repeat(3_000)] {
        let field = field_of(raw.as_bytes(), "[5b]");
        sound(&field);
        let tail = one_line(&text::decode(raw.as_bytes())).replace("Re: Re: ", "Re: ");
        assert_eq!(read(&field), format!("[5b] {tail}"));
    }
}

/// X6: time grows with the length only.
#[test]
fn long_subjects_are_tagged_in_time() {
    for piece in
        ["Re: ", "[5b] ", "[", "a:", "=?", "=?utf-8?Q?=C3=A4?= ", "\u{fc}", "[5b", "Re:[5b]"]
    {
        let raw = piece.repeat(100_000 / piece.len());
        sound(&field_of(raw.as_bytes(), "[5b]"));
    }
}

proptest! {
    /// S1, S2, S5: whatever comes, the field is sound, is read as the tag and what is left of the subject, and a
    /// second tag changes nothing.
    #[test]
    fn any_subject(
        text in "(Re: |AW:|\\[5b\\] ?|WG: |\\[x\\] |رد: |[a-zäß=?_ \\r\\n\\t\\x00-\\x1f\\u{80}-\\u{2029}😀]){0,30}",
        tag in "\\[[a-zÄ 0-9]{1,6}\\]|\\[5b\\]|[a-z]{1,3}:?",
        encoded: bool,
    ) {
        let tag_text = encode::cut(&encode::clean(&tag), MAX_TAG);
        let raw = match encoded {
            true => encode::encoded_words(&text).join("\r\n "),
            false => text.replace(['\r', '\n', '\0'], ""),
        };
        let before = one_line(&text::decode(raw.trim().as_bytes()));
        let field = field_of(raw.trim_matches(|c: char| c.is_ascii_whitespace()).as_bytes(), &tag);
        sound(&field);
        let stripped = markers::strip(&before, &tag_text);
        let expect = format!("{tag_text} {}{}", stripped.reply, stripped.tail);
        prop_assert_eq!(read(&field), expect.trim_end());
        let value = fields::fields(&field)[0].value(&field).to_vec();
        prop_assert_eq!(tagged("Subject", Some(&value), &tag), None);
    }
}
