use super::*;
use chrono::TimeDelta;
use slog::{Drain, Logger, info, o, warn};
use std::sync::Mutex;

struct FixedClock;
impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::milliseconds(1_767_323_045_000) + TimeDelta::microseconds(42)
    }
}

/// Keeps what is written.
struct Kept(Lines, Arc<Mutex<Vec<String>>>);
impl Drain for Kept {
    type Ok = ();
    type Err = slog::Never;
    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> Result<(), slog::Never> {
        let line = self.0.with(record, values, |line| String::from_utf8(line.to_vec()).unwrap());
        self.1.lock().unwrap().push(line);
        Ok(())
    }
}

fn written(style: Style, log: impl FnOnce(&Logger)) -> String {
    let lines = Arc::new(Mutex::new(Vec::new()));
    log(&Logger::root(
        Kept(Lines::new(style, Arc::new(FixedClock)), Arc::clone(&lines)),
        o!("app" => "test"),
    ));
    let lines = lines.lock().unwrap();
    assert_eq!(lines.len(), 1);
    lines[0].clone()
}

#[test]
fn a_json_line_has_its_keys_in_the_order_they_were_given() {
    let line = written(Style::Json, |log| {
        let log = log.new(o!("request_id" => "r-1"));
        info!(log, "answered {}", 7; "status" => 200, "seconds" => 0.25, "ok" => true, "peer" => None::<&str>);
    });
    assert_eq!(
        line,
        concat!(
            r#"{"ts":"2026-01-02T03:04:05.000042Z","level":"info","msg":"answered 7","app":"test","#,
            r#""request_id":"r-1","status":200,"seconds":0.25,"ok":true,"peer":null}"#,
            "\n"
        )
    );
}

#[test]
fn the_origin_of_a_library_record_is_told() {
    const TARGET: &str = "rustls::conn";
    let line = written(Style::Json, |log| info!(log, #TARGET, "odd"));
    assert!(line.contains(r#""msg":"odd","target":"rustls::conn","app":"test""#), "{line}");
}

#[test]
fn a_line_for_people_quotes_only_what_needs_it() {
    let style = Style::Human { colours: false };
    let line =
        written(style, |log| warn!(log, "slow"; "path" => "/v1", "detail" => "two words", "none" => ""));
    assert_eq!(
        line,
        "2026-01-02T03:04:05.000042Z warning  slow app=test path=/v1 detail=\"two words\" none=\"\"\n"
    );
    let coloured = written(Style::Human { colours: true }, |log| warn!(log, "slow"));
    assert!(coloured.contains("\x1b[33mwarning"), "{coloured}");
}

#[test]
fn one_record_is_one_line_whatever_is_in_it() {
    let nasty = "a\nb\rc\u{85}d\u{2028}e\u{2029}f\x1b[31mg\0h\x0bi\x0cj\u{9b}k\"l\\m é €";
    for style in [Style::Json, Style::Human { colours: false }] {
        let line = written(style, |log| info!(log, "{nasty}"; "value" => nasty, "shown" => %nasty));
        let body = line.strip_suffix('\n').unwrap();
        assert!(!body.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')), "{line:?}");
    }
    let line = written(Style::Json, |log| info!(log, "{nasty}"; "value" => nasty));
    let json: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((json["msg"].as_str(), json["value"].as_str()), (Some(nasty), Some(nasty)));
}

#[test]
fn no_value_breaks_the_json() {
    let line = written(Style::Json, |log| {
        info!(log, ""; "msg" => "mine", "nan" => f64::NAN, "infinite" => f32::INFINITY, "least" => i64::MIN,
            "char" => '"', "error" => #%std::io::Error::other("broken"));
    });
    let json: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&json["msg"], &json["msg_"]), (&"".into(), &"mine".into()));
    assert_eq!((&json["nan"], &json["infinite"]), (&().into(), &().into()));
    assert_eq!((&json["least"], &json["char"]), (&i64::MIN.into(), &"\"".into()));
}

#[test]
fn a_failure_does_not_tell_the_password_of_where_it_failed() {
    let line = written(
        Style::Json,
        |log| warn!(log, "lost postgres://ada:canary@db/x"; "url" => "redis://:canary@r"),
    );
    assert!(!line.contains("canary") && line.contains("postgres://ada:***@db/x"), "{line}");
    assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok(), "{line}");
}

#[test]
fn of_two_values_with_one_key_the_nearer_counts() {
    let line = written(Style::Json, |log| info!(log.new(o!("app" => "inner")), ""; "app" => "record"));
    assert_eq!(line.matches(r#""app":"#).count(), 1);
    assert!(line.contains(r#""app":"record""#), "{line}");
}

#[test]
fn a_value_that_logs_while_it_is_written_does_no_harm() {
    struct Chatty<'a>(&'a Logger);
    impl std::fmt::Display for Chatty<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            info!(self.0, "inner");
            f.write_str("chatty")
        }
    }
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Kept(Lines::new(Style::Json, Arc::new(FixedClock)), Arc::clone(&lines));
    let log = Logger::root(kept, o!());
    info!(log, "outer {}", Chatty(&log));
    let lines = lines.lock().unwrap();
    assert!(lines[0].contains("\"inner\"") && lines[1].contains("\"outer chatty\""), "{lines:?}");
}
