//! Which request a route takes, and no other route of its API. A more exact route takes
//! what a route with a variable would take: what it answers says nothing about that one
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>).

use ringfence_services::http_api::taken_by;

use super::super::facts::{ApiKind, RouteFacts};

/// What stands for a variable.
const WORD: &str = "ringfence";

/// The methods that are tried where a route takes any; what answers HEAD and OPTIONS
/// says too little.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// How many segments are tried for a variable that takes all that is left.
const DEEPEST: usize = 3;

/// A method and a path that a route takes: of `GET /a/{proxy+}` it is `GET`,
/// `/a/ringfence`, where no other route takes that.
///
/// # Errors
/// The key of the route that takes what would be asked first, where other routes take
/// all that is tried.
pub(super) fn request_to(
    route: &RouteFacts,
    routes: &[RouteFacts],
    kind: ApiKind,
) -> Result<(String, String), String> {
    let (method, path) = parts(&route.route_key);
    let own = [method];
    let methods: &[&str] = if method == "ANY" { &METHODS } else { &own };
    let mut first_taken: Option<String> = None;
    for depth in 1..=DEEPEST {
        let asked = filled(path, depth);
        for method in methods {
            let keys: Vec<String> = routes
                .iter()
                .filter(|other| other.route_id != route.route_id)
                .filter(|other| may_take(&other.route_key, &asked))
                .map(|other| key_of(&other.route_key, path, method, kind))
                .chain([route.route_key.clone()])
                .collect();
            match taken_by(keys.iter().map(String::as_str), method, &asked) {
                Some(key) if key != route.route_key => {
                    first_taken = first_taken.or_else(|| Some(key.to_owned()));
                }
                _ => return Ok(((*method).to_owned(), asked)),
            }
        }
        if asked == filled(path, depth.saturating_add(1)) {
            break;
        }
    }
    Err(first_taken.unwrap_or_default())
}

/// Whether a key may take a path, by the segments that both have: most of an API's do
/// not, and need not be read.
fn may_take(key: &str, asked: &str) -> bool {
    let (_, path) = parts(key);
    let mut both = path.split('/').zip(asked.split('/'));
    both.all(|(own, asked)| own.starts_with('{') || own == asked || asked.contains('%'))
}

/// Of a REST API a request is for a resource, by its path, before it is for a method of it
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-settings-method-request.html>):
/// another path takes it whatever its methods are.
fn key_of(key: &str, path: &str, method: &str, kind: ApiKind) -> String {
    match (kind, parts(key)) {
        (ApiKind::Rest, (_, other)) if other != path => format!("{method} {other}"),
        _ => key.to_owned(),
    }
}

/// `$default` takes what no other route does.
fn parts(key: &str) -> (&str, &str) {
    key.split_once(' ').unwrap_or(("ANY", "/{proxy+}"))
}

/// A path with words in the place of its variables.
fn filled(path: &str, depth: usize) -> String {
    let segments = path.split('/').map(|segment| match segment.strip_prefix('{') {
        Some(variable) if variable.ends_with("+}") => vec![WORD; depth].join("/"),
        Some(_) => WORD.to_owned(),
        None => segment.to_owned(),
    });
    segments.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn routes(keys: &[&str]) -> Vec<RouteFacts> {
        let route = |(id, key): (usize, &&str)| RouteFacts {
            route_id: id.to_string(),
            route_key: (*key).to_owned(),
            integration_id: String::new(),
            integration_uri: String::new(),
            authorization_type: "JWT".to_owned(),
            authorizer_id: None,
            identity_sources: Vec::new(),
            scopes: Vec::new(),
            api_key: false,
        };
        keys.iter().enumerate().map(route).collect()
    }

    /// What is asked of the first of the routes.
    fn asked(keys: &[&str], kind: ApiKind) -> Result<String, String> {
        let routes = routes(keys);
        let (method, path) = request_to(&routes[0], &routes, kind)?;
        Ok(format!("{method} {path}"))
    }

    #[rstest]
    #[case(&["GET /a/{proxy+}"], "GET /a/ringfence")]
    #[case(&["ANY /a/{id}/b"], "GET /a/ringfence/b")]
    #[case(&["POST /"], "POST /")]
    #[case(&["$default"], "GET /ringfence")]
    #[case(&["GET /a/{proxy+}", "GET /a/{id}"], "GET /a/ringfence/ringfence")]
    #[case(&["GET /a/{proxy+}", "GET /a/ringfence"], "GET /a/ringfence/ringfence")]
    #[case(&["GET /a/{proxy+}", "POST /a/{id}", "$default"], "GET /a/ringfence")]
    #[case(&["ANY /a/{proxy+}", "GET /a/{proxy+}"], "POST /a/ringfence")]
    #[case(&["$default", "GET /{proxy+}"], "POST /ringfence")]
    #[case(&["GET /a/{id}", "GET /a/{proxy+}", "ANY /a/{other}"], "GET /a/ringfence")]
    fn a_request_is_one_that_no_other_route_takes(#[case] keys: &[&str], #[case] expected: &str) {
        assert_eq!(asked(keys, ApiKind::Http), Ok(expected.to_owned()));
    }

    #[rstest]
    #[case(&["GET /a/{id}", "GET /a/ringfence"], "GET /a/ringfence")]
    #[case(
        &["GET /a/{proxy+}", "ANY /a/{x}", "GET /a/{x}/{y}", "GET /a/{x}/{y}/{z}"],
        "ANY /a/{x}"
    )]
    #[case(&["$default", "ANY /{proxy+}"], "ANY /{proxy+}")]
    fn where_others_take_all_of_it_one_is_named(#[case] keys: &[&str], #[case] other: &str) {
        assert_eq!(asked(keys, ApiKind::Http), Err(other.to_owned()));
    }

    #[test]
    fn a_resource_of_a_rest_api_takes_what_it_has_no_method_for() {
        let keys = ["GET /a/{proxy+}", "POST /a/{id}"];
        assert_eq!(asked(&keys, ApiKind::Rest), Ok("GET /a/ringfence/ringfence".to_owned()));
        let same = ["GET /a/{proxy+}", "POST /a/{proxy+}"];
        assert_eq!(asked(&same, ApiKind::Rest), Ok("GET /a/ringfence".to_owned()));
    }
}
