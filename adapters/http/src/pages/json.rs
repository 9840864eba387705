//! JSON with line breaks, for reading. Every token stays as it was stored: no number is rounded, no member moved.

/// `json`, which is well-formed, on as many lines as it has members and items.
pub(super) fn indented(json: &str) -> String {
    let mut text = String::with_capacity(json.len() * 2);
    let mut rest = json.chars().peekable();
    let mut depth = 0;
    while let Some(c) = rest.next() {
        match c {
            '"' => {
                text.push('"');
                string(&mut rest, &mut text);
            }
            '{' | '[' => {
                text.push(c);
                skip_blanks(&mut rest);
                match rest.next_if(|next| matches!(next, '}' | ']')) {
                    Some(end) => text.push(end),
                    None => {
                        depth += 1;
                        line(&mut text, depth);
                    }
                }
            }
            '}' | ']' => {
                depth -= 1;
                line(&mut text, depth);
                text.push(c);
            }
            ',' => {
                text.push(',');
                line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => text.push(c),
        }
    }
    text
}

type Rest<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Up to and including the quotation mark that ends it.
fn string(rest: &mut Rest, text: &mut String) {
    while let Some(c) = rest.next() {
        text.push(c);
        match c {
            '"' => return,
            '\\' => text.extend(rest.next()),
            _ => {}
        }
    }
}

fn skip_blanks(rest: &mut Rest) {
    while rest.next_if(char::is_ascii_whitespace).is_some() {}
}

fn line(text: &mut String, depth: i32) {
    text.push('\n');
    (0..depth).for_each(|_| text.push_str("  "));
}

#[cfg(test)]
mod tests {
    use super::indented;

    #[test]
    fn each_member_has_its_line_and_nothing_else_changes() {
        let json = r#"{"b":[1.50, 12345678901234567890,{ }],"a":{"x":"{,:\" \\"},"n":[ ],"t":true}"#;
        let lines = [
            "{",
            r#"  "b": ["#,
            "    1.50,",
            "    12345678901234567890,",
            "    {}",
            "  ],",
            r#"  "a": {"#,
            r#"    "x": "{,:\" \\""#,
            "  },",
            r#"  "n": [],"#,
            r#"  "t": true"#,
            "}",
        ];
        assert_eq!(indented(json), lines.join("\n"));
        assert_eq!([indented("null"), indented("[]"), indented("\"a b\"")], ["null", "[]", "\"a b\""]);
    }

    #[test]
    fn what_should_not_be_stored_does_no_harm() {
        assert_eq!(indented("]]"), "\n]\n]");
        assert_eq!(indented(r#""open \"#), r#""open \"#);
    }
}
