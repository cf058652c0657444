//! What the service is asked, where the call alone does not tell what it acts upon:
//! the workgroup of a query, the id behind the name of a node group.

use ringfence_models::needs::Asked;
use ringfence_models::{Kind, Operation};
use serde_json::{Map, Value};

use crate::requirements::RequirementsError;
use crate::requirements::scope::Scope;
use crate::requirements::state::{Question, Told};

/// A batch of AWS's has at most as many.
const MOST: usize = 100;

/// What the service answers. `*` for what is not there: the call can act upon
/// nothing then, and what it makes has an id that nobody knows yet. None: the
/// call names nothing.
pub(super) async fn texts(
    scope: &Scope<'_>,
    asked: &'static Asked,
    is_asked: impl Fn(&str) -> bool,
) -> Result<Vec<String>, RequirementsError> {
    let mut found = Vec::new();
    let questions = questions(scope, asked, is_asked)?;
    if questions.len() > MOST {
        return Err(scope.undecided(format!("it names more than {MOST} resources")));
    }
    for input in questions {
        let question = Question {
            api: scope.call.service(),
            operation: asked.operation,
            input,
            answer: &asked.answer,
        };
        match scope.state.told(&question).await? {
            Told::Is(texts) => found.extend(texts),
            Told::Nothing => found.push("*".to_owned()),
            Told::Unknown(why) => return Err(scope.undecided(why)),
        }
    }
    Ok(found)
}

/// The inputs: one with all that a call names where the operation takes a list,
/// else one for each.
fn questions(
    scope: &Scope<'_>,
    asked: &Asked,
    is_asked: impl Fn(&str) -> bool,
) -> Result<Vec<Map<String, Value>>, RequirementsError> {
    let operation = Operation::find(scope.call.service(), asked.operation);
    let operation = operation.ok_or_else(|| scope.unmapped())?;
    let mut questions = vec![Map::new()];
    for (name, path) in &asked.given {
        let member = operation.member(name).ok_or_else(|| scope.unmapped())?;
        let given = path.values(&scope.call.input).into_iter();
        let mut values: Vec<Value> = given.flat_map(each).collect();
        values.retain(|value| value.as_str().is_none_or(&is_asked));
        questions = match (values.is_empty(), member.kind) {
            (true, _) => questions,
            (false, Kind::List) => with(&questions, name, &[Value::from(values)]),
            (false, _) => with(&questions, name, &values),
        };
    }
    // Without what the call names, the service would tell of others, or of nothing.
    let is_whole = |question: &Map<String, Value>| {
        let mut names = asked.given.iter().map(|(name, _)| name);
        !question.is_empty()
            && names.all(|name| {
                question.contains_key(*name)
                    || operation.member(name).is_none_or(|member| !member.required)
            })
    };
    questions.retain(|question| asked.given.is_empty() || is_whole(question));
    Ok(questions)
}

fn each(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
}

/// Each question with each of the values.
fn with(questions: &[Map<String, Value>], name: &str, values: &[Value]) -> Vec<Map<String, Value>> {
    let each = questions.iter().flat_map(|question| {
        values.iter().map(|value| {
            let mut question = question.clone();
            question.insert(name.to_owned(), value.clone());
            question
        })
    });
    each.take(MOST + 1).collect()
}
