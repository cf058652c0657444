//! What every request has in common that AWS can receive from an account, as
//! statements that deny all others: what the action reference leaves open, and the
//! deployed state decides. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use ringfence_policy::{Document, DocumentError, Kind, Wildcard};
use ringfence_wire::Service;
use serde_json::{Value, json};

use super::weaken::texts;
use crate::attacks::companions::statements;

/// What exchanges a token.
pub(super) const EXCHANGE: &str = "sts:AssumeRoleWithWebIdentity";

/// Keys that every request for an action has, and never empty: by the member that
/// the operation requires, or because the service always knows them.
const ALWAYS: [(&str, &str); 4] = [
    // "This key is always included in the request context":
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    ("aws:RequestedRegion", "*"),
    ("aws:SecureTransport", "*"),
    // A role is always passed to a service:
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
    ("iam:PassedToService", "iam:PassRole"),
    // `Principal` is a required member of AddPermission:
    // https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
    ("lambda:Principal", "lambda:AddPermission"),
];

/// What a route may ask of its callers
/// (<https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-routes.html>).
const ROUTE_TYPES: [&str; 4] = ["AWS_IAM", "CUSTOM", "JWT", "NONE"];

/// The requests that there are.
#[derive(Debug, Clone)]
pub struct Possible {
    /// Statements that allow what may be one.
    allowed: Vec<Value>,
    /// Statements that deny what is none.
    denied: Vec<Value>,
    /// The account's providers of tokens, by ARN.
    providers: Vec<String>,
}

/// What of an account's state decides which requests there are.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its providers of tokens, by URL without the scheme, each with the audiences
    /// that it takes.
    pub providers: &'a BTreeMap<String, Vec<String>>,
    /// The VPC that functions run in, and their subnets.
    pub network: Option<(&'a str, &'a [String])>,
}

/// Which of the requests a question is about.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The statements that deny the others.
    pub denied: Vec<Value>,
}

impl Possible {
    /// The requests of an account whose state is this.
    pub fn of(account: &Account<'_>) -> Self {
        let always = ALWAYS.iter().map(
            |(key, action)| json!({"Action": action, "Resource": "*", "Condition": empty(key)}),
        );
        let networks = account.network.iter().flat_map(|(vpc, subnets)| of_networks(vpc, subnets));
        let denied =
            always.chain(routes()).chain(networks).chain([log_groups()]).chain(collections());
        let anything = json!({"NotAction": EXCHANGE, "Resource": "*"});
        let tokens = account.providers.iter().map(|(host, audiences)| {
            of_tokens(host, audiences, account.providers.keys().filter(|other| *other != host))
        });
        let allowed = std::iter::once(anything).chain(tokens);
        let provider = |host: &String| format!("arn:aws:iam::{}:oidc-provider/{host}", account.id);
        Self {
            allowed: allowed.map(|statement| effect("Allow", statement)).collect(),
            denied: denied.map(|statement| effect("Deny", statement)).collect(),
            providers: account.providers.keys().map(provider).collect(),
        }
    }

    /// The providers of tokens, by ARN.
    pub fn providers(&self) -> &[String] {
        &self.providers
    }

    /// The same as the policy of a VPC endpoint, which nothing passes by; what that
    /// endpoint's own policy says counts as well.
    ///
    /// # Errors
    /// When a name of the deployed state cannot stand in a policy.
    pub fn limit(
        &self,
        endpoint: Option<&Document>,
        about: &About,
        spoken: &Spoken,
    ) -> Result<Arc<Document>, DocumentError> {
        let mut all = match endpoint {
            Some(endpoint) => statements(endpoint.text()),
            None => self.allowed.clone(),
        };
        let denied = self.denied.iter().filter(|one| spoken.is_met_by(one));
        all.extend(denied.chain(&about.denied).cloned());
        // No other request is decided otherwise.
        all.extend(spoken.others());
        let text = json!({"Version": "2012-10-17", "Statement": all}).to_string();
        Document::parse("the requests that there are", &text, Kind::VpcEndpoint).map(Arc::new)
    }
}

/// The actions that a changed statement speaks of, before and after: no request for
/// another is decided otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    /// As in a policy; `None`: any.
    actions: Option<BTreeSet<String>>,
    /// The services of the ARNs that they are on; `None`: any.
    services: Option<BTreeSet<String>>,
}

impl Spoken {
    /// Any action.
    pub fn anything() -> Self {
        Self { actions: None, services: None }
    }

    /// What these statements speak of.
    pub fn of(statements: &[Value]) -> Self {
        let all = |element: &str, but: &str| {
            let lists = statements.iter().map(|statement| {
                statement.get(but).is_none().then(|| texts(statement.get(element)))
            });
            let lists: Option<Vec<Vec<String>>> = lists.collect();
            lists.map(|lists| lists.concat()).filter(|all| !all.is_empty())
        };
        let actions = all("Action", "NotAction").and_then(|all| {
            let prefix = |action: &String| Some(action.split_once(':')?.0.to_owned());
            let is_known = |action: &String| prefix(action).is_some_and(|it| is_plain(&it));
            all.iter().all(is_known).then(|| all.into_iter().collect())
        });
        // A trust policy has no `Resource`.
        let services = all("Resource", "NotResource").and_then(|all| {
            let of =
                |arn: &String| arn.split(':').nth(2).filter(|it| is_plain(it)).map(str::to_owned);
            all.iter().map(of).collect()
        });
        Self { actions, services }
    }

    /// Whether it speaks of a service, by the prefix of its actions.
    pub fn has(&self, service: &str) -> bool {
        let is_of = |action: &String| {
            let prefix = action.split_once(':').map_or(action.as_str(), |(prefix, _)| prefix);
            prefix.eq_ignore_ascii_case(service)
        };
        service == "*" || self.actions.as_ref().is_none_or(|all| all.iter().any(is_of))
    }

    /// The requests that it speaks of, by their actions.
    pub fn requests(&self) -> Requests {
        let patterns = self.actions.as_ref();
        Requests {
            patterns: patterns
                .map(|all| all.iter().map(|action| Wildcard::of_actions(action)).collect()),
            asked: HashMap::new(),
        }
    }

    /// Whether it may speak of what the policy of this resource decides about: of a
    /// role, who assumes it.
    pub fn is_about(&self, arn: &str) -> bool {
        let service = arn.split(':').nth(2).unwrap_or_default();
        let on = self.services.as_ref().is_none_or(|services| services.contains(service));
        on && match service {
            "iam" => self.has("sts"),
            // Whose actions have the ARN's service as their prefix.
            "dynamodb" | "events" | "kms" | "lambda" | "s3" | "secretsmanager" | "sns" | "sqs" => {
                self.has(service)
            }
            _ => true,
        }
    }

    /// Whether it speaks of nothing but the exchange of tokens.
    pub fn is_exchange(&self) -> bool {
        let is = |action: &String| action.eq_ignore_ascii_case(EXCHANGE);
        self.actions.as_ref().is_some_and(|all| all.iter().all(is))
    }

    /// Whether a statement about requests counts for these.
    fn is_met_by(&self, statement: &Value) -> bool {
        let actions = texts(statement.get("Action"));
        actions.iter().any(|action| self.has(action.split(':').next().unwrap_or_default()))
    }

    /// What denies all others.
    fn others(&self) -> Option<Value> {
        let actions = self.actions.as_ref()?;
        Some(effect("Deny", json!({"NotAction": actions, "Resource": "*"})))
    }
}

/// The requests that a statement speaks of. Each action is looked at once.
#[derive(Debug)]
pub struct Requests {
    /// `None`: any.
    patterns: Option<Vec<Wildcard>>,
    asked: HashMap<String, bool>,
}

impl Requests {
    /// Whether those for an action are among them.
    pub fn have(&mut self, action: &str) -> bool {
        let Some(patterns) = &self.patterns else { return true };
        if let Some(known) = self.asked.get(action) {
            return *known;
        }
        let found = patterns.iter().any(|pattern| pattern.matches(action));
        self.asked.insert(action.to_owned(), found);
        found
    }
}

/// Whether a text has no wildcard and no variable.
fn is_plain(text: &str) -> bool {
    !text.contains(['*', '?', '$'])
}

impl About {
    /// Tokens are exchanged by those who have one and no credentials, and by nobody
    /// else.
    pub fn exchange(&mut self, has_token: bool) {
        let exchange = [EXCHANGE.to_owned()];
        if has_token {
            self.only_actions(&exchange);
        } else {
            self.not_actions(&exchange);
        }
    }

    /// Not these actions.
    pub fn not_actions(&mut self, actions: &[String]) {
        self.deny(json!({"Action": actions, "Resource": "*"}));
    }

    /// These actions alone.
    pub fn only_actions(&mut self, actions: &[String]) {
        self.deny(json!({"NotAction": actions, "Resource": "*"}));
    }

    /// Not these resources.
    pub fn not_resources(&mut self, resources: &[String]) {
        if !resources.is_empty() {
            self.deny(json!({"Action": "*", "Resource": resources}));
        }
    }

    /// These resources alone.
    pub fn only_resources(&mut self, resources: &[String]) {
        self.deny(json!({"Action": "*", "NotResource": resources}));
    }

    fn deny(&mut self, statement: Value) {
        self.denied.push(effect("Deny", statement));
    }
}

/// The statement with its effect, for anybody.
fn effect(effect: &str, mut statement: Value) -> Value {
    if let Some(members) = statement.as_object_mut() {
        members.insert("Effect".to_owned(), json!(effect));
        members.insert("Principal".to_owned(), json!("*"));
    }
    statement
}

/// The key is absent, empty, or a list without any text.
fn empty(key: &str) -> Value {
    json!({"ForAllValues:StringNotLike": {key: "?*"}})
}

/// A route that is made or changed has one type of authorization, `NONE` where
/// nobody says one.
fn routes() -> Vec<Value> {
    const KEY: &str = "apigateway:Request/RouteAuthorizationType";
    let denied = |condition: Value| {
        json!({
            "Action": ["apigateway:POST", "apigateway:PATCH"],
            "Resource": ["arn:*:apigateway:*::/apis/*/routes", "arn:*:apigateway:*::/apis/*/routes/*"],
            "Condition": condition,
        })
    };
    let others = json!({"ForAnyValue:StringNotEquals": {KEY: ROUTE_TYPES}});
    let two = ROUTE_TYPES.iter().map(|one| {
        json!({
            "ForAnyValue:StringEquals": {KEY: one},
            "ForAnyValue:StringNotEquals": {KEY: one},
        })
    });
    [empty(KEY), others].into_iter().chain(two).map(denied).collect()
}

/// A token says for whom and of whom it is
/// (<https://openid.net/specs/openid-connect-core-1_0.html#IDToken>), and STS takes
/// none for an audience that the provider does not have
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html>).
/// Its keys have one value each, and no other issuer's are there.
fn of_tokens<'o>(
    host: &str,
    audiences: &[String],
    others: impl Iterator<Item = &'o String>,
) -> Value {
    let keys = |host: &str| ["sub", "aud"].map(|claim| format!("{host}:{claim}"));
    let others: serde_json::Map<String, Value> =
        others.flat_map(|other| keys(other)).map(|key| (key, json!("true"))).collect();
    let [subject, audience] = keys(host);
    let mut condition = json!({
        "StringLike": {subject: "?*"},
        "StringEquals": {audience: audiences},
    });
    if let (false, Some(condition)) = (others.is_empty(), condition.as_object_mut()) {
        condition.insert("Null".to_owned(), Value::Object(others));
    }
    json!({"Action": EXCHANGE, "Resource": "*", "Condition": condition})
}

/// A function has subnets and their VPC, or neither, and a subnet never changes its
/// VPC: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html>.
fn of_networks(vpc: &str, subnets: &[String]) -> [Value; 3] {
    const VPC: &str = "lambda:VpcIds";
    const SUBNETS: &str = "lambda:SubnetIds";
    let denied =
        |condition: Value| json!({"Action": "lambda:*", "Resource": "*", "Condition": condition});
    [
        denied(json!({
            "ForAnyValue:StringEquals": {SUBNETS: subnets},
            "StringNotEquals": {VPC: vpc},
        })),
        denied(json!({"ForAllValues:StringNotLike": {SUBNETS: "?*"}, "Null": {VPC: "false"}})),
        denied(json!({"ForAnyValue:StringLike": {SUBNETS: "?*"}, "Null": {VPC: "true"}})),
    ]
}

/// The reference gives `DescribeLogGroups` no resource any more; AWS's messages of
/// 2026 still print this one, whichever groups are asked for.
fn log_groups() -> Value {
    json!({"Action": "logs:DescribeLogGroups",
        "NotResource": "arn:*:logs:*:*:log-group::log-stream:"})
}

/// Of API Gateway's verbs those that no operation has on a collection: a route is
/// deleted, the routes of an API are not. What is in a collection has an id that API
/// Gateway makes, or a name that no collection has.
fn collections() -> Vec<Value> {
    let mut verbs: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let services = Service::all().filter(|service| service.iam_prefix() == Some("apigateway"));
    for operation in services.flat_map(|service| &service.model().operations) {
        let path = operation.uri.strip_prefix("/v2").unwrap_or(operation.uri);
        let path = path.split('?').next().unwrap_or(path);
        verbs.entry(path.to_owned()).or_default().insert(operation.method.as_str());
    }
    let mut missing: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    for (path, known) in verbs.iter().filter(|(path, _)| !path.ends_with('}')) {
        let all = ["DELETE", "PATCH", "POST", "PUT"].into_iter();
        let actions = all.filter(|one| !known.contains(one));
        let actions: Vec<String> = actions.map(|verb| format!("apigateway:{verb}")).collect();
        let resource = format!("arn:*:apigateway:*::{}", without_labels(path));
        missing.entry(actions).or_default().push(resource);
    }
    let all = missing.into_iter().filter(|(actions, _)| !actions.is_empty());
    all.map(|(actions, resources)| json!({"Action": actions, "Resource": resources})).collect()
}

/// The path with a wildcard for each of its labels.
fn without_labels(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "*" } else { part });
    parts.collect::<Vec<_>>().join("/")
}
