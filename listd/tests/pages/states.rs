//! Every page in every state, and the server that shows them.

use std::net::SocketAddr;
use std::sync::Arc;

use listd::clock::Zone;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::chromium::Chromium;
use crate::fake::{ARRIVED, Fake, links};
use crate::web::{self, Domain, Site};

/// A page, and the button that leads to the state.
pub struct State {
    pub name: &'static str,
    path: &'static str,
    /// What is done on the page: a script, and the button to press.
    then: Option<(&'static str, &'static str)>,
}

const fn page(name: &'static str, path: &'static str) -> State {
    State { name, path, then: None }
}

const fn after(name: &'static str, path: &'static str, button: &'static str) -> State {
    State { name, path, then: Some(("", button)) }
}

pub const STATES: &[State] = &[
    page("home", "/"),
    page("a11y", "/a11y"),
    page("unknown", "/q/none"),
    page("trouble", "/q/trouble"),
    page("confirm", "/q/confirm"),
    page("moderate", "/q/moderate"),
    page("moderate-bare", "/q/bare"),
    page("moderate-hostile", "/q/hostile"),
    page("withdraw", "/q/withdraw"),
    page("admit", "/q/admit"),
    page("unwish", "/q/unwish"),
    page("own", "/q/own"),
    after("admitted", "/q/admit", "accept"),
    after("own-done", "/q/own", "yes"),
    page("decided", "/q/decided"),
    page("rejected", "/q/rejected"),
    page("expired", "/q/expired"),
    after("confirmed", "/q/confirm", "yes"),
    after("passed", "/q/passed", "yes"),
    after("moderated", "/q/moderate", "accept"),
    after("moderate-wrong", "/q/moderate", "reject"),
    after("moderate-second", "/q/raced", "spam"),
    after("withdrawn", "/q/withdraw", "withdraw"),
    page("options", "/o/member"),
    page("options-few", "/o/few"),
    page("options-paused", "/o/paused"),
    after("options-saved", "/o/paused", "save"),
    State {
        name: "options-wrong",
        path: "/o/member",
        then: Some(("document.getElementById('pause').checked = true", "save")),
    },
    page("leave", "/u/member"),
    page("left", "/u/left"),
    page("list", "/list/klasse-5b@schule.example"),
    State {
        name: "list-wrong",
        path: "/list/klasse-5b@schule.example",
        // A browser without its own check, as old ones are.
        then: Some(("document.forms[0].noValidate = true", "send")),
    },
    State {
        name: "list-sent",
        path: "/list/klasse-5b@schule.example",
        then: Some(("document.getElementById('address').value = 'a@b.example'", "send")),
    },
];

pub fn state(name: &str) -> &'static State {
    STATES.iter().find(|state| state.name == name).expect("a state of this name")
}

pub const LANGUAGES: [&str; 2] = ["de", "en"];

/// The pages at work; they end with this value.
pub struct Served {
    pub address: SocketAddr,
    _runtime: Runtime,
}

impl Served {
    pub fn start() -> Served {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(web::bind(([127, 0, 0, 1], 0).into())).expect("a port");
        let address = listener.local_addr().expect("an address");
        let domain = Domain {
            name: "schule.example".into(),
            language: "de".into(),
            links: links(),
            zone: Zone::default(),
        };
        let clock = Arc::new(|| ARRIVED);
        let fake = Arc::new(Fake::default());
        let site = Site::new(&format!("http://{address}"), vec![domain], fake.clone(), clock);
        let site = site.with_options(fake);
        runtime.spawn(web::serve(listener, Arc::new(site), CancellationToken::new()));
        Served { address, _runtime: runtime }
    }

    /// Shows a state in a language.
    pub fn show(&self, browser: &mut Chromium, state: &State, language: &str) {
        browser.open(&format!("http://{}{}?lang={language}", self.address, state.path));
        if let Some((script, button)) = state.then {
            browser.eval(script);
            browser.press(button);
        }
    }
}
