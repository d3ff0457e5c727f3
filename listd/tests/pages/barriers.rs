//! That nobody is shut out: axe-core over every page and state, small windows, large spacing, the keyboard alone.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::axe;
use crate::chromium::Chromium;
use crate::states::{LANGUAGES, STATES, Served, state};

/// A phone and a desktop (CSS pixels).
const SIZES: [(u32, u32); 2] = [(390, 844), (1280, 900)];

/// What counts in any light.
const ALL_RULES: &str = "{ type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }";
/// What another colour scheme may change.
const COLOURS: &str = "{ type: 'rule', values: ['color-contrast'] }";

fn run(rules: &str) -> String {
    format!(
        "axe.run(document, {{ runOnly: {rules} }}).then(found => ({{ \
         passed: found.passes.map(rule => rule.id), \
         unsure: found.incomplete.map(rule => rule.id), \
         broken: found.violations.map(rule => rule.id + ': ' + rule.help + ': ' + \
         rule.nodes.map(node => node.html + ' ' + node.failureSummary).join(' | ')) }}))"
    )
}

/// AC1: each page, state and language, on a phone and a desktop, light and dark: zero violations.
#[test]
fn axe_finds_nothing() {
    let Some(script) = axe::source() else { return };
    let Some(mut browser) = Chromium::start() else { return };
    browser.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script }));
    let served = Served::start();
    let (mut looks, mut broken) = (0, Vec::new());
    let (mut passed, mut unsure) = (BTreeMap::new(), BTreeMap::new());
    for state in STATES {
        for language in LANGUAGES {
            served.show(&mut browser, state, language);
            for (width, height) in SIZES {
                browser.size(width, height);
                for (scheme, rules) in [("light", ALL_RULES), ("dark", COLOURS)] {
                    browser.scheme(scheme);
                    let found = browser.eval(&run(rules));
                    let at = format!("{} {language} {width} {scheme}", state.name);
                    count(&mut passed, &found["passed"]);
                    count(&mut unsure, &found["unsure"]);
                    broken.extend(texts(&found["broken"]).map(|what| format!("{at}: {what}")));
                    looks += 1;
                }
            }
        }
    }
    println!("axe-core: {looks} looks at {} states, {} violations", STATES.len(), broken.len());
    println!("rules that passed: {passed:?}\nrules to look at by eye: {unsure:?}");
    assert!(passed.len() > 20, "axe ran: {passed:?}");
    assert!(broken.is_empty(), "{broken:#?}");
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn count(counts: &mut BTreeMap<String, usize>, list: &Value) {
    for rule in texts(list) {
        *counts.entry(rule.to_owned()).or_default() += 1;
    }
}

/// What WCAG 1.4.12 lets a reader set; a constructed sheet, since the page's policy lets no other in.
const SPACED: &str = "(() => { const sheet = new CSSStyleSheet(); sheet.replaceSync('* { line-height: 1.5 !important; \
    letter-spacing: 0.12em !important; word-spacing: 0.16em !important } p { margin-bottom: 2em !important }'); \
    document.adoptedStyleSheets = [sheet] })()";

/// The elements that stick out of the window.
const WIDE: &str = "document.documentElement.scrollWidth > innerWidth ? [...document.querySelectorAll('*')] \
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80)) : []";

/// AC4: nothing scrolls two ways in 320 CSS pixels, with a reader's own spacing as well. GD5: nothing is
/// fetched but our own pages and style sheet.
#[test]
fn small_windows_and_nothing_foreign() {
    let Some(mut browser) = Chromium::start() else { return };
    let served = Served::start();
    browser.size(320, 640);
    let mut titles = BTreeMap::new();
    for state in STATES {
        for language in LANGUAGES {
            served.show(&mut browser, state, language);
            assert_eq!(browser.eval(WIDE), json!([]), "{} {language}", state.name);
            browser.eval(SPACED);
            assert_eq!(browser.eval(WIDE), json!([]), "{} {language}, spaced", state.name);
            let title = browser.eval("document.title").as_str().expect("a title").to_owned();
            let lang = browser.eval("document.documentElement.lang");
            assert_eq!(lang, *language, "{}", state.name);
            titles.insert((language, title), state.name);
        }
    }
    assert!(titles.len() > STATES.len() / 2, "AC6: titles say which page it is: {titles:?}");
    let ours = format!("http://{}/", served.address);
    let foreign: Vec<&String> = browser
        .asked
        .iter()
        .filter(|url| {
            !url.starts_with(&ours) && !["about:", "data:"].iter().any(|own| url.starts_with(own))
        })
        .collect();
    assert!(foreign.is_empty() && browser.asked.len() > STATES.len(), "{foreign:?}");
    let cookies = browser.call("Network.getAllCookies", json!({}));
    assert_eq!(cookies["cookies"], json!([]));
}

/// Who has the focus, as a word; empty for the page itself.
const FOCUSED: &str = "(() => { const e = document.activeElement; return e === document.body ? '' : \
    (e.id || e.value || e.getAttribute('href') || e.tagName) })()";

/// `autofocus` counts when the page is first drawn, which may be after it was loaded.
const DRAWN: &str =
    "new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(() => drawn(true))))";

/// Whoever can have it, in the order of the page.
const ALL: &str = "[...document.querySelectorAll('a[href], button, textarea, input, select')] \
    .filter(e => e.type !== 'hidden' && (e.type !== 'radio' || e.checked)) \
    .map(e => e.id || e.value || e.getAttribute('href') || e.tagName)";

/// Whether the focus is seen: drawn, inside the window at least by a part (2.4.11), and nothing lies over it.
const SEEN: &str = "(() => { const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect(); \
    const from = Math.max(r.top, 0), to = Math.min(r.bottom, innerHeight); \
    const top = document.elementFromPoint(r.left + r.width / 2, (from + to) / 2); \
    return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 && r.width >= 24 && to - from >= 24 \
        && (e === top || e.contains(top)) })()";

/// AC2: with Tab and Enter alone every control is reached in the page's order, seen, and works; no trap.
#[test]
fn the_keyboard_alone() {
    let Some(mut browser) = Chromium::start() else { return };
    let served = Served::start();
    for (width, height) in SIZES {
        browser.size(width, height);
        for state in STATES {
            served.show(&mut browser, state, "de");
            let all = browser.eval(ALL);
            walk(&mut browser, state.name, &texts(&all).collect::<Vec<_>>());
        }
    }
    served.show(&mut browser, state("moderate"), "de");
    browser.key("Tab");
    assert_eq!(browser.eval(FOCUSED), "#main", "the skip link is first");
    browser.key("Enter");
    browser.key("Tab");
    assert_eq!(browser.eval(FOCUSED), "accept", "and skips to the controls");
    browser.key_loads("Enter");
    assert_eq!(browser.eval("document.querySelector('h1').textContent"), "Erledigt");
    served.show(&mut browser, state("moderate-wrong"), "de");
    browser.eval(DRAWN);
    assert_eq!(browser.eval(FOCUSED), "errors", "AC5: the summary has the focus");
    browser.key("Tab");
    browser.key("Enter");
    assert_eq!(browser.eval(FOCUSED), "sentence", "and leads to the field");
}

/// Tab by Tab to the end of the page.
fn walk(browser: &mut Chromium, name: &str, all: &[&str]) {
    let mut walked: Vec<String> = Vec::new();
    loop {
        browser.key("Tab");
        let at = browser.eval(FOCUSED).as_str().unwrap_or_default().to_owned();
        // A date has a stop for day, month and year.
        if walked.last() == Some(&at) {
            continue;
        }
        // After the last control come the browser's own, or the first again.
        if at.is_empty()
            || walked.contains(&at)
            || (!walked.is_empty() && all.first().is_some_and(|first| *first == at))
        {
            break;
        }
        assert_eq!(browser.eval(SEEN), true, "{name}: the focus on {at} is seen");
        walked.push(at);
    }
    let walked: Vec<&str> = walked.iter().map(String::as_str).collect();
    // Where something is wrong the focus is at the summary, and the walk begins there.
    let rest = name.ends_with("-wrong") || name.ends_with("-saved");
    assert!(walked == all || rest && all.ends_with(&walked), "{name}: {walked:?} of {all:?}");
}
