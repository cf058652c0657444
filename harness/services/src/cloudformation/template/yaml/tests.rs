use rstest::rstest;
use serde_json::{Value, json};

use super::*;

fn parse(text: &str) -> Result<Value, YamlError> {
    read(text).map(|document| document.root.into_json())
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
#[case(
    "a: &x 1\nb: *x\n",
    "Template error: YAML aliases are not allowed in CloudFormation templates"
)]
#[case("a: !Foo b\n", "Template format error: unknown tag `!Foo` (line 1, column 4)")]
#[case("<<: {a: b}\n", "Template format error: hash merge `<<` (line 1, column 1)")]
#[case("a: [1\nb: 2\n", "Template format error: YAML not well-formed. (line 2, column 2)")]
#[case("a: [1,\nb\n", "Template format error: YAML not well-formed. (line 2, column 1)")]
#[case("a: 1\n---\nb: 2\n", "Template format error: more than one document (line 3, column 1)")]
fn malformed_yaml_is_refused_with_its_place(#[case] text: &str, #[case] message: &str) {
    assert_eq!(parse(text).unwrap_err().to_string(), message);
}

#[test]
fn of_a_key_that_stands_twice_the_last_value_counts_and_the_places_are_known() {
    let document = read("a: 1\nb: {c: 1, c: 2}\na: 3\n").unwrap();
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
    let document = read("A:\n  - !Sub 'x-${y}'\nB: !GetAtt R.Arn\n").unwrap();
    let super::Value::Map(members) = document.root.value else { panic!("no map") };
    let super::Value::List(items) = &members[0].value.value else { panic!("no list") };
    assert_eq!(items[0].at, Place { line: 2, column: 5 });
    assert_eq!(members[1].at, Place { line: 3, column: 1 });
    assert_eq!(members[1].value.at, Place { line: 3, column: 4 });
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
fn flow_collections_need_no_indentation(#[case] text: &str, #[case] value: Value) {
    assert_eq!(parse(text).unwrap(), value);
}

#[test]
fn places_in_such_collections_are_those_of_the_text() {
    let document = read("a:\n  b: [\n  x, y\n  ]\nc: 1\n").unwrap();
    let super::Value::Map(members) = document.root.value else { panic!("no map") };
    let super::Value::Map(inner) = &members[0].value.value else { panic!("no map") };
    let super::Value::List(items) = &inner[0].value.value else { panic!("no list") };
    let places: Vec<_> = items.iter().map(|item| (item.at.line, item.at.column)).collect();
    assert_eq!(places, [(3, 3), (3, 6)]);
    assert_eq!(members[1].at, Place { line: 5, column: 1 });
}

#[test]
fn nesting_has_a_limit() {
    let text = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    assert_eq!(
        parse(&text).unwrap_err().to_string(),
        "Template format error: nested too deeply (line 1, column 102)"
    );
}
