//! The domains of the configuration, in the words of the rooms that ask about them.

use std::collections::HashMap;

use listcore::config::{self, Config};
use listcore::digest::Times;
use listcore::dn;
use listcore::list::settings::Base;
use listcore::rewrite::Links;
use listd::clock::Zone;
use listd::members;
use listd::pipeline::Tenant;

/// As `members` sees them.
pub fn domains(config: &Config) -> Vec<members::Domain> {
    let domain = |domain: &config::Domain| members::Domain {
        name: domain.name.clone(),
        admins: domain.admins.clone(),
        settings: Base {
            list: config.list.clone(),
            domain: domain.list.clone(),
            own: domain.own.clone(),
            shrink_guard_of: domain
                .shrink_guard_of
                .iter()
                .map(|(list, percent)| (list.key(), *percent))
                .collect(),
        },
        base: domain.base.as_deref().and_then(dn::normal),
    };
    config.domains.iter().map(domain).collect()
}

/// As the pipeline and who writes letters see them.
pub fn tenants(config: &Config) -> HashMap<String, Tenant> {
    let tenant = |domain: &config::Domain| {
        let (language, help_url) = (domain.language.clone(), domain.help_url.clone());
        let links = Links {
            imprint: domain.imprint_url.clone(),
            privacy: domain.privacy_url.clone(),
            pages: config.web.as_ref().map(|web| web.public_url.clone()),
            ..Links::default()
        };
        let (zone, once) = (zone(domain), domain.once);
        let digests = Times { at: domain.digest_at, day: domain.digest_day };
        (domain.name.clone(), Tenant { language, help_url, links, zone, once, digests })
    };
    config.domains.iter().map(tenant).collect()
}

/// Where the domain's clock hangs; the configuration takes only names that are known everywhere.
pub fn zone(domain: &config::Domain) -> Zone {
    domain.timezone.as_deref().and_then(Zone::named).unwrap_or_default()
}
