//! The spam and virus filter: who asks it, and who teaches it.

use std::sync::Arc;
use std::time::Duration;

use listcore::config::{self, Config};
use listd::learning::{self, Teacher};
use listd::verdicts::{self, Verdicts};

use super::StartError;
use super::files::readable;

/// Whoever teaches the spam filter, if it is to learn.
pub(super) fn teacher(
    config: &Config,
    tally: &learning::Tally,
) -> Result<Option<Arc<Teacher>>, StartError> {
    let Some(learning) = learns(config) else { return Ok(None) };
    readable("verdict.rspamd_password_file", learning.password_file.as_deref())?;
    let (controller, password) = (learning.controller.clone(), learning.password_file.clone());
    Ok(Some(Arc::new(Teacher::new(controller, password, tally.clone()))))
}

fn learns(config: &Config) -> Option<&config::Learning> {
    config.verdict.as_ref()?.learning.as_ref()
}

/// How long originals are kept for it.
pub(super) fn keep_originals(config: &Config) -> Duration {
    learns(config).map_or(Duration::ZERO, |learning| learning.keep)
}

/// The spam and virus filter, if one is to be asked.
pub(super) fn verdicts(config: &Config, tally: &verdicts::Tally) -> Option<Arc<Verdicts>> {
    let verdict = config.verdict.as_ref()?;
    let settings = verdicts::Settings {
        milter: verdict.milter.clone(),
        on_failure: verdict.on_failure,
        timeout: verdict.timeout,
        hostname: config.hostname.clone(),
        trusted: config.trusted_authserv_id.clone(),
    };
    Some(Arc::new(Verdicts::new(settings, tally.clone())))
}
