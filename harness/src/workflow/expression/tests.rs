use std::collections::BTreeMap;

use rstest::rstest;

use super::*;

fn scope() -> Scope {
    let json = r#"{
        "vars": {"ACCOUNT": "123", "EMPTY": "", "FLAG": "true"},
        "github": {"ref": "refs/heads/main", "event_name": "push", "event": {
            "labels": [{"name": "bug", "n": 1}, {"name": "Deploy", "n": 2}, {"other": 3}],
            "matrix": [[1, 2], [3]]
        }},
        "inputs": {"count": 2, "dry": false},
        "steps": {"build": {"outputs": {"key": "k"}, "outcome": "success"}}
    }"#;
    let memory = format!("fromJSON('{json}')");
    let Value::Object(contexts) =
        Expression::read(&memory, Site::Step).unwrap().evaluate(&Scope::default()).unwrap()
    else {
        panic!("an object")
    };
    let names = ["vars", "github", "inputs", "steps"];
    let contexts = names.map(|name| (name, contexts.get(name).unwrap().clone())).into();
    let hashes = BTreeMap::from([(vec!["a".to_owned(), "b".to_owned()], "f00".to_owned())]);
    Scope { contexts, hashes, ..Scope::default() }
}

fn json(expression: &str) -> String {
    let read = Expression::read(expression, Site::Step).unwrap();
    read.evaluate(&scope()).unwrap().json().unwrap()
}

/// <https://docs.github.com/en/actions/reference/workflows-and-actions/expressions>
#[rstest]
#[case::nothing("", "null")]
#[case::text("'it''s ''here'''", "\"it's 'here'\"")]
#[case::hexadecimal("0xff", "255")]
#[case::exponent("-2.99e-2", "-0.0299")]
#[case::large("1000000000000000000", "1E+18")]
#[case::small("0.00001", "1E-05")]
#[case::fifteen_digits("1.0000000000000001", "1")]
#[case::infinity("+Infinity > 1e308 && -Infinity < 0", "true")]
#[case::names_have_no_case("VARS.account", "\"123\"")]
#[case::by_index("vars['ACCOUNT']", "\"123\"")]
#[case::missing("vars.NOBODY", "null")]
#[case::of_a_missing_one("vars.NOBODY.more", "null")]
#[case::item("github.event.labels[1].name", "\"Deploy\"")]
#[case::item_by_text("github.event.labels['1'].n", "2")]
#[case::beyond_the_end("github.event.labels[7]", "null")]
#[case::filter("join(github.event.labels.*.name)", "\"bug,Deploy\"")]
#[case::filter_of_filter("join(github.event.matrix.*.*, '-')", "\"1-2-3\"")]
#[case::filter_by_index("join(github.event.matrix[*][0])", "\"1,3\"")]
#[case::filter_of_nothing("join(vars.NOBODY.*.x)", "\"\"")]
#[case::order("1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3", "true")]
#[case::precedence("true || false && false", "true")]
#[case::not_binds_first("!false && false", "false")]
#[case::brackets("!(false && false)", "true")]
#[case::last_value("vars.EMPTY || 'else'", "\"else\"")]
#[case::ternary("inputs.dry && 'plan' || 'apply'", "\"apply\"")]
#[case::text_without_case("github.event_name == 'PUSH'", "true")]
#[case::number_of_text("'' == 0", "true")]
#[case::null_is_0("null == 0", "true")]
#[case::flag_is_1("true == 1", "true")]
#[case::a_flag_is_no_text("true == 'true'", "false")]
#[case::unordered("'a' > 1 || 'a' < 1 || 'a' == 1", "false")]
#[case::an_object_is_itself("github.event == github.event", "true")]
#[case::objects_are_not_compared("fromJSON('[]') == fromJSON('[]')", "false")]
#[case::not_a_number("NaN == NaN", "false")]
#[case::contains_text("contains('Hello world', 'LLO')", "true")]
#[case::contains_item("contains(github.event.labels.*.name, 'deploy')", "true")]
#[case::contains_not_part_of_item("contains(github.event.labels.*.name, 'dep')", "false")]
#[case::starts("startsWith(github.ref, 'REFS/heads/')", "true")]
#[case::ends("endsWith(github.ref, '/main')", "true")]
#[case::format("format('{{{0}}} {1} {0}', 'a', 2)", "\"{a} 2 a\"")]
#[case::join_of_text("join('a', '-')", "\"a\"")]
#[case::json_there_and_back("fromJSON(toJSON(github.event.labels))[0].name", "\"bug\"")]
#[case::json_of_nothing("toJSON(fromJSON('[{}, []]'))", "\"[\\n  {},\\n  []\\n]\"")]
#[case::case("case(false, 1, inputs.count == 2, 'two', 'else')", "\"two\"")]
#[case::hash("hashFiles('a', 'b')", "\"f00\"")]
fn an_expression_has_githubs_value(#[case] expression: &str, #[case] expected: &str) {
    assert_eq!(json(expression), expected);
}

#[rstest]
#[case("github.nope == ", "Unexpected end of expression: '=='. Located at position 13")]
#[case("env = 'a'", "Unexpected symbol: '='. Located at position 5 within expression: env = 'a'")]
#[case("\"a\"", "Unexpected symbol: '\"a\"'. Located at position 1")]
#[case("'a", "Unexpected symbol: ''a'. Located at position 1")]
#[case("nope.x", "Unrecognized named-value: 'nope'. Located at position 1")]
#[case("nope('x')", "Unrecognized function: 'nope'. Located at position 1")]
#[case("contains('x')", "Too few parameters supplied: 'contains'")]
#[case("startsWith('x', 'y', 'z')", "Too many parameters supplied: 'startsWith'")]
#[case("case(true, 1)", "Too few parameters supplied: 'case'")]
#[case("case(true, 1, false, 2)", "requires an odd number of parameters: 'case'")]
#[case("(true", "Unexpected end of expression: 'true'")]
#[case("true false", "Unexpected symbol: 'false'. Located at position 6")]
#[case("1 + 2", "Unexpected symbol: '+'. Located at position 3")]
#[case("vars.", "Unexpected end of expression: '.'")]
#[case("success()", "Unrecognized function: 'success'")]
fn what_is_no_expression_is_refused_with_its_place(
    #[case] expression: &str,
    #[case] expected: &str,
) {
    let error = Expression::read(expression, Site::Step).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[rstest]
#[case("fromJSON('')", "fromJSON: there is nothing to read")]
#[case("fromJSON('{\"a\": }')", "at 1:7 of the text")]
#[case("format('{1}', 'a')", "references more arguments than were supplied: {1}")]
#[case("format('{', 'a')", "The following format string is invalid: {")]
#[case("format('}')", "The following format string is invalid: }")]
#[case("case('true', 1, 2)", "case predicate must evaluate to a boolean value")]
fn an_evaluation_that_cannot_be_is_an_error(#[case] expression: &str, #[case] expected: &str) {
    let error = Expression::read(expression, Site::Step).unwrap().evaluate(&scope()).unwrap_err();
    let Stopped::Fault(message) = error else { panic!("{error:?}") };
    assert!(message.contains(expected), "{message}");
}

#[test]
fn the_hash_of_files_is_asked_for() {
    let read = Expression::read("format('{0}', hashFiles('x', 'y'))", Site::Step).unwrap();
    let patterns = vec!["x".to_owned(), "y".to_owned()];
    assert_eq!(read.evaluate(&scope()).unwrap_err(), Stopped::Hash(patterns));
}

/// <https://docs.github.com/en/actions/reference/workflows-and-actions/contexts#context-availability>
#[rstest]
#[case(Site::JobIf, "secrets.A", false)]
#[case(Site::StepIf, "secrets.A", false)]
#[case(Site::Step, "secrets.A", true)]
#[case(Site::JobIf, "matrix.a", false)]
#[case(Site::Job, "matrix.a", true)]
#[case(Site::JobSecret, "env.A", false)]
#[case(Site::JobIf, "always()", true)]
#[case(Site::Job, "hashFiles('a')", false)]
#[case(Site::CallOutput, "jobs.a.outputs.b", true)]
#[case(Site::ActionStep, "vars.A", false)]
fn contexts_and_functions_are_there_where_github_has_them(
    #[case] site: Site,
    #[case] expression: &str,
    #[case] there: bool,
) {
    assert_eq!(Expression::read(expression, site).is_ok(), there);
}

fn filled(text: &str) -> String {
    let (template, faults) = Template::read(text, Site::Step);
    assert_eq!(faults, []);
    template.value(&scope(), &mut |_| {}).unwrap().text().to_string()
}

#[rstest]
#[case("arn::${{ vars.ACCOUNT }}:${{vars.account}}", "arn::123:123")]
#[case("${{ github.ref }}/${{ steps.build.outputs.key }}", "refs/heads/main/k")]
#[case("a ${{ vars.NOBODY }} b", "a  b")]
#[case("$HOME ${x} {{ y }}", "$HOME ${x} {{ y }}")]
#[case("${{ format('}}{0}', 'x') }} y", "}x y")]
#[case("${{ github.event.labels }}", "Array")]
fn expressions_in_texts_are_replaced(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(filled(text), expected);
}

#[test]
fn a_text_of_one_expression_is_its_value_and_what_is_missing_is_told() {
    let (template, _) = Template::read("${{ inputs.dry }}", Site::Step);
    assert!(matches!(template.value(&scope(), &mut |_| {}), Ok(Value::Bool(false))));
    let (template, _) = Template::read("${{ vars.NOBODY }}-${{ vars.A || 'b' }}", Site::Step);
    let mut missing = Vec::new();
    template.value(&scope(), &mut |name| missing.push(name.to_owned())).unwrap();
    assert_eq!(missing, ["vars.NOBODY"]);
    let (_, faults) = Template::read("${{ vars.A", Site::Step);
    assert_eq!(faults[0].to_string(), "`${{` has no `}}`");
}

#[rstest]
#[case("github.event_name == 'push'", Status::Success, true)]
#[case("github.event_name == 'push'", Status::Failure, false)]
#[case("${{ github.event_name == 'release' }}", Status::Success, false)]
#[case("always()", Status::Failure, true)]
#[case("failure()", Status::Failure, true)]
#[case("failure() && vars.FLAG == 'true'", Status::Success, false)]
#[case("!cancelled()", Status::Failure, true)]
#[case("success()", Status::Skipped, false)]
// A text around an expression is a text, and true.
#[case("${{ false }} == true", Status::Success, true)]
fn a_condition_asks_for_success_where_it_asks_for_nothing_else(
    #[case] text: &str,
    #[case] status: Status,
    #[case] expected: bool,
) {
    let (condition, faults) = Condition::read(text, Site::StepIf);
    assert_eq!(faults, []);
    assert_eq!(condition.holds(&Scope { status, ..scope() }), Ok(expected));
}

#[rstest]
#[case::brackets(format!("{}1{}", "(".repeat(5000), ")".repeat(5000)), "depth 50")]
#[case::not("!".repeat(5000) + "true", "depth 50")]
#[case::members(format!("vars{}", ".a".repeat(5000)), "depth 50")]
#[case::comparisons("1 == ".repeat(4000) + "1", "depth 50")]
#[case::calls(format!("{}1{}", "toJSON(".repeat(60), ")".repeat(60)), "depth 50")]
#[case::length("1".repeat(21_001), "length 21000")]
fn hostile_expressions_are_refused_when_they_are_read(
    #[case] expression: String,
    #[case] expected: &str,
) {
    let error = Expression::read(&expression, Site::Step).unwrap_err().to_string();
    assert!(error.contains(&format!("Exceeded max expression {expected}")), "{error}");
}

#[test]
fn hostile_expressions_make_no_more_than_their_bytes() {
    let doubled =
        (0..40).fold("'aaaa'".to_owned(), |inner, _| format!("format('{{0}}{{0}}', {inner})"));
    let error = Expression::read(&doubled, Site::Step).unwrap().evaluate(&scope()).unwrap_err();
    assert_eq!(error, Stopped::Fault("an expression makes more than 10485760 bytes".to_owned()));
    let list = format!("fromJSON('[{}1]')", "1,".repeat(9000));
    let squared = format!("join({list}, join({list}))");
    assert!(
        Expression::read(&squared, Site::Step).is_err_and(|it| it.to_string().contains("length"))
    );
}

/// Whatever is read: no panic, and an end.
#[test]
fn texts_of_all_signs_are_read_or_refused() {
    let words = [
        "vars", ".", "a", "[", "]", "(", ")", "*", "'x'", "1", "==", "!", "&&", "||", ",", "<",
        "format", "join", "-", "'", " ", "é", "}", "0x", "NaN", "\n",
    ];
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..(seed % 12) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            text.push_str(words[usize::try_from(seed % words.len() as u64).unwrap()]);
        }
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if let Ok(read) = Expression::read(&text, Site::Step) {
            let _ = read.evaluate(&scope());
        }
        let (template, _) = Template::read(&format!("${{{{{text}}}}}"), Site::Step);
        let _ = template.value(&scope(), &mut |_| {});
        let _ = Condition::read(&text, Site::JobIf);
    }
}
