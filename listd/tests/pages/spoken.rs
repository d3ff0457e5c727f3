//! What a screen reader is told: the browser's own accessibility tree of every page and state, held to rules.
//!
//! Not how it sounds: that takes a person and a screen reader (`docs/pages.md`).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::chromium::Chromium;
use crate::states::{LANGUAGES, STATES, Served};

/// What one can act on; it must say what it is.
const CONTROLS: [&str; 8] =
    ["link", "button", "textbox", "radio", "checkbox", "combobox", "Date", "listbox"];

struct Tree(Value);

impl Tree {
    fn of(browser: &mut Chromium) -> Tree {
        Tree(browser.call("Accessibility.getFullAXTree", json!({})))
    }

    /// In the order of reading, without what is hidden from readers.
    fn nodes(&self) -> impl Iterator<Item = &Value> {
        let all = self.0["nodes"].as_array().into_iter().flatten();
        all.filter(|node| node["ignored"] != true)
    }

    /// Names of all that have this role.
    fn names(&self, role: &str) -> Vec<&str> {
        self.nodes().filter(|node| is(node, role)).map(name).collect()
    }

    fn parent(&self, node: &Value) -> Option<&Value> {
        let all = self.0["nodes"].as_array().into_iter().flatten();
        all.into_iter().find(|other| other["nodeId"] == node["parentId"])
    }

    /// The nearest group around it, by name.
    fn group(&self, node: &Value) -> Option<&str> {
        let around = std::iter::successors(self.parent(node), |node| self.parent(node));
        around.into_iter().find(|n| is(n, "group") || is(n, "radiogroup")).map(name)
    }
}

fn is(node: &Value, role: &str) -> bool {
    node["role"]["value"] == role
}

fn name(node: &Value) -> &str {
    node["name"]["value"].as_str().unwrap_or_default().trim()
}

fn property<'a>(node: &'a Value, name: &str) -> &'a Value {
    let all = node["properties"].as_array().into_iter().flatten();
    all.into_iter().find(|p| p["name"] == name).map_or(&Value::Null, |p| &p["value"]["value"])
}

/// AC2, AC5, AC6, AC9: one main heading that says which page it is, headings without gaps, landmarks that can be told
/// apart, a name for everything one can act on, groups around what belongs together, and errors that are announced.
#[test]
fn a_screen_reader_finds_its_way() {
    let Some(mut browser) = Chromium::start() else { return };
    browser.call("Accessibility.enable", json!({}));
    browser.size(1280, 900);
    let served = Served::start();
    let mut wrong = Vec::new();
    let mut heard = 0;
    for state in STATES {
        for language in LANGUAGES {
            served.show(&mut browser, state, language);
            let tree = Tree::of(&mut browser);
            heard += tree.nodes().count();
            let faults = structure(&tree).into_iter().chain(controls(&tree, state.name));
            wrong.extend(faults.map(|fault| format!("{} {language}: {fault}", state.name)));
        }
    }
    assert!(heard > 20 * STATES.len(), "the tree was there: {heard} nodes");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn structure(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for landmark in ["banner", "main", "contentinfo"] {
        let found = tree.names(landmark).len();
        if found != 1 {
            faults.push(format!("{found} of {landmark}"));
        }
    }
    let navigations = tree.names("navigation");
    let different: BTreeSet<&&str> = navigations.iter().filter(|name| !name.is_empty()).collect();
    if different.len() != navigations.len() {
        faults.push(format!("navigations that can't be told apart: {navigations:?}"));
    }
    let headings: Vec<(u64, &str)> = tree
        .nodes()
        .filter(|node| is(node, "heading"))
        .map(|node| (property(node, "level").as_u64().unwrap_or(0), name(node)))
        .collect();
    let first = headings.iter().position(|(level, _)| *level == 1);
    let title = tree.names("RootWebArea").first().copied().unwrap_or_default().to_owned();
    match first.and_then(|at| headings.get(at)) {
        Some((_, heading)) if title.contains(heading) && !heading.is_empty() => {}
        _ => faults.push(format!("the title {title:?} does not say the main heading {headings:?}")),
    }
    let ones = headings.iter().filter(|(level, _)| *level == 1).count();
    let after = headings.get(first.unwrap_or(0)..).unwrap_or_default();
    let gap = after.windows(2).any(|pair| matches!(pair, [a, b] if b.0 > a.0 + 1));
    if ones != 1 || gap || headings.iter().any(|(_, name)| name.is_empty()) {
        faults.push(format!("headings {headings:?}"));
    }
    faults
}

fn controls(tree: &Tree, state: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for node in tree.nodes() {
        let role = node["role"]["value"].as_str().unwrap_or_default();
        if CONTROLS.contains(&role) && name(node).is_empty() {
            faults.push(format!("a {role} without a name"));
        }
        if role == "radio" && tree.group(node).is_none_or(str::is_empty) {
            faults.push(format!("{:?} stands in no named group", name(node)));
        }
        let told = node["description"]["value"].as_str().unwrap_or_default();
        if property(node, "invalid") == "true" && told.is_empty() {
            faults.push(format!("{:?} is wrong, and it is not said why", name(node)));
        }
    }
    let buttons = tree.names("button");
    if buttons.iter().collect::<BTreeSet<_>>().len() != buttons.len() {
        faults.push(format!("buttons of one name: {buttons:?}"));
    }
    if state.ends_with("-wrong") && tree.nodes().all(|node| !is(node, "alert")) {
        faults.push("an error that is not announced".to_owned());
    }
    faults
}
