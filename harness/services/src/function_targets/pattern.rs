//! Filter patterns of CloudWatch Logs, so far as they are built: everything, and
//! terms that must all be there.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>

/// A filter pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pattern {
    /// The empty pattern, and one without fields.
    All,
    /// Each of these terms; case counts.
    Terms(Vec<String>),
}

impl Pattern {
    /// Reads a pattern; none for what is not built: fields, JSON, optional and
    /// excluded terms, regular expressions.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text == "[]" {
            return Some(Self::All);
        }
        let mut terms = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (term, after) = match rest.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').filter(|(term, _)| !term.contains('\\'))?,
                None => rest.split_once(' ').unwrap_or((rest, "")),
            };
            let plain = |c: char| c.is_alphanumeric() || c == '_';
            let is_quoted = rest.starts_with('"');
            if term.is_empty() || (!is_quoted && !term.chars().all(plain)) {
                return None;
            }
            if is_quoted && !(after.is_empty() || after.starts_with(' ')) {
                return None;
            }
            terms.push(term.to_owned());
            rest = after.trim_start();
        }
        Some(Self::Terms(terms))
    }

    /// Whether a message fits.
    pub(super) fn matches(&self, message: &str) -> bool {
        match self {
            Self::All => true,
            Self::Terms(terms) => terms.iter().all(|term| message.contains(term)),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Pattern;

    #[rstest]
    #[case("", "anything", true)]
    #[case("[]", "anything", true)]
    #[case("ERROR", "an ERROR here", true)]
    #[case("ERROR", "an error here", false)]
    #[case("ERROR disk", "disk: ERROR", true)]
    #[case("ERROR disk", "ERROR", false)]
    #[case("\"disk full\" ERROR", "ERROR: disk full", true)]
    fn all_terms_must_be_there(#[case] pattern: &str, #[case] message: &str, #[case] fits: bool) {
        assert_eq!(Pattern::read(pattern).unwrap().matches(message), fits);
    }

    #[rstest]
    #[case("?a ?b")]
    #[case("-a")]
    #[case("{ $.a = 1 }")]
    #[case("[a, b]")]
    #[case("%a%")]
    #[case("\"open")]
    fn what_is_not_built_is_none(#[case] pattern: &str) {
        assert_eq!(Pattern::read(pattern), None);
    }
}
