use rstest::rstest;
use serde_json::{Value, json};

use super::*;

const TEMPLATE: Dialect = Dialect {
    repeats: Repeats::LastWins,
    scalars: Scalars::Yaml11,
    tags: Tags::CloudFormation,
    aliases: Aliases::Refused,
    bounds: Bounds { depth: 100, bytes: 1 << 20 },
};
const WORKFLOW: Dialect = Dialect {
    repeats: Repeats::Refused,
    scalars: Scalars::Core,
    tags: Tags::Refused,
    aliases: Aliases::Expanded(1000),
    ..TEMPLATE
};

fn parse(text: &str) -> Result<Value, TextError> {
    read(text, &TEMPLATE).map(|document| document.root.into_json())
}

#[test]
fn short_forms_nest() {
    let text = "A: !Sub\n  - '${x}-${AWS::Region}'\n  - x: !Join ['', [!Ref P, !GetAtt R.Arn]]\nB: !If [C, !Ref D, !Ref AWS::NoValue]\n";
    assert_eq!(
        parse(text).unwrap(),
        json!({
            "A": {"Fn::Sub": ["${x}-${AWS::Region}",
                {"x": {"Fn::Join": ["", [{"Ref": "P"}, {"Fn::GetAtt": ["R", "Arn"]}]]}}]},
            "B": {"Fn::If": ["C", {"Ref": "D"}, {"Ref": "AWS::NoValue"}]},
        })
    );
}

#[rstest]
#[case("2012-10-17", json!("2012-10-17"))]
#[case("128", json!(128))]
#[case("-1", json!(-1))]
#[case("+1", json!(1))]
#[case("1_000", json!(1000))]
#[case("0x1F", json!(31))]
#[case("0b101", json!(5))]
#[case("1:30", json!(90))]
#[case("1:60", json!("1:60"))]
#[case("01:30", json!("01:30"))]
#[case("1.5", json!(1.5))]
#[case("1.10", json!("1.10"))]
#[case("010", json!(8))]
#[case("089", json!("089"))]
#[case("012345678912", json!("012345678912"))]
#[case("yes", json!(true))]
#[case("off", json!(false))]
#[case("y", json!("y"))]
#[case("1.2.3", json!("1.2.3"))]
#[case("10.0.0.0/16", json!("10.0.0.0/16"))]
#[case("'128'", json!("128"))]
#[case("!!str 128", json!("128"))]
#[case("'yes'", json!("yes"))]
#[case("~", Value::Null)]
#[case("", Value::Null)]
fn plain_scalars_have_yaml_1_1_types(#[case] text: &str, #[case] value: Value) {
    assert_eq!(parse(&format!("a: {text}")).unwrap(), json!({ "a": value }));
}

#[rstest]
#[case("010", json!(10))]
#[case("0o10", json!(8))]
#[case("0x1F", json!(31))]
#[case("-7", json!(-7))]
#[case("3.10", json!(3.1))]
#[case("1e3", json!(1000))]
#[case(".5", json!(0.5))]
#[case("1_000", json!("1_000"))]
#[case("1:30", json!("1:30"))]
#[case("yes", json!("yes"))]
#[case("on", json!("on"))]
#[case("True", json!(true))]
#[case("~", Value::Null)]
#[case("inf", json!("inf"))]
#[case("1.2.3", json!("1.2.3"))]
fn plain_scalars_have_yaml_1_2_types_where_the_dialect_says_so(
    #[case] text: &str,
    #[case] value: Value,
) {
    let document = read(&format!("a: {text}"), &WORKFLOW).unwrap();
    assert_eq!(document.root.into_json(), json!({ "a": value }));
}

#[rstest]
#[case("a: &x 1\nb: *x\n", "YAML aliases are not allowed in CloudFormation templates", 2, 4)]
#[case("a: !Foo b\n", "unknown tag `!Foo`", 1, 4)]
#[case("<<: {a: b}\n", "hash merge `<<`", 1, 1)]
#[case("? [a]\n: b\n", "a key must be a scalar", 1, 3)]
#[case("a: 1\n---\nb: 2\n", "more than one document", 3, 1)]
fn what_is_not_of_the_dialect_is_refused_where_it_is(
    #[case] text: &str,
    #[case] message: &str,
    #[case] line: usize,
    #[case] column: usize,
) {
    let error = read(text, &TEMPLATE).unwrap_err();
    assert_eq!((error.to_string().as_str(), error.at), (message, Place { line, column }));
}

#[rstest]
#[case("a: [1\nb: 2\n", 2, 2)]
#[case("a: [1,\nb\n", 2, 1)]
fn malformed_yaml_is_refused_with_its_place(
    #[case] text: &str,
    #[case] line: usize,
    #[case] column: usize,
) {
    let error = read(text, &TEMPLATE).unwrap_err();
    assert!(matches!(error.fault, Fault::Malformed(_)), "{error}");
    assert_eq!(error.at, Place { line, column });
}

#[test]
fn a_key_that_stands_twice_and_a_tag_may_be_refused() {
    let error = read("a: 1\nb: {c: 1, c: 2}\n", &WORKFLOW).unwrap_err();
    assert_eq!(
        (error.at, error.fault),
        (Place { line: 2, column: 11 }, Fault::Repeated("c".into()))
    );
    assert_eq!(read("a: !Ref b\n", &WORKFLOW).unwrap_err().fault, Fault::Tag("Ref".into()));
}

#[test]
fn aliases_may_stand_for_what_their_anchor_marks() {
    let text = "a: &x {b: [1, yes]}\nc: *x\nd: [*x]\n";
    let document = read(text, &WORKFLOW).unwrap();
    let inner = json!({"b": [1, "yes"]});
    let at = document.root.get("c").unwrap().at;
    assert_eq!(at, Place { line: 2, column: 4 });
    assert_eq!(document.root.into_json(), json!({"a": inner, "c": inner, "d": [inner]}));
}

/// Nine levels of nine would be 387 million values.
#[test]
fn aliases_grow_a_text_only_so_far() {
    let mut text = "a0: &a0 [x]\n".to_owned();
    for level in 1..10 {
        let below = vec![format!("*a{}", level - 1); 9].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    assert_eq!(read(&text, &WORKFLOW).unwrap_err().fault, Fault::Growth(1000));
    let deep = (1..200).fold("a0: &a0 [x]\n".to_owned(), |text, level| {
        format!("{text}a{level}: &a{level} [*a{}]\n", level - 1)
    });
    let many = Dialect { aliases: Aliases::Expanded(1_000_000), ..WORKFLOW };
    assert_eq!(read(&deep, &many).unwrap_err().fault, Fault::Depth);
    let own = read("a: &x [*x]\n", &WORKFLOW).unwrap_err();
    assert_eq!(own.at, Place { line: 1, column: 8 });
}

/// A long text that is repeated: few values, and many bytes.
#[test]
fn aliases_repeat_only_so_many_bytes() {
    let of =
        |times: usize| format!("a: &a \"{}\"\nb:\n{}", "x".repeat(1024), "- *a\n".repeat(times));
    let most = Dialect { aliases: Aliases::Expanded(1_000_000), ..WORKFLOW };
    assert_eq!(read(&of(1024), &most).unwrap().root.get("b").unwrap().items().len(), 1024);
    let error = read(&of(1025), &most).unwrap_err();
    assert_eq!(error.fault, Fault::RepeatedBytes(1 << 20));
    assert_eq!(error.at, Place { line: 1027, column: 3 });
}

#[test]
fn of_a_key_that_stands_twice_the_last_value_counts_and_the_places_are_known() {
    let document = read("a: 1\nb: {c: 1, c: 2}\na: 3\n", &TEMPLATE).unwrap();
    let at = |line, column| Place { line, column };
    assert_eq!(
        document.repeated,
        [
            Repeated { at: at(2, 11), before: at(2, 5), key: "c".into() },
            Repeated { at: at(3, 1), before: at(1, 1), key: "a".into() },
        ]
    );
    assert_eq!(document.root.into_json(), json!({"a": 3, "b": {"c": 2}}));
}

#[test]
fn each_node_knows_its_place() {
    let document = read("A:\n  - !Sub 'x-${y}'\nB: !GetAtt R.Arn\n", &TEMPLATE).unwrap();
    let super::Value::Object(members) = document.root.value else { panic!("no map") };
    let super::Value::Array(items) = &members[0].value.value else { panic!("no list") };
    assert_eq!(items[0].at, Place { line: 2, column: 5 });
    assert_eq!(members[1].at, Place { line: 3, column: 1 });
    assert_eq!(members[1].value.at, Place { line: 3, column: 4 });
}

/// As PyYAML has it: the line's end is of the text only where it is there.
#[rstest]
#[case("a: |\n  b\n", "b\n")]
#[case("a: |\n  b", "b")]
#[case("a: >\n  b\n  c", "b c")]
#[case("a: |+\n  b", "b")]
#[case("a: |-\n  b", "b")]
#[case("a: |\n  b\n ", "b\n")]
#[case("a: |\n  b\n#", "b\n")]
#[case("a: |\n  é\n  b", "é\nb")]
fn a_block_scalar_ends_as_its_text_does(#[case] text: &str, #[case] value: &str) {
    assert_eq!(parse(text).unwrap(), json!({ "a": value }));
}

/// Of 958 public templates 14 are written so.
#[rstest]
#[case("a:\n  b: [\n  x,\n  y\n  ]\nc: 1\n", json!({"a": {"b": ["x", "y"]}, "c": 1}))]
#[case("a:\n  b: [\nx,\ny\n]\nc: 1\n", json!({"a": {"b": ["x", "y"]}, "c": 1}))]
#[case("a:\n  - b: {\n    x: 1,\n  y: [1,\n 2]\n  }\n  - c\n", json!({"a": [{"b": {"x": 1, "y": [1, 2]}}, "c"]}))]
#[case("a:\n  b: [ # first\n  'it''s [',\n  \"]\\\"\"\n  ]\n", json!({"a": {"b": ["it's [", "]\""]}}))]
#[case("a:\n  b: !Join [ '',\n  [ !Ref X,\n  'y' ] ]\n", json!({"a": {"b": {"Fn::Join": ["", [{"Ref": "X"}, "y"]]}}}))]
#[case("a:\n  b: |\n    [ text\n  c: [\n  x ]\n", json!({"a": {"b": "[ text\n", "c": ["x"]}}))]
#[case("a:\n  b: some text\n    [ goes on\n  c: [\n  x ]\n", json!({"a": {"b": "some text [ goes on", "c": ["x"]}}))]
#[case("a:\n  b: not [ a flow\n  c: [\n  x ]\n", json!({"a": {"b": "not [ a flow", "c": ["x"]}}))]
#[case("a:\n  b: {\"x\":\"y\",\n  \"z\":[\n  ]}\n", json!({"a": {"b": {"x": "y", "z": []}}}))]
#[case("a:\n  b: 'some\n  text'\n  c: 1\n", json!({"a": {"b": "some text", "c": 1}}))]
#[case("a:\n  b: !Sub \"{\n  ['\n }\\\n  x\"\n", json!({"a": {"b": {"Fn::Sub": "{ [' }x"}}}))]
#[case("a: 'x'# no text\nb: \"#\"#\n", json!({"a": "x", "b": "#"}))]
#[case("a: [! x, ! '1', ! 1]\n! b: 1\n!!str c: 2\n", json!({"a": ["x", "1", "1"], "b": 1, "c": 2}))]
fn flow_collections_and_quotes_need_no_indentation(#[case] text: &str, #[case] value: Value) {
    assert_eq!(parse(text).unwrap(), value);
}

#[test]
fn places_in_such_collections_are_those_of_the_text() {
    let document = read("a:\n  b: [\n  x, y\n  ]\nc: 1\n", &TEMPLATE).unwrap();
    let super::Value::Object(members) = document.root.value else { panic!("no map") };
    let super::Value::Object(inner) = &members[0].value.value else { panic!("no map") };
    let super::Value::Array(items) = &inner[0].value.value else { panic!("no list") };
    let places: Vec<_> = items.iter().map(|item| (item.at.line, item.at.column)).collect();
    assert_eq!(places, [(3, 3), (3, 6)]);
    assert_eq!(members[1].at, Place { line: 5, column: 1 });
}

#[test]
fn nesting_has_a_limit() {
    let text = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    assert_eq!(parse(&text).unwrap_err().to_string(), "nested too deeply");
}
