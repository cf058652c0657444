//! What a block says that it is, it is; and the commands in it are there.

use std::collections::BTreeMap;

use ringfence_text::yaml::{self, Aliases, Dialect, Scalars, Tags};
use ringfence_text::{Bounds, Repeats};

use super::page::{Block, Page};
use super::{book, others};
use crate::{run, text};

const YAML: Dialect = Dialect {
    repeats: Repeats::Refused,
    scalars: Scalars::Core,
    tags: Tags::Refused,
    aliases: Aliases::Refused,
    bounds: Bounds { depth: 100, bytes: 1 << 20 },
};

#[test]
fn blocks_are_in_the_language_that_they_say() {
    let mut wrong = Vec::new();
    for page in book().iter().chain(&others()) {
        for block in &page.blocks {
            if let Err(fault) = language(block) {
                wrong.push(format!("{}:{}: {fault}", page.path.display(), block.line));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn language(block: &Block) -> Result<(), String> {
    let source = &block.text;
    match block.language.as_str() {
        "toml" => source.parse::<toml::Table>().map(drop).map_err(|error| error.to_string()),
        "json" => serde_json::from_str::<serde_json::Value>(source)
            .map(drop)
            .map_err(|error| error.to_string()),
        "yaml" => yaml::read(source, &YAML).map(drop).map_err(|error| error.to_string()),
        // Run by `shown`, compiled or run by what stands beside the page, or plain text.
        "" | "console" | "sh" | "text" | "rust" | "python" | "javascript" | "go" | "java"
        | "xml" | "dockerfile" | "hcl" => Ok(()),
        other => Err(format!("the language `{other}` is not known here")),
    }
}

/// The commands in blocks with their subcommands and flags: `ringfence evidence
/// verify DIR --allowed-key FILE`.
fn commands(page: &Page) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    for block in &page.blocks {
        if !matches!(block.language.as_str(), "" | "sh" | "console") {
            continue;
        }
        let joined = block.text.replace("\\\n", " ");
        for line in joined.lines() {
            let line = line.trim_start().trim_start_matches("$ ");
            let command = line.split("| ").find(|part| part.starts_with("ringfence "));
            let Some(command) = command else { continue };
            let words = command.split(" #").next().unwrap_or_default();
            let words = words.replace(['[', ']', '|'], " ");
            found.push((block.line, words.split_whitespace().map(str::to_owned).collect()));
        }
    }
    found
}

#[test]
fn commands_and_their_options_are_there() {
    let mut help = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in book().iter().chain(&others()) {
        for (line, words) in commands(page) {
            seen += 1;
            let mut path: Vec<&str> = vec![words[1].as_str()];
            if words[1] == "evidence" {
                path.push(words.get(2).map_or("", String::as_str));
            }
            let told = help.entry(path.join(" ")).or_insert_with(|| {
                let arguments: Vec<&str> = path.iter().copied().chain(["--help"]).collect();
                let output = run(&arguments, b"");
                output.status.success().then(|| text(&output.stdout).to_owned())
            });
            let place = format!("{}:{line}: {}", page.path.display(), words.join(" "));
            let Some(told) = told else {
                wrong.push(format!("{place}: no such command"));
                continue;
            };
            for option in words.iter().filter(|word| word.starts_with("--")) {
                let name = option.split(['=', '…']).next().unwrap_or_default();
                let there = told.split_whitespace().any(|word| {
                    word.trim_matches(|sign| ",[]<>.".contains(sign)).split(['=', '[']).next()
                        == Some(name)
                });
                if !there && name != "--help" && name != "--version" {
                    wrong.push(format!("{place}: no option {name}"));
                }
            }
        }
    }
    assert!(seen > 30, "only {seen} commands were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
