//! The condition keys of a request to an API, where its resource policy or the policy
//! of a Lambda authorizer decides about it.
//!
//! Source: "AWS condition keys that can be used in API Gateway resource policies", which
//! says of each key whether it needs authentication by IAM
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-aws-condition-keys.html>).

use ringfence_policy::Context;
use ringfence_services::credentials::{Identity, Session};

/// The action of a request to an API.
pub(crate) const INVOKE: &str = "execute-api:Invoke";

/// Keys that need authentication ("Authorization type: IAM"), and that the global
/// context of nobody has all the same. The others of the table's (`aws:PrincipalArn`,
/// `aws:PrincipalTag`, `aws:username`, …) it does not have.
const OF_IAM: [&str; 2] = ["aws:PrincipalType", "aws:userid"];

/// Global keys of a request of nobody's that the table does not have: that policies
/// cannot use them there is not said to be that they are absent.
const UNLISTED: [&str; 7] = [
    "aws:PrincipalIsAWSService",
    "aws:RequestedRegion",
    "aws:ResourceAccount",
    "aws:ResourceOrgID",
    "aws:ResourceOrgPaths",
    "aws:SourceAccount",
    "aws:ViaAWSService",
];

/// Puts the keys as API Gateway has them. `aws:CurrentTime`, `aws:EpochTime`,
/// `aws:SecureTransport` and `aws:SourceIp` are there whoever asks, `aws:Referer` and
/// `aws:UserAgent` where the request has the header; `aws:SourceVpc`, `aws:SourceVpce`
/// and `aws:VpcSourceIp` "can be used only for private APIs", which are not served.
pub(crate) fn describe(context: &mut Context, caller: &Session) {
    if context.get("aws:SourceArn").is_none() {
        // Listed for all types of authorization; what it holds of a client's request
        // is said nowhere.
        context.set_unknown("aws:SourceArn");
    }
    if matches!(caller.identity, Identity::Anonymous) {
        for key in OF_IAM {
            context.unset(key);
        }
        for key in UNLISTED {
            context.set_unknown(key);
        }
    }
}
