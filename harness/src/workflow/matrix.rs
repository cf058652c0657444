//! The combinations of a matrix
//! (<https://docs.github.com/en/actions/how-tos/write-workflows/choose-what-workflows-do/run-job-variations>).

use super::expression::{Object, Value};

/// How many jobs a matrix may make.
const MOST: usize = 256;

/// A combination, and which of its names are the matrix's own.
#[derive(Debug, Clone)]
struct Combination {
    own: Object,
    all: Object,
}

/// The values of `matrix` of each job.
///
/// # Errors
/// What is wrong with the matrix.
pub(super) fn expand(matrix: &Value) -> Result<Vec<Object>, String> {
    let Value::Object(matrix) = matrix else {
        return Err("a matrix must be a mapping".to_owned());
    };
    let mut combinations = Vec::new();
    for (name, value) in matrix.members() {
        if is_filter(name) {
            continue;
        }
        let Value::Array(values) = value else {
            return Err(format!("`{name}` of a matrix must be a list"));
        };
        if values.is_empty() {
            return Err(format!("`{name}` of a matrix has no values"));
        }
        let before: Vec<Object> =
            if combinations.is_empty() { vec![Object::default()] } else { combinations };
        if before.len().saturating_mul(values.len()) > MOST * 16 {
            return Err(too_many());
        }
        combinations = before
            .iter()
            .flat_map(|combination| {
                values.iter().map(|value| {
                    let mut combination = combination.clone();
                    combination.set(name.clone(), value.clone());
                    combination
                })
            })
            .collect();
    }
    let excluded = entries(matrix, "exclude")?;
    combinations.retain(|combination| !excluded.iter().any(|entry| fits(entry, combination)));
    let mut found: Vec<Combination> =
        combinations.into_iter().map(|own| Combination { all: own.clone(), own }).collect();
    let count = found.len();
    for entry in entries(matrix, "include")? {
        include(&mut found, count, &entry);
        if found.len() > MOST {
            return Err(too_many());
        }
    }
    match found.len() {
        0 => Err("a matrix has no combinations".to_owned()),
        1..=MOST => Ok(found.into_iter().map(|combination| combination.all).collect()),
        _ => Err(too_many()),
    }
}

fn too_many() -> String {
    format!("a matrix makes more than {MOST} jobs")
}

fn is_filter(name: &str) -> bool {
    name.eq_ignore_ascii_case("include") || name.eq_ignore_ascii_case("exclude")
}

fn entries(matrix: &Object, name: &str) -> Result<Vec<Object>, String> {
    let wrong = || format!("`{name}` of a matrix must be a list of mappings");
    match matrix.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| match item {
                Value::Object(object) => Ok(object.as_ref().clone()),
                _ => Err(wrong()),
            })
            .collect(),
        Some(Value::Text(text)) if text.is_empty() => Ok(Vec::new()),
        Some(_) => Err(wrong()),
    }
}

/// Whether a combination has everything that an entry says.
fn fits(entry: &Object, combination: &Object) -> bool {
    entry
        .members()
        .iter()
        .all(|(name, value)| combination.get(name).is_some_and(|own| same(own, value)))
}

/// Adds an entry to each combination whose own values it does not change; where
/// there is none, it is a combination of its own.
fn include(found: &mut Vec<Combination>, own: usize, entry: &Object) {
    let mut added = false;
    for combination in found.iter_mut().take(own) {
        let changes = entry
            .members()
            .iter()
            .any(|(name, value)| combination.own.get(name).is_some_and(|own| !same(own, value)));
        if !changes {
            added = true;
            for (name, value) in entry.members() {
                combination.all.set(name.clone(), value.clone());
            }
        }
    }
    if !added {
        found.push(Combination { own: Object::default(), all: entry.clone() });
    }
}

/// Whether two values say the same.
fn same(one: &Value, two: &Value) -> bool {
    match (one, two) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(one), Value::Bool(two)) => one == two,
        (Value::Number(one), Value::Number(two)) => one.total_cmp(two).is_eq(),
        (Value::Text(one), Value::Text(two)) => one == two,
        (Value::Array(one), Value::Array(two)) => {
            one.len() == two.len() && one.iter().zip(two.iter()).all(|(one, two)| same(one, two))
        }
        (Value::Object(one), Value::Object(two)) => {
            one.members().len() == two.members().len() && fits(one, two)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::expression::{Expression, Scope, Site};
    use super::*;

    fn matrix(json: &str) -> Result<Vec<String>, String> {
        let text = format!("fromJSON('{json}')");
        let value = Expression::read(&text, Site::Strategy).unwrap().evaluate(&Scope::default());
        let combinations = expand(&value.unwrap())?;
        Ok(combinations
            .iter()
            .map(|combination| {
                let members = combination.members().iter();
                let texts: Vec<_> =
                    members.map(|(name, value)| format!("{name}={}", value.text())).collect();
                texts.join(" ")
            })
            .collect())
    }

    #[rstest]
    #[case::product(r#"{"a": [1, 2], "b": ["x", "y"]}"#, &["a=1 b=x", "a=1 b=y", "a=2 b=x", "a=2 b=y"])]
    #[case::exclude(r#"{"a": [1, 2], "b": ["x", "y"], "exclude": [{"a": 1}, {"a": 2, "b": "y"}]}"#, &["a=2 b=x"])]
    #[case::include_alone(r#"{"include": [{"a": 1}, {"a": 2, "b": 3}]}"#, &["a=1", "a=2 b=3"])]
    // The worked example of GitHub's documentation.
    #[case::include(
        r#"{"fruit": ["apple", "pear"], "animal": ["cat", "dog"], "include": [{"color": "green"}, {"color": "pink", "animal": "cat"}, {"fruit": "apple", "shape": "circle"}, {"fruit": "banana"}, {"fruit": "banana", "animal": "cat"}]}"#,
        &[
            "fruit=apple animal=cat color=pink shape=circle",
            "fruit=apple animal=dog color=green shape=circle",
            "fruit=pear animal=cat color=pink",
            "fruit=pear animal=dog color=green",
            "fruit=banana",
            "fruit=banana animal=cat",
        ]
    )]
    #[case::objects(r#"{"a": [{"n": 1}, {"n": 2}], "exclude": [{"a": {"n": 1}}]}"#, &["a=Object"])]
    fn a_matrix_makes_its_combinations(#[case] json: &str, #[case] expected: &[&str]) {
        assert_eq!(matrix(json).unwrap(), expected);
    }

    #[rstest]
    #[case::no_list(r#"{"a": 1}"#, "`a` of a matrix must be a list")]
    #[case::empty(r#"{"a": []}"#, "`a` of a matrix has no values")]
    #[case::nothing_left(r#"{"a": [1], "exclude": [{"a": 1}]}"#, "a matrix has no combinations")]
    #[case::no_mapping("[1]", "a matrix must be a mapping")]
    fn a_matrix_that_is_none_is_refused(#[case] json: &str, #[case] expected: &str) {
        assert_eq!(matrix(json).unwrap_err(), expected);
    }

    #[test]
    fn more_than_256_jobs_are_refused_before_they_are_made() {
        let axis = |name: &str| format!(r#""{name}": [0,1,2,3,4,5,6,7,8,9]"#);
        let axes: Vec<_> = ["a", "b", "c", "d", "e", "f", "g"].map(axis).into();
        let error = matrix(&format!("{{{}}}", axes.join(","))).unwrap_err();
        assert_eq!(error, "a matrix makes more than 256 jobs");
    }
}
