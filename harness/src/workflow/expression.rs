//! `${{ … }}`: the property forms and literals. Operators and functions are
//! refused by name.

use std::collections::BTreeMap;

const UNCLOSED: &str = "`${{` has no `}}`";

/// The properties of the `github` context that a run has.
pub(super) const GITHUB: [&str; 16] = [
    "actor",
    "event_name",
    "job",
    "ref",
    "ref_name",
    "ref_type",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "run_attempt",
    "run_id",
    "run_number",
    "sha",
    "workflow",
    "workspace",
];

/// Those of the `runner` context.
pub(super) const RUNNER: [&str; 2] = ["os", "temp"];

/// What expressions see.
#[derive(Debug, Clone, Default)]
pub(super) struct Contexts {
    pub(super) vars: BTreeMap<String, String>,
    pub(super) secrets: BTreeMap<String, String>,
    pub(super) github: BTreeMap<&'static str, String>,
    pub(super) runner: BTreeMap<&'static str, String>,
    pub(super) env: BTreeMap<String, String>,
    /// By step id and output name.
    pub(super) steps: BTreeMap<String, BTreeMap<String, String>>,
}

/// A text with its expressions replaced. A variable, secret or output that
/// does not exist is empty, as on GitHub; `missing` hears of it.
///
/// # Errors
/// What is wrong with an expression, as a message.
pub(super) fn fill(
    text: &str,
    contexts: &Contexts,
    mut missing: impl FnMut(&str),
) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        filled.push_str(before);
        let Some((expression, after)) = after.split_once("}}") else {
            return Err(UNCLOSED.to_owned());
        };
        let expression = expression.trim();
        match value(expression, contexts)? {
            Some(value) => filled.push_str(&value),
            None => missing(expression),
        }
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// What an expression asks for.
enum Asked<'e> {
    Literal(String),
    Var(&'e str),
    Secret(&'e str),
    Env(&'e str),
    Output(&'e str, &'e str),
    Github(&'e str),
    Runner(&'e str),
}

/// Every expression of a text that is not supported, each as its message.
pub(super) fn unsupported_in(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("${{") {
        let Some((expression, after)) = after.split_once("}}") else {
            found.push(UNCLOSED.to_owned());
            break;
        };
        found.extend(read(expression.trim()).err());
        rest = after;
    }
    found
}

fn read(expression: &str) -> Result<Asked<'_>, String> {
    if let Some(literal) = expression.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''))
        && !literal.replace("''", "").contains('\'')
    {
        return Ok(Asked::Literal(literal.replace("''", "'")));
    }
    let plain =
        expression.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let parts: Vec<&str> = expression.split('.').collect();
    if !plain || parts.iter().any(|part| part.is_empty()) {
        return Err(unsupported(expression));
    }
    match parts.as_slice() {
        ["vars", name] => Ok(Asked::Var(name)),
        ["secrets", name] => Ok(Asked::Secret(name)),
        ["env", name] => Ok(Asked::Env(name)),
        ["steps", id, "outputs", name] => Ok(Asked::Output(id, name)),
        ["github", name] if GITHUB.contains(name) => Ok(Asked::Github(name)),
        ["runner", name] if RUNNER.contains(name) => Ok(Asked::Runner(name)),
        _ => Err(unsupported(expression)),
    }
}

fn value(expression: &str, contexts: &Contexts) -> Result<Option<String>, String> {
    // Names of variables, secrets and properties are case-insensitive.
    let of = |map: &BTreeMap<String, String>, name: &str| {
        map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
    };
    Ok(match read(expression)? {
        Asked::Literal(text) => Some(text),
        Asked::Var(name) => of(&contexts.vars, name),
        Asked::Secret(name) => of(&contexts.secrets, name),
        Asked::Env(name) => contexts.env.get(name).cloned(),
        Asked::Output(id, name) => {
            contexts.steps.get(id).and_then(|outputs| outputs.get(name).cloned())
        }
        Asked::Github(name) => contexts.github.get(name).cloned(),
        Asked::Runner(name) => contexts.runner.get(name).cloned(),
    })
}

fn unsupported(expression: &str) -> String {
    format!(
        "the expression `{expression}` is not supported: only vars.X, secrets.X, env.X, github.X, \
         runner.X, steps.ID.outputs.X and literals are"
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn contexts() -> Contexts {
        Contexts {
            vars: [("ACCOUNT".to_owned(), "123".to_owned())].into(),
            github: [("sha", "abc".to_owned())].into(),
            steps: [("build".to_owned(), [("key".to_owned(), "k".to_owned())].into())].into(),
            ..Contexts::default()
        }
    }

    #[rstest]
    #[case("arn::${{ vars.ACCOUNT }}:${{vars.account}}", "arn::123:123")]
    #[case("${{ github.sha }}/${{ steps.build.outputs.key }}", "abc/k")]
    #[case("${{ 'it''s' }}", "it's")]
    #[case("a ${{ vars.NOBODY }} b", "a  b")]
    #[case("$HOME ${x} {{ y }}", "$HOME ${x} {{ y }}")]
    fn property_forms_are_replaced(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(fill(text, &contexts(), |_| {}).unwrap(), expected);
        assert_eq!(unsupported_in(text), [""; 0]);
    }

    #[rstest]
    #[case("${{ github.event.inputs.x }}", "`github.event.inputs.x` is not supported")]
    #[case("${{ always() }}", "`always()` is not supported")]
    #[case("${{ vars.A == 'b' }}", "`vars.A == 'b'` is not supported")]
    #[case("${{ 'a' == 'b' }}", "`'a' == 'b'` is not supported")]
    #[case("${{ vars.A", "`${{` has no `}}`")]
    fn everything_else_is_refused_by_name(#[case] text: &str, #[case] expected: &str) {
        let error = fill(text, &contexts(), |_| {}).unwrap_err();
        assert!(error.contains(expected), "{error}");
        assert_eq!(unsupported_in(text), [error]);
    }
}
