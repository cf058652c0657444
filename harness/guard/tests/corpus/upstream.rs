//! An upstream that holds one case: its principal with policies, boundary and
//! tags, its bucket or role with its policy. It answers what the guard reads,
//! and says yes to everything else.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

pub(crate) const BOUNDARY: &str = "arn:aws:iam::123456789012:policy/boundary";

/// A policy that grants nothing.
const NOTHING: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;

/// What the upstream holds.
#[derive(Debug, Default)]
pub(crate) struct World {
    /// The principal's ARN: a user or a role.
    pub(crate) arn: String,
    pub(crate) identity: Vec<String>,
    pub(crate) boundary: Option<String>,
    pub(crate) tags: Vec<(String, String)>,
    /// The policy of every bucket.
    pub(crate) bucket: Option<String>,
    /// The tags of every object.
    pub(crate) object_tags: Vec<(String, String)>,
    /// The trust policy of every role but the principal's own.
    pub(crate) trust: Option<String>,
    /// An OIDC provider: its host and path, and its audience.
    pub(crate) provider: Option<(String, String)>,
}

/// The upstream; it ends when dropped.
pub(crate) struct Upstream {
    pub(crate) url: Url,
    server: JoinHandle<()>,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Upstream {
    pub(crate) async fn start(world: World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let world = Arc::new(world);
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let world = Arc::clone(&world);
                let service = service_fn(move |request| answer(request, Arc::clone(&world)));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { url, server }
    }
}

async fn answer(
    request: Request<Incoming>,
    world: Arc<World>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let form: Vec<(String, String)> =
        url::form_urlencoded::parse(&body).map(|(k, v)| (k.into(), v.into())).collect();
    let field = |name: &str| {
        form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let action = field("Action");
    let result = if parts.method == http::Method::PUT {
        Some(String::new())
    } else if action.is_empty() {
        world.s3(parts.uri.query().unwrap_or_default())
    } else {
        world.iam(&action, &field).map(|result| {
            format!(
                "<{action}Response><{action}Result>{result}</{action}Result></{action}Response>"
            )
        })
    };
    let (status, text) = match result {
        Some(text) => (StatusCode::OK, text),
        None if action.is_empty() => (
            StatusCode::NOT_FOUND,
            "<Error><Code>NoSuchBucketPolicy</Code><Message>none</Message></Error>".to_owned(),
        ),
        None => (
            StatusCode::NOT_FOUND,
            "<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code>\
             <Message>none</Message></Error></ErrorResponse>"
                .to_owned(),
        ),
    };
    Ok(Response::builder().status(status).body(Full::new(Bytes::from(text))).unwrap())
}

impl World {
    fn s3(&self, query: &str) -> Option<String> {
        let has = |name: &str| query.split('&').any(|part| part.split('=').next() == Some(name));
        if has("policy") {
            return self.bucket.clone();
        }
        if has("tagging") {
            let tags = tags(&self.object_tags, "Tag");
            return Some(format!("<Tagging><TagSet>{tags}</TagSet></Tagging>"));
        }
        Some(String::new())
    }

    fn iam(&self, action: &str, field: &dyn Fn(&str) -> String) -> Option<String> {
        let name = self.arn.rsplit('/').next().unwrap_or_default();
        match action {
            "GetUser" | "GetRole" => {
                let kind = action.trim_start_matches("Get");
                let asked = field(&format!("{kind}Name"));
                let own = asked == name && self.arn.contains(&format!(":{}/", kind.to_lowercase()));
                if !own && kind == "User" {
                    return None;
                }
                Some(self.entity(kind, &asked, own))
            }
            "ListUserPolicies" | "ListRolePolicies" => {
                let names: String = (0..self.identity.len())
                    .map(|place| format!("<member>identity[{place}]</member>"))
                    .collect();
                Some(format!("<PolicyNames>{names}</PolicyNames><IsTruncated>false</IsTruncated>"))
            }
            "GetUserPolicy" | "GetRolePolicy" => {
                let wanted = field("PolicyName");
                let place = (0..self.identity.len())
                    .find(|place| format!("identity[{place}]") == wanted)?;
                Some(format!("<PolicyDocument>{}</PolicyDocument>", encoded(&self.identity[place])))
            }
            "GetPolicy" => Some(format!(
                "<Policy><Arn>{}</Arn><DefaultVersionId>v1</DefaultVersionId></Policy>",
                field("PolicyArn")
            )),
            "GetPolicyVersion" => {
                let own = self.boundary.as_deref().filter(|_| field("PolicyArn") == BOUNDARY);
                let text = encoded(own.unwrap_or(NOTHING));
                Some(format!("<PolicyVersion><Document>{text}</Document></PolicyVersion>"))
            }
            "ListOpenIDConnectProviders" => {
                let provider = self.provider.as_ref().map(|(host, _)| {
                    format!(
                        "<member><Arn>arn:aws:iam::123456789012:oidc-provider/{host}</Arn></member>"
                    )
                });
                let provider = provider.unwrap_or_default();
                Some(format!("<OpenIDConnectProviderList>{provider}</OpenIDConnectProviderList>"))
            }
            "GetOpenIDConnectProvider" => {
                let (host, audience) = self.provider.as_ref()?;
                Some(format!(
                    "<Url>{host}</Url><ClientIDList><member>{audience}</member></ClientIDList>"
                ))
            }
            _ => Some(String::new()),
        }
    }

    /// The principal itself, or a role that it asks for.
    fn entity(&self, kind: &str, name: &str, own: bool) -> String {
        let arn = if own { self.arn.clone() } else { other_role(name) };
        let boundary = match &self.boundary {
            Some(_) if own => format!(
                "<PermissionsBoundary><PermissionsBoundaryArn>{BOUNDARY}</PermissionsBoundaryArn>\
                 </PermissionsBoundary>"
            ),
            _ => String::new(),
        };
        let tags = if own { tags(&self.tags, "member") } else { String::new() };
        let trust = match &self.trust {
            Some(trust) if !own => trust.clone(),
            _ => r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:*"}]}"#
                .to_owned(),
        };
        format!(
            "<{kind}><{kind}Name>{name}</{kind}Name><{kind}Id>{}</{kind}Id><Arn>{arn}</Arn>\
             <AssumeRolePolicyDocument>{}</AssumeRolePolicyDocument>\
             <MaxSessionDuration>3600</MaxSessionDuration>{boundary}<Tags>{tags}</Tags></{kind}>",
            id(name),
            encoded(&trust),
        )
    }
}

fn other_role(name: &str) -> String {
    format!("arn:aws:iam::123456789012:role/{name}")
}

/// The unique id of a user or role.
pub(crate) fn id(name: &str) -> String {
    format!("AIDA{}", name.to_uppercase())
}

fn tags(tags: &[(String, String)], element: &str) -> String {
    let one = |(key, value): &(String, String)| {
        format!("<{element}><Key>{key}</Key><Value>{value}</Value></{element}>")
    };
    tags.iter().map(one).collect()
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
