//! In which language a copy speaks to its recipient, and whether it is text alone. All recipients of one edition share
//! one body.

use crate::list::{Form, FromPolicy};
use crate::notice;
use crate::recipients::Recipient;
use crate::rewrite::filter::Filter;
use crate::rewrite::{Frozen, PostKind};

/// What copies with the same body have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Edition {
    /// Of our own words, e.g. `de`.
    pub language: String,
    /// Texts go as plain text, whatever the list says; never where that is no difference.
    pub plain: bool,
}

impl From<&str> for Edition {
    /// All of the mail, in a language.
    fn from(language: &str) -> Edition {
        Edition { language: language.to_owned(), plain: false }
    }
}

impl Frozen {
    /// What this recipient gets, who may have wished for plain text.
    pub fn edition_of(&self, who: &Recipient, plain: bool) -> Edition {
        let plain = plain && self.kind == PostKind::List && self.settings.form != Form::Text;
        Edition { language: self.language_of(who, plain), plain }
    }

    /// The language of this recipient's copies, e.g. `de`: hers where we have words in it, else the list's. The same
    /// for all recipients where no copy has a word of ours in it.
    fn language_of(&self, who: &Recipient, plain: bool) -> String {
        let text = |tag| self.settings.footer.language(tag).filter(|_| self.has_footer());
        let spoken = |tag| text(tag).or_else(|| notice::spoken(tag)).map(str::to_owned);
        let own = who.language.as_deref().filter(|_| plain || self.has_words());
        own.and_then(spoken)
            .or_else(|| spoken(&self.language))
            .unwrap_or_else(|| self.language.clone())
    }

    /// The same for readers of one language.
    #[must_use]
    pub fn in_language(&self, language: &str) -> Frozen {
        Frozen { language: language.to_owned(), ..self.clone() }
    }

    /// True where a copy may have words that depend on the language.
    fn has_words(&self) -> bool {
        // `Ayse Yilmaz via Klasse 5b`
        !matches!(self.settings.from, FromPolicy::Keep | FromPolicy::Unproven) || self.has_footer()
            // What was left out, and why.
            || Filter::of(self, &self.language.as_str().into()).is_some()
    }

    fn has_footer(&self) -> bool {
        self.kind == PostKind::List && !self.settings.footer.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::list::{FooterTexts, Role};
    use crate::rewrite::tests::frozen;

    /// LA1: a person's own language, where there are words in it and where it makes a difference.
    #[test]
    fn languages_of_copies() {
        let of = |frozen: &Frozen, language: Option<&str>| {
            let address = Address::parse("a@gmx.example").expect("an address");
            let language = language.map(str::to_owned);
            frozen
                .edition_of(&Recipient { person: None, address, name: None, language }, false)
                .language
        };
        let mut list = frozen(|f| f.language = "de-DE".to_owned());
        for (language, expect) in [
            (None, "de"),
            (Some("en-GB"), "en"),
            (Some("DE-at"), "de"),
            (Some("tr"), "de"),
            (Some(""), "de"),
        ] {
            assert_eq!(of(&list, language), expect, "{language:?}");
        }
        list.language = "tr".to_owned();
        assert_eq!((of(&list, None).as_str(), of(&list, Some("en")).as_str()), ("tr", "en"));
        list.settings.from = FromPolicy::Keep;
        assert_eq!(of(&list, Some("en")), "tr", "nothing differs, so there is one variant");
        assert_eq!(list.in_language("en").language, "en");
        list.settings.footer = FooterTexts::read(&["pt:a", "de-AT:b", "c"]).expect("texts");
        for (language, expect) in [
            (None, "tr"),
            (Some("pt-BR"), "pt"),
            (Some("de-at"), "de-at"),
            (Some("de"), "de"),
            (Some("en"), "en"),
            (Some("fr"), "tr"),
        ] {
            assert_eq!(
                of(&list, language),
                expect,
                "{language:?}, whose text may be in the footer"
            );
        }
        let edition = |list: &Frozen| {
            let address = Address::parse("a@gmx.example").expect("an address");
            let language = Some("en".to_owned());
            list.edition_of(&Recipient { person: None, address, name: None, language }, true)
        };
        list.settings.footer = FooterTexts::default();
        // What the form leaves out is told in her language.
        assert_eq!(edition(&list), Edition { language: "en".to_owned(), plain: true });
        list.settings.form = Form::Text;
        assert!(!edition(&list).plain, "the list's own form is the same");
        list.settings.form = Form::Any;
        list.settings.footer = FooterTexts::read(&["pt:a", "de-AT:b", "c"]).expect("texts");
        list.kind = PostKind::Role(Role::Owner);
        assert!(!edition(&list).plain);
        assert_eq!(of(&list, Some("pt")), "tr", "no footer below mail to the owners");
    }
}
