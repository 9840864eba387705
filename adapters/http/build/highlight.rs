//! Colours code in four classes: comments, strings, keywords, numbers. Enough to read by, and no dependency.

/// What a language looks like.
struct Language {
    comment: &'static str,
    quotes: &'static [char],
    keywords: &'static [&'static str],
}

/// `code` as HTML.
pub(crate) fn html(language: &str, code: &str) -> String {
    match syntax(language) {
        Some(language) => language.colour(code),
        None => escape(code),
    }
}

/// Text as HTML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn syntax(language: &str) -> Option<Language> {
    let (comment, quotes, keywords): (_, &[char], &[&str]) = match language {
        "rust" => ("//", &['"'], RUST),
        "sh" | "bash" => (
            "#",
            &['"', '\''],
            &[
                "curl",
                "cargo",
                "plinth",
                "export",
                "make",
                "git",
                "psql",
                "createdb",
                "pg_dump",
                "kill",
                "systemctl",
            ],
        ),
        "yaml" | "toml" | "ini" => ("#", &['"', '\''], &["true", "false", "null"]),
        "json" => ("//", &['"'], &["true", "false", "null"]),
        "sql" => ("--", &['\''], SQL),
        "nginx" => (
            "#",
            &['"', '\''],
            &[
                "server",
                "location",
                "upstream",
                "listen",
                "proxy_pass",
                "proxy_set_header",
                "proxy_http_version",
            ],
        ),
        _ => return None,
    };
    Some(Language { comment, quotes, keywords })
}

impl Language {
    fn colour(&self, code: &str) -> String {
        let (mut out, mut rest, mut before) = (String::new(), code, '\n');
        while let Some(first) = rest.chars().next() {
            let (length, class) = self.token(rest, first, before);
            let (token, tail) = rest.split_at(length);
            match class {
                Some(class) => out.push_str(&format!("<span class=\"{class}\">{}</span>", escape(token))),
                None => out.push_str(&escape(token)),
            }
            before = token.chars().last().unwrap_or(before);
            rest = tail;
        }
        out
    }

    /// How long the token at the start of `rest` is in bytes, and its class.
    fn token(&self, rest: &str, first: char, before: char) -> (usize, Option<&'static str>) {
        if rest.starts_with(self.comment) && (before.is_whitespace() || self.comment != "#") && before != ':'
        {
            return (rest.find('\n').unwrap_or(rest.len()), Some("c"));
        }
        if self.quotes.contains(&first) {
            return (quoted(rest, first), Some("s"));
        }
        if first.is_alphanumeric() || first == '_' {
            let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let class = match rest.get(..word) {
                Some(w) if self.keywords.contains(&w) && !matches!(before, '-' | '/' | '.') => Some("k"),
                Some(w) if w.bytes().all(|b| b.is_ascii_digit()) && !matches!(before, '-' | '/' | '.') => {
                    Some("n")
                }
                _ => None,
            };
            return (word, class);
        }
        (first.len_utf8(), None)
    }
}

/// Up to the closing quote, or to the end of the code if there is none.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (i, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return i + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

const RUST: &[&str] = &[
    "as", "async", "await", "const", "else", "enum", "fn", "for", "if", "impl", "in", "let", "match", "mod",
    "move", "mut", "pub", "return", "self", "Self", "struct", "super", "trait", "type", "use", "where",
    "while", "dyn", "crate", "true", "false",
];
const SQL: &[&str] = &[
    "ALTER",
    "AND",
    "CHECK",
    "CONCURRENTLY",
    "CONSTRAINT",
    "CREATE",
    "DEFAULT",
    "DROP",
    "FROM",
    "IF",
    "EXISTS",
    "INDEX",
    "NOT",
    "NULL",
    "ON",
    "PRIMARY",
    "KEY",
    "SELECT",
    "SET",
    "TABLE",
    "ADD",
    "COLUMN",
    "UNIQUE",
    "UPDATE",
    "VALID",
    "VALIDATE",
    "WHERE",
    "COLLATE",
    "BEGIN",
    "COMMIT",
    "TO",
    "OWNER",
    "USER",
    "DATABASE",
    "PASSWORD",
    "WITH",
];
