//! Route keys, and which route a request takes.

use std::fmt;
use std::str::FromStr;

use super::model::Texts;

/// A route key: `$default`, or a method with a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RouteKey {
    /// Whatever no other route takes.
    Default,
    /// `METHOD /path`.
    Path {
        /// An HTTP method, or `ANY`.
        method: String,
        /// What is between the slashes, after the first.
        segments: Vec<Segment>,
    },
}

/// A part of a route's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// Matches itself.
    Static(String),
    /// `{name}`: matches one segment.
    Variable(String),
    /// `{name+}`: matches all that is left, one segment at least.
    Greedy(String),
}

/// A text that is no route key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "The provided route key is not formatted properly for HTTP protocol. Format should be \
     \"<HTTP METHOD> /<RESOURCE PATH>\" or \"$default\""
)]
pub(super) struct RouteKeyError;

const METHODS: [&str; 8] = ["ANY", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

impl FromStr for RouteKey {
    type Err = RouteKeyError;

    fn from_str(text: &str) -> Result<Self, RouteKeyError> {
        if text == "$default" {
            return Ok(Self::Default);
        }
        let (method, path) = text.split_once(' ').ok_or(RouteKeyError)?;
        let path = path.strip_prefix('/').ok_or(RouteKeyError)?;
        if !METHODS.contains(&method) {
            return Err(RouteKeyError);
        }
        let segments =
            path.split('/').map(str::parse).collect::<Result<Vec<Segment>, RouteKeyError>>()?;
        // A greedy variable stands at the end only, and a name stands once.
        let greedy = segments.iter().rev().skip(1).any(|s| matches!(s, Segment::Greedy(_)));
        let names: Vec<_> = segments.iter().filter_map(Segment::variable).collect();
        let repeated =
            names.iter().enumerate().any(|(i, name)| names.iter().skip(i + 1).any(|n| n == name));
        if greedy || repeated {
            return Err(RouteKeyError);
        }
        Ok(Self::Path { method: method.to_owned(), segments })
    }
}

impl FromStr for Segment {
    type Err = RouteKeyError;

    fn from_str(text: &str) -> Result<Self, RouteKeyError> {
        if let Some(name) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            let (name, greedy) = match name.strip_suffix('+') {
                Some(name) => (name, true),
                None => (name, false),
            };
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-');
            if name.is_empty() || !name.chars().all(fits) {
                return Err(RouteKeyError);
            }
            let name = name.to_owned();
            return Ok(if greedy { Self::Greedy(name) } else { Self::Variable(name) });
        }
        if text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || matches!(c, '{' | '}' | '?' | '#'))
        {
            return Err(RouteKeyError);
        }
        Ok(Self::Static(text.to_owned()))
    }
}

impl Segment {
    fn variable(&self) -> Option<&str> {
        match self {
            Self::Static(_) => None,
            Self::Variable(name) | Self::Greedy(name) => Some(name),
        }
    }

    /// How exact a match with it is: a static segment says more than a
    /// variable, and a variable more than the greedy one.
    fn rank(&self) -> u8 {
        match self {
            Self::Static(_) => 0,
            Self::Variable(_) => 1,
            Self::Greedy(_) => 2,
        }
    }
}

impl fmt::Display for RouteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("$default"),
            Self::Path { method, .. } => write!(f, "{method} {}", self.path()),
        }
    }
}

impl RouteKey {
    /// The path as the key has it; `$default` has none.
    pub(super) fn path(&self) -> String {
        let Self::Path { segments, .. } = self else { return String::new() };
        segments.iter().fold(String::new(), |path, segment| match segment {
            Segment::Static(text) => format!("{path}/{text}"),
            Segment::Variable(name) => format!("{path}/{{{name}}}"),
            Segment::Greedy(name) => format!("{path}/{{{name}+}}"),
        })
    }

    /// Whether two keys take the same requests, though their variables may have
    /// other names.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Default, Self::Default) => true,
            (
                Self::Path { method, segments },
                Self::Path { method: other_method, segments: others },
            ) => {
                method == other_method
                    && segments.len() == others.len()
                    && segments.iter().zip(others).all(|pair| match pair {
                        (Segment::Static(one), Segment::Static(other)) => one == other,
                        (one, other) => one.rank() == other.rank(),
                    })
            }
            _ => false,
        }
    }

    /// The path parameters of a request that the key takes.
    fn matches(&self, method: &str, path: &str) -> Option<Texts> {
        let Self::Path { method: own, segments } = self else { return Some(Texts::new()) };
        if own != "ANY" && own != method {
            return None;
        }
        let mut rest = Some(path.strip_prefix('/')?);
        let mut parameters = Texts::new();
        for segment in segments {
            let left = rest?;
            let (head, tail) = match left.split_once('/') {
                Some((head, tail)) => (head, Some(tail)),
                None => (left, None),
            };
            match segment {
                Segment::Static(text) if decode(head) == *text => rest = tail,
                Segment::Variable(name) if !head.is_empty() => {
                    parameters.insert(name.clone(), decode(head));
                    rest = tail;
                }
                Segment::Greedy(name) if !left.is_empty() => {
                    parameters.insert(name.clone(), decode(left));
                    rest = None;
                }
                _ => return None,
            }
        }
        rest.is_none().then_some(parameters)
    }
}

/// Percent-decoded: API Gateway decodes path parameters before it passes them on
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>).
fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The routes of an API, most exact first.
#[derive(Debug, Clone, Default)]
pub(super) struct RouteTable(Vec<(RouteKey, String)>);

/// A route that a request takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken<'a> {
    pub(super) key: &'a RouteKey,
    pub(super) route_id: &'a str,
    pub(super) path_parameters: Texts,
}

impl RouteTable {
    /// A table of keys with their routes' ids.
    pub(super) fn new(routes: impl Iterator<Item = (RouteKey, String)>) -> Self {
        let mut routes: Vec<_> = routes.collect();
        routes.sort_by_cached_key(|(key, _)| match key {
            RouteKey::Default => (2, Vec::new(), true),
            RouteKey::Path { method, segments } => {
                let ranks: Vec<_> = segments.iter().map(Segment::rank).collect();
                (u8::from(ranks.contains(&2)), ranks, method == "ANY")
            }
        });
        Self(routes)
    }

    /// The route that a request takes: a full match before a greedy one before
    /// `$default`, static segments before variables from left to right, and a
    /// method before `ANY` on the same path
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>).
    pub(super) fn take(&self, method: &str, path: &str) -> Option<Taken<'_>> {
        self.0.iter().find_map(|(key, route_id)| {
            let path_parameters = key.matches(method, path)?;
            Some(Taken { key, route_id, path_parameters })
        })
    }
}

/// Which of an API's route keys takes a request, as [`super::HttpApis::serve`] has it. A
/// text that is no route key takes none.
pub fn taken_by<'k>(
    keys: impl IntoIterator<Item = &'k str>,
    method: &str,
    path: &str,
) -> Option<&'k str> {
    let keys: Vec<&'k str> = keys.into_iter().collect();
    let read = |key: &&'k str| Some((key.parse::<RouteKey>().ok()?, (*key).to_owned()));
    let table = RouteTable::new(keys.iter().filter_map(read));
    let taken = table.take(method, path)?;
    keys.into_iter().find(|key| *key == taken.route_id)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("$default")]
    #[case("GET /")]
    #[case("ANY /{proxy+}")]
    #[case("POST /a/{b}/c-d_e.f~g/{h+}")]
    #[case("GET /a/")]
    fn a_key_is_written_as_it_was_read(#[case] text: &str) {
        assert_eq!(text.parse::<RouteKey>().unwrap().to_string(), text);
    }

    #[rstest]
    #[case("")]
    #[case("GET")]
    #[case("GET a")]
    #[case("get /a")]
    #[case("TRACE /a")]
    #[case("GET  /a")]
    #[case("GET /a b")]
    #[case("GET /{a+}/b")]
    #[case("GET /{a}/{a}")]
    #[case("GET /{a}/{a+}")]
    #[case("GET /{}")]
    #[case("GET /{+}")]
    #[case("GET /x{a}")]
    #[case("GET /{a")]
    #[case("GET /a?b")]
    #[case("$connect")]
    #[case("GET $default")]
    fn other_texts_are_no_keys(#[case] text: &str) {
        assert_eq!(text.parse::<RouteKey>(), Err(RouteKeyError));
    }

    fn table(keys: &[&str]) -> RouteTable {
        RouteTable::new(keys.iter().map(|key| (key.parse().unwrap(), (*key).to_owned())))
    }

    /// The example of AWS's page with a few more.
    const KEYS: [&str; 10] = [
        "$default",
        "ANY /{proxy+}",
        "GET /pets/{proxy+}",
        "GET /pets/dog/{id}",
        "GET /pets/dog/1",
        "ANY /pets/dog/1",
        "ANY /pets/cat/{id}",
        "GET /{kind}/fish",
        "GET /pets/{kind}/{id}/{part}",
        "GET /",
    ];

    #[rstest]
    #[case("GET", "/pets/dog/1", Some("GET /pets/dog/1"))]
    #[case("POST", "/pets/dog/1", Some("ANY /pets/dog/1"))]
    #[case("GET", "/pets/dog/2", Some("GET /pets/dog/{id}"))]
    #[case("GET", "/pets/cat/1", Some("ANY /pets/cat/{id}"))]
    #[case("GET", "/pets/bird/1", Some("GET /pets/{proxy+}"))]
    #[case("GET", "/pets/fish", Some("GET /{kind}/fish"))]
    #[case("GET", "/pets/a/b/c", Some("GET /pets/{kind}/{id}/{part}"))]
    #[case("POST", "/test/5", Some("ANY /{proxy+}"))]
    #[case("POST", "/pets/dog/2", Some("ANY /{proxy+}"))]
    #[case("GET", "/", Some("GET /"))]
    #[case("POST", "/", Some("$default"))]
    #[case("GET", "/pets/dog/1/", Some("GET /pets/{proxy+}"))]
    fn the_best_match_is_taken(
        #[case] method: &str,
        #[case] path: &str,
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(table(&KEYS).take(method, path).map(|taken| taken.route_id), expected);
        assert_eq!(taken_by(KEYS, method, path), expected);
    }

    #[rstest]
    #[case("GET", "/a", true)]
    #[case("GET", "/%61", true)]
    #[case("POST", "/a", false)]
    #[case("GET", "/a/", false)]
    #[case("GET", "/A", false)]
    #[case("GET", "//a", false)]
    #[case("GET", "/b", false)]
    fn without_a_match_there_is_none(
        #[case] method: &str,
        #[case] path: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(table(&["GET /a"]).take(method, path).is_some(), expected);
    }

    #[rstest]
    #[case("GET /a/{x}", "/a/b%20c", &[("x", "b c")])]
    #[case("GET /a/{x}", "/a/b%2Fc", &[("x", "b/c")])]
    #[case("GET /a/{x+}", "/a/b/c%20d/", &[("x", "b/c d/")])]
    #[case("GET /{x}/{y+}", "/a/b", &[("x", "a"), ("y", "b")])]
    #[case("$default", "/a", &[])]
    fn variables_become_parameters(
        #[case] key: &str,
        #[case] path: &str,
        #[case] expected: &[(&str, &str)],
    ) {
        let expected: Texts =
            expected.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        assert_eq!(table(&[key]).take("GET", path).unwrap().path_parameters, expected);
    }

    #[rstest]
    #[case("GET /a/{x}", "GET /a/{y}", true)]
    #[case("GET /a/{x}", "GET /a/{x+}", false)]
    #[case("GET /a/{x}", "GET /a/x", false)]
    #[case("GET /a", "ANY /a", false)]
    #[case("$default", "$default", true)]
    fn keys_overlap_when_they_take_the_same_requests(
        #[case] one: &str,
        #[case] other: &str,
        #[case] expected: bool,
    ) {
        let (one, other): (RouteKey, RouteKey) = (one.parse().unwrap(), other.parse().unwrap());
        assert_eq!(one.overlaps(&other), expected);
    }
}
