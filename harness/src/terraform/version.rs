//! Versions and their constraints, as Terraform compares them
//! (<https://developer.hashicorp.com/terraform/language/expressions/version-constraints>).

use std::cmp::Ordering;

/// A version: its numbers; one before a release is less than it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    numbers: Vec<u64>,
    before: Option<String>,
}

impl Version {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('v');
        let text = text.split('+').next().unwrap_or(text);
        let (numbers, before) =
            text.split_once('-').map_or((text, None), |(numbers, rest)| (numbers, Some(rest)));
        let numbers: Option<Vec<u64>> = numbers.split('.').map(|part| part.parse().ok()).collect();
        Some(Self { numbers: numbers?, before: before.map(str::to_owned) })
    }

    fn number(&self, at: usize) -> u64 {
        self.numbers.get(at).copied().unwrap_or_default()
    }

    fn compared(&self, other: &Self) -> Ordering {
        let length = self.numbers.len().max(other.numbers.len());
        let numbers = (0..length).map(|at| self.number(at).cmp(&other.number(at)));
        let numbers = numbers.fold(Ordering::Equal, Ordering::then);
        numbers.then_with(|| match (&self.before, &other.before) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(left), Some(right)) => left.cmp(right),
        })
    }
}

/// Whether a version meets all constraints of a text; none where it is no
/// constraint.
pub(super) fn meets(version: &Version, constraints: &str) -> Option<bool> {
    let mut meets = true;
    for one in constraints.split(',').map(str::trim).filter(|one| !one.is_empty()) {
        let number = one.find(|c: char| c.is_ascii_digit() || c == 'v')?;
        let (operator, wanted) = one.split_at(number);
        let wanted = Version::parse(wanted)?;
        let order = version.compared(&wanted);
        meets &= match operator.trim() {
            "" | "=" => order.is_eq(),
            "!=" => order.is_ne(),
            ">" => order.is_gt(),
            ">=" => order.is_ge(),
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            // The last number that is given may grow.
            "~>" => {
                let fixed = wanted.numbers.len().saturating_sub(1).max(1);
                let kept = wanted.numbers.len() == 1
                    || (0..fixed).all(|at| version.number(at) == wanted.number(at));
                order.is_ge() && kept
            }
            _ => return None,
        };
    }
    Some(meets)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("5.31.0", "~> 5.0", true)]
    #[case("6.0.0", "~> 5.0", false)]
    #[case("5.31.4", "~> 5.31.0", true)]
    #[case("5.32.0", "~> 5.31.0", false)]
    #[case("5.2.0", ">= 4.0, < 5.0", false)]
    #[case("5.2.0", ">= 4.0, != 5.1", true)]
    #[case("5.2.0", "5.2.0", true)]
    #[case("5.2", "=5.2.0", true)]
    #[case("5.2.1", "5.2", false)]
    #[case("1.11.4", ">=1.0", true)]
    #[case("6.0.0-beta1", ">= 6.0.0", false)]
    #[case("7.0.0", "~> 5", true)]
    fn constraints_are_compared(
        #[case] version: &str,
        #[case] constraints: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(meets(&Version::parse(version).unwrap(), constraints), Some(expected));
    }

    #[test]
    fn what_is_no_constraint_is_not_judged() {
        assert_eq!(meets(&Version::parse("1.0").unwrap(), "latest"), None);
        assert_eq!(Version::parse("x"), None);
    }
}
