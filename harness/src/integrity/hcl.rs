//! Which attributes a configuration tells Terraform to ignore.
//!
//! Terraform's JSON output of a configuration has no `lifecycle`
//! (<https://developer.hashicorp.com/terraform/internals/json-format>), so that
//! the files themselves are read: comments, texts and heredocs are skipped, and
//! of everything else words and signs alone count.

use std::fs;
use std::io;
use std::path::Path;

use crate::config::IgnoredAttribute;

/// A word, a text without its quotes, or a sign.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

/// All `ignore_changes` of the resources in the files below a directory.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn ignored(directory: &Path) -> io::Result<Vec<IgnoredAttribute>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            found.extend(ignored(&path)?);
        } else if path.extension().is_some_and(|end| end == "tf") {
            found.extend(in_text(&fs::read_to_string(&path)?));
        }
    }
    Ok(found)
}

fn in_text(text: &str) -> Vec<IgnoredAttribute> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    let (mut depth, mut resource) = (0_usize, None::<(String, String)>);
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            Token::Sign('{') => depth += 1,
            Token::Sign('}') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    resource = None;
                }
            }
            Token::Word(word) if depth == 0 && word == "resource" => {
                if let (Some(Token::Text(kind)), Some(Token::Text(name))) =
                    (tokens.get(at + 1), tokens.get(at + 2))
                {
                    resource = Some((kind.clone(), name.clone()));
                }
            }
            Token::Word(word)
                if word == "ignore_changes" && tokens.get(at + 1) == Some(&Token::Sign('=')) =>
            {
                if let Some((kind, name)) = &resource {
                    let attributes = attributes(tokens.get(at + 2..).unwrap_or_default());
                    found.extend(attributes.into_iter().map(|attribute| IgnoredAttribute {
                        kind: kind.clone(),
                        name: name.clone(),
                        attribute,
                    }));
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// `all`, or the first word of each item of a list: of `tags["x"]` it is `tags`.
fn attributes(tokens: &[Token]) -> Vec<String> {
    match tokens.first() {
        Some(Token::Word(all)) if all == "all" => vec!["all".to_owned()],
        Some(Token::Sign('[')) => {
            let (mut depth, mut next, mut found) = (0_usize, true, Vec::new());
            for token in tokens {
                match token {
                    Token::Sign('[') => depth += 1,
                    Token::Sign(']') if depth == 1 => break,
                    Token::Sign(']') => depth -= 1,
                    Token::Sign(',') => next = depth == 1,
                    Token::Word(word) | Token::Text(word) if depth == 1 && next => {
                        found.push(word.split(['.', '[']).next().unwrap_or(word).to_owned());
                        next = false;
                    }
                    _ => {}
                }
            }
            found
        }
        _ => Vec::new(),
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        rest = if first == '#' || rest.starts_with("//") {
            after(rest, "\n")
        } else if let Some(comment) = rest.strip_prefix("/*") {
            after(comment, "*/")
        } else if let Some(heredoc) = rest.strip_prefix("<<") {
            after_heredoc(heredoc)
        } else if let Some(quoted) = rest.strip_prefix('"') {
            let (text, rest) = quoted_text(quoted);
            tokens.push(Token::Text(text));
            rest
        } else if first.is_alphabetic() || first == '_' {
            let end = rest
                .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
                .unwrap_or(rest.len());
            let (word, rest) = rest.split_at(end);
            tokens.push(Token::Word(word.to_owned()));
            rest
        } else {
            if !first.is_whitespace() {
                tokens.push(Token::Sign(first));
            }
            rest.get(first.len_utf8()..).unwrap_or_default()
        };
    }
    tokens
}

fn after<'a>(text: &'a str, sign: &str) -> &'a str {
    text.split_once(sign).map_or("", |(_, rest)| rest)
}

/// What follows a heredoc, whose end is its word on a line of its own.
fn after_heredoc(text: &str) -> &str {
    let Some((word, mut rest)) = text.split_once('\n') else { return "" };
    let word = word.trim_start_matches('-').trim();
    while let Some((line, more)) = rest.split_once('\n') {
        if line.trim() == word {
            return more;
        }
        rest = more;
    }
    ""
}

/// A quoted text and what follows it. Inside `${…}` there may be further quoted
/// texts and braces.
fn quoted_text(text: &str) -> (String, &str) {
    // Whether each thing that is open is a text; what else is open are braces.
    let (mut open, mut escaped, mut before) = (vec![true], false, ' ');
    for (at, c) in text.char_indices() {
        let in_text = open.last() == Some(&true);
        match c {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' if in_text => {
                open.pop();
                if open.is_empty() {
                    let (own, rest) = text.split_at(at);
                    return (own.to_owned(), rest.get(1..).unwrap_or_default());
                }
            }
            '"' => open.push(true),
            '{' if !in_text || matches!(before, '$' | '%') => open.push(false),
            '}' if !in_text => drop(open.pop()),
            _ => {}
        }
        before = c;
    }
    (text.to_owned(), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        in_text(text).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_a_resource_ignores_is_found_wherever_it_stands() {
        let text = r#"
            # resource "aws_a" "comment" { lifecycle { ignore_changes = all } }
            /* resource "aws_a" "block" {
               lifecycle { ignore_changes = [tags] } } */
            resource "aws_lambda_function" "f" {
              description = "ignore_changes = [role] } ${join("}", ["{"])}"
              policy = <<-EOT
                resource "aws_a" "heredoc" { lifecycle { ignore_changes = [tags] } }
              EOT
              lifecycle { ignore_changes = [ // what follows is the team's
                filename, "source_code_hash", tags["a, b"], environment[0].variables,
              ] }
            }
            module "m" { source = "./m" }
            resource "aws_b" "all" { lifecycle { ignore_changes = all } }
        "#;
        assert_eq!(
            found(text),
            [
                "aws_lambda_function.f.filename",
                "aws_lambda_function.f.source_code_hash",
                "aws_lambda_function.f.tags",
                "aws_lambda_function.f.environment",
                "aws_b.all.all",
            ]
        );
    }

    #[test]
    fn what_is_no_resource_ignores_nothing() {
        assert_eq!(found("locals { ignore_changes = [tags] }"), Vec::<String>::new());
        assert_eq!(found("resource \"aws_a\" \"b\" { ignore_changes"), Vec::<String>::new());
    }
}
