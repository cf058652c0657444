//! What a module reads and does not make: data sources of AWS's that find
//! something only where it exists outside the estate.

use crate::config::Place;
use crate::hcl::{Block, File, Module, Value};
use crate::remark::{Outcome, Remark};

/// Data sources that AWS, the account or Terraform itself answers, whatever
/// exists (<https://registry.terraform.io/providers/hashicorp/aws/latest/docs>).
const THERE: [&str; 29] = [
    "aws_arn",
    "aws_availability_zone",
    "aws_availability_zones",
    "aws_billing_service_account",
    "aws_caller_identity",
    "aws_canonical_user_id",
    "aws_cloudfront_log_delivery_canonical_user_id",
    "aws_cloudtrail_service_account",
    "aws_default_tags",
    "aws_ec2_instance_type",
    "aws_ec2_instance_type_offering",
    "aws_ec2_instance_type_offerings",
    "aws_ec2_instance_types",
    "aws_ecr_authorization_token",
    "aws_elastic_beanstalk_hosted_zone",
    "aws_elb_hosted_zone_id",
    "aws_elb_service_account",
    "aws_iam_policy_document",
    "aws_iam_session_context",
    "aws_ip_ranges",
    "aws_lb_hosted_zone_id",
    "aws_partition",
    "aws_prefix_list",
    "aws_redshift_service_account",
    "aws_region",
    "aws_regions",
    "aws_secretsmanager_random_password",
    "aws_service",
    "aws_service_principal",
];

/// Data sources whose entry is of another type, or has other arguments: the
/// resource's type, an argument of the data source with the resource's name for
/// it, and what the resource needs besides.
type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static str);

const ROWS: [Row; 10] = [
    (
        "aws_acm_certificate",
        "aws_acm_certificate",
        &[("domain", "domain_name")],
        "validation_method = \"DNS\"",
    ),
    ("aws_ami", "aws_ami", &[], "name = \"…\", owner_id = \"…\""),
    ("aws_route53_zone", "aws_route53_zone", &[("name", "name")], ""),
    (
        "aws_secretsmanager_secret_version",
        "aws_secretsmanager_secret_version",
        &[("secret_id", "secret_id")],
        "secret_string = \"…\"",
    ),
    ("aws_security_groups", "aws_security_group", &[], ""),
    (
        "aws_ssm_parameter",
        "aws_ssm_parameter",
        &[("name", "name")],
        "type = \"String\", value = \"…\"",
    ),
    ("aws_subnet", "aws_subnet", &[], "vpc_id = \"…\", cidr_block = \"…\""),
    ("aws_subnets", "aws_subnet", &[], "vpc_id = \"…\", cidr_block = \"…\""),
    ("aws_vpc", "aws_vpc", &[], "cidr_block = \"10.0.0.0/16\""),
    ("aws_vpcs", "aws_vpc", &[], "cidr_block = \"10.0.0.0/16\""),
];

/// A data source that finds something only where it exists before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outside {
    /// Where it stands.
    pub(crate) place: Place,
    /// Its address.
    address: String,
    /// The entry that makes what it reads.
    pub(crate) entry: String,
    /// Its `properties`, where nothing of them is left to decide.
    pub(crate) image: Option<String>,
}

impl Outside {
    /// What `doctor` says of it.
    pub(super) fn remark(self) -> Remark {
        Remark {
            place: self.place,
            construct: self.address,
            outcome: Outcome::StandsIn,
            because: format!(
                "it reads what no root module here makes: where the account does not have it by \
                 itself, ringfence.toml needs {}",
                self.entry
            ),
        }
    }
}

/// The data sources of a module that find something only where it exists before.
pub(crate) fn entries(module: &Module) -> Vec<Outside> {
    let blocks = module.of("data");
    let told = blocks.filter_map(|(file, block)| {
        Some(Outside {
            place: Place { file: file.path.clone(), line: block.at.line, column: block.at.column },
            address: block.address(),
            entry: entry(block, refers_to_resources(file, block))?,
            image: image(block),
        })
    });
    told.collect()
}

/// Whether a block takes its values from what the module makes or reads: then
/// that is there, or has an entry of its own.
fn refers_to_resources(file: &File, block: &Block) -> bool {
    let source = block.span.clone().and_then(|span| file.text.get(span)).unwrap_or_default();
    let lines = block.at.line..block.at.line + source.lines().count().max(1);
    let within = file.references.iter().filter(|it| lines.contains(&it.at.line));
    within.into_iter().any(|reference| {
        let names: Vec<&str> = reference.names.iter().map(String::as_str).collect();
        match names.as_slice() {
            ["data", kind, ..] => !THERE.contains(kind),
            [first, _, ..] => first.starts_with("aws_") || *first == "module",
            _ => false,
        }
    })
}

/// The entry that makes what a data source reads; none where it is there by
/// itself, or where the module's own resources are read.
fn entry(block: &Block, refers_to_resources: bool) -> Option<String> {
    let kind = block.label(0);
    if !kind.starts_with("aws_") || THERE.contains(&kind) || refers_to_resources || is_aws(block) {
        return None;
    }
    let row = ROWS.iter().find(|(data, ..)| *data == kind);
    let mut properties: Vec<String> = Vec::new();
    for attribute in &block.attributes {
        let name = match row {
            Some((_, _, names, _)) => {
                names.iter().find(|(own, _)| *own == attribute.name).map(|it| it.1)
            }
            None => Some(attribute.name.as_str()),
        };
        let (Some(name), Value::Text(text)) = (name, &attribute.value) else { continue };
        properties.push(format!("{name} = {}", toml::Value::String(text.clone())));
    }
    let tags = block.attribute("tags").map(|attribute| &attribute.value);
    if let Some(Value::Object(tags)) = tags {
        let each = tags.iter().filter_map(|(key, value)| {
            let (key, value) = (toml::Value::String(key.clone()), value.text()?.to_owned());
            Some(format!("{key} = {}", toml::Value::String(value)))
        });
        properties.push(format!("tags = {{ {} }}", each.collect::<Vec<_>>().join(", ")));
    }
    let more = row.map(|(.., more)| *more).filter(|more| !more.is_empty());
    properties.extend(more.map(str::to_owned));
    let kind = row.map_or(kind, |(_, resource, ..)| resource);
    Some(format!("[[existing]] type = \"{kind}\", properties = {{ {} }}", properties.join(", ")))
}

/// The filters of images that are arguments of an entry
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html>).
const OF_IMAGES: [(&str, &str); 5] = [
    ("architecture", "architecture"),
    ("name", "name"),
    ("owner-id", "owner_id"),
    ("root-device-type", "root_device_type"),
    ("virtualization-type", "virtualization_type"),
];

/// An image that a data source finds: whoever publishes images shows them to every
/// account, so that nothing of it is to decide. None where it is asked for by something
/// else.
fn image(block: &Block) -> Option<String> {
    if block.label(0) != "aws_ami" {
        return None;
    }
    let first = |value: &Value| match value {
        Value::List(items) => items.first().and_then(Value::text).map(str::to_owned),
        _ => None,
    };
    let mut asked: Vec<(&str, String)> = Vec::new();
    for filter in block.of("filter") {
        let (_, name) = OF_IMAGES.iter().find(|(own, _)| filter.text("name") == Some(own))?;
        asked.push((*name, first(&filter.attribute("values")?.value)?));
    }
    asked.iter().find(|(name, _)| *name == "name")?;
    match block.attribute("owners").map(|it| first(&it.value)) {
        // The default of an entry.
        None => {}
        Some(Some(owner)) if owner == "amazon" => {}
        Some(Some(owner)) if owner.bytes().all(|byte| byte.is_ascii_digit()) => {
            asked.push(("owner_id", owner));
        }
        Some(_) => return None,
    }
    // A name that its pattern matches.
    let each = asked.iter().map(|(name, value)| {
        let value = value.replace(['*', '?'], "1");
        format!("{name} = {}", toml::Value::String(value))
    });
    Some(format!("{{ {} }}", each.collect::<Vec<_>>().join(", ")))
}

/// What AWS itself has in every account: its own policies, keys, parameters, the
/// default network.
fn is_aws(block: &Block) -> bool {
    let text = |name| block.text(name).unwrap_or_default();
    let default = block.attribute("default").is_some_and(|it| it.value == Value::Bool(true));
    match block.label(0) {
        "aws_iam_policy" => text("arn").starts_with("arn:aws:iam::aws:policy/"),
        "aws_kms_alias" | "aws_kms_key" => {
            text("name").starts_with("alias/aws/") || text("key_id").starts_with("alias/aws/")
        }
        "aws_ssm_parameter" => text("name").starts_with("/aws/service/"),
        "aws_vpc" => default,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::of_an_owner(
        "owners = [\"099720109477\"]\n  filter {\n    name = \"name\"\n    values = [\"ubuntu-*\"]\n  }",
        Some("{ name = \"ubuntu-1\", owner_id = \"099720109477\" }")
    )]
    #[case::of_amazon(
        "owners = [\"amazon\"]\n  filter {\n    name = \"name\"\n    values = [\"al2023-*\"]\n  }\n  filter {\n    name = \"architecture\"\n    values = [\"arm64\"]\n  }",
        Some("{ name = \"al2023-1\", architecture = \"arm64\" }")
    )]
    #[case::own(
        "owners = [\"self\"]\n  filter {\n    name = \"name\"\n    values = [\"a\"]\n  }",
        None
    )]
    #[case::by_something_else("filter {\n    name = \"tag:a\"\n    values = [\"b\"]\n  }", None)]
    #[case::by_no_name("owners = [\"amazon\"]", None)]
    fn an_image_that_is_asked_for_plainly_is_nothing_to_decide(
        #[case] body: &str,
        #[case] expected: Option<&str>,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let text = format!("data \"aws_ami\" \"x\" {{\n  {body}\n}}\n");
        std::fs::write(directory.path().join("main.tf"), text).unwrap();
        let module = Module::read(directory.path()).unwrap();
        let (_, block) = module.of("data").next().unwrap();
        assert_eq!(image(block).as_deref(), expected);
    }

    #[rstest]
    #[case("aws_caller_identity", "", None)]
    #[case("archive_file", "type = \"zip\"", None)]
    #[case("aws_vpc", "default = true", None)]
    #[case("aws_iam_policy", "arn = \"arn:aws:iam::aws:policy/ReadOnlyAccess\"", None)]
    #[case("aws_ssm_parameter", "name = \"/aws/service/ecs/x\"", None)]
    #[case(
        "aws_iam_role",
        "name = \"ci\"",
        Some("[[existing]] type = \"aws_iam_role\", properties = { name = \"ci\" }")
    )]
    #[case(
        "aws_route53_zone",
        "name = \"example.com.\"\n  private_zone = false",
        Some("[[existing]] type = \"aws_route53_zone\", properties = { name = \"example.com.\" }")
    )]
    #[case(
        "aws_vpc",
        "tags = {\n    Name = \"shared\"\n  }",
        Some(
            "[[existing]] type = \"aws_vpc\", properties = { tags = { \"Name\" = \"shared\" }, cidr_block = \"10.0.0.0/16\" }"
        )
    )]
    #[case(
        "aws_acm_certificate",
        "domain = \"a.b\"",
        Some(
            "[[existing]] type = \"aws_acm_certificate\", properties = { domain_name = \"a.b\", validation_method = \"DNS\" }"
        )
    )]
    fn what_a_data_source_reads_has_an_entry_where_it_must_exist_before(
        #[case] kind: &str,
        #[case] body: &str,
        #[case] expected: Option<&str>,
    ) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(
            directory.path().join("main.tf"),
            format!("data \"{kind}\" \"x\" {{\n  {body}\n}}\n"),
        )
        .unwrap();
        let module = Module::read(directory.path()).unwrap();
        let (_, block) = module.of("data").next().unwrap();
        assert_eq!(entry(block, false).as_deref(), expected);
        assert_eq!(entry(block, true), None);
    }
}
