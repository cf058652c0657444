//! What AWS has and the services here do not, by the member of a request that
//! asks for it. The services refuse by it, and an estate is looked through by it
//! before anything runs.

/// What a request makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// An integration of an HTTP API.
    Integration,
    /// A function.
    Function,
}

/// A member that asks for something: with any value, or with one.
struct Row(Made, &'static str, Option<&'static str>, &'static str);

const ROWS: [Row; 9] = [
    Row(
        Made::Integration,
        "IntegrationType",
        Some("HTTP_PROXY"),
        "HTTP proxy integrations (HTTP_PROXY)",
    ),
    Row(
        Made::Integration,
        "ConnectionType",
        Some("VPC_LINK"),
        "private integrations (ConnectionType VPC_LINK)",
    ),
    Row(Made::Integration, "ConnectionId", None, "private integrations (ConnectionId)"),
    Row(Made::Integration, "RequestParameters", None, "parameter mapping (RequestParameters)"),
    Row(Made::Integration, "ResponseParameters", None, "parameter mapping (ResponseParameters)"),
    Row(Made::Integration, "TlsConfig", None, "private integrations (TlsConfig)"),
    Row(Made::Function, "FileSystemConfigs", None, "`FileSystemConfigs`"),
    Row(Made::Function, "KMSKeyArn", None, "`KMSKeyArn`"),
    Row(Made::Function, "CapacityProviderConfig", None, "`CapacityProviderConfig`"),
];

/// What is not here and a member asks for, with a value that is text, or with any
/// other that is something. The member may be written as Terraform does:
/// `authorizer_type`, `file_system_config`.
pub fn lacking(of: Made, member: &str, value: Option<&str>) -> Option<&'static str> {
    if value == Some("") {
        return None;
    }
    let asks = |row: &&Row| {
        row.0 == of && plain(row.1) == plain(member) && row.2.is_none_or(|own| value == Some(own))
    };
    ROWS.iter().find(asks).map(|row| row.3)
}

/// The members that ask for what is not here whatever their value is, with what
/// that is.
pub(crate) fn with_any_value(of: Made) -> impl Iterator<Item = (&'static str, &'static str)> {
    ROWS.iter().filter(move |row| row.0 == of && row.2.is_none()).map(|row| (row.1, row.3))
}

/// A name in small letters without signs and plural.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    let letters: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    letters.trim_end_matches('s').to_owned()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Made::Integration, "ConnectionType", Some("VPC_LINK"), true)]
    #[case(Made::Integration, "connection_type", Some("VPC_LINK"), true)]
    #[case(Made::Integration, "connection_type", Some("INTERNET"), false)]
    #[case(Made::Integration, "connection_type", None, false)]
    #[case(Made::Function, "file_system_config", None, true)]
    #[case(Made::Function, "kms_key_arn", Some(""), false)]
    #[case(Made::Integration, "kms_key_arn", None, false)]
    fn a_member_asks_for_what_is_not_here(
        #[case] of: Made,
        #[case] member: &str,
        #[case] value: Option<&str>,
        #[case] asks: bool,
    ) {
        assert_eq!(lacking(of, member, value).is_some(), asks);
    }
}
