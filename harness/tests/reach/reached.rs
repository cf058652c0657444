//! The built binary's `reach`.

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::networks::{CONFIG, Estate, put, route, rule, sample, state};

/// A function behind NAT, and one in no network.
fn estate() -> Estate {
    let mut estate = sample();
    let network = json!([{"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]}]);
    put(
        &mut estate,
        "aws_lambda_function.f",
        json!({"function_name": "orders", "vpc_config": network}),
    );
    put(&mut estate, "aws_lambda_function.g", json!({"function_name": "out", "vpc_config": []}));
    estate
}

fn reach(estate: &Estate, arguments: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("ringfence.toml"), CONFIG).unwrap();
    fs::write(directory.path().join("state.json"), state(estate).to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command.current_dir(directory.path()).args(["reach", "--state", "state.json"]);
    command.args(arguments).output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const FUNCTION: &str = "aws_lambda_function.f in aws_subnet.private";

#[test]
fn what_a_function_reaches_is_told_by_class_port_and_rules() {
    let output = reach(&estate(), &["orders", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let told = lines(&output);
    assert_eq!(told.len(), 2);
    assert_eq!(told[0]["function"], FUNCTION);
    let start = [
        "aws_subnet.private",
        "aws_security_group.code.egress[0]",
        "the default network ACL of aws_vpc.main",
    ];
    let by = |rest: &[&'static str]| [start.as_slice(), rest].concat();
    let row = |addresses: &str, by: Vec<&str>| {
        json!({"addresses": addresses, "only": [],
        "protocol": "TCP", "ports": [443, 443], "by": by, "answered": true})
    };
    let nat = by(&[
        "aws_route_table.private.route[0]",
        "aws_nat_gateway.main",
        "aws_route_table.public.route[0]",
        "aws_internet_gateway.main",
    ]);
    let inside = by(&["the local route of aws_vpc.main"]);
    let reaches = told[0]["reaches"].as_array().unwrap();
    assert!(reaches.contains(&row("the internet (IPv4)", nat)), "{reaches:#?}");
    assert!(reaches.contains(&row("the VPC", inside)), "{reaches:#?}");
    assert_eq!((&told[0]["reached_by"], &told[0]["undecided"]), (&json!([]), &json!([])));
    let summary = json!({"functions": 1, "reach": 1, "reached": 0, "undecided": 0});
    assert_eq!(told[1], json!({"summary": summary}));
}

#[test]
fn a_port_or_address_that_is_let_out_by_nothing_is_not_reached() {
    let nothing = format!("{FUNCTION}\n  reaches nothing\n  reached by nothing\n");
    for asked in [["--port", "80"], ["--to", "2001:db8::/32"]] {
        let output = reach(&estate(), &[&["orders"], &asked[..]].concat());
        assert_eq!(String::from_utf8(output.stdout).unwrap(), nothing);
        assert_eq!(output.status.code(), Some(0));
    }
    let output = reach(&estate(), &["orders", "--port", "443", "--to", "203.0.113.0/24"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let line = "  reaches 203.0.113.0/24, TCP port 443\n    by aws_subnet.private, aws_security_group.code.egress[0], the default network ACL of aws_vpc.main, aws_route_table.private.route[0], aws_nat_gateway.main, aws_route_table.public.route[0], aws_internet_gateway.main\n";
    assert_eq!(text, format!("{FUNCTION}\n{line}  reached by nothing\n"));
    assert_eq!(output.status.code(), Some(1));
}

/// The network ACL lets requests out, and no answer in.
#[test]
fn what_no_answer_comes_back_of_is_told_so() {
    let mut estate = estate();
    let all = json!({"rule_no": 100, "action": "allow", "protocol": "-1", "from_port": 0,
        "to_port": 0, "cidr_block": "0.0.0.0/0"});
    put(
        &mut estate,
        "aws_network_acl.a",
        json!({"id": "acl-1", "vpc_id": "vpc-1", "subnet_ids": ["subnet-1"], "ingress": [],
            "egress": [all]}),
    );
    let output = reach(&estate, &["orders", "--to", "203.0.113.0/24"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("203.0.113.0/24, TCP port 443, and no answer comes back\n"), "{text}");
}

#[test]
fn who_reaches_a_function_is_told_with_the_rule() {
    let mut estate = estate();
    let mut from_group = rule("10.0.8.0/24");
    from_group["security_groups"] = json!(["sg-1"]);
    estate["aws_security_group.code"]["ingress"] = json!([from_group]);
    let told = lines(&reach(&estate, &["aws_lambda_function.f", "--json"]));
    let by = ["the default network ACL of aws_vpc.main", "aws_security_group.code.ingress[0]"];
    let of_addresses = json!({"addresses": "the VPC", "only": ["10.0.8.0-10.0.8.255"],
        "protocol": "TCP", "ports": [443, 443], "by": by});
    let of_group = json!({"addresses": "interfaces of aws_security_group.code", "only": [],
        "protocol": "TCP", "ports": [443, 443], "by": [by[1]]});
    assert_eq!(told[0]["reached_by"], json!([of_addresses, of_group]));
}

#[test]
fn what_is_not_followed_is_undecided() {
    let mut estate = estate();
    estate["aws_route_table.private"]["route"] = json!([route("transit_gateway_id", "tgw-1")]);
    let told = lines(&reach(&estate, &["orders", "--to", "203.0.113.0/24", "--json"]));
    let reason = "203.0.113.0 on TCP port 443 leaves, and aws_route_table.private.route[0]: the transit gateway `tgw-1` is not followed";
    assert_eq!(told[0]["undecided"], json!([reason]));
    assert_eq!(told[0]["reaches"], json!([]));
    assert_eq!(told[1]["summary"]["undecided"], 1);
}

#[test]
fn a_function_in_no_network_reaches_the_internet() {
    let told = lines(&reach(&estate(), &["out", "--port", "443", "--json"]));
    assert_eq!(told[0]["function"], "aws_lambda_function.g");
    let by = ["Lambda's own network, as it is in no VPC"];
    let first = json!({"addresses": "the internet (IPv4)", "only": [], "protocol": "TCP",
        "ports": [443, 443], "by": by, "answered": true});
    assert_eq!(told[0]["reaches"][0], first);
    assert_eq!(told[0]["reached_by"], json!([]));
}

#[test]
fn what_cannot_be_asked_is_told_in_one_line() {
    let output = reach(&estate(), &["nobody"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    let there = "aws_lambda_function.f, aws_lambda_function.g and the platform's functions";
    assert!(
        text.ends_with(&format!("no function is called `nobody`: there is {there}\n")),
        "{text}"
    );
    let output = reach(&estate(), &["--to", "203.0.113.0"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text.contains("it is no CIDR block: `203.0.113.0/24` and `2001:db8::/32` are"),
        "{text}"
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("ringfence.toml"), CONFIG).unwrap();
    let output = command.current_dir(directory.path()).arg("reach").output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text.ends_with("give `--plan FILE` or `--state FILE`\n"), "{text}");
}
