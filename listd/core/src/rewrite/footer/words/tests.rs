//! What stands in a footer, in which language, and that nothing in it can break out.

use proptest::prelude::*;

use super::*;
use crate::list::FooterTexts;
use crate::message::lines;
use crate::rewrite::tests::frozen;

fn set(texts: &[&str], change: impl FnOnce(&mut Frozen)) -> Frozen {
    frozen(|f| {
        f.settings.footer = FooterTexts::read(texts).expect("texts");
        change(f);
    })
}

fn linked(f: &mut Frozen) {
    f.links.imprint = Some("https://schule.example/impressum".to_owned());
    f.links.privacy = Some("https://schule.example/datenschutz?a=1&b=2".to_owned());
}

/// B12, GD26, AC8, LA3: at most five lines, and none for a link that is not configured.
#[test]
fn our_own_text() {
    let german = footer(&set(&["standard"], linked), "de-AT").expect("a footer");
    assert_eq!(
        german.plain,
        format!(
            "{SEPARATOR}\nSie bekommen diese Mail, weil Sie in der Liste „Klasse 5b“\n\
             (klasse-5b@schule.example) stehen.\nFragen oder Abmelden: klasse-5b-owner@schule.example\n\
             Impressum: https://schule.example/impressum\n\
             Datenschutz: https://schule.example/datenschutz?a=1&b=2\n"
        )
    );
    assert_eq!(
        german.html,
        "<div lang=\"de\" dir=\"ltr\">\r\n<hr/>\r\n<p>\r\n\
         Sie bekommen diese Mail, weil Sie in der Liste &#8222;<bdi>Klasse 5b</bdi>&#8220; (<a dir=\"ltr\"\r\n \
         href=\"mailto:klasse-5b@schule.example\">klasse-5b@schule.example</a>) stehen.<br/>\r\n\
         Fragen oder Abmelden: <a dir=\"ltr\"\r\n \
         href=\"mailto:klasse-5b-owner@schule.example\">klasse-5b-owner@schule.example</a><br/>\r\n\
         <a\r\n href=\"https://schule.example/impressum\">Impressum</a><br/>\r\n\
         <a\r\n href=\"https://schule.example/datenschutz?a=1&amp;b=2\">Datenschutz</a>\r\n</p>\r\n</div>\r\n"
    );
    let english = footer(&set(&["standard"], |_| {}), "tr").expect("a footer");
    assert_eq!((english.language.as_str(), english.plain.lines().count()), ("en", 4));
    assert!(english.plain.contains("Questions or unsubscribing: klasse-5b-owner@"));
}

/// B12: the admin's texts, and who reads which.
#[test]
fn an_admins_text() {
    let texts = [
        "de:\n  Liste {list}: {description} <{address}>\t{imprint}\n{help}\n\n",
        "ar:مرحبا {list}",
    ];
    let frozen = set(&texts, |_| {});
    let german = footer(&frozen, "fr").expect("a footer");
    assert_eq!(
        german.plain,
        format!("{SEPARATOR}\nhttps://schule.example/mail\n"),
        "no imprint, no line"
    );
    let arabic = footer(&frozen, "ar").expect("a footer");
    assert_eq!((arabic.dir, arabic.plain.contains("مرحبا klasse-5b")), (Dir::Rtl, true));
    assert!(arabic.html.starts_with("<div lang=\"ar\" dir=\"rtl\">") && arabic.html.is_ascii());
    assert!(arabic.html.contains("<bdi>klasse-5b</bdi>"));
    assert_eq!(footer(&set(&["de:", "en:x"], |_| {}), "de"), None);
    assert_eq!(footer(&set(&["{imprint}\n \n"], |_| {}), "de"), None, "nothing to say");
    let role = set(&["x"], |f| f.kind = PostKind::Role(Role::Owner));
    assert_eq!(footer(&role, "de"), None);
}

/// X4: links of the admin's work, and a directory's values stay text.
#[test]
fn hostile_values_stay_text() {
    let frozen = set(
        &["See https://x.example/a?b=<c>, and (http://y.example/ü). {list}{description}"],
        |f| {
            f.name =
                "</p><script>alert(1)</script> https://evil.example \u{202e}\r\n-- ".to_owned();
            f.description = "&amp;\"'".to_owned();
        },
    );
    let made = footer(&frozen, "de").expect("a footer");
    assert_eq!(made.html.matches("href=").count(), 2, "{}", made.html);
    assert!(
        made.html.contains("href=\"https://x.example/a?b=\">https://x.example/a?b=</a>&lt;c&gt;,")
    );
    assert!(made.html.contains("href=\"http://y.example/%C3%BC\">"));
    assert!(made.html.contains("&amp;amp;&quot;'") && !made.html.contains("<script"));
    assert!(!made.plain.contains('\u{202e}') && !made.plain.contains('\r'), "{}", made.plain);
    let text = set(&["{description}"], |f| f.description = "a\n-- \nb".to_owned());
    assert_eq!(footer(&text, "de").expect("a footer").plain, format!("{SEPARATOR}\na -- b\n"));
}

#[test]
fn scripts_have_directions() {
    for (tag, expect) in [
        ("de", "ltr"),
        ("AR-eg", "rtl"),
        ("az-Arab", "rtl"),
        ("ur-Latn", "ltr"),
        ("he", "rtl"),
        ("", "ltr"),
    ] {
        assert_eq!(Dir::of(tag).as_str(), expect, "{tag}");
    }
}

proptest! {
    /// Promise 10, X3, X4: whatever is set, lines are short, the HTML is ASCII and its tags are ours.
    #[test]
    fn any_text_makes_a_safe_footer(
        text in "([\\PC\n]|https?://[^ ]{0,60}|\\{(list|imprint|owner)\\}|[<>&\"'A-Z]){0,300}",
        name in "\\PC{0,300}",
        long in 0usize..3_000,
    ) {
        let text = format!("{text}{}", "ü".repeat(long));
        let Ok(texts) = FooterTexts::read(&[&text]) else { return Ok(()) };
        let frozen = frozen(|f| {
            f.settings.footer = texts;
            f.name = name;
            linked(f);
        });
        let Some(made) = footer(&frozen, "de") else { return Ok(()) };
        prop_assert!(made.plain.lines().all(|line| line.chars().count() <= LONGEST));
        prop_assert!(made.plain.ends_with('\n') && !made.plain.contains('\r'));
        let html = lines(made.html.as_bytes());
        prop_assert!(!html.eight_bit && !html.bare && html.longest <= 998, "{html:?}");
        for tag in made.html.split('<').skip(1) {
            let ours = ["div", "hr/", "p>", "/p>", "/div>", "br/>", "bdi>", "/bdi>", "a", "/a>", "wbr/"];
            prop_assert!(ours.iter().any(|start| tag.starts_with(start)), "{tag}");
        }
    }
}
