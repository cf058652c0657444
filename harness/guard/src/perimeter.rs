//! What limits calls from outside the account's own policies: AWS calls it a data
//! perimeter (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_data-perimeters.html>).

use crate::organization::Organizations;
use crate::vpc_endpoint::VpcEndpoints;

/// The organizations and the network.
#[derive(Debug)]
pub(crate) struct Perimeter {
    pub(crate) organizations: Organizations,
    pub(crate) vpc_endpoints: VpcEndpoints,
}
