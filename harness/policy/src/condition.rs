//! Conditions: one key of one operator with its values.
//!
//! Operators, keys within an operator: all must hold. Values of a key: one
//! must match; under a negated operator none may. Source:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html>.

use std::cmp::Ordering;
use std::net::IpAddr;

use crate::arn::{Arn, ArnValue};
use crate::operator::{Base, Operator, Order, Quantifier};
use crate::pattern::Case;
use crate::request::{Context, Values};
use crate::statement::Effect;
use crate::value::{AddressRange, Instant, Number, base64};
use crate::variables::{Pattern, TemplateError, Text};

/// One key of one operator.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    pub(crate) operator: Operator,
    /// As written.
    pub(crate) operator_name: Box<str>,
    /// As written.
    pub(crate) key: Box<str>,
    lower_key: Box<str>,
    /// As written.
    pub(crate) sources: Box<[Box<str>]>,
    expected: Expected,
}

/// The values of the policy, read once. A value that cannot be read (`None`)
/// matches nothing.
#[derive(Debug, Clone, PartialEq)]
enum Expected {
    Texts(Box<[Text]>),
    Patterns(Box<[Pattern]>),
    Numbers(Box<[Option<Box<str>>]>),
    Dates(Box<[Option<Instant>]>),
    Addresses(Box<[Option<AddressRange>]>),
    Binaries(Box<[Option<Vec<u8>>]>),
    Arns(Box<[Option<ArnValue>]>),
    /// `Null`: the key must be absent (`true`), present (`false`).
    Absence(Box<[Option<bool>]>),
}

/// Whether a value of the request matches the policy's values, before
/// negation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// One of them matches.
    Match,
    /// None matches.
    Differ,
    /// Nothing can be compared: the request's value is of another kind (not a
    /// number, date, address or ARN), or no value of the policy is readable.
    /// AWS writes nowhere what it makes of it. Here such a condition, negated
    /// or not, counts against the caller: it fails an Allow, and holds for a
    /// Deny.
    Incomparable,
}

impl Condition {
    pub(crate) fn new(
        operator: Operator,
        operator_name: &str,
        key: &str,
        sources: Vec<Box<str>>,
        variables: bool,
    ) -> Result<Self, TemplateError> {
        let expected = Expected::read(operator.base, &sources, variables)?;
        Ok(Self {
            operator,
            operator_name: operator_name.into(),
            key: key.into(),
            lower_key: key.to_ascii_lowercase().into(),
            sources: sources.into(),
            expected,
        })
    }

    /// What the request holds under the key. A list without values is as good
    /// as none.
    pub(crate) fn request_values<'c>(&self, context: &'c Context) -> Option<&'c Values> {
        context
            .get_lower(&self.lower_key)
            .filter(|values| !matches!(values, Values::Many(list) if list.is_empty()))
    }

    /// Whether the condition holds for a statement of this effect.
    pub(crate) fn holds(&self, context: &Context, effect: Effect) -> bool {
        let values = self.request_values(context);
        if let Expected::Absence(wanted) = &self.expected {
            let unreadable = wanted.iter().all(Option::is_none);
            return wanted.iter().any(|absent| *absent == Some(values.is_none()))
                || (unreadable && effect == Effect::Deny);
        }
        let Some(values) = values else { return self.holds_when_absent() };
        match (self.operator.quantifier, values) {
            (None, Values::One(value)) => self.holds_for(value, context, effect),
            // A multi-valued key needs a set operator: without one nothing
            // matches ([SIM] condition.ts, after re:Inforce 2025 IAM431).
            (None, Values::Many(_)) => false,
            // "ForAllValues also returns true … if the context key values
            // resolve to a null data set, such as an empty string."
            (Some(Quantifier::ForAllValues), values) => {
                values.as_slice().iter().all(String::is_empty)
                    || values.as_slice().iter().all(|value| self.holds_for(value, context, effect))
            }
            (Some(Quantifier::ForAnyValue), values) => {
                values.as_slice().iter().any(|value| self.holds_for(value, context, effect))
            }
        }
    }

    /// Whether the condition holds for a request without the key: `IfExists`
    /// and `ForAllValues` are true, `ForAnyValue` is false, else a negated
    /// operator is true and any other is false.
    pub(crate) fn holds_when_absent(&self) -> bool {
        if self.operator.if_exists {
            return true;
        }
        match self.operator.quantifier {
            Some(Quantifier::ForAllValues) => true,
            Some(Quantifier::ForAnyValue) => false,
            None => self.operator.negated,
        }
    }

    /// Whether one value of the request passes.
    fn holds_for(&self, value: &str, context: &Context, effect: Effect) -> bool {
        match self.compare(value, context) {
            Found::Match => !self.operator.negated,
            Found::Differ => self.operator.negated,
            Found::Incomparable => effect == Effect::Deny,
        }
    }

    /// Whether the condition holds for a Deny only because nothing could be
    /// compared.
    pub(crate) fn is_unclear(&self, context: &Context) -> bool {
        self.holds(context, Effect::Deny) && !self.holds(context, Effect::Allow)
    }

    /// Compares one value of the request with the policy's. A variable
    /// without a value is "effectively null. There is no equal or like
    /// value": it differs from everything, so that negated operators match
    /// (IAM user guide, policy variables with no value).
    pub(crate) fn compare(&self, value: &str, context: &Context) -> Found {
        match &self.expected {
            Expected::Texts(texts) => {
                let fold = self.operator.base != Base::StringEquals;
                any(texts.iter(), |text| {
                    Some(text.resolve(context).is_ok_and(|text| {
                        if fold { equal_ignoring_case(&text, value) } else { text == value }
                    }))
                })
            }
            Expected::Patterns(patterns) => any(patterns.iter(), |pattern| {
                Some(pattern.matches(value, Case::Sensitive, context).unwrap_or(false))
            }),
            Expected::Numbers(numbers) => {
                let Some(value) = Number::parse(value) else { return Found::Incomparable };
                any(numbers.iter(), |number| {
                    let number = Number::parse(number.as_deref()?)?;
                    Some(self.ordered(value.compare(&number)))
                })
            }
            Expected::Dates(dates) => {
                let Some(value) = Instant::parse(value) else { return Found::Incomparable };
                any(dates.iter(), |date| Some(self.ordered(value.cmp(&(*date)?))))
            }
            Expected::Addresses(ranges) => {
                let Ok(value) = value.parse::<IpAddr>() else { return Found::Incomparable };
                any(ranges.iter(), |range| Some((*range)?.contains(value)))
            }
            Expected::Binaries(binaries) => {
                let decoded = base64(value);
                let value = decoded.as_deref().unwrap_or(value.as_bytes());
                any(binaries.iter(), |binary| Some(binary.as_deref()? == value))
            }
            Expected::Arns(patterns) => {
                let Some(value) = Arn::parse(value) else { return Found::Incomparable };
                any(patterns.iter(), |pattern| Some(pattern.as_ref()?.matches(&value, context)))
            }
            Expected::Absence(_) => Found::Incomparable,
        }
    }

    fn ordered(&self, ordering: Ordering) -> bool {
        let (Base::Numeric(order) | Base::Date(order)) = self.operator.base else { return false };
        match order {
            Order::Equals => ordering == Ordering::Equal,
            Order::LessThan => ordering == Ordering::Less,
            Order::LessThanEquals => ordering != Ordering::Greater,
            Order::GreaterThan => ordering == Ordering::Greater,
            Order::GreaterThanEquals => ordering != Ordering::Less,
        }
    }

    /// The keys of the variables in its values.
    pub(crate) fn variables(&self) -> Vec<&str> {
        match &self.expected {
            Expected::Texts(texts) => texts.iter().flat_map(Text::variables).collect(),
            Expected::Patterns(patterns) => patterns.iter().flat_map(Pattern::variables).collect(),
            Expected::Arns(arns) => arns.iter().flatten().flat_map(ArnValue::variables).collect(),
            Expected::Numbers(_)
            | Expected::Dates(_)
            | Expected::Addresses(_)
            | Expected::Binaries(_)
            | Expected::Absence(_) => Vec::new(),
        }
    }

    /// The first value of the policy that cannot be read as its operator
    /// needs it.
    pub(crate) fn unreadable(&self) -> Option<&str> {
        fn first<T>(values: &[Option<T>]) -> Option<usize> {
            values.iter().position(Option::is_none)
        }
        let at = match &self.expected {
            Expected::Texts(_) | Expected::Patterns(_) => None,
            Expected::Numbers(values) => first(values),
            Expected::Dates(values) => first(values),
            Expected::Addresses(values) => first(values),
            Expected::Binaries(values) => first(values),
            Expected::Arns(values) => first(values),
            Expected::Absence(values) => first(values),
        }?;
        self.sources.get(at).map(AsRef::as_ref)
    }
}

/// Whether any value matches; a value that cannot be compared is passed over
/// unless there is no other.
fn any<T>(values: impl Iterator<Item = T>, test: impl Fn(T) -> Option<bool>) -> Found {
    let mut found = Found::Incomparable;
    for value in values {
        match test(value) {
            Some(true) => return Found::Match,
            Some(false) => found = Found::Differ,
            None => {}
        }
    }
    found
}

fn equal_ignoring_case(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
        || (!(a.is_ascii() && b.is_ascii()) && a.to_lowercase() == b.to_lowercase())
}

impl Expected {
    fn read(base: Base, sources: &[Box<str>], variables: bool) -> Result<Self, TemplateError> {
        let texts = |variables: bool| {
            sources.iter().map(|text| Text::parse(text, variables)).collect::<Result<_, _>>()
        };
        Ok(match base {
            // The variables page says that Bool takes no variables, the
            // operators page that it does: taking them harms nobody, since
            // without them such a value can match nothing.
            Base::StringEquals | Base::StringEqualsIgnoreCase | Base::Bool => {
                Self::Texts(texts(variables)?)
            }
            Base::StringLike => Self::Patterns(
                sources
                    .iter()
                    .map(|text| Pattern::parse(text, variables))
                    .collect::<Result<_, _>>()?,
            ),
            Base::Numeric(_) => Self::Numbers(
                sources.iter().map(|text| Number::parse(text).map(|_| text.clone())).collect(),
            ),
            Base::Date(_) => Self::Dates(sources.iter().map(|text| Instant::parse(text)).collect()),
            Base::IpAddress => {
                Self::Addresses(sources.iter().map(|text| AddressRange::parse(text)).collect())
            }
            Base::Binary => Self::Binaries(sources.iter().map(|text| base64(text)).collect()),
            Base::Arn => Self::Arns(
                sources
                    .iter()
                    .map(|text| ArnValue::parse(text, variables))
                    .collect::<Result<_, _>>()?,
            ),
            Base::Null => Self::Absence(sources.iter().map(|text| boolean(text)).collect()),
        })
    }
}

/// `true` or `false`, without regard to case.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}
