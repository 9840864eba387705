//! Defaults and rules of the settings.

use super::*;

#[test]
fn the_defaults_are_valid_and_survive_a_round_trip() {
    let config = HttpConfig::default();
    config.validate().unwrap();
    let text = serde_json::to_string(&config).unwrap();
    assert!(text.contains(r#""header":"10s""#), "{text}");
    assert_eq!(serde_json::from_str::<HttpConfig>(&text).unwrap(), config);
    assert_eq!(serde_json::from_str::<HttpConfig>("{}").unwrap(), config);
}

#[test]
fn a_root_path_is_empty_or_starts_with_a_slash_and_ends_without_one() {
    for right in ["", "/api", "/a/b-c/v1.0"] {
        assert!(path(right).is_ok(), "{right:?}");
    }
    for wrong in ["/", "api", "/api/", "//", "/a b", "/../etc", "/é", "/a?b"] {
        assert!(path(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_public_url_is_scheme_and_host() {
    let check =
        |url: &str| HttpConfig { public_url: Some(url.to_owned()), ..HttpConfig::default() }.validate();
    for right in ["https://api.example.com", "http://localhost:8080", "https://[::1]:1"] {
        assert!(check(right).is_ok(), "{right:?}");
    }
    for wrong in ["", "example.com", "ftp://a", "https://a/b", "https://a/", "https://u@a", "https://a?b"] {
        assert!(check(wrong).is_err(), "{wrong:?}");
    }
    let error = format!("{:?}", check("https://u:hush@a/b").unwrap_err());
    assert!(error.contains("without a user or password") && !error.contains("hush"), "{error}");
}

#[test]
fn what_is_out_of_range_is_found_in_the_depth() {
    let mut config = HttpConfig::default();
    config.limits.headers = 1;
    config.timeouts.body = Duration::ZERO;
    let text = config.validate().unwrap_err().to_string();
    assert!(text.contains("limits.headers") && text.contains("timeouts.body"), "{text}");
}

#[test]
fn no_time_out_is_longer_than_a_day() {
    let fields: [fn(&mut Timeouts) -> &mut Duration; 3] =
        [|t| &mut t.shutdown, |t| &mut t.queue, |t| &mut t.header];
    for field in fields {
        let mut timeouts = Timeouts::default();
        *field(&mut timeouts) = Duration::from_secs(24 * 60 * 60);
        timeouts.validate().unwrap();
        *field(&mut timeouts) = Duration::from_secs(u64::MAX);
        assert!(timeouts.validate().unwrap_err().to_string().contains("at most a day"));
    }
}
