//! `listctl exim-config`: the tested template for Exim, filled in with the ports and names of this place.

use std::path::Path;

use listcore::api::{Facts, path};
use listcore::config::Endpoint;

use crate::ask::{self, Ask};
use crate::check;
use crate::fail::{Done, Fail};

const TEMPLATE: &str = include_str!("exim.conf.tmpl");

pub async fn run(ask: &Ask, config: Option<&Path>) -> Done {
    let facts = match config {
        Some(file) => Facts::from(&check::load(file)?),
        None => ask.client.get(path::FACTS, &[]).await?,
    };
    let text = fill(TEMPLATE, &facts)?;
    if ask.json {
        return ask.print(&facts, |_| text);
    }
    ask::print(&text)
}

/// The template with every `@@NAME@@` replaced; one without a value is an error.
fn fill(template: &str, facts: &Facts) -> Done<String> {
    // What Exim writes into Authentication-Results: a name that listd trusts, else Exim's own.
    let own = || "$primary_hostname".to_owned();
    let hostname = facts.trusted_authserv_id.first().cloned().unwrap_or_else(own);
    let relay_port = facts.relay.rsplit_once(':').map_or("", |(_, port)| port);
    let values = [
        ("LMTP_PORT", port(&facts.lmtp_listen, "lmtp.listen", "127.0.0.1:2424")?),
        ("SMTP_PORT", port(&facts.smtp_listen, "lmtp.smtp_listen", "127.0.0.1:2525")?),
        ("RELAY_PORT", relay_port.to_owned()),
        ("DOMAINS", facts.domains.join(" : ")),
        ("HOSTNAME", hostname),
    ];
    let mut text = template.to_owned();
    for (name, value) in values {
        text = text.replace(&format!("@@{name}@@"), &value);
    }
    match text.split_once("@@") {
        None => Ok(text),
        Some((_, rest)) => {
            let name: String = rest.chars().take_while(|c| *c != '@').take(40).collect();
            Err(Fail::broken(format!("the template has a place {name} that nothing fills"), ""))
        }
    }
}

/// The first TCP port among `endpoints`: Exim's callouts need TCP.
fn port(endpoints: &[String], key: &str, example: &str) -> Done<String> {
    let tcp = endpoints.iter().find_map(|text| match text.parse() {
        Ok(Endpoint::Tcp(address)) => Some(address.port().to_string()),
        _ => None,
    });
    tcp.ok_or_else(|| {
        Fail::no(
            format!("{key} has no address:port, which Exim needs"),
            format!("Add \"{example}\" to {key} in listd.toml, restart listd, and ask again."),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(smtp: &[&str]) -> Facts {
        Facts {
            hostname: "lists.schule.example".to_owned(),
            domains: vec!["schule.example".to_owned(), "kita.example".to_owned()],
            lmtp_listen: vec!["unix:/run/l.sock".to_owned(), "127.0.0.1:2424".to_owned()],
            smtp_listen: smtp.iter().map(|text| (*text).to_owned()).collect(),
            trusted_authserv_id: vec!["mx.schule.example".to_owned()],
            relay: "[::1]:10025".to_owned(),
            max_message_size: 1,
        }
    }

    #[test]
    fn the_template_is_filled_whole() {
        let text = fill(TEMPLATE, &facts(&["127.0.0.1:2525"])).expect("filled");
        for part in [
            "port = 2424",
            "port = 2525",
            "{10025}",
            "= schule.example : kita.example",
            "{mx.schule.example}",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("@@"));
    }

    #[test]
    fn what_is_missing_is_told() {
        let fail = fill(TEMPLATE, &facts(&["unix:/run/s.sock"])).expect_err("no TCP port");
        assert_eq!(fail.code, 1);
        assert!(fail.what.contains("lmtp.smtp_listen") && fail.what_to_do.contains("listd.toml"));
        assert!(
            fill("@@OTHER@@", &facts(&["127.0.0.1:1"])).expect_err("left").what.contains("OTHER")
        );
    }
}
