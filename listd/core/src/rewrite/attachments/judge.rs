//! Whether a file may pass, by the list's rules alone.

use super::file::{File, Held};
use crate::list::{Allowed, Family, Pattern};
use crate::notice::Why;
use crate::rewrite::filter::Filter;

/// Why it may not; `None` where it may.
pub(super) fn judge(filter: &Filter, file: &File) -> Option<Why> {
    let families = file.families();
    let endings: Vec<String> = file.endings().collect();
    let blind = file.unreadable && !filter.forbidden.0.is_empty();
    if blind || filter.forbidden.0.iter().any(|p| forbids(p, file, &families, &endings)) {
        return Some(Why::Kind);
    }
    if file.elsewhere {
        // Whatever the rules are about, nobody can see here whether they hold.
        return (!is_named(filter, file)).then_some(Why::Elsewhere);
    }
    if file.held == Held::Shown {
        // A picture in name only is an attachment.
        let other = |kind: &str| !kind.starts_with("image/") && !kind.starts_with("text/");
        let hides = file.kinds.iter().any(|kind| kind.starts_with("image/"))
            && file.found.kind.is_some_and(|(kind, _)| other(kind));
        if !hides {
            return None;
        }
    }
    if let Allowed::Only(patterns) = &filter.allowed
        && !allows(patterns, file, &families, &endings)
    {
        return Some(Why::Kind);
    }
    let too_large = filter.max > 0 && file.size > filter.max;
    too_large.then_some(Why::Size(filter.max))
}

/// Its own type is allowed by name.
fn is_named(filter: &Filter, file: &File) -> bool {
    let Allowed::Only(patterns) = &filter.allowed else { return false };
    file.kinds.iter().all(|kind| patterns.iter().any(|pattern| pattern.is_kind(kind)))
}

/// Whatever a mail program may take it for.
fn forbids(pattern: &Pattern, file: &File, families: &[Family], endings: &[String]) -> bool {
    match pattern {
        Pattern::Ending(ending) => {
            endings.contains(ending) || file.found.kind.is_some_and(|(_, usual)| usual == ending)
        }
        Pattern::Kind(..) => {
            file.kinds.iter().any(|kind| pattern.is_kind(kind))
                || file.found.kind.is_some_and(|(kind, _)| pattern.is_kind(kind))
        }
        Pattern::Family(family) => families.contains(family),
    }
}

/// A pattern means it, and it is nothing that runs unless that is said.
fn allows(patterns: &[Pattern], file: &File, families: &[Family], endings: &[String]) -> bool {
    let listed = |ending: &String| patterns.contains(&Pattern::Ending(ending.clone()));
    let by_name =
        !endings.is_empty() && endings.len() == file.names.len() && endings.iter().all(listed);
    let by_kind = |pattern: &Pattern| match file.found.kind {
        // What it is counts, not what it says it is.
        Some((kind, _)) => pattern.is_kind(kind),
        None => file.kinds.iter().all(|kind| pattern.is_kind(kind)),
    };
    let meant = by_name
        || patterns.iter().any(|pattern| match pattern {
            Pattern::Family(family) => families.contains(family),
            Pattern::Kind(..) => by_kind(pattern),
            Pattern::Ending(_) => false,
        });
    let runs = [Family::Program, Family::Script, Family::OfficeMacro];
    let said = |family: &Family| {
        patterns.iter().any(|pattern| match pattern {
            Pattern::Family(said) => said == family,
            Pattern::Ending(ending) => Family::of_ending(ending) == Some(*family),
            Pattern::Kind(..) => false,
        })
    };
    meant && families.iter().all(|family| !runs.contains(family) || said(family))
}
