//! A small estate with a network, as its state has it.

use std::fs;
use std::process::{Command, Output};

use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// The estate of one team that `prove` is asked about, with the platform's network.
pub(crate) const CONFIG: &str = concat!(
    include_str!("../prove/shop.toml"),
    "\n[platform]\nsubnets_output = \"subnets\"\nsecurity_group_output = \"group\"\n"
);

/// Resources by address.
pub(crate) type Estate = Map<String, Value>;

pub(crate) fn put(estate: &mut Estate, address: &str, values: Value) {
    estate.insert(address.to_owned(), values);
}

/// Two subnets, one behind a NAT gateway that stands in the other, as the sample estate
/// has them.
pub(crate) fn sample() -> Estate {
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated":
        "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"},
        "Condition": {"StringEquals": {"token.actions.githubusercontent.com:sub": "repo:acme/shop:ref:refs/heads/main"}}}]});
    let all = json!({
        "aws_iam_role.deployer": {"name": "deployer", "arn": "arn:aws:iam::123456789012:role/deployer",
            "assume_role_policy": trust.to_string()},
        "aws_vpc.main": {"id": "vpc-1", "cidr_block": "10.0.0.0/16", "ipv6_cidr_block": "",
            "default_network_acl_id": "acl-0", "default_route_table_id": "rtb-0", "main_route_table_id": "rtb-0"},
        "aws_subnet.private": {"id": "subnet-1", "vpc_id": "vpc-1", "cidr_block": "10.0.1.0/24", "ipv6_cidr_block": ""},
        "aws_subnet.public": {"id": "subnet-8", "vpc_id": "vpc-1", "cidr_block": "10.0.8.0/24", "ipv6_cidr_block": ""},
        "aws_internet_gateway.main": {"id": "igw-1", "vpc_id": "vpc-1"},
        "aws_nat_gateway.main": {"id": "nat-1", "subnet_id": "subnet-8", "connectivity_type": "public"},
        "aws_route_table.private": {"id": "rtb-1", "vpc_id": "vpc-1", "propagating_vgws": [], "route": [route("nat_gateway_id", "nat-1")]},
        "aws_route_table.public": {"id": "rtb-8", "vpc_id": "vpc-1", "propagating_vgws": [], "route": [route("gateway_id", "igw-1")]},
        "aws_route_table_association.private": {"subnet_id": "subnet-1", "route_table_id": "rtb-1"},
        "aws_route_table_association.public": {"subnet_id": "subnet-8", "route_table_id": "rtb-8"},
        "aws_security_group.code": {"id": "sg-1", "vpc_id": "vpc-1", "ingress": [],
            "egress": [rule("0.0.0.0/0")]},
    });
    all.as_object().unwrap().clone()
}

pub(crate) fn route(attribute: &str, target: &str) -> Value {
    let mut route = json!({"cidr_block": "0.0.0.0/0", "ipv6_cidr_block": "", "gateway_id": ""});
    route[attribute] = json!(target);
    route
}

/// HTTPS, from or to.
pub(crate) fn rule(block: &str) -> Value {
    let (v4, v6) = if block.contains(':') { (vec![], vec![block]) } else { (vec![block], vec![]) };
    json!({"protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_blocks": v4,
        "ipv6_cidr_blocks": v6, "prefix_list_ids": [], "security_groups": [], "self": false})
}

pub(crate) fn outputs() -> Value {
    json!({"subnets": {"value": ["subnet-1"]}, "group": {"value": "sg-1"}})
}

pub(crate) fn resources(estate: &Estate) -> Value {
    let one = |(address, values): (&String, &Value)| {
        let kind = address.split('.').next();
        json!({"address": address, "mode": "managed", "type": kind, "values": values})
    };
    json!({"resources": estate.iter().map(one).collect::<Vec<_>>()})
}

pub(crate) fn state(estate: &Estate) -> Value {
    json!({"format_version": "1.0", "values": {"outputs": outputs(), "root_module": resources(estate)}})
}

pub(crate) fn run(shown: &Value, config: &str, flags: &[&str]) -> (TempDir, Output) {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("ringfence.toml"), config).unwrap();
    fs::write(directory.path().join("shown.json"), shown.to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command.current_dir(directory.path()).args(["prove", "--state", "shown.json"]).args(flags);
    let output = command.output().unwrap();
    assert_eq!(std::str::from_utf8(&output.stderr).unwrap(), "");
    (directory, output)
}

pub(crate) fn proved(shown: &Value, config: &str) -> Vec<Value> {
    let (_directory, output) = run(shown, config, &["--json"]);
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
