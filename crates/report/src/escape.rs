//! Text within SVG and HTML.

use std::borrow::Cow;

/// The text as it is written in XML or HTML, within an element or an attribute.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The text with a replacement character for everything that XML cannot hold:
/// control characters and two code points that are not characters.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let unwritable = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
    if text.contains(unwritable) {
        text.replace(unwritable, "\u{fffd}").into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_back_by_an_xml_parser() {
        let text = "a < b & c > \"d\" 'e' é 語 &amp; ]]>";
        let written = escaped(text);
        assert!(!written.contains(['<', '>', '"', '\'']), "{written}");
        let xml = format!("<t a=\"{written}\" b='{written}'>{written}</t>");
        let document = roxmltree::Document::parse(&xml).unwrap();
        let element = document.root_element();
        assert_eq!(element.text(), Some(text));
        assert_eq!(element.attribute("a"), Some(text));
        assert_eq!(element.attribute("b"), Some(text));
    }

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        assert_eq!(printable("plain é 語"), "plain é 語");
        let replaced = "a\u{fffd}b\u{fffd}c\u{fffd}";
        assert_eq!(printable("a\u{1}b\nc\u{ffff}"), replaced);
        assert_eq!(escaped("a\u{1}b\nc\u{ffff}"), replaced);
    }
}
