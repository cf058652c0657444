//! The tiers of Systems Manager's parameters.

use rstest::rstest;

use super::*;

const STANDARD: &str = "Standard tier parameters support a maximum parameter value of 4096 \
    characters. To create a larger parameter value, upgrade the parameter to use the \
    advanced-parameter tier. For more information, see https://docs.aws.amazon.com/\
    systems-manager/latest/userguide/parameter-store-advanced-parameters.html";
const ADVANCED: &str = "The specified parameter value is too large. Advanced-tier parameters \
    support a maximum parameter value of 8192 characters.";
const DOWN: &str = "This parameter uses the advanced-parameter tier. You can't downgrade a \
    parameter from the advanced-parameter tier to the standard-parameter tier. If necessary, you \
    can delete the advanced parameter and recreate it as a standard parameter.";
const KIND: &str = "1 validation error detected: Value 'Gold' at 'tier' failed to satisfy \
    constraint: Member must satisfy enum value set: [Standard, Advanced, Intelligent-Tiering]";

/// The tier that is there, what is asked for, and what comes of it.
#[rstest]
#[case::longest(None, 4096, None, Ok("Standard"))]
#[case::too_long(None, 4097, None, Err(STANDARD))]
#[case::said(None, 4097, Some("Standard"), Err(STANDARD))]
#[case::advanced(None, 4097, Some("Advanced"), Ok("Advanced"))]
#[case::longest_advanced(None, 8192, Some("Advanced"), Ok("Advanced"))]
#[case::too_long_advanced(None, 8193, Some("Advanced"), Err(ADVANCED))]
#[case::small(None, 1, Some("Intelligent-Tiering"), Ok("Standard"))]
#[case::large(None, 4097, Some("Intelligent-Tiering"), Ok("Advanced"))]
#[case::too_large(None, 8193, Some("Intelligent-Tiering"), Err(ADVANCED))]
#[case::unknown(None, 1, Some("Gold"), Err(KIND))]
#[case::down(Some("Advanced"), 1, Some("Standard"), Err(DOWN))]
#[case::stays(Some("Advanced"), 5000, None, Ok("Advanced"))]
#[case::stays_intelligently(Some("Advanced"), 1, Some("Intelligent-Tiering"), Ok("Advanced"))]
#[case::up(Some("Standard"), 1, Some("Advanced"), Ok("Advanced"))]
#[tokio::test]
async fn a_parameter_has_the_tier_that_it_fits(
    #[case] was: Option<&str>,
    #[case] length: usize,
    #[case] tier: Option<&str>,
    #[case] becomes: Result<&str, &str>,
) {
    let stage = Stage::new().await;
    stage.upstream.answers("AmazonSSM.PutParameter", 200, &json!({"Version": 1}));
    let own: Vec<Value> = was.iter().map(|tier| json!({"Name": "/p", "Tier": tier})).collect();
    stage.upstream.answers("AmazonSSM.DescribeParameters", 200, &json!({"Parameters": own}));
    let mut input = json!({"Name": "/p", "Type": "String", "Value": "é".repeat(length),
        "Overwrite": was.is_some()});
    if let Some(tier) = tier {
        input["Tier"] = tier.into();
    }
    let answer = stage.client.call(&root(), Service::Ssm, "PutParameter", input).await;
    match becomes {
        Ok(tier) => {
            answer.unwrap();
            let sent: Value = serde_json::from_slice(&stage.upstream.last().body).unwrap();
            assert_eq!(sent["Tier"], tier);
        }
        Err(message) => {
            let error = answer.unwrap_err();
            assert_eq!(
                (error.status, error.code.as_ref(), error.message.as_ref()),
                (400, "ValidationException", message)
            );
            assert_eq!(stage.upstream.count("AmazonSSM.PutParameter"), 0);
        }
    }
}
