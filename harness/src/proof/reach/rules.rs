//! Rules of security groups and network ACLs as sets of traffic.

use std::collections::BTreeSet;

use ringfence_network::network::{Acl, AclRule};
use ringfence_network::traffic::{Cidr, PORTS, PROTOCOLS, Range, Traffic, Version};

use super::known::{At, Files, Known};
use super::routes::By;

/// What a security group lets through from or to addresses, and from or to the interfaces
/// of other groups: these it knows by their private addresses, so that no packet of the
/// internet is one of theirs.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) inbound: Vec<By<Traffic>>,
    pub(super) outbound: Vec<By<Traffic>>,
    /// By the ids of groups; inbound first.
    pub(super) of_groups: [Vec<(String, By<Traffic>)>; 2],
    /// Rules of which it is not known which groups they speak of.
    pub(super) unread: BTreeSet<String>,
    /// Rules that are taken for wider than they may be, and why.
    pub(super) wider: BTreeSet<String>,
}

pub(super) const GROUPS: [&str; 2] = ["aws_security_group", "aws_default_security_group"];

/// Several security groups by their ids, as one: "the rules from each security group are
/// effectively aggregated"
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html>).
pub(super) fn groups(files: Files<'_>, ids: &[String]) -> Known<Group> {
    let mut all = Group::default();
    for id in ids {
        let Group { inbound, outbound, of_groups, unread, wider } = group(files, id)?;
        all.inbound.extend(inbound);
        all.outbound.extend(outbound);
        for (side, more) in all.of_groups.iter_mut().zip(of_groups) {
            side.extend(more);
        }
        all.unread.extend(unread);
        all.wider.extend(wider);
    }
    Ok(all)
}

/// A security group by its id.
pub(super) fn group(files: Files<'_>, id: &str) -> Known<Group> {
    let own = files.with_id(&GROUPS, id);
    let own = own.ok_or_else(|| format!("the security group `{id}` is not in the files"))?;
    let mut group = Group::default();
    for (side, is_in) in [("ingress", true), ("egress", false)] {
        for (at, rule) in own.inner(side)?.into_iter().enumerate() {
            let by = format!("{}.{side}[{at}]", own.address);
            group.add((files, id), is_in, rule, "protocol", by)?;
        }
    }
    for rule in files.whose(&["aws_security_group_rule"], "security_group_id", id)? {
        let is_in = rule.needed("type")? == "ingress";
        group.add((files, id), is_in, rule, "protocol", rule.address.to_owned())?;
    }
    for (side, is_in) in [("ingress", true), ("egress", false)] {
        let kind = format!("aws_vpc_security_group_{side}_rule");
        for rule in files.whose(&[&kind], "security_group_id", id)? {
            group.add((files, id), is_in, rule, "ip_protocol", rule.address.to_owned())?;
        }
    }
    Ok(group)
}

impl Group {
    fn add(
        &mut self,
        (files, own): (Files<'_>, &str),
        is_in: bool,
        rule: At<'_>,
        protocol: &str,
        by: String,
    ) -> Known<()> {
        let mut cidrs = rule.cidrs("cidr_blocks")?;
        cidrs.extend(rule.cidrs("ipv6_cidr_blocks")?);
        cidrs.extend(rule.cidr("cidr_ipv4")?);
        cidrs.extend(rule.cidr("cidr_ipv6")?);
        let lists = rule.texts("prefix_list_ids")?.into_iter();
        for list in lists.chain(rule.text("prefix_list_id")?) {
            match files.prefix_list(list)? {
                Some(entries) => cidrs.extend(entries),
                None => {
                    self.wider
                        .insert(format!("{by}: the prefix list `{list}` is not in the files"));
                    cidrs.extend([Cidr::all(Version::V4), Cidr::all(Version::V6)]);
                }
            }
        }
        let ports = [rule.number("from_port")?, rule.number("to_port")?];
        let (protocol, port) = parts(&by, rule.needed(protocol)?, ports, ports)?;
        match named(rule, own) {
            Ok(groups) => {
                let both = [Cidr::all(Version::V4), Cidr::all(Version::V6)];
                let what = of(&both, protocol, port);
                let [inbound, outbound] = &mut self.of_groups;
                let side = if is_in { inbound } else { outbound };
                let one = |id| (id, By { what: what.clone(), by: by.clone() });
                side.extend(groups.into_iter().map(one));
            }
            Err(reason) => {
                self.unread.insert(reason);
            }
        }
        let what = of(&cidrs, protocol, port);
        let side = if is_in { &mut self.inbound } else { &mut self.outbound };
        side.push(By { what, by });
        Ok(())
    }
}

/// The groups that a rule names; of another account's the id stands behind a slash.
fn named(rule: At<'_>, own: &str) -> Known<Vec<String>> {
    let mut all = rule.texts("security_groups")?;
    all.extend(rule.text("source_security_group_id")?);
    all.extend(rule.text("referenced_security_group_id")?);
    all.extend(rule.flag("self")?.then_some(own));
    let id = |named: &str| named.rsplit('/').next().unwrap_or(named).to_owned();
    Ok(all.into_iter().map(id).collect())
}

/// The rules of a network ACL by direction: inbound first.
pub(super) type Rules = [Vec<By<AclRule>>; 2];

/// What lets everything through, as the default network ACL of a VPC at first.
pub(super) fn open(by: &str) -> Rules {
    let named = |rules: Vec<AclRule>| {
        rules.into_iter().map(|what| By { what, by: by.to_owned() }).collect()
    };
    let Acl { inbound, outbound } = Acl::open();
    [named(inbound), named(outbound)]
}

/// The rules that stand in a network ACL.
pub(super) fn within(acl: At<'_>) -> Known<Rules> {
    let side = |side: &str| {
        let rules = acl.inner(side)?.into_iter().enumerate();
        let rules = rules.map(|(at, rule)| {
            let by = format!("{}.{side}[{at}]", acl.address);
            acl_rule(rule, "rule_no", "action", by)
        });
        rules.collect::<Known<Vec<By<AclRule>>>>()
    };
    Ok([side("ingress")?, side("egress")?])
}

/// Those that are resources of their own.
pub(super) fn beside(files: Files<'_>, id: &str, all: &mut Rules) -> Known<()> {
    let [inbound, outbound] = all;
    for rule in files.whose(&["aws_network_acl_rule"], "network_acl_id", id)? {
        let side = if rule.flag("egress")? { &mut *outbound } else { &mut *inbound };
        side.push(acl_rule(rule, "rule_number", "rule_action", rule.address.to_owned())?);
    }
    Ok(())
}

fn acl_rule(rule: At<'_>, number: &str, action: &str, by: String) -> Known<By<AclRule>> {
    let mut cidrs = Vec::new();
    cidrs.extend(rule.cidr("cidr_block")?);
    cidrs.extend(rule.cidr("ipv6_cidr_block")?);
    let ports = [rule.number("from_port")?, rule.number("to_port")?];
    let icmp = [rule.number("icmp_type")?, rule.number("icmp_code")?];
    let (protocol, port) = parts(&by, rule.needed("protocol")?, ports, icmp)?;
    let number = rule.number(number)?.and_then(|number| u32::try_from(number).ok());
    let number = number.ok_or_else(|| format!("{by}: it has no number"))?;
    let allows = rule.needed(action)?.eq_ignore_ascii_case("allow");
    Ok(By { what: AclRule { number, allows, of: of(&cidrs, protocol, port) }, by })
}

fn of(cidrs: &[Cidr], protocol: Range, port: Range) -> Traffic {
    cidrs.iter().fold(Traffic::nothing(), |all, cidr| all.or(cidr.on(protocol, port)))
}

/// Protocol and ports: "tcp, udp, icmp, icmpv6" or a number, -1 for all; of ICMP the
/// ports are type and code, -1 for all; other protocols have none
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html>).
fn parts(
    by: &str,
    protocol: &str,
    ports: [Option<i64>; 2],
    icmp: [Option<i64>; 2],
) -> Known<(Range, Range)> {
    let number = match protocol.to_ascii_lowercase().as_str() {
        "-1" | "all" => return Ok((PROTOCOLS, PORTS)),
        "tcp" => 6,
        "udp" => 17,
        "icmp" => 1,
        "icmpv6" => 58,
        other => other.parse::<u8>().map_err(|_| format!("{by}: `{other}` is no protocol"))?,
    };
    let given = |values: [Option<i64>; 2], most: i64| {
        let known =
            |value: i64| (0..=most).contains(&value).then_some(value).map(i64::unsigned_abs);
        match values {
            [Some(first), Some(last)] => known(first).zip(known(last)),
            _ => None,
        }
    };
    let port = match number {
        1 | 58 => match icmp {
            [None | Some(-1), _] => Some(PORTS),
            [Some(kind), None | Some(-1)] => given([Some(kind); 2], 255).and_then(|(kind, _)| {
                Range::new(u128::from(kind) * 256, u128::from(kind) * 256 + 255)
            }),
            both => given(both, 255)
                .map(|(kind, code)| Range::one(u128::from(kind) * 256 + u128::from(code))),
        },
        6 | 17 if ports == [None, None] => Some(PORTS),
        6 | 17 => given(ports, 65_535)
            .and_then(|(first, last)| Range::new(u128::from(first), u128::from(last))),
        _ => Some(PORTS),
    };
    let port = port.ok_or_else(|| format!("{by}: its ports are none"))?;
    Ok((Range::one(number.into()), port))
}
