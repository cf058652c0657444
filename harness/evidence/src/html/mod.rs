//! The report that a person reads: one HTML file that needs nothing else.
//!
//! It loads nothing and sends nothing; its content security policy allows only
//! its own style sheet and script, by hash. Without scripts all of it can be
//! read; scripts add filters and the choice of theme. Every value is escaped
//! by the template engine (maud), which is why there is one: with text put
//! together by hand a single forgotten call would let a function's answer
//! write the report. What turns or hides the text around it is written out, in
//! every piece of the page.

mod changes;
mod closing;
mod controls;
mod index;
mod mutations;
mod parts;
mod picture;
mod probes;
mod statement;
mod summary;
#[cfg(test)]
mod tests;

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use crate::RunRecord;
use crate::controls::Catalogue;
use crate::visible::visible_lines;
use index::Index;

const STYLE: &str = include_str!("../../assets/report.css");
const SCRIPT: &str = include_str!("../../assets/report.js");

/// Where the content of a section or a list comes. No value can hold it: the template engine escapes
/// what a tag begins with.
const CONTENT: &str = "<content-that-follows>";

/// Writes the page of a run, compared with the run before it where there is one: section
/// by section and probe by probe, for a large run's would fill the memory.
///
/// # Errors
/// When it cannot be written.
pub fn write(
    record: &RunRecord,
    catalogue: &Catalogue,
    previous: Option<&RunRecord>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    Report { record, catalogue, previous }.write(out)
}

/// What the sections are made from.
#[derive(Clone, Copy)]
struct Report<'a> {
    record: &'a RunRecord,
    catalogue: &'a Catalogue,
    previous: Option<&'a RunRecord>,
}

impl Report<'_> {
    fn write(&self, out: &mut dyn io::Write) -> io::Result<()> {
        type Content<'a> = &'a dyn Fn(&mut dyn io::Write) -> io::Result<()>;
        let index = Index::of(self.record, self.catalogue);
        let sections: [(&str, &str, Content<'_>); 9] = [
            ("controls", "Controls", &|out| whole(controls::section(self, &index), out)),
            ("architecture", "Architecture", &|out| whole(picture::section(self, &index), out)),
            ("probes", "Probes", &|out| probes::section(self, &index, out)),
            ("mutations", "Mutations", &|out| whole(mutations::section(self, &index), out)),
            ("reach", "Reach", &|out| whole(mutations::reach(self), out)),
            ("changes", "Changes", &|out| whole(changes::section(self, &index), out)),
            ("not-tested", "Not tested", &|out| whole(closing::not_tested(self, &index), out)),
            ("provenance", "Provenance", &|out| whole(closing::provenance(self), out)),
            ("checking", "Checking", &|out| whole(closing::checking(self), out)),
        ];
        let title = format!("{} · Ringfence", summary::headline(self));
        let sizes = probes::sizes(&index);
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy(&sizes));
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="referrer" content="no-referrer";
                    meta name="color-scheme" content="light dark";
                    meta name="generator" content={ "Ringfence " (self.record.version) };
                    title { (title) }
                    style { (PreEscaped(STYLE)) }
                    style { (PreEscaped(&sizes)) }
                }
                body {
                    a.skip href="#main" { "Skip to the report" }
                    header.top {
                        p.brand { b { "Ringfence" } " evidence report" }
                        div.tools hidden {
                            button type="button" data-do="theme" { "Theme: system" }
                            button type="button" data-do="print" { "Print" }
                        }
                    }
                    div.page {
                        nav aria-label="Sections" {
                            ul {
                                li { a href="#summary" { "Summary" } }
                                @for (id, name, _) in &sections {
                                    li { a href={ "#" (id) } { (name) } }
                                }
                            }
                        }
                        main #main tabindex="-1" {
                            (summary::section(self, &index))
                            @for (id, _, _) in &sections {
                                section id=(id) aria-labelledby={ (id) "-title" } { (PreEscaped(CONTENT)) }
                            }
                        }
                    }
                    footer {
                        p {
                            "Run " code { (self.record.run_id) } ". Made by Ringfence "
                            (self.record.version) " from " code { "run.json" }
                            ", the one source of every file of the bundle."
                        }
                    }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        };
        let page = page.into_string();
        let mut parts = page.split(CONTENT);
        written_out(parts.next().unwrap_or_default(), out)?;
        for ((_, _, content), after) in sections.iter().zip(parts) {
            content(out)?;
            written_out(after, out)?;
        }
        Ok(())
    }
}

/// Writes a piece of the page whole.
fn whole(content: Markup, out: &mut dyn io::Write) -> io::Result<()> {
    written_out(&content.into_string(), out)
}

/// Writes a piece of the page; nothing else writes to it.
fn written_out(piece: &str, out: &mut dyn io::Write) -> io::Result<()> {
    out.write_all(visible_lines(piece).as_bytes())
}

/// A section's heading, by which it is named.
fn heading(id: &str, title: &str) -> Markup {
    html! { h2 id={ (id) "-title" } { (title) } }
}

/// Nothing is loaded, and nothing runs but what this file holds.
fn policy(sizes: &str) -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src {} {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(sizes),
        hash(SCRIPT)
    )
}
