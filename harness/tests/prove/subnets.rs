//! The subnets that functions may run in.

use serde_json::{Value, json};

use crate::shop::{REPOSITORY, limit, proved, rail, state, verdict_of, work};

/// With a table of its own for the subnet, and one route in it.
fn routed(target: Option<(&str, &str)>) -> Vec<Value> {
    let of = |kind: &str, values: Value| json!({"address": format!("{kind}.own"), "mode": "managed", "type": kind, "values": values});
    let route = target.map(|(attribute, id)| {
        let mut route = json!({"cidr_block": "0.0.0.0/0", "ipv6_cidr_block": "", "gateway_id": ""});
        route[attribute] = json!(id);
        route
    });
    let routes: Vec<Value> = route.into_iter().collect();
    vec![
        of(
            "aws_route_table",
            json!({"id": "rtb-1", "vpc_id": "vpc-1", "route": routes, "propagating_vgws": []}),
        ),
        of(
            "aws_route_table_association",
            json!({"subnet_id": "subnet-1", "route_table_id": "rtb-1"}),
        ),
        of(
            "aws_nat_gateway",
            json!({"id": "nat-1", "subnet_id": "subnet-8", "connectivity_type": "public"}),
        ),
    ]
}

/// Which subnets a function may run in, routes say.
#[test]
fn a_subnet_whose_routes_pass_nat_by_is_none_that_functions_may_run_in() {
    const RAIL: &str = "functions stay in the platform's network";
    let told = |target| {
        let more = routed(target);
        proved(&state(&work(), &limit(), REPOSITORY, &more)).1
    };
    assert_eq!(verdict_of(&told(Some(("nat_gateway_id", "nat-1"))), RAIL), "proved");
    assert_eq!(verdict_of(&told(None), RAIL), "proved");
    // The only subnet is public: there is none that functions may run in.
    let open = told(Some(("gateway_id", "igw-1")));
    assert!(!open.iter().any(|line| line["rail"] == RAIL), "{open:#?}");
    let mut used = routed(Some(("gateway_id", "igw-1")));
    used.push(json!({"address": "aws_lambda_function.f", "mode": "managed", "type": "aws_lambda_function",
        "values": {"function_name": "f", "vpc_config": [{"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]}]}}));
    let shown = proved(&state(&work(), &limit(), REPOSITORY, &used)).1;
    assert_eq!(verdict_of(&shown, RAIL), "violated", "a function runs in it");
    let mut more = routed(Some(("gateway_id", "igw-1")));
    more.push(json!({"address": "aws_subnet.other", "mode": "managed", "type": "aws_subnet",
        "values": {"id": "subnet-2", "vpc_id": "vpc-1", "cidr_block": "10.0.2.0/24", "map_public_ip_on_launch": true}}));
    let shown = proved(&state(&work(), &limit(), REPOSITORY, &more)).1;
    let violation = &rail(&shown, RAIL)["violations"][0];
    let context = violation["request"]["context"].as_object().unwrap();
    let subnets = context.iter().find(|(key, _)| key.eq_ignore_ascii_case("lambda:SubnetIds"));
    assert_eq!(subnets.unwrap().1, &json!(["subnet-1"]), "{violation}");
    // What is not followed decides nothing.
    let open = told(Some(("transit_gateway_id", "tgw-1")));
    let reason = rail(&open, RAIL)["undecided"][0]["reason"].as_str().unwrap();
    let hangs = "depends on what is not known: 1.0.0.0 on TCP port 443 leaves, and aws_route_table.own.route[0]: the transit gateway `tgw-1` is not followed";
    assert!(reason.ends_with(hangs), "{reason}");
}
