//! Fills `@@NAME@@` placeholders. A name without a value or one left over is an error, never a silent blank.

use crate::{Failure, Result};

/// `text` with each `@@NAME@@` replaced. Names are upper-case letters, digits and `_`.
pub fn fill(text: &str, values: &[(&str, &str)]) -> Result<String> {
    let mut out = text.to_owned();
    for (name, value) in values {
        out = out.replace(&format!("@@{name}@@"), value);
    }
    match out.split_once("@@") {
        None => Ok(out),
        Some((_, rest)) => {
            let name: String = rest.chars().take_while(|c| *c != '@').take(40).collect();
            Err(Failure(format!("a template has no value for @@{name}@@")))
        }
    }
}

/// The part of a sectioned template that stands under the line `### TITLE...`, up to the next `###`.
pub fn section<'a>(text: &'a str, title: &str) -> Result<&'a str> {
    let heading = format!("### {title}");
    let missing = || Failure(format!("the template has no section {heading:?}"));
    let at = text.find(&heading).ok_or_else(missing)?;
    let rest = text.get(at..).and_then(|r| r.split_once('\n')).ok_or_else(missing)?.1;
    Ok(rest.split("\n###").next().unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_every_place_and_names_what_is_missing() {
        assert_eq!(
            fill("a @@X@@ b @@X@@ @@Y_1@@", &[("X", "1"), ("Y_1", "2")]).unwrap(),
            "a 1 b 1 2"
        );
        let error = fill("a @@X@@ @@PORT@@", &[("X", "1")]).unwrap_err();
        assert_eq!(error.0, "a template has no value for @@PORT@@");
    }

    #[test]
    fn a_section_ends_at_the_next_heading() {
        let text = "head\n### One: x\n1\n2\n### Two\n3\n";
        assert_eq!(section(text, "One").unwrap(), "1\n2");
        assert_eq!(section(text, "Two").unwrap(), "3\n");
        assert!(section(text, "Three").is_err());
    }
}
