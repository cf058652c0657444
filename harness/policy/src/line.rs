//! What stands in a line, and what is refused there before any policy is read.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::arn::{Arn, is_account_id};
use crate::evaluate::Policies;
use crate::jsonl::Question;
use crate::request::{Context, Principal};

/// A JSON object. serde takes a list for a structure too, its members by their order:
/// a list of policies would be of whatever layer stands there.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members)).map(Object)
    }
}

/// A line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    principal: String,
    pub(crate) action: String,
    resource: String,
    #[serde(default)]
    resource_account: Option<String>,
    #[serde(default)]
    context: Keys,
    #[serde(default)]
    unknown: Option<Vec<String>>,
    #[serde(borrow, default)]
    pub(crate) policies: Option<Object<Documents<'a>>>,
}

impl Line<'_> {
    /// Who asks.
    ///
    /// # Errors
    /// What no request has, of which a decision would say nothing: only `*` in
    /// policies covers it.
    pub(crate) fn principal(&self) -> Result<Principal, String> {
        readable(self)?;
        principal(&self.principal, &self.action)
    }

    /// Whether the action is one of STS: its resource is a role, and the
    /// resource's policy a trust policy.
    pub(crate) fn is_sts(&self) -> bool {
        self.action.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("sts:"))
    }

    /// The line with what was read of it; the id as it is written.
    pub(crate) fn question(
        self,
        principal: Principal,
        policies: Policies,
    ) -> (Option<Box<RawValue>>, Question) {
        let question = Question {
            caller: self.principal,
            principal,
            action: self.action,
            resource: self.resource,
            resource_account: self.resource_account,
            context: self.context.with_unknown(self.unknown.as_deref().unwrap_or_default()),
            policies,
        };
        (self.id.map(ToOwned::to_owned), question)
    }
}

/// Its policies.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Documents<'a> {
    #[serde(borrow, default)]
    pub(crate) identity: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    pub(crate) boundary: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    pub(crate) session: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    pub(crate) resource: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) scp: Option<Vec<Vec<&'a RawValue>>>,
    #[serde(borrow, default)]
    pub(crate) rcp: Option<Vec<Vec<&'a RawValue>>>,
    #[serde(borrow, default)]
    pub(crate) vpc_endpoint: Option<&'a RawValue>,
}

/// The condition keys of a line. A key that stands twice, in whatever case, is
/// refused: which of its values counts would be chance.
#[derive(Default)]
struct Keys {
    context: Context,
    /// Keys with `null` for a value: they are said to be absent.
    absent: Vec<String>,
}

impl Keys {
    /// A key of which something is said, present or absent, is not unknown.
    fn check_unknown(&self, unknown: &[String]) -> Result<(), String> {
        for key in unknown {
            let beginning = key.strip_suffix('*');
            if beginning.unwrap_or(key).contains('*') || key.is_empty() {
                return Err(format!(
                    "`{key}` is no condition key: a `*` may stand at its end, for all that begin so"
                ));
            }
            let covers = |absent: &&String| match beginning {
                None => absent.eq_ignore_ascii_case(key),
                Some(start) => {
                    absent.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
                }
            };
            if beginning.is_none() && self.context.get(key).is_some() {
                return Err(format!("the condition key `{key}` is both present and unknown"));
            }
            if let Some(absent) = self.absent.iter().find(covers) {
                return Err(format!("the condition key `{absent}` is both absent and unknown"));
            }
        }
        Ok(())
    }

    fn with_unknown(mut self, unknown: &[String]) -> Context {
        for key in unknown {
            self.context.set_unknown(key);
        }
        self.context
    }
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(KeysVisitor)
    }
}

struct KeysVisitor;

impl<'de> Visitor<'de> for KeysVisitor {
    type Value = Keys;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of condition keys")
    }

    fn visit_none<E: de::Error>(self) -> Result<Keys, E> {
        Ok(Keys::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Keys, D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Keys, A::Error> {
        let mut context = Context::new();
        let mut absent: Vec<String> = Vec::new();
        while let Some(key) = members.next_key::<String>()? {
            if context.get(&key).is_some() || absent.iter().any(|a| a.eq_ignore_ascii_case(&key)) {
                return Err(de::Error::custom(format!("the condition key `{key}` stands twice")));
            }
            match members.next_value()? {
                ContextValue::Absent(()) => absent.push(key),
                ContextValue::One(value) => drop(context.set(&key, value.text())),
                ContextValue::Many(values) => {
                    context.set_list(&key, values.into_iter().map(Scalar::text));
                }
            }
        }
        Ok(Keys { context, absent })
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ContextValue {
    Absent(()),
    One(Scalar),
    Many(Vec<Scalar>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Bool(bool),
    Number(serde_json::Number),
}

impl Scalar {
    fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Bool(value) => value.to_string(),
            Self::Number(number) => number.to_string(),
        }
    }
}

fn readable(line: &Line<'_>) -> Result<(), String> {
    let Line { action, resource, .. } = line;
    let letters = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if !action.split_once(':').is_some_and(|(service, name)| letters(service) && letters(name)) {
        return Err(format!("`{action}` is no action: write `service:Name`"));
    }
    if resource != "*" && Arn::parse(resource).is_none() {
        return Err(format!(
            "`{resource}` is no resource: write its ARN, or `*` where there is none"
        ));
    }
    line.context.check_unknown(line.unknown.as_deref().unwrap_or_default())?;
    match &line.resource_account {
        Some(account) if !is_account_id(account) => Err(format!("`{account}` is no account id")),
        _ => Ok(()),
    }
}

/// Whether the names of a user, a role and a session are names: a path may hold any
/// character, a name only these
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
fn is_named(arn: &Arn<'_>) -> bool {
    let is_name = |name: &str| {
        name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter))
    };
    match arn.resource.split_once('/') {
        Some(("user" | "role", path)) => path.rsplit('/').next().is_some_and(is_name),
        Some(("assumed-role", rest)) => rest.split('/').all(is_name),
        Some(("federated-user", name)) => is_name(name),
        _ => true,
    }
}

/// Identity providers that policies call by a name which is no service's
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-federated-web-identity>).
const IDENTITY_PROVIDERS: [&str; 3] =
    ["accounts.google.com", "graph.facebook.com", "www.amazon.com"];

/// Reads a principal.
pub(crate) fn principal(text: &str, action: &str) -> Result<Principal, String> {
    if text == "*" {
        return Ok(Principal::Anonymous);
    }
    if is_account_id(text) {
        return Ok(Principal::Root { account_id: text.to_owned() });
    }
    let unknown = || format!("`{text}` is no principal");
    let Some(arn) = Arn::parse(text) else {
        // `cognito-identity.amazonaws.com` is a service's name and an identity
        // provider's; what is asked tells which.
        let web = ["sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"]
            .iter()
            .any(|name| name.eq_ignore_ascii_case(action));
        let web = web || IDENTITY_PROVIDERS.contains(&text);
        return match text.contains('.') && !text.contains([':', '*', ' ']) {
            true if web => Ok(Principal::WebIdentity { provider_arn: text.to_owned() }),
            true => Ok(Principal::Service { name: text.to_owned() }),
            false => Err(unknown()),
        };
    };
    let Arn { partition, account, .. } = arn;
    let account_id = arn.account_id().ok_or_else(unknown)?.to_owned();
    if !is_named(&arn) {
        return Err(unknown());
    }
    match (arn.service, arn.resource.split_once('/').unwrap_or((arn.resource, ""))) {
        ("iam", ("root", "")) => Ok(Principal::Root { account_id }),
        ("iam", ("user", name)) if !name.is_empty() => Ok(Principal::User { arn: text.to_owned() }),
        ("iam", ("role", path)) if !path.is_empty() => {
            // The role without a session: no policy can name its session.
            let name = path.rsplit('/').next().unwrap_or(path);
            Ok(Principal::RoleSession {
                role_arn: text.to_owned(),
                session_arn: format!("arn:{partition}:sts::{account}:assumed-role/{name}/"),
            })
        }
        ("iam", ("oidc-provider" | "saml-provider", name)) if !name.is_empty() => {
            Ok(Principal::WebIdentity { provider_arn: text.to_owned() })
        }
        ("sts", ("assumed-role", rest)) => {
            let (role, session) = rest.split_once('/').ok_or_else(unknown)?;
            if role.is_empty() || session.is_empty() {
                return Err(unknown());
            }
            Ok(Principal::RoleSession {
                role_arn: format!("arn:{partition}:iam::{account}:role/{role}"),
                session_arn: text.to_owned(),
            })
        }
        ("sts", ("federated-user", name)) if !name.is_empty() => Ok(Principal::FederatedUser {
            arn: text.to_owned(),
            user_arn: format!("arn:{partition}:iam::{account}:user/{name}"),
        }),
        _ => Err(unknown()),
    }
}
