//! The sample estate with its private subnets routed to the internet gateway: no
//! attack sends a packet, and the run fails by what was proved of what is deployed.
//! As it is, every guard rail of it is proved: `planned` has that twin.

use std::process::Command;

use serde_json::{Value, json};

use crate::integrity::{estate, replace};

const OUT: &str = "functions reach the internet through NAT alone";
const IN: &str = "nothing from the internet reaches a function";
/// No subnet is left that functions may be put into.
const PLACED: &str = "functions stay in the platform's network";

/// A function of Terraform's, one of a stack, and those that are still to come, in
/// both subnets.
fn lost() -> Vec<String> {
    let who = [
        "the platform's functions",
        "aws_lambda_function.managed[\"service-b\"]",
        "function service-a",
    ];
    let lines = who.iter().flat_map(|who| {
        [0, 1].map(|index| {
            let subnet = format!("aws_subnet.private[{index}]");
            format!(
                "{who} in {subnet}: 1.0.0.0 on TCP port 443 leaves by {subnet}, \
                 aws_security_group.lambda.egress[0], the default network ACL of \
                 aws_vpc.platform, aws_route_table.private.route[0], \
                 aws_internet_gateway.platform"
            )
        })
    });
    lines.collect()
}

#[test]
fn a_deployed_route_past_the_nat_gateway_fails_the_run_with_its_path() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    estate(place);
    replace(
        &place.join("terraform/network.tf"),
        "nat_gateway_id = aws_nat_gateway.platform.id",
        "gateway_id     = aws_internet_gateway.platform.id",
    );
    let output = Command::new(env!("CARGO_BIN_EXE_ringfence"))
        .args(["verify", "--unisolated", "--backend", "embedded", "--run-dir", "run"])
        .args(["--only", "high-perm/role-without-boundary/api"])
        .current_dir(place)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");

    let text = std::fs::read_to_string(place.join("run/run.json")).unwrap();
    let record: Value = serde_json::from_str(&text).unwrap();
    let proofs = record["proofs"].as_array().unwrap();
    let with = |verdict: &str| -> Vec<&str> {
        let all = proofs.iter().filter(|proof| proof["verdict"] == verdict);
        all.map(|proof| proof["guard_rail"].as_str().unwrap()).collect()
    };
    assert_eq!((with("violated"), with("undecided")), (vec![OUT, PLACED], vec![]));
    // What leads out lets nothing in: no rule of a group does.
    assert!(with("proved").contains(&IN), "{proofs:#?}");
    let out = proofs.iter().find(|proof| proof["guard_rail"] == OUT).unwrap();
    let lost = lost();
    assert_eq!(out["told"], json!(lost));
    // The attacks held: it is the proof that fails the run.
    assert_eq!(record["summary"]["failed"], 0);

    let table = String::from_utf8(output.stdout).unwrap();
    let has = |line: &str| assert!(table.lines().any(|it| it == line), "no `{line}` in:\n{table}");
    has(&format!("FAILED  {OUT}  VIOLATED by a packet"));
    has(&format!("held    {IN}    proved for all packets"));
    for line in lost {
        has(&format!("VIOLATED    {OUT}: {line}"));
    }
}
