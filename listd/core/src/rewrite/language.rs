//! In which language a copy speaks to its recipient. All recipients of one language share one body.

use crate::list::FromPolicy;
use crate::notice;
use crate::recipients::Recipient;
use crate::rewrite::filter::Filter;
use crate::rewrite::{Frozen, PostKind};

impl Frozen {
    /// The language of this recipient's copies, e.g. `de`: hers where we have words in it, else the list's. The same
    /// for all recipients where no copy has a word of ours in it.
    pub fn language_of(&self, who: &Recipient) -> String {
        let text = |tag| self.settings.footer.language(tag).filter(|_| self.has_footer());
        let spoken = |tag| text(tag).or_else(|| notice::spoken(tag)).map(str::to_owned);
        let own = who.language.as_deref().filter(|_| self.has_words());
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
            || Filter::of(self, &self.language).is_some()
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
            frozen.language_of(&Recipient { person: None, address, name: None, language })
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
        list.kind = PostKind::Role(Role::Owner);
        assert_eq!(of(&list, Some("pt")), "tr", "no footer below mail to the owners");
    }
}
