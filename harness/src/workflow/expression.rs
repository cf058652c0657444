//! `${{ … }}`: the property forms and literals. Operators and functions are
//! refused by name.

use std::collections::BTreeMap;

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
            return Err("`${{` has no `}}`".to_owned());
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

fn value(expression: &str, contexts: &Contexts) -> Result<Option<String>, String> {
    if let Some(literal) = expression.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''))
        && !literal.replace("''", "").contains('\'')
    {
        return Ok(Some(literal.replace("''", "'")));
    }
    let plain =
        expression.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let parts: Vec<&str> = expression.split('.').collect();
    if !plain || parts.iter().any(|part| part.is_empty()) {
        return Err(unsupported(expression));
    }
    // Names of variables, secrets and properties are case-insensitive.
    let of = |map: &BTreeMap<String, String>, name: &str| {
        map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
    };
    match parts.as_slice() {
        ["vars", name] => Ok(of(&contexts.vars, name)),
        ["secrets", name] => Ok(of(&contexts.secrets, name)),
        ["env", name] => Ok(contexts.env.get(*name).cloned()),
        ["steps", id, "outputs", name] => {
            Ok(contexts.steps.get(*id).and_then(|outputs| outputs.get(*name).cloned()))
        }
        ["github", name] => match contexts.github.get(name) {
            Some(value) => Ok(Some(value.clone())),
            None => Err(unsupported(expression)),
        },
        ["runner", name] => match contexts.runner.get(name) {
            Some(value) => Ok(Some(value.clone())),
            None => Err(unsupported(expression)),
        },
        _ => Err(unsupported(expression)),
    }
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
    }
}
