//! The values of expressions, and how GitHub makes one kind of another
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/expressions#operators>).

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// A value. Copies share what they hold, so that equality of objects and lists
/// can be that of identity, as GitHub has it.
#[derive(Debug, Clone)]
pub(in crate::workflow) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(Arc<str>),
    Array(Arc<Vec<Self>>),
    Object(Arc<Object>),
}

/// The members of an object, in their order. Names are found whatever their
/// case, but for `env`, whose names are those of Linux.
#[derive(Debug, Clone, Default)]
pub(in crate::workflow) struct Object {
    members: Vec<(String, Value)>,
    places: BTreeMap<String, usize>,
    exact: bool,
}

impl Object {
    /// One whose names have a case.
    pub(in crate::workflow) fn exact() -> Self {
        Self { exact: true, ..Self::default() }
    }

    fn key(&self, name: &str) -> String {
        if self.exact { name.to_owned() } else { name.to_ascii_lowercase() }
    }

    /// Sets a member; the name that came first stays.
    pub(in crate::workflow) fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        let (name, value) = (name.into(), value.into());
        let key = self.key(&name);
        match self.places.get(&key).and_then(|at| self.members.get_mut(*at)) {
            Some(member) => member.1 = value,
            None => {
                self.places.insert(key, self.members.len());
                self.members.push((name, value));
            }
        }
    }

    pub(in crate::workflow) fn get(&self, name: &str) -> Option<&Value> {
        let at = self.places.get(&self.key(name))?;
        self.members.get(*at).map(|(_, value)| value)
    }

    pub(in crate::workflow) fn members(&self) -> &[(String, Value)] {
        &self.members
    }
}

impl<N: Into<String>, V: Into<Value>> FromIterator<(N, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(members: I) -> Self {
        let mut object = Self::default();
        members.into_iter().for_each(|(name, value)| object.set(name, value));
        object
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(Arc::new(object))
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::Array(Arc::new(items))
    }
}

impl From<&BTreeMap<String, String>> for Value {
    fn from(map: &BTreeMap<String, String>) -> Self {
        map.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Object>().into()
    }
}

impl Value {
    /// What `if` makes of it: `false`, `0`, `NaN`, `''` and `null` are false.
    pub(in crate::workflow) fn is_true(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(flag) => *flag,
            Self::Number(number) => *number != 0.0 && !number.is_nan(),
            Self::Text(text) => !text.is_empty(),
            Self::Array(_) | Self::Object(_) => true,
        }
    }

    pub(super) fn is_primitive(&self) -> bool {
        !matches!(self, Self::Array(_) | Self::Object(_))
    }

    /// What stands in a text in its place.
    pub(in crate::workflow) fn text(&self) -> Arc<str> {
        match self {
            Self::Null => "".into(),
            Self::Bool(flag) => if *flag { "true" } else { "false" }.into(),
            Self::Number(number) => written(*number).into(),
            Self::Text(text) => Arc::clone(text),
            Self::Array(_) => "Array".into(),
            Self::Object(_) => "Object".into(),
        }
    }

    /// Null is 0, true 1, an empty text 0, an object or list none.
    pub(super) fn number(&self) -> f64 {
        match self {
            Self::Null => 0.0,
            Self::Bool(flag) => f64::from(u8::from(*flag)),
            Self::Number(number) => *number,
            Self::Text(text) => number_of(text),
            Self::Array(_) | Self::Object(_) => f64::NAN,
        }
    }

    /// How two compare; nothing where they do not. Texts are compared without
    /// case; of unlike kinds the primitives become numbers.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Array(one), Self::Array(two)) => {
                Arc::ptr_eq(one, two).then_some(Ordering::Equal)
            }
            (Self::Object(one), Self::Object(two)) => {
                Arc::ptr_eq(one, two).then_some(Ordering::Equal)
            }
            (Self::Text(one), Self::Text(two)) => Some(folded(one).cmp(folded(two))),
            (Self::Null, Self::Null) => Some(Ordering::Equal),
            (Self::Array(_) | Self::Object(_), _) | (_, Self::Array(_) | Self::Object(_)) => None,
            _ => self.number().partial_cmp(&other.number()),
        }
    }

    pub(super) fn equals(&self, other: &Self) -> bool {
        self.compare(other) == Some(Ordering::Equal)
    }

    /// A member, where it is an object that has it.
    pub(in crate::workflow) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(object) => object.get(name),
            _ => None,
        }
    }
}

/// As `String.ToUpperInvariant` has it: one for one, and the dotless i stays.
pub(super) fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().map(|letter| {
        let mut upper = letter.to_uppercase();
        match (letter, upper.next(), upper.next()) {
            ('ı', _, _) | (_, _, Some(_)) | (_, None, _) => letter,
            (_, Some(upper), None) => upper,
        }
    })
}

/// A text as a number, about as JavaScript's `Number()` has it; `NaN` where it
/// is none. Hexadecimal and octal numbers have 32 bits.
pub(super) fn number_of(text: &str) -> f64 {
    let text = text.trim();
    let of_radix = |digits: &str, radix| {
        let plain = digits.chars().all(|digit| digit.is_digit(radix));
        let bits = plain.then(|| u32::from_str_radix(digits, radix).ok()).flatten();
        bits.map_or(f64::NAN, |bits| f64::from(bits.cast_signed()))
    };
    if let Some(digits) = text.strip_prefix("0x").filter(|digits| !digits.is_empty()) {
        return of_radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o").filter(|digits| !digits.is_empty()) {
        return of_radix(digits, 8);
    }
    match text {
        "" => 0.0,
        "Infinity" | "+Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        // Rust's own reader knows more words than these.
        _ if text.chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c)) => {
            text.parse().unwrap_or(f64::NAN)
        }
        _ => f64::NAN,
    }
}

/// A number as .NET's `G15` has it, which the runner uses.
pub(super) fn written(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if number == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{number:.14e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if exponent > -5 && exponent < 15 {
        let decimals = usize::try_from(14 - exponent).unwrap_or_default();
        return trimmed(&format!("{number:.decimals$}"));
    }
    let mut text = trimmed(mantissa);
    let sign = if exponent < 0 { '-' } else { '+' };
    // Writing to a text does not fail.
    let _ = write!(text, "E{sign}{:02}", exponent.abs());
    text
}
