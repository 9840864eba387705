use super::*;
use domain::{PersonId, PersonPosition};

fn cursor(key: Option<&str>, direction: Direction) -> Cursor<PersonPosition> {
    let position = PersonPosition { key: key.map(str::to_owned), id: PersonId(Uuid::from_u128(7)) };
    Cursor { position, direction }
}

fn code(raw: &str) -> &'static str {
    decode::<PersonPosition>(raw, "name", true).unwrap_err().code
}

fn written(json: &str) -> String {
    URL_SAFE_NO_PAD.encode(json)
}

#[test]
fn a_cursor_survives_the_way_there_and_back() {
    for direction in [Direction::After, Direction::Before] {
        for key in ["Ada", "é\"\\ &=+/", &"x".repeat(254), "\u{10ffff}"] {
            let cursor = cursor(Some(key), direction);
            let raw = encode(&cursor, "-name");
            assert!(raw.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')), "{raw}");
            assert_eq!(decode(&raw, "-name", true), Ok(cursor));
        }
        let cursor = cursor(None, direction);
        assert_eq!(decode(&encode(&cursor, "created_at"), "created_at", false), Ok(cursor));
    }
}

#[test]
fn a_cursor_of_another_sort_is_refused() {
    for other in ["-name", "email", "created_at"] {
        assert_eq!(code(&encode(&cursor(Some("Ada"), Direction::After), other)), "cursor");
    }
    assert_eq!(code(&encode(&cursor(None, Direction::After), "name")), "cursor", "the key is missing");
    let keyed = encode(&cursor(Some("Ada"), Direction::After), "created_at");
    assert!(decode::<PersonPosition>(&keyed, "created_at", false).is_err(), "a key too many");
}

#[test]
fn what_we_did_not_write_is_refused() {
    let id = Uuid::from_u128(7);
    for json in [
        "",
        "null",
        "[]",
        "{}",
        "1",
        "\u{0}",
        "{\"v\":1}",
        &format!(r#"{{"v":2,"s":"name","f":true,"k":"a","i":"{id}"}}"#),
        &format!(r#"{{"v":1,"s":"name","f":1,"k":"a","i":"{id}"}}"#),
        &format!(r#"{{"v":1,"s":"name","f":true,"k":"a\u0000","i":"{id}"}}"#),
        &format!(r#"{{"v":1,"s":"name","f":true,"k":5,"i":"{id}"}}"#),
        &format!(r#"{{"v":1,"s":"name","f":true,"k":"a","i":"{id}","x":1}}"#),
        r#"{"v":1,"s":"name","f":true,"k":"a","i":"7"}"#,
    ] {
        assert_eq!(code(&written(json)), "cursor", "{json}");
    }
    assert_eq!(code(&"A".repeat(1_000_000)), "cursor");
}

#[test]
fn no_change_of_a_byte_makes_a_panic() {
    let raw = encode(&cursor(Some("Ada"), Direction::After), "name");
    for place in 0..raw.len() {
        for byte in (0..=127_u8).map(char::from) {
            let mut changed = raw.clone();
            changed.replace_range(place..=place, &byte.to_string());
            let _ = decode::<PersonPosition>(&changed, "name", true);
        }
        let _ = decode::<PersonPosition>(&raw[..place], "name", true);
    }
}
