//! An upstream for tests: as much of IAM as the guard reads, and a record of
//! what arrived.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

/// What arrived.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) parts: http::request::Parts,
    pub(super) body: Bytes,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }

    pub(super) fn field(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(&self.body)
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }
}

/// A role, as the upstream keeps it.
#[derive(Debug, Clone, Default)]
pub(super) struct Role {
    pub(super) id: String,
    /// Without the slash that it begins with.
    pub(super) path: String,
    pub(super) trust: String,
    pub(super) boundary: Option<String>,
    pub(super) inline: BTreeMap<String, String>,
    pub(super) attached: Vec<String>,
}

/// A user, as the upstream keeps it. One that it was not told of has nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct User {
    /// Its name when it was made, of which its id is.
    pub(super) made_as: Option<String>,
    pub(super) boundary: Option<String>,
    pub(super) inline: BTreeMap<String, String>,
    pub(super) groups: Vec<String>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) deleted: bool,
}

/// A group, as the upstream keeps it.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    pub(super) inline: BTreeMap<String, String>,
    pub(super) attached: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) roles: BTreeMap<String, Role>,
    pub(super) users: BTreeMap<String, User>,
    pub(super) groups: BTreeMap<String, Group>,
    pub(super) bucket_policy: Option<String>,
    /// Whether it takes documents of version 2012-10-17 alone, as moto does.
    pub(super) narrow: bool,
    pub(super) policies: BTreeMap<String, String>,
    /// What a multi-object delete is answered with, where not with its keys.
    pub(super) deletion: Option<String>,
    /// What operations of JSON services are answered with, by their targets.
    pub(super) answers: BTreeMap<String, (u16, String)>,
    /// How many requests it fails at before it answers again.
    pub(super) failing: usize,
    pub(super) seen: Vec<Seen>,
}

/// The upstream; it ends when dropped.
pub(super) struct Upstream {
    pub(super) url: Url,
    pub(super) state: Arc<Mutex<State>>,
    server: JoinHandle<()>,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Upstream {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = Arc::clone(&shared);
                let service = service_fn(move |request| answer(request, Arc::clone(&state)));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { url, state, server }
    }

    pub(super) fn role(&self, name: &str, role: Role) {
        self.state.lock().unwrap().roles.insert(name.to_owned(), role);
    }

    /// What arrived for an IAM action.
    pub(super) fn seen(&self, action: &str) -> Vec<Seen> {
        let state = self.state.lock().unwrap();
        let wanted = Some(action.to_owned());
        state.seen.iter().filter(|seen| seen.field("Action") == wanted).cloned().collect()
    }

    /// What a JSON service's operation, or `GET /path`, is answered with from now on.
    pub(super) fn answers(&self, target: &str, status: u16, answer: &serde_json::Value) {
        let mut state = self.state.lock().unwrap();
        state.answers.insert(target.to_owned(), (status, answer.to_string()));
    }

    /// What an action of XML is answered with from now on: what stands inside its
    /// result.
    pub(super) fn answers_xml(&self, action: &str, answer: &str) {
        let mut state = self.state.lock().unwrap();
        state.answers.insert(action.to_owned(), (200, answer.to_owned()));
    }

    /// What S3 answers to a method on a path, and to the first name of its query
    /// (`GET /bucket?acl`), from now on.
    pub(super) fn answers_s3(&self, line: &str, status: u16, text: &str) {
        let mut state = self.state.lock().unwrap();
        state.answers.insert(line.to_owned(), (status, text.to_owned()));
    }

    /// How often a JSON service's operation arrived.
    pub(super) fn count(&self, target: &str) -> usize {
        let state = self.state.lock().unwrap();
        let of = |seen: &&Seen| seen.header("x-amz-target") == Some(target);
        state.seen.iter().filter(of).count()
    }

    /// The bodies of the multi-object deletes that arrived.
    pub(super) fn deletions(&self) -> Vec<Seen> {
        let state = self.state.lock().unwrap();
        let is_deletion =
            |seen: &&Seen| seen.parts.uri.query().is_some_and(|query| query.starts_with("delete"));
        state.seen.iter().filter(is_deletion).cloned().collect()
    }

    pub(super) fn last(&self) -> Seen {
        self.state.lock().unwrap().seen.last().unwrap().clone()
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let seen = Seen { parts, body };
    let mut state = state.lock().unwrap();
    let (status, text) = reply(&seen, &mut state);
    state.seen.push(seen);
    let response = Response::builder()
        .status(status)
        .header(
            "content-type",
            if text.starts_with("<!doctype") { "text/html" } else { "text/xml" },
        )
        .body(Full::new(Bytes::from(text)));
    Ok(response.unwrap())
}

fn reply(seen: &Seen, state: &mut State) -> (StatusCode, String) {
    if state.failing > 0 {
        state.failing -= 1;
        return (StatusCode::INTERNAL_SERVER_ERROR, "<!doctype html>".to_owned());
    }
    if seen.parts.uri.path() == "/bucket/missing" {
        let text = "<Error><Code>NoSuchKey</Code><Message>not there</Message></Error>";
        return (StatusCode::NOT_FOUND, text.to_owned());
    }
    if seen.parts.uri.path() == "/gone" {
        let text = "<Error><Code>NoSuchBucket</Code><Message>none</Message></Error>";
        return (StatusCode::NOT_FOUND, text.to_owned());
    }
    if seen.parts.method == "HEAD" && seen.parts.uri.query() == Some("versionId=null") {
        // As moto answers, of a bucket that keeps no versions.
        return (StatusCode::BAD_REQUEST, String::new());
    }
    let query = seen.parts.uri.query().unwrap_or_default();
    if seen.parts.uri.path() == "/bucket" && query.starts_with("delete") {
        let text = state.deletion.clone().unwrap_or_else(|| deleted(&seen.body));
        return (StatusCode::OK, text);
    }
    if seen.parts.uri.path() == "/bucket" && query.starts_with("policy") {
        if let Some(policy) = &state.bucket_policy {
            return (StatusCode::OK, policy.clone());
        }
        let text = "<Error><Code>NoSuchBucketPolicy</Code><Message>none</Message></Error>";
        return (StatusCode::NOT_FOUND, text.to_owned());
    }
    let line = format!("{} {}?", seen.parts.method, seen.parts.uri.path());
    let line = format!("{line}{}", query.split(['&', '=']).next().unwrap_or_default());
    if let Some((status, text)) = state.answers.get(&line) {
        return (StatusCode::from_u16(*status).unwrap(), text.clone());
    }
    if line == "GET /bucket?ownershipControls" {
        // As every new bucket at AWS.
        let text = "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced\
                    </ObjectOwnership></Rule></OwnershipControls>";
        return (StatusCode::OK, text.to_owned());
    }
    let field = |name: &str| seen.field(name).unwrap_or_default();
    let action = field("Action");
    if action == "GenerateCredentialReport" {
        let page = "<!doctype html>\n<title>500 Internal Server Error</title>";
        return (StatusCode::INTERNAL_SERVER_ERROR, page.to_owned());
    }
    let target = seen.header("x-amz-target").unwrap_or_default();
    if let Some((status, text)) = state.answers.get(target) {
        return (StatusCode::from_u16(*status).unwrap(), text.clone());
    }
    let line = format!("{} {}", seen.parts.method, seen.parts.uri.path());
    if let Some((status, text)) = state.answers.get(&line) {
        return (StatusCode::from_u16(*status).unwrap(), text.clone());
    }
    if target == "secretsmanager.ListSecrets" {
        return (StatusCode::OK, r#"{"SecretList": []}"#.to_owned());
    }
    if target.starts_with("secretsmanager.") {
        let text = r#"{"__type": "ResourceNotFoundException", "Message": "none"}"#;
        return (StatusCode::BAD_REQUEST, text.to_owned());
    }
    if let Some(code) = missing(seen) {
        let text = format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>It does not exist</Message>\
             </Error></Errors><RequestID>r</RequestID></Response>"
        );
        return (StatusCode::BAD_REQUEST, text);
    }
    let documents = [field("PolicyDocument"), field("AssumeRolePolicyDocument")];
    if state.narrow && documents.iter().any(|text| !text.is_empty() && !text.contains("2012-10-17"))
    {
        return (
            StatusCode::BAD_REQUEST,
            "<ErrorResponse><Error><Type>Sender</Type><Code>MalformedPolicyDocument</Code>\
             <Message>narrow</Message></Error></ErrorResponse>"
                .to_owned(),
        );
    }
    if let Some((status, text)) = state.answers.get(&action).filter(|(status, _)| *status != 200) {
        return (StatusCode::from_u16(*status).unwrap(), text.clone());
    }
    let name = of_account(seen, field("RoleName"));
    let result = match action.as_str() {
        told if state.answers.contains_key(told) => {
            state.answers.get(told).map(|(_, text)| text.clone())
        }
        "GetRole" => state.roles.get(&name).map(|role| shown(&name, role)),
        "ListRolePolicies" => state.roles.get(&name).map(|role| names(&role.inline)),
        "GetRolePolicy" => state
            .roles
            .get(&name)
            .and_then(|role| Some(document(role.inline.get(&field("PolicyName"))?))),
        "ListAttachedRolePolicies" => state.roles.get(&name).map(|role| attached(&role.attached)),
        "PutRolePolicy" => state.roles.get_mut(&name).map(|role| {
            role.inline.insert(field("PolicyName"), field("PolicyDocument"));
            String::new()
        }),
        "CreateRole" => {
            let role = Role {
                id: format!("AROA{name}"),
                path: field("Path").trim_start_matches('/').to_owned(),
                trust: field("AssumeRolePolicyDocument"),
                ..Role::default()
            };
            let text = shown(&name, &role);
            state.roles.insert(name.clone(), role);
            Some(text)
        }
        "AttachRolePolicy" => state.roles.get_mut(&name).map(|role| {
            role.attached.push(field("PolicyArn"));
            String::new()
        }),
        "DetachRolePolicy" => state.roles.get_mut(&name).map(|role| {
            role.attached.retain(|arn| *arn != field("PolicyArn"));
            String::new()
        }),
        "CreateUser" => Some(shown_user(&field("UserName"), &User::default())),
        "DeleteRole" => state.roles.remove(&name).map(|_| String::new()),
        "GetPolicy" => state.policies.get(&field("PolicyArn")).map(|_| {
            format!(
                "<Policy><Arn>{}</Arn><DefaultVersionId>v1</DefaultVersionId></Policy>",
                field("PolicyArn")
            )
        }),
        "GetPolicyVersion" => state.policies.get(&field("PolicyArn")).map(|text| {
            format!("<PolicyVersion><Document>{}</Document></PolicyVersion>", encoded(text))
        }),
        "GetUser" => {
            let user = state.users.get(&field("UserName")).cloned().unwrap_or_default();
            (!user.deleted).then(|| shown_user(&field("UserName"), &user))
        }
        "UpdateUser" => {
            let mut user = state.users.remove(&field("UserName")).unwrap_or_default();
            user.made_as.get_or_insert_with(|| field("UserName"));
            state.users.insert(field("UserName"), User { deleted: true, ..User::default() });
            state.users.insert(field("NewUserName"), user);
            Some(String::new())
        }
        "DeleteUser" => {
            state.users.entry(field("UserName")).or_default().deleted = true;
            Some(String::new())
        }
        "ListUserPolicies" => {
            Some(names(&state.users.entry(field("UserName")).or_default().inline))
        }
        "GetUserPolicy" => state
            .users
            .get(&field("UserName"))
            .and_then(|user| Some(document(user.inline.get(&field("PolicyName"))?))),
        "PutUserPolicy" => {
            let user = state.users.entry(field("UserName")).or_default();
            user.inline.insert(field("PolicyName"), field("PolicyDocument"));
            Some(String::new())
        }
        "ListGroupsForUser" => {
            let groups = &state.users.entry(field("UserName")).or_default().groups;
            let groups: String = groups
                .iter()
                .map(|name| format!("<member><GroupName>{name}</GroupName></member>"))
                .collect();
            Some(format!("<Groups>{groups}</Groups>"))
        }
        "GetGroup" => state.groups.get(&field("GroupName")).map(|_| {
            format!(
                "<Group><GroupName>{0}</GroupName>\
                 <Arn>arn:aws:iam::123456789012:group/{0}</Arn></Group>",
                field("GroupName")
            )
        }),
        "ListGroupPolicies" => {
            state.groups.get(&field("GroupName")).map(|group| names(&group.inline))
        }
        "GetGroupPolicy" => state
            .groups
            .get(&field("GroupName"))
            .and_then(|group| Some(document(group.inline.get(&field("PolicyName"))?))),
        "ListAttachedGroupPolicies" => {
            state.groups.get(&field("GroupName")).map(|group| attached(&group.attached))
        }
        "CreateAccessKey" => Some(format!(
            "<AccessKey><UserName>{}</UserName><AccessKeyId>AKIAEXAMPLEEXAMPLE00</AccessKeyId>\
             <Status>Active</Status><SecretAccessKey>canary-user-secret</SecretAccessKey>\
             </AccessKey>",
            field("UserName")
        )),
        _ => Some(String::new()),
    };
    match result {
        Some(result) => (
            StatusCode::OK,
            format!(
                "<{action}Response><{action}Result>{result}</{action}Result></{action}Response>"
            ),
        ),
        None => (
            StatusCode::NOT_FOUND,
            "<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code>\
             <Message>not found</Message></Error></ErrorResponse>"
                .to_owned(),
        ),
    }
}

/// What EC2 says of a resource whose id ends with `-none`.
fn missing(seen: &Seen) -> Option<&'static str> {
    let given = |name: &str| {
        let value = seen.field(name).or_else(|| seen.field(&format!("{name}.1")));
        value.is_some_and(|value| value.ends_with("-none"))
    };
    let codes = [
        ("GroupId", "InvalidGroup.NotFound"),
        ("NetworkAclId", "InvalidNetworkAclID.NotFound"),
        ("NetworkInterfaceId", "InvalidNetworkInterfaceID.NotFound"),
        ("RouteTableId", "InvalidRouteTableID.NotFound"),
        ("SubnetId", "InvalidSubnetID.NotFound"),
    ];
    codes.into_iter().find(|(name, _)| given(name)).map(|(_, code)| code)
}

/// The answer that deletes all objects of a multi-object delete.
fn deleted(body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body);
    let objects = body.split("<Object>").skip(1);
    let deleted: String = objects
        .filter_map(|object| object.split("</Object>").next())
        .map(|object| format!("<Deleted>{object}</Deleted>"))
        .collect();
    format!(
        "<DeleteResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{deleted}</DeleteResult>"
    )
}

fn names(inline: &BTreeMap<String, String>) -> String {
    let names: String = inline.keys().map(|name| format!("<member>{name}</member>")).collect();
    format!("<PolicyNames>{names}</PolicyNames><IsTruncated>false</IsTruncated>")
}

fn attached(arns: &[String]) -> String {
    let policies: String =
        arns.iter().map(|arn| format!("<member><PolicyArn>{arn}</PolicyArn></member>")).collect();
    format!("<AttachedPolicies>{policies}</AttachedPolicies>")
}

fn document(text: &str) -> String {
    format!("<PolicyDocument>{}</PolicyDocument>", encoded(text))
}

fn shown_boundary(boundary: Option<&String>) -> String {
    let shown = boundary.map(|arn| {
        format!(
            "<PermissionsBoundary><PermissionsBoundaryArn>{arn}</PermissionsBoundaryArn>\
             </PermissionsBoundary>"
        )
    });
    shown.unwrap_or_default()
}

fn shown_user(name: &str, user: &User) -> String {
    let tags: String = user
        .tags
        .iter()
        .map(|(key, value)| format!("<member><Key>{key}</Key><Value>{value}</Value></member>"))
        .collect();
    format!(
        "<User><Arn>arn:aws:iam::123456789012:user/{name}</Arn><UserName>{name}</UserName>\
         <UserId>AIDA{}</UserId>{}<Tags>{tags}</Tags></User>",
        user.made_as.as_deref().unwrap_or(name),
        shown_boundary(user.boundary.as_ref())
    )
}

/// A name as the state has it: those of other accounts than the first's are
/// `ACCOUNT:NAME`.
fn of_account(seen: &Seen, name: String) -> String {
    match seen.header("x-moto-account-id") {
        Some(account) if account != super::ACCOUNT => format!("{account}:{name}"),
        _ => name,
    }
}

fn shown(name: &str, role: &Role) -> String {
    let path = &role.path;
    let (account, name) = name.split_once(':').unwrap_or((super::ACCOUNT, name));
    format!(
        "<Role><Path>/{path}</Path><RoleName>{name}</RoleName><RoleId>{}</RoleId>\
         <Arn>arn:aws:iam::{account}:role/{path}{name}</Arn>\
         <AssumeRolePolicyDocument>{}</AssumeRolePolicyDocument>\
         <MaxSessionDuration>3600</MaxSessionDuration>{}</Role>",
        role.id,
        encoded(&role.trust),
        shown_boundary(role.boundary.as_ref())
    )
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
