//! What is weakened for real, because no policy document says it: routes,
//! authorizers, networks, buckets, the tokens' audience. The platform makes the
//! change, the probes that look at it run again on what is deployed then, and
//! the platform puts it back.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ringfence_evidence::{Mutant, MutantVerdict};
use ringfence_wire::services::{ApiGatewayV2, Ec2, Iam, Lambda, S3};
use ringfence_wire::{Service, ServiceError};
use serde_json::{Value, json};

use crate::attacks::actor::Actor;
use crate::attacks::companions;
use crate::attacks::facts::{AuthorizerFacts, RouteFacts};
use crate::attacks::lack::Lack;
use crate::attacks::{Facts, Part, Step, Suite, Verdict};
use crate::config::App;
use crate::issuers::Issuer;

/// How many of the probes that noticed are named.
const NAMED: usize = 5;

/// The probes with tokens that look at a route: one for each thing that a route
/// or its authorizer may be weakened in.
const TOKENS: [&str; 8] = [
    "route-guarded",
    "valid",
    "no-token",
    "malformed",
    "wrong-audience",
    "wrong-issuer",
    "no-scope",
    "other-scope",
];

/// The probe that looks at the audience of tokens that are exchanged.
const AUDIENCE: &str = "/other-audience/";

/// How long a function's update may take.
const SETTLING: Duration = Duration::from_secs(30);

/// How the probes ended before anything was weakened.
#[derive(Debug, Clone, Copy)]
pub enum Before<'a> {
    /// Those that do not hold on what is deployed; all others do.
    Failing(&'a BTreeSet<String>),
    /// Only a share of them was made, or an attack that succeeded may have changed
    /// what is deployed: those that watch a change are made before it, too.
    Unknown,
}

/// How far one looks for who notices a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// At the very thing that is changed, with what was known of the estate.
    Near,
    /// At all that may depend on it, with the estate read again.
    Far,
}

/// A change to what is deployed, and how it is undone.
#[derive(Debug)]
pub struct Live {
    /// Its stable id.
    pub id: String,
    /// The change, for a person.
    pub change: String,
    what: String,
    kind: &'static str,
    apply: Vec<Step>,
    revert: Vec<Step>,
    watched: Watched,
    /// Why it cannot be run, if it cannot.
    blocked: Option<String>,
}

/// What is changed, and so which probes look at it: those about the platform's
/// settings, and for some those with tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Watched {
    /// Something that could not be read.
    Unread,
    /// A bucket.
    Bucket,
    /// A function, by its name.
    Function(String),
    /// A route, by its key: those with tokens for it, too.
    Route(String),
    /// Who becomes a deployer or a pipeline's role: those with tokens that are
    /// exchanged for sessions, too.
    Trust,
}

impl Watched {
    /// Whether a probe of settings looks at this very thing.
    fn is_looked_at_by(&self, id: &str) -> bool {
        match self {
            Self::Unread | Self::Trust => false,
            Self::Bucket => id.contains("/bucket-") || id.contains("/artifact"),
            Self::Function(name) => {
                id.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with("/in-network/"))
            }
            Self::Route(key) => id.contains(&format!("/route-asks-for-scope/{key}")),
        }
    }
}

/// Why a change cannot be made or undone.
#[derive(Debug, thiserror::Error)]
#[error("{operation} answers")]
pub struct ChangeError {
    operation: &'static str,
    source: ServiceError,
}

impl ChangeError {
    fn told(&self) -> String {
        format!("{self}: {}", self.source)
    }
}

/// All changes, from the deployed state. What cannot be read of it is planned
/// as what cannot be run. The change that cannot be undone comes last.
pub async fn plan(suite: &Suite<'_>) -> Vec<Live> {
    let (facts, platform) = (suite.facts(), suite.platform());
    let mut plan: Vec<Live> = facts
        .routes
        .iter()
        .filter(|route| route.authorization_type == "JWT")
        .flat_map(|route| routes(facts, route))
        .collect();
    let mut read = Vec::new();
    for (of, first) in asked(facts) {
        read.push((format!("authorizer/{}", of.name), authorizer(suite, of, first).await));
    }
    read.push(("functions".to_owned(), functions(facts, platform).await));
    read.push((format!("bucket/{}", facts.bucket), bucket(suite).await));
    let mut trusted = BTreeSet::new();
    let config = suite.account().config();
    let pipelines = config.layer1.iter().filter_map(|layer1| {
        let role = layer1.role.as_ref()?;
        Some(role.app(&layer1.name()))
    });
    for app in suite.trusted_apps().into_iter().chain(pipelines) {
        let issuer = suite.stack().issuer_of(&app).ok();
        if let Some(issuer) = issuer.filter(|issuer| trusted.insert(&issuer.url)) {
            let what = format!("oidc-provider/{}", issuer.host());
            read.push((what, audience(suite, issuer, &app).await));
        }
    }
    for (what, changes) in read {
        match changes {
            Ok(changes) => plan.extend(changes),
            Err(error) => plan.push(Live {
                blocked: Some(error.told()),
                ..live(what, "unread", "it cannot be read, and so not weakened")
            }),
        }
    }
    plan.extend(asked(facts).map(|(of, first)| no_authorizer(facts, of, first)));
    plan
}

fn live(what: impl Into<String>, kind: &'static str, change: impl Into<String>) -> Live {
    let what = what.into();
    Live {
        id: format!("{what}/{kind}"),
        change: change.into(),
        what,
        kind,
        apply: Vec::new(),
        revert: Vec::new(),
        watched: Watched::Unread,
        blocked: None,
    }
}

/// A route without its authorization, and without its scopes.
fn routes(facts: &Facts, route: &RouteFacts) -> Vec<Live> {
    let of = |more: Value| {
        let mut input = json!({"ApiId": facts.api_id, "RouteId": route.route_id});
        if let (Some(members), Value::Object(more)) = (input.as_object_mut(), more) {
            members.extend(more);
        }
        Step::new(ApiGatewayV2, "UpdateRoute", input)
    };
    let back = of(json!({
        "AuthorizationType": route.authorization_type,
        "AuthorizerId": route.authorizer_id.as_ref().unwrap_or(&facts.authorizer_id),
        "AuthorizationScopes": route.scopes,
    }));
    let key = &route.route_key;
    let change = |kind, told: &str, apply: Step| Live {
        apply: vec![apply],
        revert: vec![back.clone()],
        watched: Watched::Route(key.clone()),
        ..live(format!("route/{key}"), kind, format!("`{key}` {told}"))
    };
    let mut changes = vec![change(
        "authorization-none",
        "asks nobody for a token",
        of(json!({"AuthorizationType": "NONE"})),
    )];
    if !route.scopes.is_empty() {
        let apply = of(json!({"AuthorizationScopes": []}));
        changes.push(change("scopes-dropped", "asks for no scope", apply));
    }
    changes
}

/// The authorizers that routes ask, each with its first route.
fn asked(facts: &Facts) -> impl Iterator<Item = (&AuthorizerFacts, &RouteFacts)> {
    facts.authorizers.iter().filter_map(|authorizer| {
        let mut routes = facts.routes.iter();
        let first = routes.find(|route| route.authorizer_id.as_ref() == Some(&authorizer.id))?;
        Some((authorizer, first))
    })
}

/// An authorizer that trusts somebody else, or somebody else as well.
async fn authorizer(
    suite: &Suite<'_>,
    of: &AuthorizerFacts,
    first: &RouteFacts,
) -> Result<Vec<Live>, ChangeError> {
    let (facts, platform) = (suite.facts(), suite.platform());
    let named = json!({"ApiId": facts.api_id, "AuthorizerId": of.id});
    let found = ask(platform, ApiGatewayV2, "GetAuthorizer", named).await?;
    let jwt = |pointer: &str| found.pointer(pointer).cloned().unwrap_or_default();
    let (issuer, audience) = (jwt("/jwtConfiguration/issuer"), jwt("/jwtConfiguration/audience"));
    let set = |issuer: &Value, audience: &Value| {
        Step::new(
            ApiGatewayV2,
            "UpdateAuthorizer",
            json!({
                "ApiId": facts.api_id, "AuthorizerId": of.id,
                "JwtConfiguration": {"issuer": issuer, "audience": audience},
            }),
        )
    };
    let others = suite.stack().issuers().iter().map(|issuer| issuer.url.as_str());
    let workflows = suite.github().map(|issuer| issuer.url.as_str());
    let stranger = workflows.into_iter().chain(others).find(|url| issuer != *url);
    let other = json!(["api://ringfence-other"]);
    let mut both = audience.as_array().cloned().unwrap_or_default();
    both.extend(other.as_array().cloned().unwrap_or_default());
    let name = &of.name;
    let change = |kind, told: &str, apply| Live {
        apply: vec![apply],
        revert: vec![set(&issuer, &audience)],
        watched: Watched::Route(first.route_key.clone()),
        ..live(format!("authorizer/{name}"), kind, format!("`{name}` {told}"))
    };
    let mut changes = vec![
        change("other-audience", "asks for another audience", set(&issuer, &other)),
        change("audience-added", "takes another audience as well", set(&issuer, &json!(both))),
    ];
    // Where nobody else issues tokens, nobody else can be trusted.
    changes.extend(stranger.map(|stranger| {
        change("other-issuer", "trusts another issuer", set(&json!(stranger), &audience))
    }));
    Ok(changes)
}

/// Functions outside the platform's network.
async fn functions(facts: &Facts, platform: &Actor) -> Result<Vec<Live>, ChangeError> {
    if !facts.has(Lack::Subnets) || !facts.has(Lack::SecurityGroup) {
        return Ok(Vec::new());
    }
    let groups = ask(platform, Ec2, "DescribeSecurityGroups", json!({})).await?;
    let groups = groups.get("securityGroupInfo").and_then(Value::as_array).cloned();
    let groups = groups.unwrap_or_default();
    let text = |group: &Value, member: &str| {
        group.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let own = groups.iter().find(|group| text(group, "groupId") == facts.security_group);
    let vpc = own.map(|group| text(group, "vpcId"));
    let other = groups
        .iter()
        .find(|group| {
            text(group, "groupId") != facts.security_group && Some(text(group, "vpcId")) == vpc
        })
        .map(|group| text(group, "groupId"));
    let mut changes = Vec::new();
    for function in facts.functions.iter().filter(|function| function.deployed) {
        let name = &function.name;
        let set = |subnets: Value, groups: Value| {
            let network = json!({"SubnetIds": subnets, "SecurityGroupIds": groups});
            let input = json!({"FunctionName": name, "VpcConfig": network});
            Step::new(Lambda, "UpdateFunctionConfiguration", input)
        };
        let change = |kind, told: &str, apply| Live {
            apply: vec![apply],
            revert: vec![set(json!(facts.subnets), json!([facts.security_group]))],
            watched: Watched::Function(name.clone()),
            ..live(format!("function/{name}"), kind, format!("`{name}` {told}"))
        };
        changes.push(change(
            "network-removed",
            "runs outside the platform's network",
            set(json!([]), json!([])),
        ));
        if let Some(other) = &other {
            changes.push(change(
                "other-security-group",
                "runs in another security group",
                set(json!(facts.subnets), json!([other])),
            ));
        }
    }
    Ok(changes)
}

/// What a bucket's Block Public Access has.
const BLOCKS: [&str; 4] =
    ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];

/// A bucket's Block Public Access as it is set; none where it is not.
async fn blocked(platform: &Actor, named: Value) -> Result<Option<String>, ChangeError> {
    const NOT_SET: &str = "NoSuchPublicAccessBlockConfiguration";
    let step = Step::new(S3, "GetPublicAccessBlock", named);
    let found = match platform.call(&step).await.result {
        Ok(found) => found,
        Err(error) if error.code == NOT_SET => return Ok(None),
        Err(source) => return Err(ChangeError { operation: "GetPublicAccessBlock", source }),
    };
    // The root element may stand for itself.
    let found = found.get("PublicAccessBlockConfiguration").unwrap_or(&found);
    let set = |block: &&str| {
        found.get(*block).is_some_and(|value| value == "true" || value == &json!(true))
    };
    let elements: String =
        BLOCKS.iter().map(|block| format!("<{block}>{}</{block}>", set(block))).collect();
    let any = BLOCKS.iter().any(set);
    Ok(any.then(|| {
        format!("<PublicAccessBlockConfiguration>{elements}</PublicAccessBlockConfiguration>")
    }))
}

/// A bucket that the world may read, and what else a bucket has that can be taken
/// from it.
async fn bucket(suite: &Suite<'_>) -> Result<Vec<Live>, ChangeError> {
    let bucket = &suite.facts().bucket;
    if !suite.facts().has(Lack::Bucket) {
        return Ok(Vec::new());
    }
    let named = || json!({"Bucket": bucket});
    let arn = format!("arn:aws:s3:::{bucket}");
    let recording = suite.stack().guard().recording();
    let id = ringfence_guard::recording::resource_id(&arn);
    let current = recording.and_then(|recording| recording.latest(&id));
    let unblock = Step::new(S3, "DeletePublicAccessBlock", named());
    let block = blocked(suite.platform(), named()).await?;
    let block = block.map(|set| Step::new(S3, "PutPublicAccessBlock", named()).with_payload(set));
    let what = || format!("bucket/{bucket}");
    let mut changes = Vec::new();
    if let Some(block) = &block {
        changes.push(Live {
            apply: vec![unblock.clone()],
            revert: vec![block.clone()],
            watched: Watched::Bucket,
            ..live(what(), "unblocked", format!("nothing keeps `{bucket}` from being public"))
        });
    }
    let versions = ask(suite.platform(), S3, "GetBucketVersioning", named()).await?;
    let status =
        versions.get("Status").or_else(|| versions.pointer("/VersioningConfiguration/Status"));
    // One that keeps no versions has none that could be stopped.
    if status == Some(&json!("Enabled")) {
        let set = |status| {
            let step = Step::new(S3, "PutBucketVersioning", named());
            vec![step.with_payload(versioning(status))]
        };
        changes.push(Live {
            apply: set("Suspended"),
            revert: set("Enabled"),
            watched: Watched::Bucket,
            ..live(what(), "versions-stopped", format!("`{bucket}` keeps no versions"))
        });
    }
    if let Some(current) = current {
        let public = json!({
            "Sid": "RingfencePublic", "Effect": "Allow", "Principal": "*",
            "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": [arn, format!("{arn}/*")],
        });
        let mut statements = companions::statements(current.text());
        statements.push(public);
        let set =
            |text: &str| Step::new(S3, "PutBucketPolicy", named()).with_payload(text.to_owned());
        if let Some(policy) = companions::rewritten(&current, statements) {
            changes.push(Live {
                apply: vec![unblock, set(policy.text())],
                revert: std::iter::once(set(current.text())).chain(block).collect(),
                watched: Watched::Bucket,
                ..live(what(), "public", format!("everybody may read `{bucket}`"))
            });
        }
    }
    Ok(changes)
}

fn versioning(status: &str) -> String {
    format!("<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>")
}

/// The account takes an issuer's tokens for GitHub's default audience, too, which is
/// the repository owner's URL. The provider is made again for that, for not
/// every upstream can add an audience.
async fn audience(suite: &Suite<'_>, issuer: &Issuer, app: &App) -> Result<Vec<Live>, ChangeError> {
    let host = issuer.host();
    let added = issuer.default_audience(app.repository.owner());
    let arn = format!("arn:aws:iam::{}:oidc-provider/{host}", suite.facts().account);
    let named = json!({"OpenIDConnectProviderArn": arn});
    let found = ask(suite.platform(), Iam, "GetOpenIDConnectProvider", named.clone()).await?;
    let list = |member: &str| found.get(member).and_then(Value::as_array).cloned();
    let audiences = list("ClientIDList").unwrap_or_default();
    let again = |audiences: Vec<Value>| {
        let input = json!({
            "Url": issuer.url, "ClientIDList": audiences,
            "ThumbprintList": list("ThumbprintList").unwrap_or_default(),
        });
        vec![
            Step::new(Iam, "DeleteOpenIDConnectProvider", named.clone()),
            Step::new(Iam, "CreateOpenIDConnectProvider", input),
        ]
    };
    let mut more = audiences.clone();
    more.push(json!(added));
    Ok(vec![Live {
        apply: again(more),
        revert: again(audiences),
        watched: Watched::Trust,
        ..live(
            format!("oidc-provider/{host}"),
            "audience-added",
            format!("tokens for `{added}` are taken as well"),
        )
    }])
}

/// The authorizer is gone: no route may name it any more. It cannot be put
/// back under its id, so that this comes last.
fn no_authorizer(facts: &Facts, of: &AuthorizerFacts, first: &RouteFacts) -> Live {
    let asking = |route: &&RouteFacts| route.authorizer_id.as_ref() == Some(&of.id);
    let mut apply: Vec<Step> = facts
        .routes
        .iter()
        .filter(asking)
        .map(|route| {
            let input = json!({
                "ApiId": facts.api_id, "RouteId": route.route_id, "AuthorizationType": "NONE",
            });
            Step::new(ApiGatewayV2, "UpdateRoute", input)
        })
        .collect();
    let input = json!({"ApiId": facts.api_id, "AuthorizerId": of.id});
    apply.push(Step::new(ApiGatewayV2, "DeleteAuthorizer", input));
    let name = &of.name;
    Live {
        apply,
        watched: Watched::Route(first.route_key.clone()),
        ..live(format!("authorizer/{name}"), "removed", format!("`{name}` is gone"))
    }
}

impl Live {
    /// Makes the change, runs the probes that look at it, undoes it. `before` are
    /// the probes of the original.
    ///
    /// # Errors
    /// When it cannot be undone: what comes after would show nothing.
    pub async fn run(self, suite: &Suite<'_>, before: Before<'_>) -> anyhow::Result<Mutant> {
        let start = Instant::now();
        let platform = suite.platform();
        let mut seen = Seen::default();
        let failing = match before {
            Before::Failing(ids) => ids.clone(),
            Before::Unknown => self.watch(suite, Sight::Far).await.all(),
        };
        let made = match &self.blocked {
            Some(reason) => Err(reason.clone()),
            None => all(platform, &self.apply).await.map_err(|error| error.told()),
        };
        if made.is_ok() {
            for sight in [Sight::Near, Sight::Far] {
                if seen.noticed.is_empty() {
                    // What did not hold before notices nothing.
                    seen = self.watch(suite, sight).await.without(&failing);
                }
            }
        }
        if self.blocked.is_none() {
            all(platform, &self.revert).await?;
        }
        let (verdict, reason) = match made {
            Err(reason) => (MutantVerdict::NotRun, Some(reason)),
            Ok(()) => seen.verdict(),
        };
        Ok(Mutant {
            verdict,
            reason,
            id: self.id,
            guard_rail_document: self.what,
            kind: self.kind.to_owned(),
            statement: None,
            change: self.change,
            killed_by: seen.noticed,
            duration_us: u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
        })
    }

    /// What the probes show on what is deployed now. Where the deployed state
    /// cannot even be read any more, they say what they know from before.
    async fn watch(&self, suite: &Suite<'_>, sight: Sight) -> Seen {
        let now = match sight {
            Sight::Near => None,
            Sight::Far => suite.again().await.ok(),
        };
        let suite = now.as_ref().unwrap_or(suite);
        let is_meant = |id: &str| sight == Sight::Far || self.watched.is_looked_at_by(id);
        let mut findings = suite.tried(Part::Settings, &is_meant).await;
        match &self.watched {
            Watched::Unread | Watched::Bucket | Watched::Function(_) => {}
            Watched::Route(key) => {
                let is_of_route =
                    |id: &str| TOKENS.iter().any(|name| id.contains(&format!("/{name}/{key}")));
                findings.extend(suite.tried_at(key, &is_of_route).await);
            }
            Watched::Trust => {
                let is_meant = |id: &str| sight == Sight::Far || id.contains(AUDIENCE);
                let asks_it = |part: &Part<'_>| matches!(part, Part::Trust(_) | Part::Pipeline(_));
                for part in suite.parts().into_iter().filter(asks_it) {
                    findings.extend(suite.tried(part, &is_meant).await);
                }
            }
        }
        Seen::of(findings.into_iter().map(|finding| (finding.id, finding.verdict)))
    }
}

/// What probes show of a change.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    /// Those that fail.
    noticed: Vec<String>,
    /// Those that neither hold nor fail: they could not be made, or show nothing.
    open: Vec<String>,
}

impl Seen {
    fn of(findings: impl Iterator<Item = (String, Verdict)>) -> Self {
        let mut seen = Self::default();
        for (id, verdict) in findings {
            match verdict {
                Verdict::Held | Verdict::NotApplicable => {}
                Verdict::Failed => seen.noticed.push(id),
                Verdict::Inconclusive | Verdict::NotRun => seen.open.push(id),
            }
        }
        seen
    }

    /// All that do not hold.
    fn all(self) -> BTreeSet<String> {
        self.noticed.into_iter().chain(self.open).collect()
    }

    /// Without what failed before: that is nobody's notice. A probe that showed nothing
    /// before, and shows nothing now, still might have.
    fn without(mut self, failing: &BTreeSet<String>) -> Self {
        self.noticed.retain(|id| !failing.contains(id));
        self.noticed.truncate(NAMED);
        self.open.truncate(NAMED);
        self
    }

    /// What that says of the change. A probe that shows nothing has not noticed it, and
    /// might have.
    fn verdict(&self) -> (MutantVerdict, Option<String>) {
        if !self.noticed.is_empty() {
            return (MutantVerdict::Killed, None);
        }
        if self.open.is_empty() {
            let reason = "no probe that looks at it fails";
            return (MutantVerdict::Survived, Some(reason.to_owned()));
        }
        let open: Vec<String> = self.open.iter().map(|id| format!("`{id}`")).collect();
        let reason = format!("no probe fails, and of these nothing is known: {}", open.join(", "));
        (MutantVerdict::NotRun, Some(reason))
    }
}

/// Makes changes in order, up to the first that is refused.
async fn all(platform: &Actor, steps: &[Step]) -> Result<(), ChangeError> {
    for step in steps {
        make(platform, step).await?;
    }
    Ok(())
}

async fn make(platform: &Actor, step: &Step) -> Result<(), ChangeError> {
    let made = platform.call(step).await.result;
    made.map_err(|source| ChangeError { operation: step.operation, source })?;
    if step.operation == "UpdateFunctionConfiguration" {
        settled(platform, &step.input).await?;
    }
    Ok(())
}

async fn settled(platform: &Actor, input: &Value) -> Result<(), ChangeError> {
    let start = Instant::now();
    let name = json!({"FunctionName": input.get("FunctionName")});
    loop {
        let found = ask(platform, Lambda, "GetFunctionConfiguration", name.clone()).await?;
        match found.get("LastUpdateStatus").and_then(Value::as_str) {
            Some("InProgress") if start.elapsed() < SETTLING => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            _ => return Ok(()),
        }
    }
}

async fn ask(
    platform: &Actor,
    service: Service,
    operation: &'static str,
    input: Value,
) -> Result<Value, ChangeError> {
    let answer = platform.call(&Step::new(service, operation, input)).await.result;
    answer.map_err(|source| ChangeError { operation, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(findings: &[(&str, Verdict)]) -> Seen {
        Seen::of(findings.iter().map(|(id, verdict)| ((*id).to_owned(), *verdict)))
    }

    #[test]
    fn a_probe_that_could_not_be_made_notices_nothing() {
        let open = [("a", Verdict::NotRun), ("b", Verdict::Inconclusive), ("c", Verdict::Held)];
        let told = "no probe fails, and of these nothing is known: `a`, `b`";
        assert_eq!(seen(&open).verdict(), (MutantVerdict::NotRun, Some(told.to_owned())));
        let failed = [open.as_slice(), &[("d", Verdict::Failed)]].concat();
        let failed = seen(&failed);
        assert_eq!(failed.verdict(), (MutantVerdict::Killed, None));
        assert_eq!(failed.noticed, ["d"]);
    }

    #[test]
    fn what_failed_before_is_left_out() {
        let before: BTreeSet<String> = ["d"].map(str::to_owned).into();
        let now = seen(&[("d", Verdict::Failed), ("e", Verdict::Held)]);
        let (verdict, reason) = now.without(&before).verdict();
        assert_eq!(verdict, MutantVerdict::Survived);
        assert_eq!(reason.as_deref(), Some("no probe that looks at it fails"));
    }

    #[test]
    fn what_showed_nothing_before_still_might_have_noticed() {
        let before: BTreeSet<String> = ["a"].map(str::to_owned).into();
        let now = seen(&[("a", Verdict::NotRun), ("e", Verdict::Held)]);
        let (verdict, reason) = now.without(&before).verdict();
        assert_eq!(verdict, MutantVerdict::NotRun);
        assert_eq!(reason.as_deref(), Some("no probe fails, and of these nothing is known: `a`"));
    }
}
