//! Which subnets are public, by the routes of the deployed state.

use serde_json::Value;

use crate::terraform::{Instance, Outputs};

const VPCS: [&str; 2] = ["aws_vpc", "aws_default_vpc"];
const TABLES: [&str; 2] = ["aws_route_table", "aws_default_route_table"];

/// Whether a subnet has a route to an internet gateway
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/configure-subnets.html#subnet-types>).
/// Of one whose route table Terraform did not make, it is what gives public addresses.
pub(super) fn is_public(outputs: &Outputs, subnet: &Instance) -> bool {
    match table(outputs, subnet) {
        Some(table) => leads_out(outputs, table),
        None => subnet.attributes.get("map_public_ip_on_launch") == Some(&Value::Bool(true)),
    }
}

/// The id of a subnet's route table, else of its VPC's main one.
fn table<'o>(outputs: &'o Outputs, subnet: &'o Instance) -> Option<&'o str> {
    let (id, vpc) = (subnet.text("id")?, subnet.text("vpc_id"));
    let of = |kind: &'o str, name: &'static str, is: Option<&'o str>| {
        let mut all = outputs.resources(kind);
        all.find(|one| is.is_some() && one.text(name) == is)
    };
    let own = of("aws_route_table_association", "subnet_id", Some(id));
    let main = || of("aws_main_route_table_association", "vpc_id", vpc);
    let named = own.or_else(main).and_then(|one| one.text("route_table_id"));
    let first = || {
        let vpc = VPCS.into_iter().find_map(|kind| of(kind, "id", vpc))?;
        vpc.text("main_route_table_id")
    };
    named.or_else(first).filter(|id| is_made(outputs, id))
}

/// Whether all routes of a table are known: Terraform made it, or it is as AWS makes a
/// VPC's main table.
fn is_made(outputs: &Outputs, id: &str) -> bool {
    let has = |kind: &&str, name: &str| outputs.resources(kind).any(|it| it.text(name) == Some(id));
    TABLES.iter().any(|kind| has(kind, "id"))
        || VPCS.iter().any(|kind| has(kind, "main_route_table_id"))
}

/// Whether a route of a table leads to an internet gateway. The main table of a default
/// VPC does as AWS makes it
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html>).
fn leads_out(outputs: &Outputs, id: &str) -> bool {
    let is_gateway = |route: &Value| {
        let gateway = route.get("gateway_id").and_then(Value::as_str);
        gateway.is_some_and(|gateway| gateway.starts_with("igw-"))
    };
    let mut own = outputs.resources("aws_route").filter(|it| it.text("route_table_id") == Some(id));
    if own.any(|route| is_gateway(&route.attributes)) {
        return true;
    }
    let mut tables = TABLES.into_iter().flat_map(|kind| outputs.resources(kind));
    match tables.find(|table| table.text("id") == Some(id)) {
        Some(table) => {
            let routes = table.attributes.get("route").and_then(Value::as_array);
            routes.into_iter().flatten().any(is_gateway)
        }
        None => {
            let mut vpcs = outputs.resources("aws_default_vpc");
            vpcs.any(|vpc| vpc.text("main_route_table_id") == Some(id))
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn made(kind: &str, attributes: Value) -> Instance {
        let (kind, name) = (kind.to_owned(), "x".to_owned());
        Instance { root: None, kind, module: None, name, key: None, attributes }
    }

    fn associated() -> Instance {
        made("aws_route_table_association", json!({"subnet_id": "s-1", "route_table_id": "rtb-1"}))
    }

    fn table(id: &str, routes: Value) -> Instance {
        made("aws_route_table", json!({"id": id, "route": routes}))
    }

    fn to(attribute: &str, gateway: &str) -> Value {
        json!([{"cidr_block": "0.0.0.0/0", "gateway_id": "", attribute: gateway}])
    }

    fn route(table: &str, gateway: &str) -> Instance {
        let values = json!({"route_table_id": table, "destination_ipv6_cidr_block": "::/0",
            "gateway_id": gateway});
        made("aws_route", values)
    }

    fn vpc(kind: &str) -> Instance {
        made(kind, json!({"id": "vpc-1", "main_route_table_id": "rtb-0"}))
    }

    /// What a new public address says and routes do not is nothing.
    #[rstest]
    #[case::by_its_table(vec![associated(), table("rtb-1", to("gateway_id", "igw-1"))], true)]
    #[case::by_nat(vec![associated(), table("rtb-1", to("nat_gateway_id", "nat-1"))], false)]
    #[case::by_a_route(vec![associated(), table("rtb-1", json!([])), route("rtb-1", "igw-1")], true)]
    #[case::of_another_table(
        vec![associated(), table("rtb-1", json!([])), table("rtb-2", to("gateway_id", "igw-1")), route("rtb-2", "igw-1")],
        false
    )]
    #[case::outwards_alone(
        vec![associated(), table("rtb-1", to("egress_only_gateway_id", "eigw-1"))],
        false
    )]
    #[case::by_the_main_table(vec![vpc("aws_vpc"), route("rtb-0", "igw-1")], true)]
    #[case::by_the_main_table_that_it_has_a_table_before(
        vec![vpc("aws_vpc"), route("rtb-0", "igw-1"), associated(), table("rtb-1", json!([]))],
        false
    )]
    #[case::by_another_main_table(
        vec![
            vpc("aws_vpc"),
            table("rtb-2", to("gateway_id", "igw-1")),
            made("aws_main_route_table_association", json!({"vpc_id": "vpc-1", "route_table_id": "rtb-2"})),
        ],
        true
    )]
    #[case::by_the_main_table_as_aws_makes_it(vec![vpc("aws_vpc")], false)]
    #[case::of_the_default_vpc(vec![vpc("aws_default_vpc")], true)]
    #[case::of_the_default_vpc_whose_table_is_emptied(
        vec![vpc("aws_default_vpc"), made("aws_default_route_table", json!({"id": "rtb-0", "route": []}))],
        false
    )]
    fn routes_say_which_subnets_are_public(#[case] more: Vec<Instance>, #[case] expected: bool) {
        for gives_addresses in [false, true] {
            let subnet = made(
                "aws_subnet",
                json!({"id": "s-1", "vpc_id": "vpc-1", "map_public_ip_on_launch": gives_addresses}),
            );
            let outputs = Outputs::default().with_resources(more.clone());
            assert_eq!(is_public(&outputs, &subnet), expected);
            // Without a table there is what it gives.
            assert_eq!(is_public(&Outputs::default(), &subnet), gives_addresses);
        }
    }
}
