//! The network that a function is attached to, seen as its caller sees it.

use ringfence_wire::{Service, ServiceError};
use serde_json::{Value, json};

use crate::credentials::{Credentials, Session};
use crate::lambda::Lambda;
use crate::lambda::api::change::VpcRequest;
use crate::lambda::error::{access_denied, invalid, service};
use crate::lambda::store::configuration::VpcConfig;

const PRINCIPAL: &str = "lambda.amazonaws.com";

impl Lambda {
    /// The caller's own credentials, with Lambda as the forwarding service.
    pub(in crate::lambda) fn forwarded(
        &self,
        caller: &Session,
    ) -> Result<Credentials, ServiceError> {
        self.setting
            .keyring
            .forward(caller, PRINCIPAL, self.setting.now())
            .map_err(|cause| service(cause.to_string()))
    }

    /// Resolves a network: that its subnets and security groups are there, are
    /// in one VPC, and may be seen by the caller.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html>
    pub(in crate::lambda) async fn resolve_vpc(
        &self,
        request: VpcRequest,
        caller: &Session,
    ) -> Result<VpcConfig, ServiceError> {
        if request.subnet_ids.is_empty() {
            return Ok(VpcConfig::default());
        }
        let credentials = self.forwarded(caller)?;
        let resolved = self.resolve_as(request, &credentials).await;
        self.setting.keyring.remove(&credentials.access_key_id);
        resolved
    }

    async fn resolve_as(
        &self,
        request: VpcRequest,
        credentials: &Credentials,
    ) -> Result<VpcConfig, ServiceError> {
        let describe = async |operation: &str, member: &str, ids: &[String]| {
            let input = json!({ member: ids });
            self.client
                .call(credentials, Service::Ec2, operation, input)
                .await
                .map_err(|error| refused(operation, &ids.join(", "), &error))
        };
        let groups =
            describe("DescribeSecurityGroups", "GroupId", &request.security_group_ids).await?;
        let subnets = describe("DescribeSubnets", "SubnetId", &request.subnet_ids).await?;
        let vpcs_of = |answer: &Value, set: &str| -> Vec<String> {
            let mut vpcs: Vec<String> = items(answer, set)
                .iter()
                .filter_map(|item| Some(item.get("vpcId")?.as_str()?.to_owned()))
                .collect();
            vpcs.sort_unstable();
            vpcs.dedup();
            vpcs
        };
        let [vpc_id] = <[String; 1]>::try_from(vpcs_of(&subnets, "subnetSet")).map_err(|_| {
            invalid("Subnets are in different VPCs or do not say which; all must be in the same.")
        })?;
        if vpcs_of(&groups, "securityGroupInfo").iter().any(|vpc| *vpc != vpc_id) {
            return Err(invalid("Security Groups are required to be in the same VPC as Subnets."));
        }
        describe("DescribeVpcs", "VpcId", std::slice::from_ref(&vpc_id)).await?;
        Ok(VpcConfig {
            vpc_id,
            subnet_ids: request.subnet_ids,
            security_group_ids: request.security_group_ids,
            ipv6: request.ipv6,
        })
    }

    /// That an execution role may create the network interfaces that its
    /// function needs: asked of EC2 with the role's own session, as a dry run.
    pub(in crate::lambda) async fn check_network_permission(
        &self,
        role: &Credentials,
        vpc: &VpcConfig,
    ) -> Result<(), ServiceError> {
        let input = json!({
            "SubnetId": vpc.subnet_ids.first(),
            "SecurityGroupId": vpc.security_group_ids,
            "DryRun": true,
        });
        match self.client.call(role, Service::Ec2, "CreateNetworkInterface", input).await {
            Err(error) if error.code == "DryRunOperation" => Ok(()),
            Err(error) if is_denial(&error) => Err(invalid(
                "The provided execution role does not have permissions to call \
                 CreateNetworkInterface on EC2",
            )),
            Err(error) => Err(service(format!(
                "EC2 did not say whether the role may create network interfaces: {error}"
            ))),
            // An endpoint that ignores `DryRun` has made one: it may be made, and
            // must go again.
            Ok(answer) => {
                let id = find_text(&answer, "networkInterfaceId").ok_or_else(|| {
                    service("EC2 answered a dry run with neither its error nor an interface")
                })?;
                let input = json!({ "NetworkInterfaceId": id });
                self.client
                    .call(role, Service::Ec2, "DeleteNetworkInterface", input)
                    .await
                    .map(|_| ())
                    .map_err(|error| {
                        service(format!(
                            "EC2 ignored a dry run and made the network interface {id}, which \
                             could not be removed: {error}"
                        ))
                    })
            }
        }
    }
}

/// Whether EC2, or IAM in front of it, refused.
fn is_denial(error: &ServiceError) -> bool {
    matches!(&*error.code, "UnauthorizedOperation" | "AccessDenied" | "AccessDeniedException")
}

/// AWS's words for a call that EC2 refused or could not answer. The denial:
/// <https://github.com/aws/aws-sdk-ruby/issues/1191>; the rest: LocalStack's
/// `test_lambda_api.snapshot.json`, recorded on AWS.
fn refused(operation: &str, ids: &str, error: &ServiceError) -> ServiceError {
    if is_denial(error) {
        return access_denied(format!(
            "Your access has been denied by EC2, please make sure your request credentials have \
             permission to {operation} for {ids}. EC2 Error Code: {}. EC2 Error Message: {}",
            error.code, error.message
        ));
    }
    if error.status >= 500 {
        return service(format!("{operation} failed: {error}"));
    }
    invalid(format!(
        "Error occurred while {operation}. EC2 Error Code: {}. EC2 Error Message: {}",
        error.code,
        plain(&error.message)
    ))
}

/// An error's text with its ids as AWS lists them: moto's server prints what it
/// did not find as a set of its language, `{'sg-1', 'sg-2'}`.
fn plain(message: &str) -> String {
    match message.split_once("'{'").and_then(|(before, rest)| {
        let (ids, after) = rest.split_once("'}'")?;
        Some((before, ids.replace("', '", ", "), after))
    }) {
        Some((before, ids, after)) => format!("{before}'{ids}'{after}"),
        None => message.to_owned(),
    }
}

/// The items of a list in EC2's answer.
fn items<'a>(answer: &'a Value, set: &str) -> Vec<&'a Value> {
    match answer.get(set) {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(Value::Object(map)) => match map.get("item") {
            Some(Value::Array(items)) => items.iter().collect(),
            Some(item) => vec![item],
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The first text of this name, however deep.
fn find_text(value: &Value, name: &str) -> Option<String> {
    match value {
        Value::Object(map) => match map.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            _ => map.values().find_map(|inner| find_text(inner, name)),
        },
        Value::Array(items) => items.iter().find_map(|inner| find_text(inner, name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::plain;

    /// LocalStack's test_invalid_vpc_config_security_group, recorded on AWS.
    #[rstest]
    #[case(
        "The security group '{'sg-1'}' does not exist",
        "The security group 'sg-1' does not exist"
    )]
    #[case(
        "The security group '{'sg-1', 'sg-2'}' does not exist",
        "The security group 'sg-1, sg-2' does not exist"
    )]
    #[case("The subnet ID 'subnet-1' does not exist", "The subnet ID 'subnet-1' does not exist")]
    fn ids_are_listed_as_aws_lists_them(#[case] message: &str, #[case] expected: &str) {
        assert_eq!(plain(message), expected);
    }
}
