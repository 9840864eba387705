//! One Markdown file to one HTML fragment: headings get anchors, links between files become links between pages, code
//! is coloured, wide tables scroll in a box of their own.
//!
//! Links are relative, so that a page holds under every root path and behind every proxy.

use crate::{
    highlight,
    summary::{self, Entry},
};
use pulldown_cmark::{CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd, html};
use std::{collections::HashMap, fmt::Write as _};

/// A rendered file.
pub(crate) struct Page {
    /// Below `/doc/`, empty for the index.
    pub(crate) url: String,
    /// The first heading, or else the title in the navigation.
    pub(crate) title: String,
    /// The first paragraph as plain text, for search engines.
    pub(crate) description: String,
    /// The fragment.
    pub(crate) html: String,
    /// What stands under each heading.
    pub(crate) sections: Vec<Section>,
}

/// A heading and the plain text up to the next one.
pub(crate) struct Section {
    /// 1 to 6.
    pub(crate) level: usize,
    /// The anchor; empty for the page itself.
    pub(crate) id: String,
    /// As plain text.
    pub(crate) heading: String,
    /// As plain text.
    pub(crate) text: String,
}

/// Renders `source`, the text of the entry's file. An error names what is wrong in it.
pub(crate) fn render(entry: &Entry, source: &str) -> Result<Page, String> {
    let mut writer = Writer::new(entry);
    let mut events = Parser::new_ext(source, options());
    while let Some(event) = events.next() {
        writer.event(event, &mut events)?;
    }
    Ok(writer.finish(entry))
}

fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_GFM | Options::ENABLE_TASKLISTS
}

/// `../` as often as a page at `url` lies below `/doc/`.
pub(crate) fn up(url: &str) -> String {
    "../".repeat(url.matches('/').count())
}

struct Writer<'a> {
    file: &'a str,
    up: String,
    out: Vec<Event<'a>>,
    sections: Vec<Section>,
    ids: HashMap<String, usize>,
    description: String,
    in_paragraph: bool,
}

impl<'a> Writer<'a> {
    fn new(entry: &'a Entry) -> Self {
        let start =
            Section { level: 1, id: String::new(), heading: entry.title.clone(), text: String::new() };
        Self {
            file: &entry.file,
            up: up(&entry.url()),
            out: Vec::new(),
            sections: vec![start],
            ids: HashMap::new(),
            description: String::new(),
            in_paragraph: false,
        }
    }

    fn event(&mut self, event: Event<'a>, rest: &mut Parser<'a>) -> Result<(), String> {
        match event {
            Event::Start(Tag::Heading { level, .. }) => self.heading(level as usize, rest),
            Event::Start(Tag::CodeBlock(kind)) => self.code_block(&kind, rest),
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                let dest_url = self.link(&dest_url)?;
                self.out.push(Event::Start(Tag::Link { link_type, dest_url, title, id }));
                Ok(())
            }
            Event::Start(Tag::Table(_)) => {
                self.html("<div class=\"table\" tabindex=\"0\">");
                self.push(event)
            }
            Event::End(TagEnd::Table) => {
                self.push(event)?;
                self.html("</div>");
                Ok(())
            }
            other => self.push(other),
        }
    }

    fn push(&mut self, event: Event<'a>) -> Result<(), String> {
        match &event {
            Event::Text(text) | Event::Code(text) => self.text(text),
            Event::SoftBreak | Event::HardBreak | Event::End(_) => self.text(" "),
            Event::Start(Tag::Paragraph) => self.in_paragraph = self.description.is_empty(),
            _ => {}
        }
        if matches!(event, Event::End(TagEnd::Paragraph)) {
            self.in_paragraph = false;
        }
        self.out.push(event);
        Ok(())
    }

    fn heading(&mut self, level: usize, rest: &mut Parser<'a>) -> Result<(), String> {
        let (mut plain, mut inner) = (String::new(), Vec::new());
        for event in rest.by_ref() {
            match event {
                Event::End(TagEnd::Heading(_)) => break,
                Event::Start(Tag::Link { .. }) => return Err("a heading must not contain a link".to_owned()),
                Event::Text(ref text) | Event::Code(ref text) => plain.push_str(text),
                _ => {}
            }
            inner.push(event);
        }
        if level == 1 {
            if let Some(page) = self.sections.first_mut() {
                page.heading = plain;
            }
            self.html("<h1>");
            self.out.extend(inner);
            self.html("</h1>");
            return Ok(());
        }
        let id = self.unique(slug(&plain));
        self.html(format!("<h{level} id=\"{id}\">"));
        self.out.extend(inner);
        self.html(format!(
            " <a class=\"anchor\" href=\"#{id}\" aria-label=\"Link to this section\">#</a></h{level}>\n"
        ));
        self.sections.push(Section { level, id, heading: plain, text: String::new() });
        Ok(())
    }

    fn code_block(&mut self, kind: &CodeBlockKind<'a>, rest: &mut Parser<'a>) -> Result<(), String> {
        let language = match kind {
            CodeBlockKind::Fenced(info) => info.split([' ', ',']).next().unwrap_or_default(),
            CodeBlockKind::Indented => "",
        };
        let mut code = String::new();
        for event in rest.by_ref() {
            match event {
                Event::End(TagEnd::CodeBlock) => break,
                Event::Text(text) => code.push_str(&text),
                _ => {}
            }
        }
        self.text(&code);
        let coloured = highlight::html(language, &code);
        self.html(format!(
            "<div class=\"code\"><pre tabindex=\"0\"><code data-language=\"{language}\">{coloured}</code></pre></div>\n"
        ));
        Ok(())
    }

    /// `x.md#y` to the page's URL, `/v1/persons` to the same relative to this page; others stay.
    fn link(&self, target: &str) -> Result<CowStr<'a>, String> {
        if let Some(path) = target.strip_prefix('/') {
            return Ok(format!("../{}{path}", self.up).into());
        }
        let (path, fragment) =
            target.split_once('#').map_or((target, String::new()), |(p, f)| (p, format!("#{f}")));
        if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
            return Ok(target.to_owned().into());
        }
        let file = resolve(self.file, path);
        if !file.ends_with(".md") || file.trim_start_matches("../").len() + 3 < file.len() {
            return Err(format!("a link to {target}, which is not a page of the documentation"));
        }
        let url = summary::url_of(&file);
        let page = if url.is_empty() && self.up.is_empty() { "./".to_owned() } else { url };
        Ok(format!("{}{page}{fragment}", self.up).into())
    }

    fn unique(&mut self, id: String) -> String {
        let seen = self.ids.entry(id.clone()).or_insert(0);
        *seen += 1;
        if *seen == 1 { id } else { format!("{id}-{seen}") }
    }

    fn text(&mut self, text: &str) {
        if let Some(section) = self.sections.last_mut() {
            section.text.push_str(text);
        }
        if self.in_paragraph {
            self.description.push_str(text);
        }
    }

    fn html(&mut self, html: impl Into<CowStr<'a>>) {
        self.out.push(Event::Html(html.into()));
    }

    fn finish(self, entry: &Entry) -> Page {
        let mut html = String::new();
        html::push_html(&mut html, self.out.into_iter());
        let title = self.sections.first().map(|section| section.heading.clone()).unwrap_or_default();
        Page { url: entry.url(), title, description: self.description, html, sections: self.sections }
    }
}

/// Lower case, words joined by `-`, as on the large code hosts.
fn slug(heading: &str) -> String {
    let mut slug = String::new();
    for c in heading.chars() {
        match c {
            c if c.is_alphanumeric() || c == '_' => slug.extend(c.to_lowercase()),
            ' ' | '-' => slug.push('-'),
            _ => {}
        }
    }
    slug
}

/// `target` as seen from the file `from`, both seen from `docs/`.
fn resolve(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    path.strip_prefix("../docs/").map_or(path.clone(), str::to_owned)
}

/// The headings of level 2 and 3 as a list of links.
pub(crate) fn contents(page: &Page) -> String {
    let mut list = String::new();
    for section in page.sections.iter().filter(|section| !section.id.is_empty() && section.level <= 3) {
        let _ = write!(
            list,
            "<li class=\"level-{}\"><a href=\"#{}\">{}</a></li>",
            section.level,
            section.id,
            highlight::escape(&section.heading)
        );
    }
    list
}
