//! What a client has sent, short enough to be sent back: an answer must not be as long as the worst request.

/// Characters that are kept of a longer text: so many of its beginning and of its end.
const KEPT: (usize, usize) = (120, 60);

/// `text`, without its middle if it is long. The end of a message says what was expected.
pub(super) fn shorten(text: &str) -> String {
    let (head, tail) = KEPT;
    let start = text.char_indices().nth(head).map(|(at, _)| at);
    let end = text.char_indices().nth_back(tail.saturating_sub(1)).map(|(at, _)| at);
    match (start, end) {
        (Some(start), Some(end)) if start < end => {
            format!("{}…{}", text.get(..start).unwrap_or_default(), text.get(end..).unwrap_or_default())
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_stays_and_a_long_one_keeps_its_ends() {
        for text in ["", "a", &"é".repeat(180)] {
            assert_eq!(shorten(text), text);
        }
        let short = shorten(&format!("begin {} end", "é".repeat(900_000)));
        assert!(short.starts_with("begin ") && short.ends_with(" end"), "{short}");
        assert_eq!(short.chars().count(), 181);
    }
}
