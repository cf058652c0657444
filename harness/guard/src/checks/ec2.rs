//! What EC2 refuses of launch templates and flow logs.

use ringfence_wire::{Call, ServiceError};

/// Checks a call of EC2.
///
/// # Errors
/// EC2's own.
pub(crate) fn check(call: &Call) -> Result<(), ServiceError> {
    match call.name() {
        "CreateLaunchTemplate" => launch_template(call),
        "CreateFlowLogs" => flow_logs(call),
        _ => Ok(()),
    }
}

/// LocalStack's `test_raise_invalid_launch_template_name` and
/// `test_raise_when_launch_template_data_missing` recorded the codes; the form:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html>.
fn launch_template(call: &Call) -> Result<(), ServiceError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-()./_".contains(c);
    let name = call.text("LaunchTemplateName").unwrap_or_default();
    if !(3..=128).contains(&name.len()) || !name.chars().all(allowed) {
        return Err(ServiceError::new(
            400,
            "InvalidLaunchTemplateName.MalformedException",
            "A launch template name must be between 3 and 128 characters, and may contain letters, \
             numbers, and the following characters: - ( ) . / _.",
        ));
    }
    let data = call.input.get("LaunchTemplateData");
    if data.and_then(serde_json::Value::as_object).is_none_or(serde_json::Map::is_empty) {
        return Err(ServiceError::new(
            400,
            "MissingParameter",
            "The request must contain the parameter LaunchTemplateData",
        ));
    }
    Ok(())
}

/// LocalStack's `test_ec2_flow_logs_s3_validation`, recorded on AWS.
fn flow_logs(call: &Call) -> Result<(), ServiceError> {
    let given = |member| call.text(member).is_some_and(|text| !text.is_empty());
    let kind = call.text("LogDestinationType").unwrap_or("cloud-watch-logs");
    let text = match (given("LogGroupName"), given("LogDestination")) {
        (true, true) => "Please only provide LogGroupName or only provide LogDestination.",
        (true, false) if kind != "cloud-watch-logs" => {
            "LogDestination type must be cloud-watch-logs if LogGroupName is provided."
        }
        (false, false) => "LogDestination can't be empty if LogGroupName is not provided.",
        _ => return Ok(()),
    };
    Err(ServiceError::new(400, "InvalidParameter", text))
}
