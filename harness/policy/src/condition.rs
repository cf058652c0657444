//! Conditions: one key of one operator with its values.
//!
//! Operators, keys within an operator: all must hold. Values of a key: one
//! must match; under a negated operator none may. Source:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html>.

use std::cmp::Ordering;
use std::net::IpAddr;

use crate::arn::{Arn, ArnValue};
use crate::operator::{Base, Operator, Order, Quantifier};
use crate::pattern::{self, Case, Token};
use crate::request::{Context, Values};
use crate::statement::{Effect, Truth};
use crate::value::{AddressRange, Instant, Number, base64};
use crate::variables::{Match, Pattern, TemplateError, Text};

/// One key of one operator.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
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
    Numbers(InOrder<Box<str>>),
    Dates(InOrder<Instant>),
    Addresses(Box<[Option<AddressRange>]>),
    Binaries(Box<[Option<Vec<u8>>]>),
    Arns(Box<[Option<ArnValue>]>),
    /// `Null`: the key must be absent (`true`), present (`false`).
    Absence(Box<[Option<bool>]>),
}

/// Values that can be read, in their order; of each that cannot, nothing.
#[derive(Debug, Clone, PartialEq)]
struct InOrder<T> {
    known: Box<[T]>,
    /// Which of the policy's values can be read.
    read: Box<[bool]>,
}

impl<T> InOrder<T> {
    fn of(values: Vec<Option<T>>, order: impl Fn(&T, &T) -> Ordering) -> Self {
        let read = values.iter().map(Option::is_some).collect();
        let mut known: Vec<T> = values.into_iter().flatten().collect();
        known.sort_by(order);
        Self { known: known.into(), read }
    }

    /// The value that is the first to match, where one does: by the order, the one at an end
    /// or the same.
    fn decisive(&self, order: Order, compare: impl Fn(&T) -> Ordering) -> Option<&T> {
        match order {
            Order::LessThan | Order::LessThanEquals => self.known.last(),
            Order::GreaterThan | Order::GreaterThanEquals => self.known.first(),
            Order::Equals => {
                let at = self.known.partition_point(|one| compare(one) == Ordering::Less);
                self.known.get(at).or(self.known.last())
            }
        }
    }
}

/// What a request's value is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Test {
    /// A text.
    Text {
        /// The text.
        text: String,
        /// Whether letters compare without regard to case.
        fold: bool,
    },
    /// A pattern.
    Like(Vec<Token>),
    /// A number, by its order.
    Number(String),
    /// An instant in nanoseconds since 1970, by its order.
    Instant(i128),
    /// A range of addresses.
    Addresses {
        /// One of them.
        address: IpAddr,
        /// How many of its bits count.
        prefix: u32,
    },
    /// Bytes, written in base64.
    Binary(Vec<u8>),
}

/// Whether a value of the request matches the policy's values, before
/// negation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// One of them matches.
    Match,
    /// None matches.
    Differ,
    /// It hangs on a variable whose key is unknown.
    Unknown,
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

    /// The key in lower case.
    pub fn lower_key(&self) -> &str {
        &self.lower_key
    }

    /// The operator as written.
    pub fn operator_name(&self) -> &str {
        &self.operator_name
    }

    /// The key as written.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The policy's values as written.
    pub fn values(&self) -> &[Box<str>] {
        &self.sources
    }

    /// Whether it compares the values of a list.
    pub fn is_of_list(&self) -> bool {
        self.operator.quantifier.is_some()
    }

    /// The policy's values as they are compared with one of a request, with the
    /// values that a context gives to their variables. One whose variables have
    /// none is left out: it is equal to nothing.
    pub fn tests(&self, context: &Context) -> Vec<Test> {
        match &self.expected {
            Expected::Texts(texts) => {
                let fold = self.folds();
                let known = texts.iter().filter_map(|text| text.known(context));
                known.map(|text| Test::Text { text, fold }).collect()
            }
            Expected::Patterns(patterns) => {
                let known = patterns.iter().filter_map(|pattern| pattern.tokens_with(context));
                known.map(Test::Like).collect()
            }
            Expected::Arns(arns) => {
                let known = arns.iter().flatten().filter_map(|arn| arn.tokens(context));
                let mut anything = Vec::new();
                for part in ["arn", "*", "*", "*", "*"] {
                    pattern::push_part(&mut anything, part, Case::Fold);
                    anything.push(Token::Byte(b':'));
                }
                let in_parts = |token| if token == Token::Many { Token::ManyInPart } else { token };
                let anything = anything.into_iter().map(in_parts).chain([Token::Many]).collect();
                std::iter::once(anything).chain(known).map(Test::Like).collect()
            }
            Expected::Numbers(numbers) => {
                numbers.known.iter().map(|number| Test::Number(number.to_string())).collect()
            }
            Expected::Dates(dates) => {
                dates.known.iter().map(|date| Test::Instant(date.0)).collect()
            }
            Expected::Addresses(ranges) => ranges
                .iter()
                .flatten()
                .map(AddressRange::start)
                .map(|(address, prefix)| Test::Addresses { address, prefix })
                .collect(),
            Expected::Binaries(binaries) => {
                binaries.iter().flatten().cloned().map(Test::Binary).collect()
            }
            Expected::Absence(_) => Vec::new(),
        }
    }

    /// Whether nothing is known of the key.
    pub(crate) fn is_of_unknown(&self, context: &Context) -> bool {
        context.is_unknown_lower(&self.lower_key)
    }

    /// The keys of which nothing is known: its own, and those of variables.
    pub(crate) fn unknown(&self, context: &Context) -> Vec<&str> {
        if self.is_of_unknown(context) {
            return vec![&self.key];
        }
        self.variables().into_iter().filter(|key| context.is_unknown(key)).collect()
    }

    /// What the request holds under the key. A list without values is as good
    /// as none.
    pub(crate) fn request_values<'c>(&self, context: &'c Context) -> Option<&'c Values> {
        context
            .get_lower(&self.lower_key)
            .filter(|values| !matches!(values, Values::Many(list) if list.is_empty()))
    }

    /// Whether the condition holds for a statement of this effect.
    pub fn holds(&self, context: &Context, effect: Effect) -> Truth {
        let values = self.request_values(context);
        if let Expected::Absence(wanted) = &self.expected {
            let holds = |is_absent: bool| {
                let unreadable = wanted.iter().all(Option::is_none);
                wanted.contains(&Some(is_absent)) || (unreadable && effect == Effect::Deny)
            };
            return match values.is_none() && self.is_of_unknown(context) {
                true if holds(true) == holds(false) => Truth::of(holds(true)),
                true => Truth::Unknown,
                false => Truth::of(holds(values.is_none())),
            };
        }
        let Some(values) = values else {
            // Whatever a condition asks, there is a value that passes and one
            // that does not; but of what is equal to nothing.
            return match self.is_of_unknown(context) {
                true => self.holds_regardless(context, effect).map_or(Truth::Unknown, Truth::of),
                false => Truth::of(self.holds_when_absent()),
            };
        };
        let mut holds = values.as_slice().iter().map(|one| self.holds_for(one, context, effect));
        match (self.operator.quantifier, values) {
            // A multi-valued key needs a set operator: without one nothing
            // matches ([SIM] condition.ts, after re:Inforce 2025 IAM431).
            (None, Values::Many(_)) => Truth::False,
            (None, Values::One(_)) => holds.next().unwrap_or(Truth::False),
            // "ForAllValues also returns true … if the context key values
            // resolve to a null data set, such as an empty string."
            (Some(Quantifier::ForAllValues), values) => {
                match values.as_slice().iter().all(String::is_empty) {
                    true => Truth::True,
                    false => Truth::all(holds),
                }
            }
            (Some(Quantifier::ForAnyValue), _) => Truth::any(holds),
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

    /// Whether the condition holds, where that is the same whether its key is
    /// there or not and whatever it holds: all its values are variables without
    /// a value, which differ from everything.
    fn holds_regardless(&self, context: &Context, effect: Effect) -> Option<bool> {
        let Operator { negated, quantifier, .. } = self.operator;
        let (nothing, compared) = match &self.expected {
            Expected::Texts(texts) => (texts.iter().all(|text| text.is_nothing(context)), true),
            Expected::Patterns(patterns) => {
                (patterns.iter().all(|pattern| pattern.is_nothing(context)), true)
            }
            Expected::Arns(arns) => {
                (arns.iter().flatten().all(|arn| arn.is_nothing(context)), false)
            }
            _ => (false, false),
        };
        let absent = self.holds_when_absent();
        let of_a_value = negated;
        let of_what_is_not_compared = if compared { negated } else { effect == Effect::Deny };
        let of_a_list = match quantifier {
            None => false,
            Some(Quantifier::ForAnyValue) => negated,
            // An empty text passes.
            Some(_) => true,
        };
        let others = [of_a_value, of_what_is_not_compared, of_a_list];
        (nothing && others.iter().all(|holds| *holds == absent)).then_some(absent)
    }

    /// Whether one value of the request passes.
    fn holds_for(&self, value: &str, context: &Context, effect: Effect) -> Truth {
        match self.compare(value, context) {
            Found::Match => Truth::of(!self.operator.negated),
            Found::Differ => Truth::of(self.operator.negated),
            Found::Incomparable => Truth::of(effect == Effect::Deny),
            Found::Unknown => Truth::Unknown,
        }
    }

    /// Whether the condition holds for a Deny only because nothing could be
    /// compared.
    pub(crate) fn is_unclear(&self, context: &Context) -> bool {
        self.holds(context, Effect::Deny) == Truth::True
            && self.holds(context, Effect::Allow) == Truth::False
    }

    /// Compares one value of the request with the policy's. A variable
    /// without a value is "effectively null. There is no equal or like
    /// value": it differs from everything, so that negated operators match
    /// (IAM user guide, policy variables with no value).
    pub(crate) fn compare(&self, value: &str, context: &Context) -> Found {
        match &self.expected {
            Expected::Texts(texts) => {
                let fold = self.folds();
                let case = if fold { Case::Fold } else { Case::Sensitive };
                any(texts.iter(), |text| Some(equal(text.equals(value, case, context))))
            }
            Expected::Patterns(patterns) => any(patterns.iter(), |pattern| {
                // Most begin otherwise, whatever their variables hold.
                match pattern.may_begin(value) {
                    false => Some(Truth::False),
                    true => Some(equal(pattern.matches(value, Case::Sensitive, context))),
                }
            }),
            Expected::Numbers(numbers) => {
                let Some(value) = Number::parse(value) else { return Found::Incomparable };
                self.in_order(numbers, |number| match Number::parse(number) {
                    Some(number) => value.compare(&number),
                    None => Ordering::Greater,
                })
            }
            Expected::Dates(dates) => {
                let Some(value) = Instant::parse(value) else { return Found::Incomparable };
                self.in_order(dates, |date| value.cmp(date))
            }
            Expected::Addresses(ranges) => {
                let Ok(value) = value.parse::<IpAddr>() else { return Found::Incomparable };
                any(ranges.iter(), |range| Some(Truth::of((*range)?.contains(value))))
            }
            Expected::Binaries(binaries) => {
                let decoded = base64(value);
                let value = decoded.as_deref().unwrap_or(value.as_bytes());
                any(binaries.iter(), |binary| Some(Truth::of(binary.as_deref()? == value)))
            }
            Expected::Arns(patterns) => {
                let Some(value) = Arn::parse(value) else { return Found::Incomparable };
                any(patterns.iter(), |pattern| {
                    Some(equal(pattern.as_ref()?.matches(&value, context)))
                })
            }
            Expected::Absence(_) => Found::Incomparable,
        }
    }

    /// Whether texts compare without regard to case.
    fn folds(&self) -> bool {
        self.operator.base != Base::StringEquals
    }

    /// Compares a value, as it stands to each of the policy's.
    fn in_order<T>(&self, values: &InOrder<T>, compare: impl Fn(&T) -> Ordering) -> Found {
        let (Base::Numeric(order) | Base::Date(order)) = self.operator.base else {
            return Found::Incomparable;
        };
        // A value of the policy is less where the request's is greater.
        let decisive = values.decisive(order, |one| compare(one).reverse());
        any(decisive.into_iter(), |one| Some(Truth::of(self.ordered(compare(one)))))
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
    pub fn variables(&self) -> Vec<&str> {
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

    /// What of the policy's values cannot be read as the operator needs it.
    pub(crate) fn unreadable(&self) -> Option<Unreadable<'_>> {
        fn read<T>(values: &[Option<T>]) -> Option<(usize, bool)> {
            let first = values.iter().position(Option::is_none)?;
            Some((first, values.iter().all(Option::is_none)))
        }
        fn in_order<T>(values: &InOrder<T>) -> Option<(usize, bool)> {
            let first = values.read.iter().position(|read| !read)?;
            Some((first, values.known.is_empty()))
        }
        let (first, is_all) = match &self.expected {
            Expected::Texts(_) | Expected::Patterns(_) => None,
            Expected::Numbers(values) => in_order(values),
            Expected::Dates(values) => in_order(values),
            Expected::Addresses(values) => read(values),
            Expected::Binaries(values) => read(values),
            Expected::Arns(values) => read(values),
            Expected::Absence(values) => read(values),
        }?;
        Some(Unreadable { value: self.sources.get(first)?, is_all })
    }
}

/// What of a condition's values cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreadable<'c> {
    /// The first such value.
    pub(crate) value: &'c str,
    /// Whether no value can be read.
    pub(crate) is_all: bool,
}

/// Whether any value matches; a value that cannot be compared is passed over
/// unless there is no other.
fn any<T>(values: impl Iterator<Item = T>, test: impl Fn(T) -> Option<Truth>) -> Found {
    let mut found = Found::Incomparable;
    for value in values {
        match test(value) {
            Some(Truth::True) => return Found::Match,
            Some(Truth::Unknown) => found = Found::Unknown,
            Some(Truth::False) if found == Found::Incomparable => found = Found::Differ,
            Some(Truth::False) | None => {}
        }
    }
    found
}

/// A variable without a value is equal to nothing.
fn equal(found: Match<'_>) -> Truth {
    match found {
        Match::Yes => Truth::True,
        Match::No | Match::NoValue(_) | Match::Unknown { may: false } => Truth::False,
        Match::Unknown { may: true } => Truth::Unknown,
    }
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
            Base::Numeric(_) => {
                let read = sources.iter().map(|text| Number::parse(text).map(|_| text.clone()));
                Self::Numbers(InOrder::of(read.collect(), |one, other| {
                    let both = Number::parse(one).zip(Number::parse(other));
                    both.map_or(Ordering::Equal, |(one, other)| one.compare(&other))
                }))
            }
            Base::Date(_) => {
                let read = sources.iter().map(|text| Instant::parse(text));
                Self::Dates(InOrder::of(read.collect(), Instant::cmp))
            }
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
