//! ARNs, and the patterns by which tables speak of them.

use serde_json::{Map, Value};

/// An ARN, in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arn<'a> {
    /// All of it.
    pub(crate) text: &'a str,
    /// `sqs`, ….
    pub(crate) service: &'a str,
    /// Nothing for what has no region.
    pub(crate) region: &'a str,
    /// The account, or nothing.
    pub(crate) account: &'a str,
    /// `key/ID`, `function:NAME`.
    pub(crate) resource: &'a str,
}

impl<'a> Arn<'a> {
    /// The parts of an ARN.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        match parts.as_slice() {
            ["arn", _, service, region, account, resource] => {
                Some(Self { text, service, region, account, resource })
            }
            _ => None,
        }
    }

    /// What stands before the resource: `arn:aws:sqs:eu-west-1:123456789012:`.
    fn head(&self) -> &'a str {
        self.text.strip_suffix(self.resource).unwrap_or(self.text)
    }
}

/// What a pattern of a resource found: names with their values.
pub(super) type Found<'a> = Vec<(&'static str, &'a str)>;

/// Matches a resource with a pattern: `table/{name}/stream/{label}`. A name
/// takes all up to the character behind it, and what stands at the end takes the
/// rest; a `*` at the end takes anything.
pub(super) fn find<'a>(pattern: &'static str, resource: &'a str) -> Option<Found<'a>> {
    let mut found = Found::new();
    let (mut pattern, mut rest) = (pattern, resource);
    while let Some((literal, behind)) = pattern.split_once('{') {
        rest = rest.strip_prefix(literal)?;
        let (name, behind) = behind.split_once('}')?;
        let value = match behind.chars().next() {
            None | Some('*') => rest,
            Some(end) => rest.split(end).next().unwrap_or(rest),
        };
        if value.is_empty() {
            return None;
        }
        found.push((name, value));
        rest = rest.strip_prefix(value)?;
        pattern = behind;
    }
    match pattern.strip_suffix('*') {
        Some(literal) => rest.starts_with(literal).then_some(found),
        None => (rest == pattern).then_some(found),
    }
}

/// Fills a template: `{arn}`, `{head}` (all before the resource), `{account}`,
/// `{region}`, `{resource}`, `{parameter}`, and what the pattern found.
pub(super) fn fill(template: &str, arn: &Arn<'_>, found: &Found<'_>) -> String {
    let parameter = parameter(arn.resource);
    let known = [
        ("arn", arn.text),
        ("parameter", parameter.as_str()),
        ("head", arn.head()),
        ("account", arn.account),
        ("region", arn.region),
        ("resource", arn.resource),
    ];
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((literal, behind)) = rest.split_once('{') {
        text.push_str(literal);
        let Some((name, behind)) = behind.split_once('}') else { break };
        let value = known.iter().chain(found).find(|(known, _)| *known == name);
        text.push_str(value.map_or("", |(_, value)| value));
        rest = behind;
    }
    text + rest
}

/// The name of a parameter of SSM: the ARN of a hierarchical one has lost its
/// leading slash.
fn parameter(resource: &str) -> String {
    let name = resource.strip_prefix("parameter/").unwrap_or(resource);
    if name.contains('/') { format!("/{name}") } else { name.to_owned() }
}

/// A member of an input.
#[derive(Debug, Clone, Copy)]
pub(super) enum Given {
    /// A text.
    Text(&'static str),
    /// A list of one text.
    List(&'static str),
    /// A number.
    Number(&'static str),
}

/// An input of a table; nothing where a number is none: it names nothing.
pub(super) fn input(
    given: &[(&str, Given)],
    arn: &Arn<'_>,
    found: &Found<'_>,
) -> Option<Map<String, Value>> {
    let member = |(member, given): &(&str, Given)| {
        let value = match given {
            Given::Text(template) => fill(template, arn, found).into(),
            Given::List(template) => vec![fill(template, arn, found)].into(),
            Given::Number(template) => fill(template, arn, found).parse::<u64>().ok()?.into(),
        };
        Some(((*member).to_owned(), value))
    };
    given.iter().map(member).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::all("{name}", "orders", Some("name=orders"))]
    #[case::a_path("repository/{name}", "repository/team/app", Some("name=team/app"))]
    #[case::two("layer:{name}:{version}", "layer:base:3", Some("name=base,version=3"))]
    #[case::one_of_two("layer:{name}:{version}", "layer:base", None)]
    #[case::anything("secret:*", "secret:db-AbCdEf", Some(""))]
    #[case::in_the_middle("table/{name}/index/*", "table/t/index/i", Some("name=t"))]
    #[case::another("key/{id}", "alias/a", None)]
    #[case::empty("key/{id}", "key/", None)]
    fn patterns_find_names(
        #[case] pattern: &'static str,
        #[case] resource: &str,
        #[case] expected: Option<&str>,
    ) {
        let found = find(pattern, resource).map(|found| {
            let pairs: Vec<String> = found.iter().map(|(k, v)| format!("{k}={v}")).collect();
            pairs.join(",")
        });
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn templates_are_filled() {
        let arn = Arn::parse("arn:aws:dynamodb:eu-west-1:123456789012:table/t/index/i").unwrap();
        let found = find("table/{name}/index/*", arn.resource).unwrap();
        assert_eq!(
            fill("{head}table/{name}", &arn, &found),
            "arn:aws:dynamodb:eu-west-1:123456789012:table/t"
        );
        assert_eq!(fill("{account}/{region}", &arn, &found), "123456789012/eu-west-1");
        assert_eq!(Arn::parse("queue"), None);
    }
}
