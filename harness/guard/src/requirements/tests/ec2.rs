//! EC2.

use ringfence_wire::Service;
use rstest::rstest;
use serde_json::{Value, json};

use super::{ask_as, expect, root};
use crate::requirements::{Needed, Requirement, RequirementsError};

#[rstest]
#[case::describe("DescribeSubnets", json!({"SubnetId": ["subnet-1"]}),
    &["ec2:DescribeSubnets * ec2:region=eu-west-1"])]
#[case::create_vpc(
    "CreateVpc",
    json!({"CidrBlock": "10.0.0.0/16",
           "TagSpecification": [{"ResourceType": "vpc", "Tag": [{"Key": "k", "Value": "v"}]}]}),
    &[
        "ec2:CreateVpc arn:aws:ec2:eu-west-1:123456789012:vpc/* aws:requesttag/k=v \
         aws:tagkeys=[k] ec2:region=eu-west-1",
        "ec2:CreateTags arn:aws:ec2:eu-west-1:123456789012:vpc/* aws:requesttag/k=v \
         aws:tagkeys=[k] ec2:createaction=CreateVpc ec2:region=eu-west-1",
    ])]
#[case::create_subnet(
    "CreateSubnet", json!({"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/24"}),
    &[
        "ec2:CreateSubnet arn:aws:ec2:eu-west-1:123456789012:subnet/* ec2:region=eu-west-1",
        "ec2:CreateSubnet arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1 ec2:region=eu-west-1 \
         ec2:vpcid=vpc-1",
    ])]
#[case::create_nat_gateway(
    "CreateNatGateway", json!({"SubnetId": "subnet-1", "AllocationId": "eipalloc-1"}),
    &[
        "ec2:CreateNatGateway arn:aws:ec2:eu-west-1:123456789012:elastic-ip/eipalloc-1 \
         ec2:allocationid=eipalloc-1 ec2:region=eu-west-1",
        "ec2:CreateNatGateway arn:aws:ec2:eu-west-1:123456789012:natgateway/* ec2:region=eu-west-1",
        "ec2:CreateNatGateway arn:aws:ec2:eu-west-1:123456789012:subnet/subnet-1 \
         ec2:region=eu-west-1 ec2:subnetid=subnet-1 \
         ec2:vpc=arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1",
    ])]
#[case::create_security_group(
    "CreateSecurityGroup", json!({"GroupName": "g", "GroupDescription": "d", "VpcId": "vpc-1"}),
    &[
        "ec2:CreateSecurityGroup arn:aws:ec2:eu-west-1:123456789012:security-group/* \
         ec2:region=eu-west-1",
        "ec2:CreateSecurityGroup arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1 \
         ec2:region=eu-west-1 ec2:vpcid=vpc-1",
    ])]
#[case::authorize_ingress(
    "AuthorizeSecurityGroupIngress", json!({"GroupId": "sg-tagged"}),
    &["ec2:AuthorizeSecurityGroupIngress \
       arn:aws:ec2:eu-west-1:123456789012:security-group/sg-tagged aws:resourcetag/team=a \
       ec2:region=eu-west-1 ec2:resourcetag/team=a ec2:securitygroupid=sg-tagged \
       ec2:vpc=arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1"])]
#[case::create_endpoint(
    "CreateVpcEndpoint",
    json!({"VpcId": "vpc-1", "ServiceName": "com.amazonaws.eu-west-1.execute-api",
           "SubnetId": ["subnet-1"], "SecurityGroupId": ["sg-1"]}),
    &[
        "ec2:CreateVpcEndpoint arn:aws:ec2:eu-west-1:123456789012:security-group/sg-1 \
         ec2:region=eu-west-1 ec2:securitygroupid=sg-1",
        "ec2:CreateVpcEndpoint arn:aws:ec2:eu-west-1:123456789012:subnet/subnet-1 \
         ec2:region=eu-west-1 ec2:subnetid=subnet-1",
        "ec2:CreateVpcEndpoint arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1 ec2:region=eu-west-1 \
         ec2:vpcid=vpc-1",
        "ec2:CreateVpcEndpoint arn:aws:ec2:eu-west-1:123456789012:vpc-endpoint/* \
         ec2:region=eu-west-1 ec2:vpceservicename=com.amazonaws.eu-west-1.execute-api \
         ec2:vpceserviceowner=amazon",
    ])]
#[case::create_interface(
    "CreateNetworkInterface", json!({"SubnetId": "subnet-1", "SecurityGroupId": ["sg-1"]}),
    &[
        "ec2:CreateNetworkInterface arn:aws:ec2:eu-west-1:123456789012:network-interface/* \
         ec2:region=eu-west-1",
        "ec2:CreateNetworkInterface arn:aws:ec2:eu-west-1:123456789012:security-group/sg-1 \
         ec2:region=eu-west-1 ec2:securitygroupid=sg-1 \
         ec2:vpc=arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1",
        "ec2:CreateNetworkInterface arn:aws:ec2:eu-west-1:123456789012:subnet/subnet-1 \
         ec2:region=eu-west-1 ec2:subnetid=subnet-1 \
         ec2:vpc=arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1",
    ])]
#[case::create_tags(
    "CreateTags",
    json!({"ResourceId": ["vpc-1", "sgr-2"], "Tag": [{"Key": "k", "Value": "v"}]}),
    &[
        "ec2:CreateTags arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1 aws:requesttag/k=v \
         aws:tagkeys=[k] ec2:region=eu-west-1 ec2:vpcid=vpc-1",
        "ec2:CreateTags arn:aws:ec2:eu-west-1:123456789012:security-group-rule/sgr-2 \
         aws:requesttag/k=v aws:tagkeys=[k] ec2:region=eu-west-1",
    ])]
#[case::delete_several("DeleteVpcEndpoints", json!({"VpcEndpointId": ["vpce-1", "vpce-2"]}),
    &[
        "ec2:DeleteVpcEndpoints arn:aws:ec2:eu-west-1:123456789012:vpc-endpoint/vpce-1 \
         ec2:region=eu-west-1",
        "ec2:DeleteVpcEndpoints arn:aws:ec2:eu-west-1:123456789012:vpc-endpoint/vpce-2 \
         ec2:region=eu-west-1",
    ])]
#[case::flow_logs(
    "CreateFlowLogs",
    json!({"ResourceId": ["vpc-1"], "ResourceType": "VPC",
           "DeliverLogsPermissionArn": "arn:aws:iam::123456789012:role/apps/app"}),
    &[
        "ec2:CreateFlowLogs arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1 ec2:region=eu-west-1 \
         ec2:vpcid=vpc-1",
        "ec2:CreateFlowLogs arn:aws:ec2:eu-west-1:123456789012:vpc-flow-log/* ec2:region=eu-west-1",
        "iam:PassRole arn:aws:iam::123456789012:role/apps/app \
         iam:passedtoservice=vpc-flow-logs.amazonaws.com",
    ])]
#[case::association_of_a_subnet("DisassociateRouteTable", json!({"AssociationId": "rtbassoc-1"}),
    &[
        "ec2:DisassociateRouteTable arn:aws:ec2:eu-west-1:123456789012:route-table/rtb-1 \
         aws:resourcetag/team=a ec2:region=eu-west-1 ec2:resourcetag/team=a ec2:routetableid=rtb-1 \
         ?ec2:vpc",
        "ec2:DisassociateRouteTable arn:aws:ec2:eu-west-1:123456789012:subnet/subnet-2 \
         ec2:region=eu-west-1 ec2:subnetid=subnet-2 ?ec2:vpc",
    ])]
#[case::association_of_a_gateway("DisassociateRouteTable", json!({"AssociationId": "rtbassoc-2"}),
    &[
        "ec2:DisassociateRouteTable arn:aws:ec2:eu-west-1:123456789012:internet-gateway/igw-1 \
         ec2:internetgatewayid=igw-1 ec2:region=eu-west-1",
        "ec2:DisassociateRouteTable arn:aws:ec2:eu-west-1:123456789012:route-table/rtb-1 \
         aws:resourcetag/team=a ec2:region=eu-west-1 ec2:resourcetag/team=a ec2:routetableid=rtb-1 \
         ?ec2:vpc",
    ])]
#[case::association_of_nothing("DisassociateRouteTable", json!({"AssociationId": "rtbassoc-9"}),
    &["ec2:DisassociateRouteTable arn:aws:ec2:eu-west-1:123456789012:route-table/* \
       ec2:region=eu-west-1 ?ec2:vpc"])]
#[case::replaced_association(
    "ReplaceRouteTableAssociation",
    json!({"AssociationId": "rtbassoc-1", "RouteTableId": "rtb-0"}),
    &[
        "ec2:ReplaceRouteTableAssociation arn:aws:ec2:eu-west-1:123456789012:route-table/rtb-0 \
         ec2:region=eu-west-1 ec2:routetableid=rtb-0 ?ec2:vpc",
        "ec2:ReplaceRouteTableAssociation arn:aws:ec2:eu-west-1:123456789012:route-table/rtb-1 \
         aws:resourcetag/team=a ec2:region=eu-west-1 ec2:resourcetag/team=a ec2:routetableid=rtb-1 \
         ?ec2:vpc",
        "ec2:ReplaceRouteTableAssociation arn:aws:ec2:eu-west-1:123456789012:subnet/subnet-2 \
         ec2:region=eu-west-1 ec2:subnetid=subnet-2 ?ec2:vpc",
    ])]
#[case::replaced_acl(
    "ReplaceNetworkAclAssociation",
    json!({"AssociationId": "aclassoc-1", "NetworkAclId": "acl-0"}),
    &[
        "ec2:ReplaceNetworkAclAssociation arn:aws:ec2:eu-west-1:123456789012:network-acl/acl-0 \
         ec2:networkaclid=acl-0 ec2:region=eu-west-1 ?ec2:vpc",
        "ec2:ReplaceNetworkAclAssociation arn:aws:ec2:eu-west-1:123456789012:network-acl/acl-1 \
         ec2:networkaclid=acl-1 ec2:region=eu-west-1 ?ec2:vpc",
        "ec2:ReplaceNetworkAclAssociation arn:aws:ec2:eu-west-1:123456789012:subnet/subnet-2 \
         ec2:region=eu-west-1 ec2:subnetid=subnet-2 ?ec2:vpc",
    ])]
#[case::new_profile(
    "AssociateIamInstanceProfile",
    json!({"InstanceId": "i-1", "IamInstanceProfile": {"Name": "web"}}),
    &[
        "ec2:AssociateIamInstanceProfile arn:aws:ec2:eu-west-1:123456789012:instance/i-1 \
         ec2:instanceid=i-1 ec2:newinstanceprofile=arn:aws:iam::123456789012:instance-profile/web \
         ec2:region=eu-west-1",
        "iam:PassRole arn:aws:iam::123456789012:role/bare iam:passedtoservice=ec2.amazonaws.com",
    ])]
#[case::replaced_profile(
    "ReplaceIamInstanceProfileAssociation",
    json!({"AssociationId": "iip-assoc-1", "IamInstanceProfile":
           {"Arn": "arn:aws:iam::123456789012:instance-profile/other"}}),
    &["ec2:ReplaceIamInstanceProfileAssociation arn:aws:ec2:eu-west-1:123456789012:instance/i-1 \
       ec2:instanceid=i-1 ec2:newinstanceprofile=arn:aws:iam::123456789012:instance-profile/other \
       ec2:region=eu-west-1"])]
#[case::peering("AcceptVpcPeeringConnection", json!({"VpcPeeringConnectionId": "pcx-1"}),
    &[
        "ec2:AcceptVpcPeeringConnection arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1 \
         ec2:region=eu-west-1 ec2:vpcid=vpc-1",
        "ec2:AcceptVpcPeeringConnection \
         arn:aws:ec2:eu-west-1:123456789012:vpc-peering-connection/pcx-1 ec2:region=eu-west-1 \
         ec2:vpcpeeringconnectionid=pcx-1",
    ])]
#[case::peering_of_nothing(
    "AcceptVpcPeeringConnection", json!({"VpcPeeringConnectionId": "pcx-9"}),
    &[
        "ec2:AcceptVpcPeeringConnection arn:aws:ec2:eu-west-1:123456789012:vpc/* \
         ec2:region=eu-west-1",
        "ec2:AcceptVpcPeeringConnection \
         arn:aws:ec2:eu-west-1:123456789012:vpc-peering-connection/pcx-9 ec2:region=eu-west-1 \
         ec2:vpcpeeringconnectionid=pcx-9",
    ])]
// What is not there is in no VPC.
#[case::route_of_nothing(
    "CreateRoute", json!({"RouteTableId": "rtb-none", "DestinationCidrBlock": "0.0.0.0/0"}),
    &["ec2:CreateRoute arn:aws:ec2:eu-west-1:123456789012:route-table/rtb-none \
       ec2:region=eu-west-1 ec2:routetableid=rtb-none"])]
#[case::associated_gateway(
    "AssociateRouteTable", json!({"RouteTableId": "rtb-0", "GatewayId": "vgw-1"}),
    &[
        "ec2:AssociateRouteTable arn:aws:ec2:eu-west-1:123456789012:route-table/rtb-0 \
         ec2:region=eu-west-1 ec2:routetableid=rtb-0 ?ec2:vpc",
        "ec2:AssociateRouteTable arn:aws:ec2:eu-west-1:123456789012:vpn-gateway/vgw-1 \
         ec2:region=eu-west-1",
    ])]
#[case::key_pair("DeleteKeyPair", json!({"KeyName": "own"}),
    &["ec2:DeleteKeyPair arn:aws:ec2:eu-west-1:123456789012:key-pair/own aws:resourcetag/team=a \
       ec2:region=eu-west-1 ec2:resourcetag/team=a"])]
#[case::tagged_key_pair("CreateTags", json!({"ResourceId": ["key-1"], "Tag": []}),
    &["ec2:CreateTags arn:aws:ec2:eu-west-1:123456789012:key-pair/own aws:resourcetag/team=a \
       ec2:region=eu-west-1 ec2:resourcetag/team=a"])]
#[case::address("DisassociateAddress", json!({"AssociationId": "eipassoc-1"}),
    &[
        "ec2:DisassociateAddress arn:aws:ec2:eu-west-1:123456789012:elastic-ip/eipalloc-1 \
         ec2:allocationid=eipalloc-1 ec2:region=eu-west-1",
        "ec2:DisassociateAddress arn:aws:ec2:eu-west-1:123456789012:network-interface/eni-1 \
         ec2:networkinterfaceid=eni-1 ec2:region=eu-west-1 ?ec2:vpc",
    ])]
#[case::cidr_block("DisassociateVpcCidrBlock", json!({"AssociationId": "vpc-cidr-assoc-1"}),
    &["ec2:DisassociateVpcCidrBlock arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1 \
       ec2:region=eu-west-1 ec2:vpcid=vpc-1"])]
#[case::second_cidr_block("DisassociateVpcCidrBlock", json!({"AssociationId": "vpc-cidr-assoc-6"}),
    &["ec2:DisassociateVpcCidrBlock arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1 \
       ec2:region=eu-west-1 ec2:vpcid=vpc-1"])]
#[case::permission(
    "DeleteNetworkInterfacePermission", json!({"NetworkInterfacePermissionId": "eni-perm-1"}),
    &["ec2:DeleteNetworkInterfacePermission \
       arn:aws:ec2:eu-west-1:123456789012:network-interface/eni-1 ec2:networkinterfaceid=eni-1 \
       ec2:region=eu-west-1 ?ec2:vpc"])]
#[case::export("CancelExportTask", json!({"ExportTaskId": "export-i-1"}),
    &["ec2:CancelExportTask arn:aws:ec2:eu-west-1:123456789012:export-instance-task/export-i-1 \
       ec2:region=eu-west-1"])]
#[case::launch(
    "RunInstances",
    json!({"ImageId": "ami-1", "MinCount": "1", "MaxCount": "1", "InstanceType": "t3.micro",
        "SubnetId": "subnet-1", "KeyName": "own", "IamInstanceProfile": {"Name": "web"},
        "MetadataOptions": {"HttpTokens": "required"},
        "TagSpecification": [{"ResourceType": "instance", "Tag": [{"Key": "k", "Value": "v"}]}]}),
    &[
        "ec2:RunInstances arn:aws:ec2:eu-west-1::image/ami-1 ec2:imageid=ami-1 \
         ec2:region=eu-west-1",
        "ec2:RunInstances arn:aws:ec2:eu-west-1:123456789012:instance/* aws:requesttag/k=v \
         aws:tagkeys=[k] ec2:instanceprofile=arn:aws:iam::123456789012:instance-profile/web \
         ec2:instancetype=t3.micro ec2:metadatahttptokens=required ec2:region=eu-west-1",
        "ec2:RunInstances arn:aws:ec2:eu-west-1:123456789012:key-pair/own aws:resourcetag/team=a \
         ec2:region=eu-west-1 \
         ec2:resourcetag/team=a",
        "ec2:RunInstances arn:aws:ec2:eu-west-1:123456789012:network-interface/* \
         ec2:region=eu-west-1 \
         ec2:subnet=arn:aws:ec2:eu-west-1:123456789012:subnet/subnet-1 \
         ec2:vpc=arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1",
        "ec2:RunInstances arn:aws:ec2:eu-west-1:123456789012:security-group/sg-1 \
         ec2:region=eu-west-1 \
         ec2:securitygroupid=sg-1 ec2:vpc=arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1",
        "ec2:RunInstances arn:aws:ec2:eu-west-1:123456789012:subnet/subnet-1 \
         ec2:region=eu-west-1 \
         ec2:subnetid=subnet-1 ec2:vpc=arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1",
        "ec2:RunInstances arn:aws:ec2:eu-west-1:123456789012:volume/* ec2:region=eu-west-1 \
         ?ec2:encrypted",
        "ec2:CreateTags arn:aws:ec2:eu-west-1:123456789012:instance/* aws:requesttag/k=v \
         aws:tagkeys=[k] ec2:createaction=RunInstances ec2:region=eu-west-1",
        "iam:PassRole arn:aws:iam::123456789012:role/bare iam:passedtoservice=ec2.amazonaws.com",
    ])]
#[tokio::test]
async fn ec2_requires(#[case] operation: &str, #[case] input: Value, #[case] expected: &[&str]) {
    expect(Service::Ec2, operation, input, expected).await;
}

#[tokio::test]
async fn a_creation_that_lacks_its_place_is_refused() {
    let refused = ask_as(&root(), Service::Ec2, "CreateSubnet", json!({})).await.unwrap_err();
    let RequirementsError::Service(error) = refused else { panic!("the service refuses it") };
    assert_eq!(error.code, "MissingParameter");
}

#[rstest]
#[case(json!({"ImageId": "ami-1"}), "nothing tells the subnet that AWS chooses")]
#[case(json!({"ImageId": "resolve:ssm:/i", "SubnetId": "subnet-1"}),
    "nothing tells the image of `resolve:ssm:/i`")]
#[case(json!({"ImageId": "ami-1", "SubnetId": "subnet-1", "LaunchTemplate": {}}),
    "nothing tells what `LaunchTemplate` brings")]
#[case(json!({"ImageId": "ami-1", "SubnetId": "subnet-9"}),
    "nothing tells the default group of `subnet-9`")]
#[case(json!({"ImageId": "ami-1", "NetworkInterface": [{"NetworkInterfaceId": "eni-1"}]}),
    "nothing tells the subnet of an interface that is there")]
#[tokio::test]
async fn a_launch_of_what_nothing_tells_is_refused_by_name(
    #[case] input: Value,
    #[case] reason: &str,
) {
    let refused = ask_as(&root(), Service::Ec2, "RunInstances", input).await.unwrap_err();
    let expected = RequirementsError::Unmapped {
        service: "ec2",
        operation: "RunInstances",
        reason: reason.to_owned(),
    };
    assert_eq!(refused, expected);
}

#[tokio::test]
async fn tags_on_an_unknown_kind_are_refused() {
    let input = json!({"ResourceId": ["zzz-1"], "Tag": []});
    let refused = ask_as(&root(), Service::Ec2, "CreateTags", input).await.unwrap_err();
    let expected = RequirementsError::Unmapped {
        service: "ec2",
        operation: "CreateTags",
        reason: String::new(),
    };
    assert_eq!(refused, expected);
}

/// A Deny by tags would not be met by a change that is decided on `*`.
#[tokio::test]
async fn no_change_of_a_resource_is_decided_on_anything() {
    let mut wrong = Vec::new();
    let is_on_anything =
        |required: &Requirement| required.resource == "*" && required.needed == Needed::Surely;
    for operation in &Service::Ec2.model().operations {
        let Some(action) = ringfence_policy::catalog::action(&format!("ec2:{}", operation.name))
        else {
            continue;
        };
        let reads = ["Describe", "Get", "List", "Search"];
        if action.resources.is_empty() || reads.iter().any(|read| operation.name.starts_with(read))
        {
            continue;
        }
        for input in [super::unmapped::full_input(operation), json!({})] {
            let asked = ask_as(&root(), Service::Ec2, operation.name, input).await;
            if asked.is_ok_and(|asked| asked.iter().any(is_on_anything)) {
                wrong.push(operation.name);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

async fn told(operation: &str, input: Value, key: &str) -> Vec<String> {
    let asked = ask_as(&root(), Service::Ec2, operation, input).await.unwrap();
    let own = asked.iter().filter(|it| it.action == format!("ec2:{operation}"));
    let told = own.map(|it| match it.context.get(key) {
        Some(values) => values.as_slice().join(","),
        None if it.context.is_unknown(key) => "?".to_owned(),
        None => "-".to_owned(),
    });
    told.collect()
}

#[rstest]
#[case::by_structure(json!({"CreateVolumePermission": {"Add": [{"Group": "all"}]}}), "all", "-")]
#[case::by_members(json!({"OperationType": "add", "UserGroup": ["all"]}), "all", "-")]
#[case::account(json!({"OperationType": "add", "UserId": ["111111111111"]}), "-", "111111111111")]
#[case::accounts(json!({"OperationType": "add", "UserId": ["1", "2"]}), "-", "?")]
#[case::taken_away(json!({"OperationType": "remove", "UserGroup": ["all"]}), "-", "-")]
#[tokio::test]
async fn who_gets_a_snapshot_is_told(
    #[case] mut input: Value,
    #[case] group: &str,
    #[case] user: &str,
) {
    input["SnapshotId"] = "snap-1".into();
    input["Attribute"] = "createVolumePermission".into();
    let operation = "ModifySnapshotAttribute";
    assert_eq!(told(operation, input.clone(), "ec2:Add/group").await, [group]);
    assert_eq!(told(operation, input, "ec2:Add/userId").await, [user]);
}

#[rstest]
#[case::encrypted("AttachVolume", json!({"VolumeId": "vol-encrypted", "InstanceId": "i-1"}), &["-", "true"])]
#[case::plain("DeleteVolume", json!({"VolumeId": "vol-1"}), &["false"])]
#[case::to_be_made("CreateVolume", json!({"AvailabilityZone": "a", "Size": 1, "Encrypted": "true"}), &["true"])]
#[case::to_be_made_plain("CreateVolume", json!({"AvailabilityZone": "a", "Size": 1}), &["false"])]
#[case::of_a_snapshot("CreateVolume", json!({"AvailabilityZone": "a", "SnapshotId": "snap-1"}),
    &["false", "?"])]
#[tokio::test]
async fn whether_a_volume_is_encrypted_is_told(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] expected: &[&str],
) {
    assert_eq!(told(operation, input, "ec2:Encrypted").await, expected);
}
