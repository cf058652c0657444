//! The corpus: one case a file, each with the page it comes from. A case is a
//! line for `ringfence decide` with `source` and `expect`; what `expect` names
//! must be equal, and `explains` must be part of the explanation.

use std::path::PathBuf;

use ringfence_policy::jsonl::decide_line;
use rstest::rstest;
use serde_json::{Map, Value};

#[rstest]
fn the_engine_agrees_with_the_page(
    #[base_dir = "corpus"]
    #[files("**/*.json")]
    path: PathBuf,
) {
    let text = std::fs::read_to_string(&path).unwrap();
    let mut case: Map<String, Value> = serde_json::from_str(&text).unwrap();
    let source = case.remove("source").expect("every case names its source");
    assert!(source.as_str().is_some_and(|source| source.starts_with("https://")));
    let expect = case.remove("expect").expect("every case expects something");
    let answer: Value =
        serde_json::from_str(&decide_line(&Value::Object(case).to_string())).unwrap();
    for (name, expected) in expect.as_object().unwrap() {
        let context = format!("{name} of {}\nanswer: {answer:#}", path.display());
        if name == "explains" || name == "error" {
            let field = if name == "error" { "error" } else { "explanation" };
            let found = answer[field].as_str().unwrap_or_default();
            assert!(found.contains(expected.as_str().unwrap()), "{context}");
        } else {
            assert_eq!(&answer[name], expected, "{context}");
        }
    }
}
