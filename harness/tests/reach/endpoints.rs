//! The built binary's `prove`: the VPC endpoints that functions may reach.

use rstest::rstest;
use serde_json::{Value, json};

use crate::networks::{self, Estate, put, route, rule, run, sample};

const RAIL: &str = "functions reach these endpoints alone";
const WHO: &str = "the platform's functions in aws_subnet.private";

/// What the configuration says that functions may reach.
fn platform(said: &str) -> String {
    networks::CONFIG.replace("[platform]\n", &format!("[platform]\n{said}\n"))
}

/// A gateway endpoint and an interface endpoint, both reached.
fn estate() -> Estate {
    let mut estate = sample();
    put(
        &mut estate,
        "aws_vpc_endpoint.s3",
        json!({"id": "vpce-1", "vpc_id": "vpc-1", "service_name": "com.amazonaws.eu-west-1.s3",
            "vpc_endpoint_type": "Gateway", "route_table_ids": ["rtb-1"],
            "cidr_blocks": ["52.218.0.0/17"], "prefix_list_id": "pl-s3", "policy": policy("Allow")}),
    );
    put(
        &mut estate,
        "aws_vpc_endpoint.sqs",
        json!({"id": "vpce-2", "vpc_id": "vpc-1", "service_name": "com.amazonaws.eu-west-1.sqs",
            "vpc_endpoint_type": "Interface", "subnet_ids": ["subnet-1"],
            "security_group_ids": ["sg-2"], "policy": policy("Allow")}),
    );
    let mut https = rule("0.0.0.0/0");
    https["cidr_blocks"] = json!([]);
    https["security_groups"] = json!(["sg-1"]);
    put(
        &mut estate,
        "aws_security_group.endpoints",
        json!({"id": "sg-2", "vpc_id": "vpc-1", "ingress": [https], "egress": []}),
    );
    estate
}

fn policy(effect: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Sid": "Use", "Effect": effect,
        "Principal": "*", "Action": "*", "Resource": "*"}]})
    .to_string()
}

fn told(estate: &Estate, said: &str) -> Value {
    let lines = networks::proved(&networks::state(estate), &platform(said));
    lines.into_iter().find(|line| line["rail"] == RAIL).unwrap()
}

#[test]
fn the_endpoints_that_are_named_are_proved_to_be_all() {
    let both = told(&estate(), r#"endpoints = ["s3", "com.amazonaws.eu-west-1.sqs"]"#);
    assert_eq!(both["verdict"], "proved", "{both}");
    assert_eq!(both["identities"], json!([WHO]));
    let packets = "every IPv4 and IPv6 address outside the VPC and of its endpoints, every protocol, every port";
    assert_eq!(both["universe"], json!({"packets": packets}));
    let without = networks::proved(&networks::state(&estate()), networks::CONFIG);
    assert!(!without.iter().any(|line| line["rail"] == RAIL), "{without:#?}");
}

#[test]
fn an_endpoint_that_is_not_named_is_shown_with_its_path() {
    let gateway = told(&estate(), r#"endpoints = ["sqs"]"#);
    let path = [
        "aws_subnet.private",
        "aws_security_group.code.egress[0]",
        "the default network ACL of aws_vpc.main",
        "aws_vpc_endpoint.s3 (com.amazonaws.eu-west-1.s3)",
        "the policy of aws_vpc_endpoint.s3",
    ];
    assert_eq!(gateway["verdict"], "violated", "{gateway}");
    let violation = json!({"identity": WHO, "packet": "52.218.0.0 on TCP port 443", "path": path});
    assert_eq!(gateway["violations"], json!([violation]));
    let interface = told(&estate(), r#"endpoints = ["s3"]"#);
    let path = [
        "aws_subnet.private",
        "aws_security_group.code.egress[0]",
        "the default network ACL of aws_vpc.main",
        "aws_security_group.endpoints.ingress[0]",
        "aws_vpc_endpoint.sqs (com.amazonaws.eu-west-1.sqs)",
        "the policy of aws_vpc_endpoint.sqs",
    ];
    let violation = json!({"identity": WHO, "packet": "10.0.1.0 on TCP port 443", "path": path});
    assert_eq!(interface["violations"], json!([violation]));
    let (_directory, output) =
        run(&networks::state(&estate()), &platform(r#"endpoints = ["s3"]"#), &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    let line = format!("{WHO}: 10.0.1.0 on TCP port 443 is reached by {}", path.join(", "));
    assert!(text.contains(&format!("violated  {RAIL} (1 claims)\n          {line}\n")), "{text}");
}

/// What reaches an endpoint in the estate, and does not after a change of one place.
#[rstest]
#[case("aws_vpc_endpoint.s3", "policy", json!(policy("Deny")), "sqs")]
#[case("aws_vpc_endpoint.s3", "route_table_ids", json!(["rtb-8"]), "sqs")]
#[case("aws_vpc_endpoint.s3", "vpc_id", json!("vpc-2"), "sqs")]
#[case("aws_vpc_endpoint.sqs", "policy", json!(policy("Deny")), "s3")]
#[case("aws_vpc_endpoint.sqs", "subnet_ids", json!([]), "s3")]
#[case("aws_security_group.endpoints", "ingress", json!([]), "s3")]
#[case("aws_security_group.endpoints", "ingress", json!([rule("10.0.8.0/24")]), "s3")]
#[case("aws_security_group.code", "egress", json!([]), "s3")]
fn an_endpoint_that_nothing_gets_through_is_not_reached(
    #[case] address: &str,
    #[case] attribute: &str,
    #[case] value: Value,
    #[case] named: &str,
) {
    let said = format!("endpoints = [\"{named}\"]");
    assert_eq!(told(&estate(), &said)["verdict"], "violated");
    let mut estate = estate();
    estate[address][attribute] = value;
    let found = told(&estate, &said);
    assert_eq!(found["verdict"], "proved", "{found}");
}

#[test]
fn what_leaves_by_nat_is_allowed_unless_the_configuration_says_no() {
    let named = r#"endpoints = ["s3", "sqs"]"#;
    assert_eq!(told(&estate(), &format!("{named}\nnat = true"))["verdict"], "proved");
    let closed = told(&estate(), &format!("{named}\nnat = false"));
    let path = [
        "aws_subnet.private",
        "aws_security_group.code.egress[0]",
        "the default network ACL of aws_vpc.main",
        "aws_route_table.private.route[0]",
        "aws_nat_gateway.main",
    ];
    assert_eq!(closed["violations"][0]["packet"], "1.0.0.0 on TCP port 443");
    assert_eq!(closed["violations"][0]["path"], json!(path));
    let mut inside = estate();
    inside["aws_security_group.code"]["egress"] = json!([rule("10.0.0.0/16")]);
    let inside = told(&inside, &format!("{named}\nnat = false"));
    assert_eq!(inside["verdict"], "proved", "{inside}");
}

#[test]
fn a_way_to_other_networks_is_no_endpoint() {
    let mut estate = estate();
    let mut peering = route("vpc_peering_connection_id", "pcx-1");
    peering["cidr_block"] = json!("10.8.0.0/16");
    estate["aws_route_table.private"]["route"] = json!([peering, route("nat_gateway_id", "nat-1")]);
    let found = told(&estate, r#"endpoints = ["s3", "sqs"]"#);
    assert_eq!(found["violations"][0]["packet"], "10.8.0.0 on TCP port 443");
    assert_eq!(found["violations"][0]["path"][3], "aws_route_table.private.route[0]");
    estate["aws_security_group.code"]["egress"] = json!([rule("10.0.0.0/16")]);
    assert_eq!(told(&estate, r#"endpoints = ["s3", "sqs"]"#)["verdict"], "proved");
}

#[test]
fn what_is_not_known_of_an_endpoint_that_is_not_named_is_undecided() {
    let mut estate = estate();
    estate["aws_vpc_endpoint.sqs"]["security_group_ids"] = json!(["sg-9"]);
    let found = told(&estate, r#"endpoints = ["s3"]"#);
    let reason = "the security group `sg-9` is not in the files";
    assert_eq!(found["undecided"], json!([{"identity": WHO, "reason": reason}]));
    assert_eq!(told(&estate, r#"endpoints = ["s3", "sqs"]"#)["verdict"], "proved");
}

#[test]
fn a_function_in_no_network_reaches_everything() {
    let mut estate = estate();
    put(&mut estate, "aws_lambda_function.f", json!({"function_name": "f", "vpc_config": []}));
    let found = told(&estate, r#"endpoints = ["s3", "sqs"]"#);
    assert_eq!(found["violations"][0]["identity"], "aws_lambda_function.f");
    assert_eq!(found["violations"][0]["path"], json!(["Lambda's own network, as it is in no VPC"]));
}

#[rstest]
#[case(
    "nat = false",
    "`platform.nat` says what functions reach beside `platform.endpoints`: name these too, or `endpoints = []` for none"
)]
#[case(
    "endpoints = [\"\"]",
    "`` is no service of a VPC endpoint: `s3`, or its whole name, `com.amazonaws.eu-west-1.s3`"
)]
#[case(
    "endpoints = [\"a b\"]",
    "`a b` is no service of a VPC endpoint: `s3`, or its whole name, `com.amazonaws.eu-west-1.s3`"
)]
#[case("endpoints = [\"s3\", \"s3\"]", "the endpoint `s3` stands here twice")]
fn what_the_configuration_cannot_mean_is_told_with_its_line(
    #[case] said: &str,
    #[case] message: &str,
) {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("ringfence.toml"), platform(said)).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command.current_dir(directory.path()).args(["prove", "--state", "state.json"]);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text.contains("ringfence.toml:22:"), "{text}");
    assert!(text.ends_with(&format!("{message}\n")), "{text}");
}
