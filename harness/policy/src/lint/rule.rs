//! The rules.

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// The action does not exist.
    UnknownAction,
    /// Requests for the action never carry the condition key.
    KeyNeverCarried,
    /// The action never acts upon such a resource.
    ResourceNever,
    /// A list of values is compared without `ForAnyValue` or `ForAllValues`.
    ListWithoutSetOperator,
    /// `ForAllValues` in an Allow is true when the key is absent.
    AllValuesOfNothing,
    /// A value cannot be read as its operator needs it.
    UnreadableValue,
    /// `${…}` is plain text in a document that is not of version 2012-10-17.
    VariableAsText,
    /// Every action of a service on every resource, unconditionally.
    WideGrant,
    /// Roles may be passed to any service.
    PassRoleToAnyService,
    /// A web identity is trusted whatever its audience.
    TrustWithoutAudience,
    /// Any repository of an organisation, or anybody, is trusted.
    TrustOfAnyRepository,
    /// `NotAction` or `NotResource` in an Allow grants all that it does not
    /// name, what AWS adds tomorrow included.
    AllowOfAllButSome,
    /// A condition of an Allow holds for requests that leave its key out.
    AllowedWhenAbsent,
    /// A Deny does not apply to requests that leave its key out.
    NotDeniedWhenAbsent,
    /// Everybody, without a condition.
    Anybody,
    /// A service acts for any of its customers.
    AnySource,
    /// A principal that does not exist.
    NoSuchPrincipal,
    /// Any role may be passed.
    PassAnyRole,
    /// Routes of an HTTP API may be made without an authorizer.
    RouteWithoutAuthorizer,
    /// A boundary has some of what functions in a VPC need, and not all.
    NetworkPermissionsIncomplete,
    /// Functions may be put outside their network.
    FunctionOutOfNetwork,
    /// No service has the prefix of the action.
    UnknownService,
    /// A star is an ordinary character to the operator.
    StarAsText,
    /// One action leads to more permissions, whatever it is used on.
    EscalatingAction,
}

impl Rule {
    /// The rule's stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownAction => "unknown-action",
            Self::KeyNeverCarried => "key-never-carried",
            Self::ResourceNever => "resource-never",
            Self::ListWithoutSetOperator => "list-without-set-operator",
            Self::AllValuesOfNothing => "all-values-of-nothing",
            Self::UnreadableValue => "unreadable-value",
            Self::VariableAsText => "variable-as-text",
            Self::WideGrant => "wide-grant",
            Self::PassRoleToAnyService => "pass-role-to-any-service",
            Self::TrustWithoutAudience => "trust-without-audience",
            Self::TrustOfAnyRepository => "trust-of-any-repository",
            Self::AllowOfAllButSome => "allow-of-all-but-some",
            Self::AllowedWhenAbsent => "allowed-when-absent",
            Self::NotDeniedWhenAbsent => "not-denied-when-absent",
            Self::Anybody => "anybody",
            Self::AnySource => "any-source",
            Self::NoSuchPrincipal => "no-such-principal",
            Self::PassAnyRole => "pass-any-role",
            Self::RouteWithoutAuthorizer => "route-without-authorizer",
            Self::NetworkPermissionsIncomplete => "network-permissions-incomplete",
            Self::FunctionOutOfNetwork => "function-out-of-network",
            Self::UnknownService => "unknown-service",
            Self::StarAsText => "star-as-text",
            Self::EscalatingAction => "escalating-action",
        }
    }

    /// All rules.
    pub const ALL: [Self; 24] = [
        Self::UnknownAction,
        Self::KeyNeverCarried,
        Self::ResourceNever,
        Self::ListWithoutSetOperator,
        Self::AllValuesOfNothing,
        Self::UnreadableValue,
        Self::VariableAsText,
        Self::WideGrant,
        Self::PassRoleToAnyService,
        Self::TrustWithoutAudience,
        Self::TrustOfAnyRepository,
        Self::AllowOfAllButSome,
        Self::AllowedWhenAbsent,
        Self::NotDeniedWhenAbsent,
        Self::Anybody,
        Self::AnySource,
        Self::NoSuchPrincipal,
        Self::PassAnyRole,
        Self::RouteWithoutAuthorizer,
        Self::NetworkPermissionsIncomplete,
        Self::FunctionOutOfNetwork,
        Self::UnknownService,
        Self::StarAsText,
        Self::EscalatingAction,
    ];

    /// What the rule finds, in a sentence.
    pub fn description(self) -> &'static str {
        match self {
            Self::UnknownAction => "The action does not exist.",
            Self::KeyNeverCarried => "Requests for the action never carry the condition key.",
            Self::ResourceNever => "The action never acts upon such a resource.",
            Self::ListWithoutSetOperator => {
                "A list of values is compared without ForAnyValue or ForAllValues."
            }
            Self::AllValuesOfNothing => "ForAllValues in an Allow is true when the key is absent.",
            Self::UnreadableValue => "A value cannot be read as its operator needs it.",
            Self::VariableAsText => {
                "A variable is plain text in a document that is not of version 2012-10-17."
            }
            Self::WideGrant => "Every action of a service on every resource, unconditionally.",
            Self::PassRoleToAnyService => "Roles may be passed to any service.",
            Self::TrustWithoutAudience => "A web identity is trusted whatever its audience.",
            Self::TrustOfAnyRepository => {
                "Any repository of an organisation, or anybody, is trusted."
            }
            Self::AllowOfAllButSome => "An Allow grants all that it does not name.",
            Self::AllowedWhenAbsent => {
                "A condition of an Allow holds for requests that leave its key out."
            }
            Self::NotDeniedWhenAbsent => {
                "A Deny does not apply to requests that leave its key out."
            }
            Self::Anybody => "Everybody is allowed, without a condition.",
            Self::AnySource => "A service is allowed whomever it acts for.",
            Self::NoSuchPrincipal => "The principal does not exist.",
            Self::PassAnyRole => "Any role may be passed.",
            Self::RouteWithoutAuthorizer => {
                "Routes of an HTTP API may be made or changed without an authorizer."
            }
            Self::NetworkPermissionsIncomplete => {
                "A boundary has some of what functions in a VPC need, and not all."
            }
            Self::FunctionOutOfNetwork => {
                "Functions may be made or changed to run outside any VPC, or in another."
            }
            Self::UnknownService => "No service has the prefix of the action.",
            Self::StarAsText => "A wildcard is an ordinary character to the operator.",
            Self::EscalatingAction => {
                "One action, on all resources of its kind, leads to more permissions."
            }
        }
    }

    /// AWS's page that the rule rests on.
    pub fn source(self) -> &'static str {
        match self {
            Self::UnknownAction
            | Self::UnknownService
            | Self::KeyNeverCarried
            | Self::ResourceNever => {
                "https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html"
            }
            Self::ListWithoutSetOperator | Self::AllValuesOfNothing => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html"
            }
            Self::UnreadableValue
            | Self::StarAsText
            | Self::AllowedWhenAbsent
            | Self::NotDeniedWhenAbsent => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html"
            }
            Self::VariableAsText => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html"
            }
            Self::WideGrant | Self::EscalatingAction => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html"
            }
            Self::PassRoleToAnyService | Self::PassAnyRole => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"
            }
            Self::TrustWithoutAudience | Self::TrustOfAnyRepository => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html"
            }
            Self::AllowOfAllButSome => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html"
            }
            Self::Anybody | Self::NoSuchPrincipal => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"
            }
            Self::AnySource => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"
            }
            Self::RouteWithoutAuthorizer => {
                "https://docs.aws.amazon.com/apigateway/latest/developerguide/security_iam_service-with-iam.html"
            }
            Self::NetworkPermissionsIncomplete | Self::FunctionOutOfNetwork => {
                "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"
            }
        }
    }
}
