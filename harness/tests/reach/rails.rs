//! The built binary's `prove`: the guard rails of networks.

use std::fs;
use std::process::Command;

use rstest::rstest;
use serde_json::{Value, json};

use crate::networks::{
    CONFIG, Estate, outputs, proved, put, resources, route, rule, run, sample, state,
};

const OUT: &str = "functions reach the internet through NAT alone";
const IN: &str = "nothing from the internet reaches a function";
const WHO: &str = "the platform's functions in aws_subnet.private";

/// What is told of a guard rail.
fn rail(estate: &Estate, name: &str) -> Value {
    let told = proved(&state(estate), CONFIG);
    told.into_iter().find(|line| line["rail"] == name).unwrap()
}

/// With a route to the internet gateway instead of the NAT gateway.
fn open() -> Estate {
    let mut estate = sample();
    estate["aws_route_table.private"]["route"] = json!([route("gateway_id", "igw-1")]);
    estate
}

/// With IPv6, whose traffic the group lets out and in.
fn dual() -> Estate {
    let mut estate = sample();
    estate["aws_vpc.main"]["ipv6_cidr_block"] = json!("2600:1f18::/56");
    estate["aws_subnet.private"]["ipv6_cidr_block"] = json!("2600:1f18::/64");
    estate["aws_security_group.code"]["ingress"] = json!([rule("::/0")]);
    estate
}

#[test]
fn what_leaves_by_nat_and_is_met_by_nothing_is_proved() {
    for name in [OUT, IN] {
        let rail = rail(&sample(), name);
        assert_eq!(rail["verdict"], "proved", "{rail}");
        assert_eq!((&rail["claims"], &rail["identities"]), (&json!(1), &json!([WHO])));
        let packets = "every public IPv4 and IPv6 address, every protocol, every port";
        assert_eq!(rail["universe"], json!({"packets": packets}));
    }
}

#[test]
fn a_route_past_the_nat_gateway_is_shown_with_its_path() {
    let rail = rail(&open(), OUT);
    let path = [
        "aws_subnet.private",
        "aws_security_group.code.egress[0]",
        "the default network ACL of aws_vpc.main",
        "aws_route_table.private.route[0]",
        "aws_internet_gateway.main",
    ];
    assert_eq!(rail["verdict"], "violated");
    let violation = json!({"identity": WHO, "packet": "1.0.0.0 on TCP port 443", "path": path});
    assert_eq!(rail["violations"], json!([violation]));
    let line = format!("{WHO}: 1.0.0.0 on TCP port 443 leaves by {}", path.join(", "));
    let (_directory, output) = run(&state(&open()), CONFIG, &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&format!("violated  {OUT} (1 claims)\n          {line}\n")), "{text}");
    assert_eq!(output.status.code(), Some(1));
    let (_directory, output) = run(&state(&open()), CONFIG, &["--markdown"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&format!("| {OUT} | violated | 1 |\n")), "{text}");
    // As Markdown has it, where these are signs.
    let line = line.replace('_', "\\_").replace('[', "\\[").replace(']', "\\]");
    assert!(text.contains(&format!("- {line}\n")), "{text}");
}

#[test]
fn what_a_group_or_a_network_acl_keeps_back_leaves_by_nothing() {
    let mut closed = open();
    closed["aws_security_group.code"]["egress"] = json!([rule("10.0.0.0/8")]);
    assert_eq!(rail(&closed, OUT)["verdict"], "proved");
    let mut ruled = open();
    let acl = |action: &str| {
        json!({"id": "acl-1", "vpc_id": "vpc-1", "subnet_ids": ["subnet-1"], "ingress": [],
        "egress": [{"rule_no": 100, "action": action, "protocol": "-1", "from_port": 0, "to_port": 0, "cidr_block": "0.0.0.0/0"}]})
    };
    put(&mut ruled, "aws_network_acl.a", acl("deny"));
    assert_eq!(rail(&ruled, OUT)["verdict"], "proved");
    put(&mut ruled, "aws_network_acl.a", acl("allow"));
    let path = &rail(&ruled, OUT)["violations"][0]["path"];
    assert_eq!(path[2], "aws_network_acl.a.egress[0]");
    // One of a lower number, in a resource of its own.
    put(
        &mut ruled,
        "aws_network_acl_rule.no",
        json!({"network_acl_id": "acl-1", "rule_number": 50, "rule_action": "deny", "egress": true,
            "protocol": "6", "from_port": 0, "to_port": 65535, "cidr_block": "0.0.0.0/0"}),
    );
    assert_eq!(rail(&ruled, OUT)["verdict"], "proved");
}

#[test]
fn routes_and_rules_that_are_resources_of_their_own_count() {
    let mut estate = sample();
    estate["aws_route_table.private"]["route"] = json!([]);
    estate["aws_security_group.code"]["egress"] = json!([]);
    let mut with = |target: &str, id: &str| {
        let mut route = json!({"route_table_id": "rtb-1", "destination_cidr_block": "0.0.0.0/0"});
        route[target] = json!(id);
        put(&mut estate, "aws_route.out", route);
        put(
            &mut estate,
            "aws_vpc_security_group_egress_rule.out",
            json!({"security_group_id": "sg-1", "ip_protocol": "-1", "cidr_ipv4": "0.0.0.0/0"}),
        );
        rail(&estate, OUT)
    };
    assert_eq!(with("nat_gateway_id", "nat-1")["verdict"], "proved");
    let path = with("gateway_id", "igw-1")["violations"][0]["path"].clone();
    assert_eq!(
        (&path[1], &path[3]),
        (&json!("aws_vpc_security_group_egress_rule.out"), &json!("aws_route.out"))
    );
    estate.remove("aws_vpc_security_group_egress_rule.out");
    assert_eq!(rail(&estate, OUT)["verdict"], "proved");
    put(
        &mut estate,
        "aws_security_group_rule.out",
        json!({"security_group_id": "sg-1", "type": "egress", "protocol": "udp", "from_port": 53,
            "to_port": 53, "cidr_blocks": ["8.8.8.8/32"]}),
    );
    let violation = &rail(&estate, OUT)["violations"][0];
    assert_eq!(violation["packet"], "8.8.8.8 on UDP port 53");
    assert_eq!(violation["path"][1], "aws_security_group_rule.out");
}

#[test]
fn a_subnet_without_a_table_of_its_own_has_the_main_one() {
    let mut estate = sample();
    estate.remove("aws_route_table_association.private");
    assert_eq!(rail(&estate, OUT)["verdict"], "proved", "the main one has no route");
    put(
        &mut estate,
        "aws_main_route_table_association.m",
        json!({"vpc_id": "vpc-1", "route_table_id": "rtb-8"}),
    );
    let path = &rail(&estate, OUT)["violations"][0]["path"];
    assert_eq!(path[3], "aws_route_table.public.route[0]");
}

/// AWS makes it so.
#[test]
fn the_main_table_of_a_default_network_leads_to_the_internet() {
    let mut estate = sample();
    estate.remove("aws_route_table_association.private");
    let main = estate.remove("aws_vpc.main").unwrap();
    put(&mut estate, "aws_default_vpc.main", main);
    let path = &rail(&estate, OUT)["violations"][0]["path"];
    assert_eq!(path[3], "the main route table of aws_default_vpc.main");
    assert_eq!(path[4], "the internet gateway of aws_default_vpc.main");
    put(
        &mut estate,
        "aws_route_table_association.private",
        json!({"subnet_id": "subnet-1", "route_table_id": "rtb-1"}),
    );
    assert_eq!(rail(&estate, OUT)["verdict"], "proved", "a table of its own");
}

#[rstest]
#[case("transit_gateway_id", "tgw-1", "the transit gateway `tgw-1` is not followed")]
#[case("vpc_peering_connection_id", "pcx-1", "the peering `pcx-1` is not followed")]
#[case("gateway_id", "vgw-1", "the gateway `vgw-1` is not followed")]
fn a_route_that_is_not_followed_is_undecided_where_it_leads_to_the_internet(
    #[case] attribute: &str,
    #[case] target: &str,
    #[case] reason: &str,
) {
    let mut estate = sample();
    estate["aws_route_table.private"]["route"] = json!([route(attribute, target)]);
    let told = rail(&estate, OUT);
    let reason =
        format!("1.0.0.0 on TCP port 443 leaves, and aws_route_table.private.route[0]: {reason}");
    assert_eq!(told["verdict"], "undecided");
    assert_eq!(told["undecided"], json!([{"identity": WHO, "reason": reason}]));
    let mut inside = route(attribute, target);
    inside["cidr_block"] = json!("10.8.0.0/16");
    estate["aws_route_table.private"]["route"] = json!([inside, route("nat_gateway_id", "nat-1")]);
    assert_eq!(rail(&estate, OUT)["verdict"], "proved");
}

#[rstest]
#[case("aws_subnet.private", "the subnet `subnet-1` is not in the files")]
#[case("aws_vpc.main", "aws_subnet.private: its VPC `vpc-1` is not in the files")]
#[case("aws_security_group.code", "the security group `sg-1` is not in the files")]
#[case("aws_route_table.private", "the route table `rtb-1` is not in the files")]
fn what_is_not_in_the_files_proves_nothing(#[case] gone: &str, #[case] reason: &str) {
    let mut estate = sample();
    estate.remove(gone);
    for name in [OUT, IN] {
        assert_eq!(rail(&estate, name)["undecided"][0]["reason"], reason, "{name}");
    }
}

#[test]
fn a_nat_gateway_that_is_private_or_elsewhere_is_undecided() {
    let reason = |estate: &Estate| rail(estate, OUT)["undecided"][0]["reason"].clone();
    let packet = "1.0.0.0 on TCP port 443 leaves, and";
    let mut estate = sample();
    estate["aws_nat_gateway.main"]["connectivity_type"] = json!("private");
    let private = "aws_nat_gateway.main: where a private NAT gateway leads is not followed";
    assert_eq!(reason(&estate), format!("{packet} {private}"));
    estate.remove("aws_nat_gateway.main");
    assert_eq!(reason(&estate), format!("{packet} the NAT gateway `nat-1` is not in the files"));
}

#[test]
fn routes_that_a_vpn_gateway_adds_are_undecided() {
    let mut estate = sample();
    estate["aws_route_table.private"]["propagating_vgws"] = json!(["vgw-1"]);
    let reason = &rail(&estate, OUT)["undecided"][0]["reason"];
    assert_eq!(reason, "aws_route_table.private: which routes a VPN gateway adds is not known");
}

#[test]
fn a_prefix_list_counts_with_its_entries_or_is_undecided() {
    let mut estate = open();
    estate["aws_security_group.code"]["egress"][0]["cidr_blocks"] = json!([]);
    assert_eq!(rail(&estate, OUT)["verdict"], "proved");
    estate["aws_security_group.code"]["egress"][0]["prefix_list_ids"] = json!(["pl-1"]);
    let reason = "aws_security_group.code.egress[0]: the prefix list `pl-1` is not in the files";
    assert_eq!(rail(&estate, OUT)["undecided"][0]["reason"], reason);
    let list = |cidr: &str| json!({"id": "pl-1", "entry": [{"cidr": cidr}]});
    put(&mut estate, "aws_ec2_managed_prefix_list.l", list("10.9.0.0/16"));
    assert_eq!(rail(&estate, OUT)["verdict"], "proved");
    put(&mut estate, "aws_ec2_managed_prefix_list.l", list("203.0.113.0/24"));
    let packet = &rail(&estate, OUT)["violations"][0]["packet"];
    assert_eq!(packet, "203.0.113.0 on TCP port 443");
}

#[test]
fn an_address_of_the_internet_that_a_group_lets_in_is_shown_with_its_path() {
    let violation = &rail(&dual(), IN)["violations"][0];
    assert_eq!(violation["packet"], "2000:: on TCP port 443");
    let path = [
        "aws_internet_gateway.main",
        "aws_subnet.private",
        "the default network ACL of aws_vpc.main",
        "aws_security_group.code.ingress[0]",
    ];
    assert_eq!(violation["path"], json!(path));
    let mut closed = dual();
    closed["aws_security_group.code"]["ingress"] = json!([rule("2600:1f18::/56")]);
    assert_eq!(rail(&closed, IN)["verdict"], "proved", "its own VPC is not the internet");
    let mut without = dual();
    without.remove("aws_internet_gateway.main");
    without.remove("aws_route_table.public");
    assert_eq!(rail(&without, IN)["verdict"], "proved", "nothing leads in");
}

#[test]
fn of_ipv4_nothing_comes_in_but_by_what_is_not_followed() {
    let mut estate = sample();
    estate["aws_security_group.code"]["ingress"] = json!([rule("0.0.0.0/0")]);
    assert_eq!(rail(&estate, IN)["verdict"], "proved", "a function has no public address");
    put(&mut estate, "aws_lb.front", json!({"id": "lb-1"}));
    let reason =
        "1.0.0.0 on TCP port 443 is let in, and whether it comes by aws_lb.front is not followed";
    assert_eq!(rail(&estate, IN)["undecided"][0]["reason"], reason);
    estate["aws_security_group.code"]["ingress"] = json!([rule("10.0.0.0/8")]);
    assert_eq!(rail(&estate, IN)["verdict"], "proved");
}

#[test]
fn what_lets_nothing_in_is_no_nat_either() {
    let mut estate = dual();
    estate["aws_security_group.code"]["egress"] = json!([rule("::/0")]);
    assert_eq!(rail(&estate, OUT)["verdict"], "proved", "no route is for IPv6");
    let out =
        json!({"cidr_block": "", "ipv6_cidr_block": "::/0", "egress_only_gateway_id": "eigw-1"});
    estate["aws_route_table.private"]["route"] = json!([out]);
    put(
        &mut estate,
        "aws_egress_only_internet_gateway.six",
        json!({"id": "eigw-1", "vpc_id": "vpc-1"}),
    );
    let path = &rail(&estate, OUT)["violations"][0]["path"];
    assert_eq!(path[4], "aws_egress_only_internet_gateway.six");
}

#[test]
fn each_function_of_the_files_is_asked_about_where_it_runs() {
    let function = |network: Value| json!({"function_name": "f", "vpc_config": network});
    let network = |subnet: &str| json!([{"subnet_ids": [subnet], "security_group_ids": ["sg-1"]}]);
    let mut estate = sample();
    put(&mut estate, "aws_lambda_function.f", function(network("subnet-1")));
    let told = rail(&estate, OUT);
    assert_eq!(told["verdict"], "proved");
    assert_eq!(told["identities"], json!([WHO, "aws_lambda_function.f in aws_subnet.private"]));
    put(&mut estate, "aws_lambda_function.f", function(network("subnet-8")));
    let violation = &rail(&estate, OUT)["violations"][0];
    assert_eq!(violation["identity"], "aws_lambda_function.f in aws_subnet.public");
    put(&mut estate, "aws_lambda_function.f", function(json!([])));
    let violation = &rail(&estate, OUT)["violations"][0];
    assert_eq!(violation["identity"], "aws_lambda_function.f");
    assert_eq!(violation["path"], json!(["Lambda's own network, as it is in no VPC"]));
    assert_eq!(rail(&estate, IN)["claims"], 1, "it has no interface");
}

#[test]
fn an_estate_whose_functions_run_in_no_network_has_no_such_guard_rail() {
    let config =
        CONFIG.replace("subnets_output = \"subnets\"\nsecurity_group_output = \"group\"\n", "");
    let mut estate = sample();
    put(&mut estate, "aws_lambda_function.f", json!({"function_name": "f", "vpc_config": []}));
    let told = proved(&state(&estate), &config);
    assert!(!told.iter().any(|line| line["rail"] == OUT || line["rail"] == IN), "{told:#?}");
    let mut alone = sample();
    alone.retain(|address, _| address == "aws_iam_role.deployer");
    let named = proved(&state(&alone), CONFIG);
    let named = named.iter().find(|line| line["rail"] == OUT).unwrap();
    assert_eq!(named["undecided"][0]["reason"], "the subnet `subnet-1` is not in the files");
}

/// A plan of new resources in which some values are known after apply only.
fn plan(estate: &Estate, unknown: &Value) -> Value {
    let change = |(address, values): (&String, &Value)| {
        json!({"address": address, "mode": "managed", "type": address.split('.').next(),
            "change": {"actions": ["create"], "after": values,
                "after_unknown": unknown.get(address).unwrap_or(&json!({}))}})
    };
    json!({"format_version": "1.0",
        "planned_values": {"outputs": outputs(), "root_module": resources(estate)},
        "resource_changes": estate.iter().map(change).collect::<Vec<_>>()})
}

#[rstest]
#[case(json!({"aws_route_table.private": {"route": [{"nat_gateway_id": true}]}}),
    "1.0.0.0 on TCP port 443 leaves, and aws_route_table.private: nat_gateway_id is known after apply only")]
#[case(json!({"aws_security_group.code": {"ingress": true}}),
    "aws_security_group.code: ingress is known after apply only")]
#[case(json!({"aws_route_table_association.private": {"route_table_id": true}}),
    "aws_route_table_association.private: route_table_id is known after apply only")]
fn what_is_known_after_apply_only_is_undecided(#[case] unknown: Value, #[case] reason: &str) {
    let told = |unknown: &Value| {
        let told = proved(&plan(&sample(), unknown), CONFIG);
        told.into_iter().find(|line| line["rail"] == OUT).unwrap()
    };
    assert_eq!(told(&unknown)["undecided"][0]["reason"], reason);
    assert_eq!(told(&json!({}))["verdict"], "proved");
}

#[test]
fn what_is_proved_of_packets_has_a_certificate() {
    let (directory, _) = run(&state(&sample()), CONFIG, &["--certificate", "c.json"]);
    let path = directory.path().join("c.json");
    let mut all: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let check = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
        let output = command.args(["prove", "--check"]).arg(&path).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let packets = all["packets"].as_array().unwrap();
    for (rail, way) in [(OUT, "leaves"), (IN, "enters")] {
        let is_own = |one: &&Value| one["rail"] == rail && one["who"] == WHO && one["way"] == way;
        assert_eq!(packets.iter().filter(is_own).count(), 1, "{rail}");
    }
    assert_eq!(check().0, Some(0));
    // Of a network whose routes lead past NAT it is none.
    let out = packets.iter().position(|one| one["rail"] == OUT).unwrap();
    let routes = all["packets"][out]["facts"]["routes"].as_array_mut().unwrap();
    let by_nat: Vec<&mut Value> = routes.iter_mut().filter(|one| one["by"] == "nat").collect();
    assert!(!by_nat.is_empty());
    by_nat.into_iter().for_each(|route| route["by"] = json!("internet_gateway"));
    fs::write(&path, all.to_string()).unwrap();
    let (code, told) = check();
    assert!(code == Some(1) && told.contains(" breaks it"), "{told}");
}

#[rstest]
#[case(None, "undecided")]
#[case(Some(r#"resource "aws_security_group" "code" {}"#), "proved")]
#[case(
    Some(
        r#"resource "aws_security_group" "code" {
        dynamic "ingress" {
          for_each = []
          content {}
        }
    }"#
    ),
    "undecided"
)]
fn blocks_that_are_left_out_are_none_where_the_configuration_says_so(
    #[case] configuration: Option<&str>,
    #[case] verdict: &str,
) {
    let unknown = json!({"aws_security_group.code": {"ingress": true}});
    let mut shown = plan(&sample(), &unknown);
    let resource = json!({"address": "aws_security_group.code", "mode": "managed", "type": "aws_security_group", "name": "code", "expressions": {}});
    shown["configuration"] = json!({"root_module": {"resources": [resource]}});
    let directory = tempfile::tempdir().unwrap();
    if let Some(text) = configuration {
        fs::write(directory.path().join("main.tf"), text).unwrap();
    }
    fs::write(directory.path().join("plan.json"), shown.to_string()).unwrap();
    fs::write(directory.path().join("ringfence.toml"), CONFIG).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command.current_dir(directory.path()).args(["prove", "--plan", "plan.json", "--json"]);
    let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let told: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let rail = told.iter().find(|line| line["rail"] == OUT).unwrap();
    assert_eq!(rail["verdict"], verdict, "{rail}");
    if verdict == "undecided" {
        let reason = "aws_security_group.code: ingress is known after apply only";
        assert_eq!(rail["undecided"][0]["reason"], reason);
    }
}
