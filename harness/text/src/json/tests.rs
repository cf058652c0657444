use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::Place;

const POLICY: Dialect = Dialect {
    repeats: Repeats::Refused,
    numbers: Numbers::AsWritten,
    bounds: Bounds { depth: 64, bytes: 1 << 20 },
};
const LAST: Dialect = Dialect { repeats: Repeats::LastWins, ..POLICY };
const DOUBLES: Dialect = Dialect { numbers: Numbers::Doubles, ..POLICY };

fn parse(text: &str) -> Result<Node<usize>> {
    read(text, &POLICY).map(|document| document.root)
}

#[test]
fn values_keep_their_places() {
    let node = parse("{\n  \"a\": [1.50, \"\\u00e9\\ud83d\\ude00\"]\n}").unwrap();
    let Value::Object(members) = node.value else { panic!("not an object") };
    assert_eq!((members[0].key.as_str(), members[0].at), ("a", 4));
    let Value::Array(items) = &members[0].value.value else { panic!("not a list") };
    assert_eq!(items[0].value, Value::Number("1.50".into()));
    assert_eq!(items[1].value, Value::String("é😀".into()));
}

/// `serde_json` reads its own private key as raw text and loses digits.
#[test]
fn what_is_written_again_is_what_was_read() {
    let text = r#"{"$serde_json::private::RawValue":"1","n":[1.50,0.1,12345678901234567890123,true,null,"é"]}"#;
    let again = parse(text).unwrap().to_json_as_written().to_string();
    let expected = r#"{"$serde_json::private::RawValue":"1","n":["1.50",0.1,"12345678901234567890123",true,null,"é"]}"#;
    assert_eq!(again, expected);
}

#[rstest]
#[case("{\"a\":1,\n \"a\":2}", "`a` stands twice in the same object", 2, 2)]
#[case("{\"a\":1,\n \"\\u0061\":2}", "`a` stands twice in the same object", 2, 2)]
#[case("{\"a\":1,}", "expected a key in quotes, found `}`", 1, 8)]
#[case("{\"a\":1,\n\"b\" 2}", "expected `:`, found `2`", 2, 5)]
#[case("[1 2]", "expected `,`, found `2`", 1, 4)]
#[case("[1,\n+2]", "expected a JSON value, found `+`", 2, 1)]
#[case("[1.]", "expected a digit, found `]`", 1, 4)]
#[case("\"a", "unterminated string", 1, 3)]
#[case("\"a\nb\"", "a control character must be escaped", 1, 3)]
#[case("\"\\x41\"", "invalid escape sequence", 1, 3)]
#[case("\"\\u+123\"", "expected four hexadecimal digits", 1, 4)]
#[case("\"\\ud800x\"", "expected `\\`, found `x`", 1, 8)]
#[case("\"\\udc00\"", "half a surrogate pair", 1, 8)]
#[case("[01]", "a number cannot start with 0", 1, 2)]
#[case("{} {}", "text after the end of the document", 1, 4)]
#[case("", "expected a JSON value, found the end of the document", 1, 1)]
fn what_is_not_json_is_refused_where_it_is(
    #[case] text: &str,
    #[case] message: &str,
    #[case] line: usize,
    #[case] column: usize,
) {
    let error = parse(text).unwrap_err().placed(text);
    assert_eq!((error.to_string().as_str(), error.at), (message, Place { line, column }));
}

#[test]
fn of_a_key_that_stands_twice_the_last_value_counts_where_the_dialect_says_so() {
    let text = "{\"a\": 1, \"b\": {\"c\": 3, \"c\": 4},\n \"a\": 2}";
    let document = read(text, &LAST).unwrap().placed(text);
    let at = |line, column| Place { line, column };
    let repeated = |at, before, key: &str| Repeated { at, before, key: key.to_owned() };
    assert_eq!(
        document.repeated,
        [repeated(at(1, 24), at(1, 16), "c"), repeated(at(2, 2), at(1, 2), "a")]
    );
    assert_eq!(document.root.into_json().to_string(), r#"{"a":2,"b":{"c":4}}"#);
    assert_eq!(read(text, &POLICY).unwrap_err().fault, Fault::Repeated("c".into()));
}

/// Above so many keys they are looked up in another way.
#[rstest]
#[case(3)]
#[case(16)]
#[case(17)]
#[case(40)]
fn a_repeated_key_is_found_among_few_and_many(#[case] count: usize) {
    let keys = (0..count).map(|key| format!("\"k{key}\":0")).collect::<Vec<_>>().join(",");
    let one = format!("{{{keys}}}");
    assert_eq!(parse(&one).unwrap().members().len(), count);
    for key in [0, count / 2, count - 1] {
        let text = format!("{{{keys},\"k{key}\":1}}");
        assert_eq!(parse(&text).unwrap_err().fault, Fault::Repeated(format!("k{key}")));
        let last = read(&text, &LAST).unwrap();
        assert_eq!(last.root.members().len(), count);
        assert_eq!(last.root.members()[key].value.value, Value::Number("1".into()));
        assert_eq!(last.repeated.len(), 1);
    }
}

#[rstest]
#[case("1e999", false)]
#[case("-1E+400", false)]
#[case("1e-999", true)]
#[case("12345678901234567890123", true)]
fn numbers_may_have_to_be_doubles(#[case] text: &str, #[case] is_double: bool) {
    assert_eq!(parse(text).unwrap().value, Value::Number(text.into()));
    let read = read(text, &DOUBLES).map(|document| document.root.value);
    let expected = Err(TextError { at: 0, fault: Fault::Range });
    assert_eq!(read, if is_double { Ok(Value::Number(text.into())) } else { expected });
}

#[test]
fn hostile_nesting_and_length_are_refused() {
    let error = parse(&"[".repeat(100_000)).unwrap_err();
    assert_eq!(error, TextError { at: 65, fault: Fault::Depth });
    let deepest = format!("{}{}", "[".repeat(65), "]".repeat(65));
    assert!(parse(&deepest).is_ok());
    let short = Dialect { bounds: Bounds { depth: 64, bytes: 4 }, ..POLICY };
    assert_eq!(read("[12]", &short).unwrap().root.into_json(), json!([12]));
    assert_eq!(read("[123]", &short).unwrap_err().fault, Fault::Length(4));
}

#[test]
fn bytes_must_be_utf_8() {
    let error = read_bytes(b"[\"\xff\"]", &POLICY).unwrap_err();
    assert_eq!(error, TextError { at: 2, fault: Fault::Encoding });
    assert_eq!(read_bytes(b"[\"a\"]", &POLICY).unwrap().root.into_json(), json!(["a"]));
}

/// Text that is JSON, or nearly.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        " ",
        "\n",
        "a",
        "\"k\":",
        "\"l\":",
        "\"a\"",
        "\"\\u0041\"",
        "\\ud83d\\ude00",
        "0",
        "-",
        "1",
        ".5",
        "e3",
        "E-2",
        "1e999",
        "true",
        "false",
        "null",
        "é",
        "\u{1}",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]
    /// `serde_json` takes the same texts, with the same values.
    #[test]
    fn another_reader_agrees(text in texts()) {
        let dialect = Dialect { repeats: Repeats::LastWins, ..DOUBLES };
        let own = read(&text, &dialect).ok().map(|document| document.root.into_json());
        prop_assert_eq!(own, serde_json::from_str::<serde_json::Value>(&text).ok());
    }
}
