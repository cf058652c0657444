//! What Block Public Access keeps back where the policy of a bucket, or of an access point, is
//! public. `RestrictPublicBuckets` restricts it "to only AWS service principals and authorized
//! users within the bucket owner's account", and "public and cross-account access within any
//! public access point or bucket policy, including non-public delegation to specific accounts, is
//! blocked"
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>).
//! So it is a Deny of all others in that policy. What is not known of it may deny.
//!
//! A bucket of which the files say nothing has none: AWS gives new ones a block by which a public
//! policy cannot be put
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html>), so where there
//! is one, that was taken away. An access point has all of it unless it says otherwise
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-bpa-settings.html>).

use ringfence_guard::is_public_bucket_policy;
use ringfence_policy::{Document, Kind};
use serde_json::{Value as Json, json};

use super::denies::Denies;
use super::estate::{Entry, Estate};
use super::own::{self, Find, referred};
use super::plan::Plan;
use super::templates::Place;
use crate::lint::known::{Member, Node, Value};
use crate::lint::terraform::Resource;

const OF_ACCOUNT: &str = "aws_s3_account_public_access_block";
const OF_BUCKET: &str = "aws_s3_bucket_public_access_block";
const POINT: &str = "aws_s3_access_point";

/// What a public policy keeps back.
#[derive(Debug, Clone)]
pub(crate) struct Restricts {
    /// The block.
    by: String,
    /// Whose users are let in all the same; `None` where that is not known.
    accounts: Option<Vec<String>>,
    /// Patterns of what the policy is about; `None` where that is not known.
    own: Option<Vec<String>>,
    /// Whether it is known that the block is on, and of the bucket.
    is_sure: bool,
    /// Whether it is known that the policy is there.
    is_there: bool,
}

/// Of a policy: whose bucket it is of, and what it is about.
struct Of {
    accounts: Option<Vec<String>>,
    own: Option<Vec<String>>,
    is_there: bool,
}

/// The blocks of a bucket, as far as they have been looked at.
#[derive(Default)]
struct Blocks {
    on: Option<String>,
    may: Option<String>,
}

impl Blocks {
    /// Adds one by its name: whether it is on, and whether it is of the bucket; `None` where
    /// that is not known.
    fn add(&mut self, by: impl FnOnce() -> String, is_on: Option<bool>, is_its: Option<bool>) {
        match (is_on, is_its) {
            (Some(false), _) | (_, Some(false)) => {}
            (Some(true), Some(true)) => {
                self.on.get_or_insert_with(by);
            }
            (None, _) | (_, None) => {
                self.may.get_or_insert_with(by);
            }
        }
    }

    fn restricting(self, Of { accounts, own, is_there }: Of) -> Option<Restricts> {
        let is_sure = self.on.is_some();
        let by = self.on.or(self.may)?;
        Some(Restricts { by, accounts, own, is_sure, is_there })
    }
}

/// Whether a setting is on; `None` where that is not known.
fn flag(node: Option<&Node>) -> Option<bool> {
    match node.map(|node| &node.value) {
        None | Some(Value::Null) => Some(false),
        Some(Value::Bool(is_on)) => Some(*is_on),
        Some(Value::Text(text)) if text.eq_ignore_ascii_case("true") => Some(true),
        Some(Value::Text(text)) if text.eq_ignore_ascii_case("false") => Some(false),
        Some(_) => None,
    }
}

fn text<'r>(resource: &'r Resource, attribute: &str) -> Option<&'r str> {
    resource.values.get(attribute).and_then(Node::text).filter(|text| !text.is_empty())
}

/// What is in a list of one, or what is none.
fn first(node: &Node) -> &Node {
    node.items().first().unwrap_or(node)
}

/// Whether the block of an access point is on: it is, where nothing is said.
fn of_point(values: &Node, block: &str, setting: &str) -> Option<bool> {
    if values.is_unknown() {
        return None;
    }
    match values.get(block).filter(|node| node.is_something()).map(first) {
        None => Some(true),
        Some(block) if block.is_unknown() => None,
        Some(block) => match block.get(setting).filter(|node| node.is_something()) {
            None => Some(true),
            said => flag(said),
        },
    }
}

impl Restricts {
    /// Whom it keeps out.
    fn denies(&self) -> Vec<Json> {
        let on = self.own.clone().unwrap_or_else(|| vec!["*".to_owned()]);
        let deny = |condition: Json| {
            json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": on,
                "Condition": condition})
        };
        let mut others = json!({"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}});
        if let (Some(accounts), Some(members)) = (&self.accounts, others.as_object_mut()) {
            let of_others = json!({"aws:PrincipalAccount": accounts});
            members.insert("StringNotEquals".to_owned(), of_others);
        }
        // What comes without a signature is of no account, and may say nothing of services.
        let unsigned = json!({"StringEquals": {"aws:PrincipalType": "Anonymous"}});
        vec![deny(others), deny(unsigned)]
    }

    /// Puts what it keeps back into an entry, which has its policy.
    pub(super) fn apply(self, name: &str, entry: &mut Entry) {
        let policy = entry.policies.resource.clone();
        let is_public = policy.as_ref().map(|policy| is_public_bucket_policy(policy.text()));
        if is_public == Some(false) {
            return;
        }
        let by = &self.by;
        let why = match (self.is_sure, &self.accounts, is_public) {
            (false, ..) => Some("is not known"),
            (_, None, _) => Some("is not known, nor which that is"),
            (_, _, None) => Some("hangs on whether the policy is public, which is not known"),
            (true, Some(_), Some(_)) => None,
        };
        let why = why
            .map(|why| format!("whether `{by}` keeps `{name}` to the account of the bucket {why}"));
        let denies = self.denies();
        let written = json!({"Version": "2012-10-17", "Statement": denies}).to_string();
        let about = ["s3:*".to_owned()];
        let document = Document::parse(name, &written, Kind::Resource).ok();
        let of_others = document.map(|document| {
            let is_sure = why.is_none() && self.is_there;
            Denies::of(&document, self.own.as_deref(), &about, is_sure)
        });
        let narrower = policy.as_ref().map(|policy| own::beside(Some(policy), policy, &denies));
        // A policy that has room for nothing more.
        let (Some(of_others), Some(narrower)) =
            (of_others, narrower.map_or(Some(None), |it| it.map(Some)))
        else {
            entry.unknown.insert(format!("what `{by}` keeps back of `{name}` is not followed"));
            return;
        };
        let of_others = match &why {
            Some(why) => of_others.because(why),
            None => of_others,
        };
        entry.denies = std::mem::take(&mut entry.denies).and(of_others);
        match (narrower, why) {
            (Some(narrower), Some(why)) => entry.restricted = Some((why, narrower)),
            (Some(narrower), None) => entry.policies.resource = Some(narrower),
            (None, _) => {}
        }
    }
}

impl Plan<'_, '_> {
    /// What blocks of the files keep back of the policy of a resource.
    pub(super) fn restricts(&self, resource: &Resource) -> Option<Restricts> {
        let account = self.own.setting().account_of(resource).map(str::to_owned);
        match resource.kind.as_str() {
            "aws_s3_bucket" | "aws_s3_bucket_policy" => {
                let accounts = account.map(|account| vec![account]);
                let own = own::of(resource, &self.own.resources);
                let blocks = self.blocks(resource);
                blocks.restricting(Of { accounts, own, is_there: true })
            }
            POINT => self.of_point(resource, self.called(resource), account),
            "aws_s3control_access_point_policy" => {
                let arn = text(resource, "access_point_arn");
                let is_it = |one: &&Resource| {
                    one.kind == POINT && !one.is_data && arn.is_some() && text(one, "arn") == arn
                };
                let mut all = self.files.iter().flat_map(|file| &file.resources);
                let name = self.called(resource);
                match all.find(is_it) {
                    Some(point) => self.of_point(point, name, account),
                    // It has all of it unless it says otherwise.
                    None => {
                        let own = arn.map(of_access_point);
                        let may = Some("its access point".to_owned());
                        let of = Of { accounts: None, own, is_there: true };
                        Blocks { on: None, may }.restricting(of)
                    }
                }
            }
            _ => None,
        }
    }

    /// What the block of an access point keeps back, and those of its bucket and its account: of
    /// a bucket of another account to "the bucket owner's account and access point owner's
    /// account".
    fn of_point(
        &self,
        point: &Resource,
        name: String,
        account: Option<String>,
    ) -> Option<Restricts> {
        let own = text(point, "account_id").map(str::to_owned).or(account);
        let bucket = point.values.get("bucket_account_id").filter(|node| node.is_something());
        let bucket = match bucket {
            None => own.clone(),
            Some(known) => known.text().map(str::to_owned),
        };
        let accounts = own.zip(bucket).map(|(own, bucket)| vec![own, bucket]);
        let mut blocks = self.blocks(point);
        let is_on =
            of_point(&point.values, "public_access_block_configuration", "restrict_public_buckets");
        blocks.add(|| name, is_on, Some(true));
        let own = text(point, "arn").map(of_access_point);
        blocks.restricting(Of { accounts, own, is_there: true })
    }

    /// The blocks of the bucket of a resource, and of its account.
    fn blocks(&self, resource: &Resource) -> Blocks {
        let mut blocks = Blocks::default();
        for (at, file) in self.files.iter().enumerate() {
            for block in file.resources.iter().filter(|one| is_block(one, OF_BUCKET)) {
                let is_on = flag(block.values.get("restrict_public_buckets"));
                let by = || file.apart.called(&block.address);
                blocks.add(by, is_on, self.is_of_bucket(resource, at, block));
            }
        }
        for (at, file) in self.files.iter().enumerate() {
            for block in file.resources.iter().filter(|one| is_block(one, OF_ACCOUNT)) {
                let is_on = flag(block.values.get("restrict_public_buckets"));
                let own = self.own.setting().account_of(resource);
                let of = text(block, "account_id").or_else(|| file.setting().account_of(block));
                let is_its = match (own, of) {
                    (Some(own), Some(of)) => Some(own == of),
                    _ => (at == self.file && !self.own.setting().is_mixed()).then_some(true),
                };
                blocks.add(|| file.apart.called(&block.address), is_on, is_its);
            }
        }
        blocks
    }

    /// Whether a block is of the bucket that a resource is, or has its policy of; `None` where
    /// that is not known.
    fn is_of_bucket(&self, resource: &Resource, at: usize, block: &Resource) -> Option<bool> {
        if let (Some(own), Some(of)) = (text(resource, "bucket"), text(block, "bucket")) {
            return Some(own == of);
        }
        if at != self.file {
            return None;
        }
        let named = |one: &Resource| {
            let named = self.own.named(&one.address, "bucket");
            named.map(|(bucket, _)| bucket).filter(|it| it.kind == "aws_s3_bucket")
        };
        let of = named(block)?;
        let own = match resource.kind.as_str() {
            "aws_s3_bucket" => &resource.address,
            _ => &named(resource)?.address,
        };
        Some(*own == of.address)
    }
}

fn is_block(resource: &Resource, kind: &str) -> bool {
    resource.kind == kind && !resource.is_data
}

/// An access point, and what is in it.
fn of_access_point(arn: &str) -> Vec<String> {
    vec![arn.to_owned(), format!("{arn}/*")]
}

/// A bucket of a template, by its logical id, with its properties as far as they are known.
pub(super) type Bucket<'t> = (&'t str, &'t Node);

/// What keeps back something of the policy of a resource of a template: the block of its bucket
/// or its access point, and those of Terraform's files of the bucket and of the account.
pub(super) fn of_template(
    resource: &Member,
    kind: &str,
    properties: &Node,
    (place, find, buckets): (&Place, &Find<'_>, &[Bucket<'_>]),
    estate: &Estate,
) -> Option<Restricts> {
    const BLOCK: &str = "PublicAccessBlockConfiguration";
    const SETTING: &str = "RestrictPublicBuckets";
    let is_there = resource.value.get("Condition").is_none();
    let mut blocks = Blocks::default();
    for block in estate.resources.iter().filter(|one| is_block(one, OF_ACCOUNT)) {
        let is_on = flag(block.values.get("restrict_public_buckets"));
        let of = text(block, "account_id");
        let mut settled = estate.settled.iter();
        let is_its = match of {
            Some(of) => Some(of == place.account),
            None => settled
                .all(|one| one.account.as_deref() == Some(place.account.as_str()))
                .then_some(true),
        };
        blocks.add(|| block.address.clone(), is_on, is_its);
    }
    let account = || place.account.clone();
    if kind == "AWS::S3::BucketPolicy" || kind == "AWS::S3::AccessPoint" {
        let named = properties.get("Bucket").and_then(Node::text);
        let written = resource.value.path(&["Properties", "Bucket"]);
        // A parameter may name any bucket.
        let id = written.and_then(referred).filter(|id| find(id).is_some());
        let is_named = |bucket: &Node| {
            named.is_some() && bucket.get("BucketName").and_then(Node::text) == named
        };
        let is_it = |(own, bucket): &&Bucket<'_>| match id {
            Some(id) => *own == id,
            None => is_named(bucket),
        };
        if let Some((id, bucket)) = buckets.iter().find(is_it) {
            let block = bucket.get(BLOCK).filter(|node| node.is_something());
            let is_on = match block {
                _ if bucket.is_unknown() => None,
                Some(block) if block.is_unknown() => None,
                block => flag(block.and_then(|block| block.get(SETTING))),
            };
            blocks.add(|| format!("Resources.{id}"), is_on, Some(true));
        }
        for block in estate.resources.iter().filter(|one| is_block(one, OF_BUCKET)) {
            let is_on = flag(block.values.get("restrict_public_buckets"));
            let is_its = match (named, text(block, "bucket")) {
                (Some(named), Some(of)) => Some(named == of),
                // A bucket of the template is none of Terraform's.
                _ if id.is_some() => Some(false),
                _ => None,
            };
            blocks.add(|| block.address.clone(), is_on, is_its);
        }
    }
    match kind {
        "AWS::S3::BucketPolicy" => {
            let own = own::bucket_of_template(kind, properties);
            blocks.restricting(Of { accounts: Some(vec![account()]), own, is_there })
        }
        "AWS::S3::AccessPoint" => {
            let bucket = properties.get("BucketAccountId").filter(|node| node.is_something());
            let bucket = match bucket {
                None => Some(account()),
                Some(known) => known.text().map(str::to_owned),
            };
            let accounts = bucket.map(|bucket| vec![account(), bucket]);
            let is_on = of_point(properties, BLOCK, SETTING);
            blocks.add(|| format!("Resources.{}", resource.key), is_on, Some(true));
            let name = properties.get("Name").and_then(Node::text);
            let own = name.map(|name| {
                let Place { partition, account, region } = place;
                let region = region.as_deref().unwrap_or("*");
                of_access_point(&format!(
                    "arn:{partition}:s3:{region}:{account}:accesspoint/{name}"
                ))
            });
            blocks.restricting(Of { accounts, own, is_there })
        }
        _ => None,
    }
}
