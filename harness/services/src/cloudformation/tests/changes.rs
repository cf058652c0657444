//! What a change set says of its changes and their causes, as recorded on AWS
//! (LocalStack's `test_change_set_*.py`).

use serde_json::{Value, json};

use super::World;

/// Templates of SSM parameters, by logical id.
fn template(values: &[(&str, Value)]) -> String {
    let resources: serde_json::Map<String, Value> = values
        .iter()
        .map(|(id, value)| {
            let properties = json!({"Type": "String", "Value": value});
            ((*id).to_owned(), json!({"Type": "AWS::SSM::Parameter", "Properties": properties}))
        })
        .collect();
    json!({"Parameters": {"V": {"Type": "String", "Default": "v"}}, "Resources": resources})
        .to_string()
}

fn parameters(value: &str) -> Value {
    json!([{"ParameterKey": "V", "ParameterValue": value}])
}

/// The changes from one template to another, by logical id, without and with
/// property values.
async fn changes(before: &str, after: &str, values: (&str, &str)) -> (Value, Value) {
    let world = World::new().await;
    world.create_by_change_set("first", before, parameters(values.0)).await;
    let input = json!({"TemplateBody": after, "Parameters": parameters(values.1)});
    let set = world.change_set("second", input).await;
    assert_eq!(set["Status"], "CREATE_COMPLETE", "{set}");
    let describe =
        json!({"StackName": "s", "ChangeSetName": "second", "IncludePropertyValues": true});
    let with_values = world.call("DescribeChangeSet", describe).await.unwrap();
    (by_id(&set), by_id(&with_values))
}

fn by_id(set: &Value) -> Value {
    let change = |change: &Value| {
        let change = change["ResourceChange"].clone();
        (change["LogicalResourceId"].as_str().unwrap().to_owned(), change)
    };
    Value::Object(set["Changes"].as_array().unwrap().iter().map(change).collect())
}

fn target() -> Value {
    json!({"Attribute": "Properties", "Name": "Value", "RequiresRecreation": "Never"})
}

fn detail(source: &str, evaluation: &str, entity: Option<&str>) -> Value {
    let mut detail = json!({"Target": target(), "Evaluation": evaluation, "ChangeSource": source});
    if let Some(entity) = entity {
        detail["CausingEntity"] = entity.into();
    }
    detail
}

/// `test_base_dynamic_parameter_scenarios[change_dynamic]`.
#[tokio::test]
async fn a_parameter_is_a_static_cause_and_the_change_a_dynamic_one() {
    let body = template(&[("P", json!({"Ref": "V"}))]);
    let (without, with) = changes(&body, &body, ("1", "2")).await;
    let both = [
        detail("ParameterReference", "Static", Some("V")),
        detail("DirectModification", "Dynamic", None),
    ];
    assert_eq!(without["P"]["Details"], json!(both));
    assert_eq!(without["P"].get("AfterContext"), None);
    let mut target = target();
    target["Path"] = "/Properties/Value".into();
    target["AttributeChangeType"] = "Modify".into();
    target["BeforeValue"] = "1".into();
    target["AfterValue"] = "2".into();
    assert_eq!(with["P"]["Details"][0]["Target"], target);
    assert_eq!(with["P"]["BeforeContext"], r#"{"Properties":{"Type":"String","Value":"1"}}"#);
    assert_eq!(with["P"]["AfterContext"], r#"{"Properties":{"Type":"String","Value":"2"}}"#);
}

/// `test_direct_attribute_value_change`, `…_in_get_attr_chain`.
#[tokio::test]
async fn what_depends_on_a_change_in_place_is_listed_without_values_alone() {
    let body = |value: &str| {
        template(&[
            ("P", value.into()),
            ("Q", json!({"Fn::GetAtt": ["P", "Value"]})),
            ("R", json!({"Fn::Sub": "${Q.Value}!"})),
            ("S", json!({"Ref": "P"})),
        ])
    };
    let (without, with) = changes(&body("1"), &body("2"), ("v", "v")).await;
    assert_eq!(without["P"]["Details"], json!([detail("DirectModification", "Static", None)]));
    assert_eq!(
        without["Q"]["Details"],
        json!([detail("ResourceAttribute", "Dynamic", Some("P.Value"))])
    );
    assert_eq!(
        without["R"]["Details"],
        json!([detail("ResourceAttribute", "Dynamic", Some("Q.Value"))])
    );
    assert_eq!(without["Q"]["Replacement"], "False");
    assert_eq!(without.get("S"), None);
    assert_eq!(with.as_object().unwrap().keys().collect::<Vec<_>>(), ["P"]);
}

/// `test_immutable_property_update_causes_resource_replacement`.
#[tokio::test]
async fn what_depends_on_a_replacement_changes() {
    let body = |name: &str| {
        let mut body: Value = serde_json::from_str(&template(&[
            ("P", "1".into()),
            ("Q", json!({"Ref": "P"})),
            ("R", json!({"Fn::GetAtt": ["P", "Value"]})),
        ]))
        .unwrap();
        body["Resources"]["P"]["Properties"]["Name"] = name.into();
        body.to_string()
    };
    let (without, with) = changes(&body("a"), &body("b"), ("v", "v")).await;
    assert_eq!(without["P"]["Replacement"], "True");
    assert_eq!(without["P"]["PolicyAction"], "ReplaceAndDelete");
    assert_eq!(without["Q"]["Details"], json!([detail("ResourceReference", "Static", Some("P"))]));
    assert_eq!(
        without["R"]["Details"],
        json!([detail("ResourceAttribute", "Static", Some("P.Value"))])
    );
    let sources: Vec<_> = with["R"]["Details"]
        .as_array()
        .unwrap()
        .iter()
        .map(|detail| {
            (detail["ChangeSource"].as_str().unwrap(), detail["Evaluation"].as_str().unwrap())
        })
        .collect();
    assert_eq!(sources, [("ResourceAttribute", "Static"), ("DirectModification", "Dynamic")]);
    assert_eq!(with["R"]["Details"][0]["Target"]["AfterValue"], "{{changeSet:KNOWN_AFTER_APPLY}}");
    assert_eq!(with["R"]["Details"][0]["Target"]["BeforeValue"], "1");
}

/// `test_condition_update_removes_resource`, `test_resource_deletion`.
#[tokio::test]
async fn what_leaves_is_removed_with_its_policy() {
    let before = template(&[("P", "1".into()), ("Q", json!({"Ref": "P"}))]);
    let after = template(&[("P", "1".into()), ("R", json!({"Ref": "P"}))]);
    let (without, with) = changes(&before, &after, ("v", "v")).await;
    assert_eq!(without["Q"]["Action"], "Remove");
    assert_eq!(without["Q"]["PolicyAction"], "Delete");
    assert_eq!(
        with["Q"]["BeforeContext"],
        r#"{"Properties":{"Type":"String","Value":"{{changeSet:KNOWN_AFTER_APPLY}}"}}"#
    );
    // What is there already is known.
    let after: Value = serde_json::from_str(with["R"]["AfterContext"].as_str().unwrap()).unwrap();
    assert!(after["Properties"]["Value"].as_str().unwrap().starts_with("s-P-"), "{after}");
    let mut kept: Value = serde_json::from_str(&before).unwrap();
    kept["Resources"]["Q"]["DeletionPolicy"] = "Retain".into();
    let (without, _) =
        changes(&kept.to_string(), &template(&[("P", "1".into())]), ("v", "v")).await;
    assert_eq!(without["Q"]["PolicyAction"], "Retain");
}

/// `test_no_echo_parameter`.
#[tokio::test]
async fn metadata_change_by_parameters_too_and_secrets_are_masked() {
    let mut body: Value = serde_json::from_str(&template(&[("P", json!({"Ref": "V"}))])).unwrap();
    body["Parameters"]["V"]["NoEcho"] = true.into();
    body["Resources"]["P"]["Metadata"] = json!({"m": {"Ref": "V"}});
    let (without, with) = changes(&body.to_string(), &body.to_string(), ("one", "two")).await;
    assert_eq!(without["P"]["Scope"], json!(["Metadata", "Properties"]));
    let metadata = json!({"Attribute": "Metadata", "RequiresRecreation": "Never"});
    let sources: Vec<_> = without["P"]["Details"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| (d["ChangeSource"].as_str().unwrap(), d["Target"] == metadata))
        .collect();
    assert_eq!(
        sources,
        [
            ("ParameterReference", true),
            ("ParameterReference", false),
            ("DirectModification", true),
            ("DirectModification", false),
        ]
    );
    let text = with.to_string();
    assert!(!text.contains("one") && !text.contains("two"), "{text}");
    assert!(text.contains("****"));
}

/// `test_describe_change_set_import_non_existent_export`.
#[tokio::test]
async fn an_export_that_is_not_there_yet_is_a_warning() {
    let world = World::new().await;
    let body = template(&[("MyFoo", json!({"Fn::ImportValue": "nobody"}))]);
    let input = json!({"ChangeSetType": "CREATE", "TemplateBody": body});
    let set = world.change_set("c", input).await;
    assert_eq!((&set["Status"], set.get("StatusReason")), (&json!("CREATE_COMPLETE"), None));
    let describe = json!({"StackName": "s", "ChangeSetName": "c", "IncludePropertyValues": true});
    let set = world.call("DescribeChangeSet", describe).await.unwrap();
    assert_eq!(
        set["StatusReason"],
        "[WARN] --include-property-values option can return incomplete ChangeSet data because: ChangeSet creation failed for resource [MyFoo] because: No export named nobody"
    );
    assert_eq!(
        set["Changes"][0]["ResourceChange"]["AfterContext"],
        r#"{"Properties":{"Type":"String","Value":"{{changeSet:KNOWN_AFTER_APPLY}}"}}"#
    );
}
