//! The policy engine's corpus through `ringfence decide`: every case is a line,
//! all of them go through one process, and each answer is what its case expects.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};

/// All files below a directory, in order.
fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

#[test]
fn decide_answers_every_case_of_the_corpus_as_its_page_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("policy/corpus");
    let mut paths = Vec::new();
    files(&root, &mut paths);
    assert!(paths.len() >= 500, "{} cases", paths.len());
    let mut input = String::new();
    let mut expected = Vec::new();
    for path in &paths {
        let text = std::fs::read_to_string(path).unwrap();
        let mut case: Map<String, Value> = serde_json::from_str(&text).unwrap();
        case.remove("source").unwrap();
        let expect = case.remove("expect").unwrap();
        let id = path.strip_prefix(&root).unwrap().to_str().unwrap();
        assert_eq!(case.insert("id".into(), json!(id)), None);
        input += &format!("{}\n", Value::Object(case));
        expected.push((id, expect));
    }
    let refused = expected.iter().filter(|(_, expect)| expect.get("error").is_some()).count();
    assert!(refused > 0);

    let mut child = Command::new(env!("CARGO_BIN_EXE_ringfence"))
        .arg("decide")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();

    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), expected.len());
    for ((id, expect), answer) in expected.iter().zip(&answers) {
        assert_eq!(answer["id"], *id);
        for (name, wanted) in expect.as_object().unwrap() {
            let within = match name.as_str() {
                "explains" => "explanation",
                "error" => "error",
                _ => {
                    assert_eq!(&answer[name], wanted, "{name} of {id}: {answer:#}");
                    continue;
                }
            };
            let found = answer[within].as_str().unwrap_or_default();
            assert!(found.contains(wanted.as_str().unwrap()), "{id}: {answer:#}");
        }
        // What cannot be read is not decided, and the reverse.
        assert_eq!(answer.get("error").is_some(), expect.get("error").is_some(), "{id}");
    }
    // Lines that cannot be read are in it.
    assert_eq!(output.status.code(), Some(2));
}
