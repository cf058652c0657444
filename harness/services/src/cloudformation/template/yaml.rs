//! Templates in YAML: CloudFormation's dialect of YAML 1.1, with the short
//! forms of the intrinsic functions.
//!
//! Aliases are refused as CloudFormation refuses them
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html>),
//! which also rules out alias bombs; nesting is limited.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use serde_json::{Map, Value, json};

use super::TemplateError;

/// Deeper templates are refused; AWS's own limit is not published.
const MAX_DEPTH: usize = 100;

/// The functions that have a short form `!Name`, with their long form.
const SHORT_FORMS: [(&str, &str); 21] = [
    ("Ref", "Ref"),
    ("Condition", "Condition"),
    ("GetAtt", "Fn::GetAtt"),
    ("Sub", "Fn::Sub"),
    ("Join", "Fn::Join"),
    ("Select", "Fn::Select"),
    ("Split", "Fn::Split"),
    ("If", "Fn::If"),
    ("And", "Fn::And"),
    ("Or", "Fn::Or"),
    ("Not", "Fn::Not"),
    ("Equals", "Fn::Equals"),
    ("FindInMap", "Fn::FindInMap"),
    ("Base64", "Fn::Base64"),
    ("ImportValue", "Fn::ImportValue"),
    ("Cidr", "Fn::Cidr"),
    ("GetAZs", "Fn::GetAZs"),
    ("Transform", "Fn::Transform"),
    ("Length", "Fn::Length"),
    ("ToJsonString", "Fn::ToJsonString"),
    ("ForEach", "Fn::ForEach"),
];

/// Reads a YAML template of one document.
pub(super) fn parse(text: &str) -> Result<Value, TemplateError> {
    let mut reader = Reader { parser: Parser::new_from_str(text) };
    let mut document = None;
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            Event::StreamEnd => break,
            _ if document.is_some() => return Err(malformed(span.start)),
            event => document = Some(reader.node(event, span, 0)?),
        }
    }
    Ok(document.unwrap_or(Value::Null))
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), TemplateError> {
        match self.parser.next_event() {
            Some(Ok(pair)) => Ok(pair),
            Some(Err(cause)) => Err(scan(&cause)),
            None => Ok((Event::StreamEnd, Span::empty(Marker::new(0, 1, 0)))),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Value, TemplateError> {
        if depth > MAX_DEPTH {
            return Err(TemplateError::new(format!(
                "Template format error: nested too deeply {}",
                place(span.start)
            )));
        }
        match event {
            Event::Scalar(text, style, _, tag) => scalar(&text, style, tag.as_deref(), span.start),
            Event::SequenceStart(_, tag) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                }
                tagged(Value::Array(items), tag.as_deref(), span.start)
            }
            Event::MappingStart(_, tag) => {
                let members = self.members(depth)?;
                tagged(Value::Object(members), tag.as_deref(), span.start)
            }
            Event::Alias(_) => Err(TemplateError::new(
                "Template error: YAML aliases are not allowed in CloudFormation templates",
            )),
            _ => Err(malformed(span.start)),
        }
    }

    fn members(&mut self, depth: usize) -> Result<Map<String, Value>, TemplateError> {
        let mut members = Map::new();
        loop {
            let (event, span) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok(members),
                Event::Scalar(key, _, _, None) => key.into_owned(),
                Event::Alias(_) => return self.node(event, span, depth).map(|_| members),
                _ => return Err(malformed(span.start)),
            };
            if key == "<<" || members.contains_key(&key) {
                let what = if key == "<<" { "hash merge" } else { "duplicate key" };
                return Err(TemplateError::new(format!(
                    "Template format error: {what} `{key}` {}",
                    place(span.start)
                )));
            }
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            members.insert(key, value);
        }
    }
}

fn scalar(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Tag>,
    at: Marker,
) -> Result<Value, TemplateError> {
    match tag {
        Some(tag) if tag.is_yaml_core_schema() => match tag.suffix.as_str() {
            "str" => Ok(text.into()),
            "int" | "float" | "bool" | "null" => Ok(plain(text)),
            other => Err(unknown_tag(&format!("!{other}"), at)),
        },
        Some(tag) => tagged(Value::String(text.to_owned()), Some(tag), at),
        None if style == ScalarStyle::Plain => Ok(plain(text)),
        None => Ok(text.into()),
    }
}

/// The type of an unquoted scalar, by YAML 1.1's rules; dates stay text, as
/// CloudFormation keeps `2012-10-17`.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => {
            return Value::Bool(true);
        }
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return text.into();
    }
    // A leading zero means octal; with an 8 or a 9 in it it is text.
    if digits.len() > 1 && digits.starts_with('0') && digits.chars().all(|c| c.is_ascii_digit()) {
        return i64::from_str_radix(text, 8).map_or_else(|_| text.into(), Value::from);
    }
    if digits.chars().all(|c| c.is_ascii_digit()) {
        return text.parse::<i64>().map_or_else(|_| text.into(), Value::from);
    }
    let fraction = digits.chars().all(|c| c.is_ascii_digit() || c == '.')
        && digits.matches('.').count() == 1
        && digits.len() > 1;
    match text.parse::<f64>() {
        // Kept as a number only where its text survives (`1.10` does not).
        Ok(number) if fraction && number.to_string() == text => json!(number),
        _ => text.into(),
    }
}

fn tagged(value: Value, tag: Option<&Tag>, at: Marker) -> Result<Value, TemplateError> {
    let Some(tag) = tag else { return Ok(value) };
    if tag.is_yaml_core_schema() {
        return match (tag.suffix.as_str(), &value) {
            ("map", Value::Object(_)) | ("seq", Value::Array(_)) => Ok(value),
            (other, _) => Err(unknown_tag(&format!("!{other}"), at)),
        };
    }
    let form = SHORT_FORMS.iter().find(|(short, _)| tag.handle == "!" && *short == tag.suffix);
    let Some((_, long)) = form else { return Err(unknown_tag(&tag.suffix, at)) };
    let value = match (*long, value) {
        ("Fn::GetAtt", Value::String(text)) => match text.split_once('.') {
            Some((resource, attribute)) => json!([resource, attribute]),
            None => Value::String(text),
        },
        (_, value) => value,
    };
    Ok(Value::Object(Map::from_iter([((*long).to_owned(), value)])))
}

fn unknown_tag(tag: &str, at: Marker) -> TemplateError {
    TemplateError::new(format!("Template format error: unknown tag `!{tag}` {}", place(at)))
}

fn scan(cause: &ScanError) -> TemplateError {
    malformed(*cause.marker())
}

fn malformed(at: Marker) -> TemplateError {
    TemplateError::new(format!("Template format error: YAML not well-formed. {}", place(at)))
}

fn place(at: Marker) -> String {
    format!("(line {}, column {})", at.line(), at.col() + 1)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

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
    #[case("1.5", json!(1.5))]
    #[case("1.10", json!("1.10"))]
    #[case("010", json!(8))]
    #[case("089", json!("089"))]
    #[case("yes", json!(true))]
    #[case("1.2.3", json!("1.2.3"))]
    #[case("10.0.0.0/16", json!("10.0.0.0/16"))]
    #[case("'128'", json!("128"))]
    #[case("~", Value::Null)]
    fn plain_scalars_have_yaml_1_1_types(#[case] text: &str, #[case] value: Value) {
        assert_eq!(parse(&format!("a: {text}")).unwrap(), json!({ "a": value }));
    }

    #[rstest]
    #[case("a: 1\nb: 2\na: 3\n", "Template format error: duplicate key `a` (line 3, column 1)")]
    #[case(
        "a: &x 1\nb: *x\n",
        "Template error: YAML aliases are not allowed in CloudFormation templates"
    )]
    #[case("a: !Foo b\n", "Template format error: unknown tag `!Foo` (line 1, column 4)")]
    #[case("<<: {a: b}\n", "Template format error: hash merge `<<` (line 1, column 1)")]
    #[case("a: [1\nb: 2\n", "Template format error: YAML not well-formed. (line 2, column 2)")]
    fn malformed_yaml_is_refused_with_its_place(#[case] text: &str, #[case] message: &str) {
        assert_eq!(parse(text).unwrap_err().to_string(), message);
    }

    #[test]
    fn nesting_has_a_limit() {
        let text = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        assert_eq!(
            parse(&text).unwrap_err().to_string(),
            "Template format error: nested too deeply (line 1, column 102)"
        );
    }
}
