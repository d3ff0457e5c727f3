//! The words of the command line and their help. Not what they do (`ask`).

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Where the daemon's socket is unless told otherwise; the default of `control.socket`.
pub const SOCKET: &str = "/run/listd/control.sock";

/// Ask and steer the mailing list daemon listd
#[derive(Debug, Parser)]
#[command(
    name = "listctl",
    version,
    after_help = "Examples:
  listctl status                          is all well?
  listctl list members klasse-5b          who gets the class mail, and who does not and why
  listctl trace '<abc@mail.example>'      what became of this mail, recipient by recipient
  listctl queue                           what still waits, and for what

Exit codes: 0 done, 1 no or not found, 2 wrong usage or listd does not answer."
)]
pub struct Args {
    /// The daemon's control socket
    #[arg(long, global = true, value_name = "PATH", env = "LISTCTL_SOCKET", default_value = SOCKET)]
    pub socket: PathBuf,

    /// Print JSON instead of tables (times in milliseconds since 1970, UTC)
    #[arg(long, global = true)]
    pub json: bool,

    /// Show protected people (listProtected) too, and say why: listd logs who asked and the reason
    #[arg(long, global = true, value_name = "TEXT")]
    pub reason: Option<String>,

    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// How the daemon, the directory, the queue and the relay are
    Status,

    /// All lists, with how many people get their mail
    Lists,

    /// One list: what is set for it, or who is on it
    #[command(subcommand)]
    List(ListCommand),

    /// Hold all mail to a list or to a whole domain until somebody has looked at it
    #[command(
        args_conflicts_with_subcommands = true,
        after_help = "Examples:
  listctl emergency                       where all mail waits now
  listctl emergency on klasse-5b          everything to this list waits for a moderator
  listctl emergency on schule.example     everything to all lists of the domain
  listctl emergency off schule.example    new mail goes out again; what waits goes on waiting (listctl held)

It counts at once and over a restart, also over what a list's LDAP entry says.
Needs root or the user that listd runs as. Exit code 1: after `off` something is still held, by another setting."
    )]
    Emergency {
        #[command(subcommand)]
        command: Option<EmergencyCommand>,
    },

    /// The directory: how old what we know is, and what is held because too many members are gone
    #[command(subcommand)]
    Directory(DirectoryCommand),

    /// Mail that still waits for some of its recipients
    #[command(args_conflicts_with_subcommands = true)]
    Queue {
        #[command(subcommand)]
        command: Option<QueueCommand>,

        /// Show at most so many mails, oldest first
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },

    /// Mail that waits for its author's or a moderator's word
    #[command(
        args_conflicts_with_subcommands = true,
        after_help = "Examples:
  listctl held                             all that waits
  listctl held klasse-5b                   what waits on this list
  listctl held show 42                     one mail, and the beginning of its text
  listctl held accept 42                   it goes out to those who are on the list now
  listctl held reject 42 --text 'Bitte an die Schulleitung'"
    )]
    Held {
        #[command(subcommand)]
        command: Option<HeldCommand>,

        /// The list: address or short name; all where none is named
        list: Option<String>,

        /// Show at most so many mails, oldest first
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },

    /// What became of a mail: every recipient, when, and which reply; refusals too
    #[command(after_help = "Example:
  listctl trace '<4711.abc@mail.example>'    the Message-ID, with or without <>

Exit code 1: nothing is known of this Message-ID (outcomes are kept for 30 days).")]
    Trace {
        /// The mail's Message-ID, with or without < and >
        #[arg(value_name = "MESSAGE-ID")]
        message_id: String,
    },

    /// Teach rspamd that a mail was spam
    #[command(after_help = "Example:
  listctl spam '<4711.abc@mail.example>'    the Message-ID, with or without <>

Needs verdict.rspamd_controller, and the mail must still be kept (verdict.keep_for_learning, 3 days).
Exit code 1: the mail is not known, or not kept any more.")]
    Spam {
        /// The mail's Message-ID, with or without < and >
        #[arg(value_name = "MESSAGE-ID")]
        message_id: String,
    },

    /// Teach rspamd that a mail was no spam
    #[command(after_help = "Example:
  listctl ham '<4711.abc@mail.example>'    the Message-ID, with or without <>

Needs verdict.rspamd_controller, and the mail must still be kept (verdict.keep_for_learning, 3 days).
Exit code 1: the mail is not known, or not kept any more.")]
    Ham {
        /// The mail's Message-ID, with or without < and >
        #[arg(value_name = "MESSAGE-ID")]
        message_id: String,
    },

    /// What the recipients' own servers answered, by provider: who blocks us, and with which words
    #[command(after_help = "Needs relay.log in listd.toml (docs/operation.md).")]
    Providers {
        /// So many days back
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=30))]
        days: u16,
    },

    /// What would happen to a mail; nothing is sent
    #[command(after_help = "Example:
  listctl simulate klasse-5b --out /tmp/copies < mail.eml
  listctl simulate klasse-5b --as-verified < draft.eml
  listctl simulate klasse-5b --as-verified --diff < draft.eml

Exit code 1: the mail would not go out; the answer says why.")]
    Simulate {
        /// The list: address or short name
        list: String,

        /// Write one .eml for each different copy into this folder
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,

        /// Show what would be changed in each different copy; with --json, a record that undoes it
        #[arg(long)]
        diff: bool,

        /// Suppose that the author is verified: a mail written by hand has no signature to prove it
        #[arg(long)]
        as_verified: bool,
    },

    /// DKIM keys and their DNS records
    #[command(subcommand)]
    Dkim(DkimCommand),

    /// People on lists
    #[command(subcommand)]
    Member(MemberCommand),

    /// Bounces: mails that came back
    #[command(subcommand)]
    Bounces(BouncesCommand),

    /// Print routers, transports and ACLs for Exim, filled in
    #[command(after_help = "Examples:
  listctl exim-config                                       from the running listd
  listctl exim-config --config /etc/verteiler/listd.toml    from a file

docs/exim.md says where each part goes.")]
    EximConfig {
        /// Take ports and domains from this configuration instead of the running daemon
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },

    /// The configuration file
    #[command(subcommand)]
    Config(ConfigCommand),

    /// Print a completion script for a shell
    #[command(after_help = "Example:
  listctl completions bash > /usr/share/bash-completion/completions/listctl")]
    Completions { shell: clap_complete::Shell },

    /// Print the manual page, or write one for each command into a folder
    Man {
        /// Write listctl.1 and its like into this folder
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub enum ListCommand {
    /// Address, aliases, owners and settings of a list, and where each setting comes from
    Show {
        /// The list: address or short name
        list: String,
    },
    /// Set something for one list, over configuration and LDAP entry; it counts at once
    #[command(after_help = "Examples:
  listctl list set klasse-5b reply_to list
  listctl list set klasse-5b subject_tag '[5b]'
  listctl list set klasse-5b post members 'cn=Kollegium,ou=groups,dc=schule,dc=example'
  listctl list set klasse-5b expires 2027-07-31

Keys: those of [list] in listd.toml (docs/configuration.md), and expires (a day, or never).
It is kept until `listctl list unset`. Needs root or the user that listd runs as.")]
    Set {
        /// The list: address or short name
        list: String,
        /// e.g. post, moderation, subject_tag, max_size, expires
        key: String,
        /// As in listd.toml, without quotes and brackets; several for post, or nobody
        #[arg(required = true, value_name = "VALUE")]
        value: Vec<String>,
    },
    /// Take back what `set` said: LDAP entry and configuration hold again
    #[command(after_help = "Example:
  listctl list unset klasse-5b reply_to")]
    Unset {
        /// The list: address or short name
        list: String,
        /// e.g. post, moderation, subject_tag, max_size, expires
        key: String,
    },
    /// Who gets the list's mail, and who is in the group and gets none, and why
    Members {
        /// The list: address or short name
        list: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum DirectoryCommand {
    /// Where it is, how it is followed, how old it is, and what is held since when and why
    Status,
    /// Who came and who went since the last accepted state: the preview of `accept`
    #[command(after_help = "Examples:
  listctl directory diff               all lists that are held
  listctl directory diff klasse-5b     this list, held or not")]
    Diff {
        /// The list: address or short name; all that are held where none is named
        list: Option<String>,
    },
    /// Believe the directory: mail that waited goes out to those who are on the list now
    #[command(after_help = "Examples:
  listctl directory diff klasse-5b       who came and who went
  listctl directory accept klasse-5b     this list
  listctl directory accept --all         everything that is held")]
    Accept {
        /// The list: address or short name
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        list: Option<String>,
        /// Everything that is held
        #[arg(long)]
        all: bool,
    },
    /// Believe what was accepted before: mail goes to those, until the directory says something else
    Reject,
}

#[derive(Debug, Subcommand)]
pub enum EmergencyCommand {
    /// From now on all mail waits
    On {
        /// A list (address or short name) or a domain
        #[arg(value_name = "LIST|DOMAIN")]
        place: String,
    },
    /// New mail goes out again
    Off {
        /// As it was given to `on`
        #[arg(value_name = "LIST|DOMAIN")]
        place: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// One mail in the queue with every recipient
    Show {
        /// The id from the first column of `listctl queue`
        id: String,
    },
    /// Send a mail to nobody who has not got it yet, nor in a digest
    Cancel {
        /// The id from the first column of `listctl queue`, or from `listctl trace`
        id: String,
    },
    /// Let a mail go on whose delivery paused, because many servers refused it
    Resume {
        /// The id from the first column of `listctl queue`
        id: String,
    },
    /// Try again now instead of at the planned time
    #[command(after_help = "Examples:
  listctl queue retry 42       this mail
  listctl queue retry --all    everything that waits")]
    Retry {
        /// The id from the first column of `listctl queue`
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<String>,
        /// Everything that waits
        #[arg(long)]
        all: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum HeldCommand {
    /// One mail: who wrote it, why it waits, how its author was verified, the beginning of its text
    Show {
        /// The id from the first column of `listctl held`
        id: String,
    },
    /// Let them go out, to those who are on the list now
    Accept {
        /// The ids from the first column of `listctl held`
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
    /// Let them go out, and hold nothing of their authors on these lists any more
    Always {
        /// The ids from the first column of `listctl held`
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
    /// Send nothing; a verified author is told
    Reject {
        /// The ids from the first column of `listctl held`
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// A sentence for the author
        #[arg(long, default_value = "", hide_default_value = true)]
        text: String,
    },
    /// Send nothing, and tell nobody
    Discard {
        /// The ids from the first column of `listctl held`
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
    /// As discard, and the spam filter learns it where that is set up (verdict.rspamd_controller)
    Spam {
        /// The ids from the first column of `listctl held`
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum DkimCommand {
    /// Make an RSA and an Ed25519 key (mode 0600) and print their DNS records
    #[command(after_help = "Example:
  listctl dkim keygen schule.example --dir /etc/verteiler/secrets

It writes r2026.pem and e2026.pem (the year of today), and prints the lines for the
DNS zone and for listd.toml. Existing files are never overwritten.")]
    Keygen {
        /// The domain that signs
        domain: String,
        /// Folder for the two key files
        #[arg(long, value_name = "DIR", default_value = ".")]
        dir: PathBuf,
        /// Put the day into the selectors (r20260131), for a second key in one year
        #[arg(long)]
        selector_date: bool,
    },
    /// The DNS records of a domain's keys
    Show {
        /// The domain that signs
        domain: String,
        /// Read the keys that this configuration names instead of asking the daemon
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub enum MemberCommand {
    /// An address whose mail came back, or whose provider complained, gets mail from now on
    #[command(after_help = "Example:
  listctl member resume anna@gmx.example

`listctl list members` shows who is paused or muted, and why. What she said herself stays, and
nothing is changed in the directory. Exit code 1: the address is neither.")]
    Resume {
        /// The address as `listctl list members` shows it
        address: String,
    },
    /// Put somebody onto a list beside the directory: she gets its mail and may write to it
    #[command(after_help = "Example:
  listctl member admit klasse-5b oma@gmx.example --name 'Erna Muster'

Nothing is changed in the directory; `listctl list members` shows her as admitted. Nobody is
written to: tell her yourself. Who asks by mail (LIST-subscribe@) is let in by the owners.")]
    Admit {
        /// The list: address or short name
        list: String,
        /// Where her copies go
        address: String,
        /// Her name
        #[arg(long, default_value = "", hide_default_value = true)]
        name: String,
        /// The language of what is written to her, e.g. de; else the list's
        #[arg(long, default_value = "", hide_default_value = true)]
        language: String,
    },
    /// Take somebody off a list who was let in beside the directory
    #[command(after_help = "Example:
  listctl member dismiss klasse-5b oma@gmx.example

Exit code 1: nobody let this address onto the list. Whoever is in the group is taken out in the
directory.")]
    Dismiss {
        /// The list: address or short name
        list: String,
        /// The address as `listctl list members` shows it
        address: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum BouncesCommand {
    /// A mail that came back and that nobody understands, or a complaint, as the daily letter numbers it
    #[command(after_help = "Example:
  listctl bounces show 12 --reason 'what T-Online says' | listctl bounces explain -")]
    Show {
        /// Its number
        number: String,
    },
    /// What saved mails say, without the daemon: whom they are about, and what it means for her
    #[command(after_help = "Examples:
  listctl bounces explain bounce.eml
  listctl bounces explain --json Maildir/new/* | jq -r '.recipients[].address'
  listctl bounces explain - < mailbox

Kinds: bounce, delayed, vacation, feedback, challenge, other. Classes: hard (no such address),
soft (may pass), full (mailbox full), policy (they don't want our mail), content (they don't
want this mail). docs/bounces.md says what follows from each.")]
    Explain {
        /// Saved mails (.eml) or mailboxes (mbox); - is standard input
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check a configuration without the daemon: every error with its line, and files that are missing
    Check {
        /// The configuration, usually /etc/verteiler/listd.toml
        file: PathBuf,
    },
}
