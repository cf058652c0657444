//! Condition operators by name.

/// What an operator compares, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Base {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    Numeric(Order),
    Date(Order),
    Bool,
    Binary,
    IpAddress,
    /// `ArnEquals` and `ArnLike` are the same.
    Arn,
    Null,
}

/// How two numbers or dates must stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Order {
    Equals,
    LessThan,
    LessThanEquals,
    GreaterThan,
    GreaterThanEquals,
}

/// What a set operator asks of a key's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Quantifier {
    ForAllValues,
    ForAnyValue,
}

/// An operator with its prefix and suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Operator {
    pub(crate) base: Base,
    /// `…Not…`
    pub(crate) negated: bool,
    pub(crate) quantifier: Option<Quantifier>,
    pub(crate) if_exists: bool,
}

/// All operators of
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>.
const OPERATORS: [(&str, Base, bool); 27] = [
    ("StringEquals", Base::StringEquals, false),
    ("StringNotEquals", Base::StringEquals, true),
    ("StringEqualsIgnoreCase", Base::StringEqualsIgnoreCase, false),
    ("StringNotEqualsIgnoreCase", Base::StringEqualsIgnoreCase, true),
    ("StringLike", Base::StringLike, false),
    ("StringNotLike", Base::StringLike, true),
    ("NumericEquals", Base::Numeric(Order::Equals), false),
    ("NumericNotEquals", Base::Numeric(Order::Equals), true),
    ("NumericLessThan", Base::Numeric(Order::LessThan), false),
    ("NumericLessThanEquals", Base::Numeric(Order::LessThanEquals), false),
    ("NumericGreaterThan", Base::Numeric(Order::GreaterThan), false),
    ("NumericGreaterThanEquals", Base::Numeric(Order::GreaterThanEquals), false),
    ("DateEquals", Base::Date(Order::Equals), false),
    ("DateNotEquals", Base::Date(Order::Equals), true),
    ("DateLessThan", Base::Date(Order::LessThan), false),
    ("DateLessThanEquals", Base::Date(Order::LessThanEquals), false),
    ("DateGreaterThan", Base::Date(Order::GreaterThan), false),
    ("DateGreaterThanEquals", Base::Date(Order::GreaterThanEquals), false),
    ("Bool", Base::Bool, false),
    ("BinaryEquals", Base::Binary, false),
    ("IpAddress", Base::IpAddress, false),
    ("NotIpAddress", Base::IpAddress, true),
    ("ArnEquals", Base::Arn, false),
    ("ArnLike", Base::Arn, false),
    ("ArnNotEquals", Base::Arn, true),
    ("ArnNotLike", Base::Arn, true),
    ("Null", Base::Null, false),
];

impl Operator {
    /// Whether it compares dates.
    pub(crate) fn is_date(self) -> bool {
        matches!(self.base, Base::Date(_))
    }

    /// Reads a name; `None` when AWS has no such operator.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (quantifier, rest) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(Quantifier::ForAllValues), rest),
            Some(("ForAnyValue", rest)) => (Some(Quantifier::ForAnyValue), rest),
            Some(_) => return None,
            None => (None, name),
        };
        let (if_exists, rest) = match rest.strip_suffix("IfExists") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let (_, base, negated) = *OPERATORS.iter().find(|(name, ..)| *name == rest)?;
        // "You can add IfExists to the end of any condition operator name
        // except the Null condition."
        if if_exists && base == Base::Null {
            return None;
        }
        Some(Self { base, negated, quantifier, if_exists })
    }
}

/// The operator that a misspelt name comes closest to.
pub(crate) fn nearest(name: &str) -> Option<&'static str> {
    let bare = name.rsplit(':').next().unwrap_or(name);
    let bare = bare.strip_suffix("IfExists").unwrap_or(bare);
    OPERATORS
        .iter()
        .map(|(known, ..)| {
            (distance(&bare.to_ascii_lowercase(), &known.to_ascii_lowercase()), *known)
        })
        .min()
        .filter(|(far, _)| *far <= 3)
        .map(|(_, known)| known)
}

/// The number of letters to change, add or take away (Levenshtein).
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for ((right, diagonal), above) in b.iter().zip(&row).zip(row.iter().skip(1)) {
            let beside = next.last().copied().unwrap_or(usize::MAX - 1);
            let change = diagonal + usize::from(left != *right);
            next.push(change.min(beside + 1).min(above + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn prefix_and_suffix_are_read() {
        let operator = Operator::parse("ForAllValues:StringNotLikeIfExists").unwrap();
        assert_eq!(
            operator,
            Operator {
                base: Base::StringLike,
                negated: true,
                quantifier: Some(Quantifier::ForAllValues),
                if_exists: true,
            }
        );
    }

    #[rstest]
    #[case("StringEqual")]
    #[case("stringequals")]
    #[case("NullIfExists")]
    #[case("ForSomeValues:StringEquals")]
    #[case("StringEqualsIfExistsIfExists")]
    #[case("")]
    fn what_aws_does_not_know_is_no_operator(#[case] name: &str) {
        assert_eq!(Operator::parse(name), None);
    }

    #[test]
    fn a_misspelt_name_finds_its_operator() {
        assert_eq!(nearest("StringEqual"), Some("StringEquals"));
        assert_eq!(nearest("Nonsense"), None);
    }
}
