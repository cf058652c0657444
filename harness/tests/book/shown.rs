//! Commands that the pages show with their output: each `console` block is run,
//! in a directory with the page's `<!-- file: NAME -->` blocks, and must print
//! what stands below the command. `…` at the end of a line is any rest of it, and
//! a line that is `…` alone any number of lines.

use std::path::Path;
use std::process::{Command, Stdio};

use super::book;
use super::page::Block;

#[test]
fn commands_print_what_the_pages_show() {
    let mut wrong = Vec::new();
    let mut ran = 0;
    for page in book() {
        let place = tempfile::tempdir().unwrap();
        for block in &page.blocks {
            if let Some(file) = &block.file {
                let path = place.path().join(file);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, &block.text).unwrap();
            } else if block.language == "console" {
                for (command, expected) in steps(block) {
                    ran += 1;
                    let printed = printed(&command, place.path());
                    if !alike(&expected, &printed) {
                        wrong.push(format!(
                            "{}:{}: $ {command}\n--- shown\n{expected}--- printed\n{printed}",
                            page.path.display(),
                            block.line
                        ));
                    }
                }
            }
        }
    }
    assert!(ran > 10, "only {ran} commands were run");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each `$ command`, with what stands below it.
fn steps(block: &Block) -> Vec<(String, String)> {
    let mut steps: Vec<(String, String)> = Vec::new();
    for line in block.text.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push((command.to_owned(), String::new()));
        } else {
            let Some((command, expected)) = steps.last_mut() else {
                panic!("a console block begins with `$ `, and not with `{line}`");
            };
            if command.ends_with('\\') && expected.is_empty() {
                command.pop();
                command.push_str(line.trim_start());
            } else {
                expected.push_str(line);
                expected.push('\n');
            }
        }
    }
    steps
}

/// Both streams in their order, and the exit code where it is not 0.
fn printed(command: &str, place: &Path) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_ringfence")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let output = Command::new("bash")
        .args(["-c", &format!("exec 2>&1\n{command}")])
        .env("PATH", format!("{}:{path}", binary.display()))
        .current_dir(place)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let mut printed = String::from_utf8(output.stdout).unwrap();
    if !printed.is_empty() && !printed.ends_with('\n') {
        printed.push('\n');
    }
    if let Some(code) = output.status.code().filter(|code| *code != 0) {
        printed.push_str(&format!("(exit code {code})\n"));
    }
    printed
}

fn alike(expected: &str, printed: &str) -> bool {
    let expected: Vec<&str> = expected.lines().filter(|line| !line.is_empty()).collect();
    let printed: Vec<&str> = printed.lines().filter(|line| !line.is_empty()).collect();
    matches(&expected, &printed)
}

fn matches(expected: &[&str], printed: &[&str]) -> bool {
    match (expected, printed) {
        ([], []) => true,
        (["…", rest @ ..], _) => (0..=printed.len()).any(|skip| matches(rest, &printed[skip..])),
        ([first, rest @ ..], [line, more @ ..]) => {
            let fits = match first.strip_suffix('…') {
                Some(begin) => line.starts_with(begin),
                None => first == line,
            };
            fits && matches(rest, more)
        }
        _ => false,
    }
}

#[test]
fn output_is_compared_to_the_letter_but_for_ellipses() {
    assert!(alike("a\n…\nd e…\n", "a\nb\n\nc\nd e f\n"));
    assert!(!alike("a\n", "a\nb\n"));
    assert!(!alike("a…\nb\n", "ab\n"));
    assert!(!alike("d e\n", "d e f\n"));
}
