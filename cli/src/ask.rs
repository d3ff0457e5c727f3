//! One function for each command: ask, print, and say yes or no by the exit code.

use std::io::Write;

use listcore::api::{self, path};
use listcore::hold::Choice;
use serde::Serialize;

use crate::args::{
    Args, BouncesCommand, Command, ConfigCommand, DirectoryCommand, DkimCommand, EmergencyCommand,
    HeldCommand, ListCommand, MemberCommand, QueueCommand,
};
use crate::client::Client;
use crate::fail::{Done, Fail};
use crate::{bounces, check, dkim, exim, manual, show, simulate};

/// Does what was asked for.
pub async fn run(args: Args) -> Done {
    let ask = Ask { client: Client::new(args.socket, args.reason), json: args.json };
    match args.command {
        Command::Status => ask.status().await,
        Command::Lists => ask.lists().await,
        Command::List(ListCommand::Show { list }) => ask.list(&list).await,
        Command::List(ListCommand::Set { list, key, value }) => {
            ask.set(api::Set { list, key, value: Some(value) }).await
        }
        Command::List(ListCommand::Unset { list, key }) => {
            ask.set(api::Set { list, key, value: None }).await
        }
        Command::List(ListCommand::Members { list }) => ask.members(&list).await,
        Command::Emergency { command: None } => ask.stopped().await,
        Command::Emergency { command: Some(EmergencyCommand::On { place }) } => {
            ask.emergency(place, true).await
        }
        Command::Emergency { command: Some(EmergencyCommand::Off { place }) } => {
            ask.emergency(place, false).await
        }
        Command::Directory(DirectoryCommand::Status) => ask.directory().await,
        Command::Directory(DirectoryCommand::Diff { list }) => ask.diff(list).await,
        Command::Directory(DirectoryCommand::Accept { list, .. }) => ask.accept(list).await,
        Command::Directory(DirectoryCommand::Reject) => ask.reject().await,
        Command::Queue { command: None, limit } => ask.queue(limit).await,
        Command::Queue { command: Some(QueueCommand::Show { id }), .. } => ask.post(&id).await,
        Command::Queue { command: Some(QueueCommand::Retry { id, .. }), .. } => ask.retry(id).await,
        Command::Queue { command: Some(QueueCommand::Resume { id }), .. } => ask.release(id).await,
        Command::Queue { command: Some(QueueCommand::Cancel { id }), .. } => ask.cancel(id).await,
        Command::Held { command: None, list, limit } => ask.held(list, limit).await,
        Command::Held { command: Some(command), .. } => ask.about_held(command).await,
        Command::Trace { message_id } => ask.trace(&message_id).await,
        Command::Spam { message_id } => ask.learn(message_id, true).await,
        Command::Ham { message_id } => ask.learn(message_id, false).await,
        Command::Providers { days } => ask.providers(days).await,
        Command::Simulate { list, out, diff, as_verified } => {
            simulate::run(&ask, &list, out.as_deref(), diff, as_verified).await
        }
        Command::Dkim(DkimCommand::Keygen { domain, dir, selector_date }) => {
            dkim::keygen(&ask, &domain, &dir, selector_date)
        }
        Command::Dkim(DkimCommand::Show { domain, config }) => {
            dkim::show(&ask, &domain, config.as_deref()).await
        }
        Command::Member(MemberCommand::Resume { address }) => ask.resume(address).await,
        Command::Member(MemberCommand::Admit { list, address, name, language }) => {
            ask.admit(api::Admit { list, address, name, language }).await
        }
        Command::Member(MemberCommand::Dismiss { list, address }) => {
            ask.dismiss(api::Dismiss { list, address }).await
        }
        Command::Bounces(BouncesCommand::Show { number }) => ask.strange(&number).await,
        Command::Bounces(BouncesCommand::Explain { files }) => bounces::explain(&ask, &files),
        Command::EximConfig { config } => exim::run(&ask, config.as_deref()).await,
        Command::Config(ConfigCommand::Check { file }) => check::run(&ask, &file),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { dir } => manual::pages(dir.as_deref()),
    }
}

/// Whom to ask and how to print.
pub struct Ask {
    pub client: Client,
    pub json: bool,
}

impl Ask {
    /// Prints an answer: as JSON, or as the text that `human` makes of it.
    pub fn print<T: Serialize>(&self, answer: &T, human: impl FnOnce(&T) -> String) -> Done {
        let text = if self.json {
            let json = serde_json::to_string_pretty(answer);
            json.map_err(|e| Fail::cannot("print", &e))? + "\n"
        } else {
            human(answer)
        };
        print(&text)
    }

    async fn status(&self) -> Done {
        let status: api::Status = self.client.get(path::STATUS, &[]).await?;
        self.print(&status, show::status)?;
        let fresh = status.directory.freshness == api::Freshness::Fresh;
        if fresh { Ok(()) } else { Err(Fail::said()) }
    }

    async fn lists(&self) -> Done {
        let lists: Vec<api::ListLine> = self.client.get(path::LISTS, &[]).await?;
        self.print(&lists, |lists| show::lists(lists))
    }

    async fn list(&self, list: &str) -> Done {
        let detail: api::ListDetail = self.client.get(path::LIST, &[("list", list)]).await?;
        self.print(&detail, show::detail)
    }

    async fn set(&self, set: api::Set) -> Done {
        let detail: api::ListDetail = self.client.post(path::SET, &set).await?;
        self.print(&detail, |detail| show::setting(detail, &set.key))
    }

    async fn stopped(&self) -> Done {
        let stopped: api::Stopped = self.client.get(path::EMERGENCY, &[]).await?;
        self.print(&stopped, show::stopped)
    }

    /// No, where something is held on by another setting.
    async fn emergency(&self, place: String, on: bool) -> Done {
        let ask = api::Emergency { place, on };
        let stopped: api::Stopped = self.client.post(path::EMERGENCY, &ask).await?;
        self.print(&stopped, show::stopped)?;
        if on || stopped.lists.is_empty() { Ok(()) } else { Err(Fail::said()) }
    }

    async fn members(&self, list: &str) -> Done {
        let members: api::Members = self.client.get(path::MEMBERS, &[("list", list)]).await?;
        self.print(&members, show::members)
    }

    async fn directory(&self) -> Done {
        let detail: api::DirectoryDetail = self.client.get(path::DIRECTORY, &[]).await?;
        self.print(&detail, show::directory)?;
        let fresh = detail.state.freshness == api::Freshness::Fresh;
        let held = detail.held.iter().any(|held| !held.rejected);
        if fresh && !held { Ok(()) } else { Err(Fail::said()) }
    }

    async fn diff(&self, list: Option<String>) -> Done {
        let list: Vec<(&str, &str)> = list.iter().map(|list| ("list", list.as_str())).collect();
        let all: Vec<api::Difference> = self.client.get(path::DIRECTORY_DIFF, &list).await?;
        self.print(&all, |all| show::differences(all))
    }

    async fn accept(&self, list: Option<String>) -> Done {
        let ask = api::Accept { list };
        let accepted: Vec<api::Held> = self.client.post(path::DIRECTORY_ACCEPT, &ask).await?;
        self.print(&accepted, |all| show::released(all, "accepted"))
    }

    async fn reject(&self) -> Done {
        let nothing = std::collections::BTreeMap::<(), ()>::new();
        let rejected: Vec<api::Held> = self.client.post(path::DIRECTORY_REJECT, &nothing).await?;
        self.print(&rejected, |all| show::released(all, "rejected"))
    }

    async fn queue(&self, limit: u16) -> Done {
        let limit = limit.to_string();
        let queue: api::Queue = self.client.get(path::QUEUE, &[("limit", &limit)]).await?;
        self.print(&queue, show::queue)
    }

    async fn post(&self, id: &str) -> Done {
        let post: api::Post = self.client.get(path::POST, &[("id", id)]).await?;
        self.print(&post, show::post)
    }

    async fn retry(&self, id: Option<String>) -> Done {
        let retried: api::Retried = self.client.post(path::RETRY, &api::Retry { id }).await?;
        self.print(&retried, |r| format!("{} copies are tried again now.\n", r.recipients))
    }

    async fn release(&self, id: String) -> Done {
        let released: api::Released = self.client.post(path::RELEASE, &api::Release { id }).await?;
        self.print(&released, |r| format!("{} copies go on.\n", r.recipients))
    }

    async fn cancel(&self, id: String) -> Done {
        let gone: api::Cancelled = self.client.post(path::CANCEL, &api::Cancel { id }).await?;
        self.print(&gone, |gone| {
            let api::Cancelled { copies, digests } = gone;
            format!("{copies} copies are not sent, and {digests} people read it in no digest.\n")
        })
    }

    async fn strange(&self, number: &str) -> Done {
        let mail: api::StrangeMail = self.client.get(path::STRANGE, &[("id", number)]).await?;
        self.print(&mail, |mail| mail.mail.clone())
    }

    async fn held(&self, list: Option<String>, limit: u16) -> Done {
        let limit = limit.to_string();
        let mut args = vec![("limit", limit.as_str())];
        args.extend(list.as_deref().map(|list| ("list", list)));
        let held: api::HeldMails = self.client.get(path::HELD, &args).await?;
        self.print(&held, show::held)
    }

    async fn about_held(&self, command: HeldCommand) -> Done {
        match command {
            HeldCommand::Show { id } => {
                let detail: api::HeldDetail =
                    self.client.get(path::HELD_MAIL, &[("id", &id)]).await?;
                self.print(&detail, show::held_mail)
            }
            HeldCommand::Accept { ids } => self.decide(ids, &Choice::Accept).await,
            HeldCommand::Always { ids } => self.decide(ids, &Choice::Always).await,
            HeldCommand::Reject { ids, text } => self.decide(ids, &Choice::Reject(text)).await,
            HeldCommand::Discard { ids } => self.decide(ids, &Choice::Discard).await,
            HeldCommand::Spam { ids } => self.decide(ids, &Choice::Spam).await,
        }
    }

    /// One after the other; no, where somebody was first for one of them.
    async fn decide(&self, ids: Vec<String>, choice: &Choice) -> Done {
        let mut all = Vec::with_capacity(ids.len());
        for id in ids {
            let ask = api::Decide { id, choice: choice.clone() };
            let decided: api::Decided = self.client.post(path::HELD_DECIDE, &ask).await?;
            self.print(&decided, show::decided)?;
            all.push(decided.yours);
        }
        if all.into_iter().all(|yours| yours) { Ok(()) } else { Err(Fail::said()) }
    }

    async fn resume(&self, address: String) -> Done {
        let resumed: api::Resumed =
            self.client.post(path::RESUME, &api::Resume { address }).await?;
        self.print(&resumed, |r| {
            format!("{} gets mail again ({}).\n", r.address, r.domains.join(", "))
        })
    }

    async fn admit(&self, ask: api::Admit) -> Done {
        let changed: api::Changed = self.client.post(path::ADMIT, &ask).await?;
        self.print(&changed, |c| {
            format!("{} is on {} now, beside the directory.\n", c.address, c.list)
        })
    }

    async fn dismiss(&self, ask: api::Dismiss) -> Done {
        let changed: api::Changed = self.client.post(path::DISMISS, &ask).await?;
        self.print(&changed, |c| {
            format!("{} is not on {} any more beside the directory.\n", c.address, c.list)
        })
    }

    async fn learn(&self, message_id: String, spam: bool) -> Done {
        let ask = api::Learn { message_id, spam };
        let learned: api::Learned = self.client.post(path::LEARN, &ask).await?;
        self.print(&learned, show::learned)
    }

    async fn providers(&self, days: u16) -> Done {
        let days = days.to_string();
        let answers: api::Providers = self.client.get(path::PROVIDERS, &[("days", &days)]).await?;
        self.print(&answers, show::providers)
    }

    async fn trace(&self, message_id: &str) -> Done {
        let id = message_id.trim();
        let id = id.strip_prefix('<').unwrap_or(id);
        let id = id.strip_suffix('>').unwrap_or(id);
        let trace: api::Trace = self.client.get(path::TRACE, &[("message_id", id)]).await?;
        if trace.posts.is_empty() && trace.held.is_empty() && trace.events.is_empty() {
            return Err(Fail::no(
                format!("nothing is known of <{id}>"),
                "Is it the right Message-ID? What happened over 30 days ago is erased. \
                 If Exim's log has the mail and listd does not, Exim did not hand it over.",
            ));
        }
        self.print(&trace, show::trace)
    }
}

/// Writes to standard output; a reader that has gone (`| head`) is no error.
pub fn print(text: &str) -> Done {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Fail::cannot("write to standard output", &error))
        }
        _ => Ok(()),
    }
}
