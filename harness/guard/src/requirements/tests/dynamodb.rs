//! DynamoDB.

use ringfence_wire::Service;
use rstest::rstest;
use serde_json::{Value, json};

use super::{ask_as, expect, root};
use crate::requirements::RequirementsError;

const TABLE: &str = "arn:aws:dynamodb:eu-west-1:123456789012:table/t";

#[rstest]
#[case::get(
    "GetItem", json!({"TableName": "t", "Key": {"id": {"S": "u1"}, "sort": {"N": "2"}},
                      "ProjectionExpression": "#n, address.city",
                      "ExpressionAttributeNames": {"#n": "name"}}),
    &["dynamodb:GetItem arn:aws:dynamodb:eu-west-1:123456789012:table/t \
       dynamodb:attributes=[address,id,name,sort] dynamodb:leadingkeys=[u1]"])]
#[case::put(
    "PutItem", json!({"TableName": TABLE, "Item": {"id": {"S": "u1"}, "x": {"S": "y"}},
                      "ReturnValues": "ALL_OLD"}),
    &["dynamodb:PutItem arn:aws:dynamodb:eu-west-1:123456789012:table/t \
       dynamodb:attributes=[id,x] dynamodb:leadingkeys=[u1] dynamodb:returnvalues=ALL_OLD"])]
#[case::query(
    "Query", json!({"TableName": "t", "KeyConditionExpression": "#k = :v AND begins_with(sort, :s)",
                    "ExpressionAttributeNames": {"#k": "id"},
                    "ExpressionAttributeValues": {":v": {"S": "u1"}, ":s": {"S": "a"}},
                    "Select": "COUNT"}),
    &["dynamodb:Query arn:aws:dynamodb:eu-west-1:123456789012:table/t \
       dynamodb:attributes=[id,sort] dynamodb:leadingkeys=[u1] dynamodb:select=COUNT"])]
#[case::query_on_an_index(
    "Query", json!({"TableName": "t", "IndexName": "i", "KeyConditionExpression": "other=:v",
                    "ExpressionAttributeValues": {":v": {"N": "7"}}}),
    &["dynamodb:Query arn:aws:dynamodb:eu-west-1:123456789012:table/t/index/i \
       dynamodb:attributes=[other] dynamodb:leadingkeys=[7]"])]
#[case::scan("Scan", json!({"TableName": "tagged"}),
    &["dynamodb:Scan arn:aws:dynamodb:eu-west-1:123456789012:table/tagged aws:resourcetag/team=a"])]
#[case::update(
    "UpdateItem", json!({"TableName": "t", "Key": {"id": {"S": "u1"}},
                         "UpdateExpression": "SET price = if_not_exists(price, :p) REMOVE old"}),
    &["dynamodb:UpdateItem arn:aws:dynamodb:eu-west-1:123456789012:table/t \
       dynamodb:attributes=[id,old,price] dynamodb:leadingkeys=[u1]"])]
#[case::batch_write(
    "BatchWriteItem",
    json!({"RequestItems": {
        "t": [{"PutRequest": {"Item": {"id": {"S": "a"}}}}, {"DeleteRequest": {"Key": {"id": {"S": "b"}}}}],
        "u": [{"PutRequest": {"Item": {"id": {"S": "c"}}}}]}}),
    &[
        "dynamodb:BatchWriteItem arn:aws:dynamodb:eu-west-1:123456789012:table/t \
         dynamodb:attributes=[id] dynamodb:leadingkeys=[a,b]",
        "dynamodb:BatchWriteItem arn:aws:dynamodb:eu-west-1:123456789012:table/u \
         dynamodb:attributes=[id] dynamodb:leadingkeys=[c]",
    ])]
#[case::transaction(
    "TransactWriteItems",
    json!({"TransactItems": [
        {"ConditionCheck": {"TableName": "t", "Key": {"id": {"S": "a"}}, "ConditionExpression": "x = :y"}},
        {"Delete": {"TableName": "u", "Key": {"id": {"S": "b"}}}}]}),
    &[
        "dynamodb:ConditionCheckItem arn:aws:dynamodb:eu-west-1:123456789012:table/t \
         dynamodb:attributes=[id,x] dynamodb:enclosingoperation=TransactWriteItems \
         dynamodb:leadingkeys=[a]",
        "dynamodb:DeleteItem arn:aws:dynamodb:eu-west-1:123456789012:table/u \
         dynamodb:attributes=[id] dynamodb:enclosingoperation=TransactWriteItems \
         dynamodb:leadingkeys=[b]",
    ])]
#[case::partiql_select(
    "ExecuteStatement",
    json!({"Statement": "select * from \"t\".\"i\" where other = ?", "Parameters": [{"S": "x"}]}),
    &["dynamodb:PartiQLSelect arn:aws:dynamodb:eu-west-1:123456789012:table/t/index/i \
       dynamodb:fulltablescan=false dynamodb:leadingkeys=[x]"])]
#[case::partiql_batch(
    "BatchExecuteStatement",
    json!({"Statements": [
        {"Statement": "INSERT INTO t VALUE {'id': 'a', 'x': 1}"},
        {"Statement": "UPDATE \"t\" SET x = 2 WHERE id = 'b'"},
        {"Statement": "DELETE FROM t WHERE id IN ['a','b']"}]}),
    &[
        "dynamodb:PartiQLInsert arn:aws:dynamodb:eu-west-1:123456789012:table/t \
         dynamodb:leadingkeys=[a]",
        "dynamodb:PartiQLUpdate arn:aws:dynamodb:eu-west-1:123456789012:table/t \
         dynamodb:leadingkeys=[b]",
        "dynamodb:PartiQLDelete arn:aws:dynamodb:eu-west-1:123456789012:table/t \
         dynamodb:leadingkeys=[a,b]",
    ])]
#[case::create_table(
    "CreateTable", json!({"TableName": "t", "Tags": [{"Key": "k", "Value": "v"}]}),
    &[
        "dynamodb:CreateTable arn:aws:dynamodb:eu-west-1:123456789012:table/t aws:requesttag/k=v \
         aws:tagkeys=[k]",
        "dynamodb:TagResource arn:aws:dynamodb:eu-west-1:123456789012:table/t aws:requesttag/k=v \
         aws:tagkeys=[k]",
    ])]
#[case::tags_by_arn("ListTagsOfResource", json!({"ResourceArn": TABLE}),
    &["dynamodb:ListTagsOfResource arn:aws:dynamodb:eu-west-1:123456789012:table/t"])]
#[case::listing("ListTables", json!({}), &["dynamodb:ListTables * (arn:aws:dynamodb:eu-west-1:123456789012:table/*)"])]
#[tokio::test]
async fn dynamodb_requires(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] expected: &[&str],
) {
    expect(Service::DynamoDb, operation, input, expected).await;
}

#[rstest]
#[case("SELECT * FROM t, u")]
#[case("SELECT * FROM t WHERE x IN (SELECT y FROM u)")]
#[case("SELECT * FROM t WHERE x = 'open")]
#[case("EXEC t")]
#[tokio::test]
async fn a_statement_that_is_not_understood_is_refused(#[case] statement: &str) {
    let input = json!({"Statement": statement});
    let refused = ask_as(&root(), Service::DynamoDb, "ExecuteStatement", input).await.unwrap_err();
    let RequirementsError::Service(error) = refused else { panic!("the service refuses it") };
    assert_eq!(error.code, "ValidationException");
}

#[tokio::test]
async fn a_resource_policy_that_would_not_be_obeyed_is_refused() {
    let input = json!({"TableName": "t", "ResourcePolicy": "{}"});
    let refused = ask_as(&root(), Service::DynamoDb, "CreateTable", input).await.unwrap_err();
    let expected = RequirementsError::Unmapped {
        service: "dynamodb",
        operation: "CreateTable",
        reason: String::new(),
    };
    assert_eq!(refused, expected);
}
