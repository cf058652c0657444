//! Texts from anybody: what is refused has a place in the text, what is read
//! as JSON is what another reader makes of it, and in YAML and JSON alike.
#![no_main]

use ringfence_text::json::{self, Numbers};
use ringfence_text::yaml::{self, Aliases, Scalars, Tags};
use ringfence_text::{Bounds, Place, Repeats, cloudformation};

const BOUNDS: Bounds = Bounds { depth: 100, bytes: 1 << 20 };
const JSON: json::Dialect =
    json::Dialect { repeats: Repeats::LastWins, numbers: Numbers::Doubles, bounds: BOUNDS };
const WORKFLOW: yaml::Dialect = yaml::Dialect {
    repeats: Repeats::Refused,
    scalars: Scalars::Core,
    tags: Tags::Refused,
    aliases: Aliases::Expanded(1000),
    bounds: BOUNDS,
};

libfuzzer_sys::fuzz_target!(|text: &str| {
    match json::read(text, &JSON) {
        Ok(document) => {
            let own = document.placed(text).root.into_json();
            assert_eq!(own, serde_json::from_str::<serde_json::Value>(text).expect("JSON"));
        }
        Err(error) => {
            stands_in(text, error.placed(text).at);
            assert!(serde_json::from_str::<serde_json::Value>(text).is_err());
        }
    }
    match cloudformation::read(text) {
        Ok(document) => drop(document.root.into_json()),
        Err(error) => assert!(error.at.line > 0 && !error.to_string().is_empty()),
    }
    if let Err(error) = yaml::read(text, &WORKFLOW) {
        assert!(error.at.line > 0 && error.at.column > 0);
    }
});

fn stands_in(text: &str, at: Place) {
    let line = text.split('\n').nth(at.line - 1).expect("a line");
    assert!((1..=line.chars().count() + 1).contains(&at.column), "{at}");
}
