//! What the guard refuses to store as AWS does, where an upstream would take it.

use super::*;

/// A managed policy needs the present version of the language; an inline one
/// may be older.
#[rstest::rstest]
#[case::managed("CreatePolicy", "2008-10-17", true)]
#[case::managed_without("CreatePolicyVersion", "", true)]
#[case::managed_now("CreatePolicy", "2012-10-17", false)]
#[case::inline("PutRolePolicy", "2008-10-17", false)]
#[case::inline_without("PutRolePolicy", "", false)]
#[tokio::test]
async fn a_managed_policy_says_version_2012(
    #[case] operation: &str,
    #[case] version: &str,
    #[case] refused: bool,
) {
    let mut document = json!({"Version": version,
        "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}});
    if version.is_empty() {
        document.as_object_mut().unwrap().remove("Version");
    }
    let document = document.to_string();
    let input = match operation {
        "CreatePolicy" => json!({"PolicyName": "p", "PolicyDocument": document}),
        "PutRolePolicy" => {
            json!({"RoleName": "app", "PolicyName": "p", "PolicyDocument": document})
        }
        _ => {
            let arn = "arn:aws:iam::123456789012:policy/p";
            json!({"PolicyArn": arn, "PolicyDocument": document})
        }
    };
    let stage = Stage::new().await;
    let app = stage.role(&allow("iam:*"));
    let answer = stage.call(&app, operation, input).await;
    assert_eq!(stage.upstream.seen(operation).len(), usize::from(!refused));
    if refused {
        let error = answer.unwrap_err();
        assert_eq!((&*error.code, error.status), ("MalformedPolicyDocument", 400));
        assert_eq!(error.message, "Policy document must be version 2012-10-17 or greater.");
        let entry = stage.last_entry();
        assert_eq!(entry.outcome, Ending::Refused);
        // The place is for the journal.
        assert_eq!(
            entry.explanation.as_deref(),
            Some("Policy document must be version 2012-10-17 or greater (line 1, column 1)")
        );
    } else {
        assert_eq!(stage.last_entry().outcome, Ending::Allowed);
    }
}

/// A document of so many characters that are no white space, and many that are.
fn of_size(principal: bool, size: usize) -> String {
    let document = |fill: &str| {
        let mut statement = json!({"Sid": fill, "Effect": "Allow", "Action": "sts:AssumeRole"});
        if principal {
            statement["Principal"] = json!({"Service": "lambda.amazonaws.com"});
        } else {
            statement["Resource"] = json!("*");
        }
        json!({"Version": "2012-10-17", "Statement": statement}).to_string()
    };
    let text = document(&"A".repeat(size - document("").len()));
    assert_eq!(text.len(), size);
    text.replacen('{', &format!("{{{}", " ".repeat(20_000)), 1)
}

#[rstest::rstest]
#[case::policy("CreatePolicy", 6_144, "Cannot exceed quota for PolicySize: 6144")]
#[case::version("CreatePolicyVersion", 6_144, "Cannot exceed quota for PolicySize: 6144")]
#[case::role("CreateRole", 2_048, "Cannot exceed quota for ACLSizePerRole: 2048")]
#[case::trust("UpdateAssumeRolePolicy", 2_048, "Cannot exceed quota for ACLSizePerRole: 2048")]
#[case::inline("PutRolePolicy", 10_240, "Maximum policy size of 10240 bytes exceeded for role app")]
#[case::user("PutUserPolicy", 2_048, "Maximum policy size of 2048 bytes exceeded for user alice")]
#[case::group("PutGroupPolicy", 5_120, "Maximum policy size of 5120 bytes exceeded for group g")]
#[tokio::test]
async fn documents_are_as_long_as_iam_stores(
    #[case] operation: &str,
    #[case] limit: usize,
    #[case] message: &str,
) {
    let stage = Stage::new().await;
    stage.role(&allow("iam:*"));
    for (size, fits) in [(limit, true), (limit + 1, false)] {
        let document = of_size(operation.contains("Role") && operation != "PutRolePolicy", size);
        let input = match operation {
            "CreatePolicy" => json!({"PolicyName": "p", "PolicyDocument": document}),
            "CreatePolicyVersion" => json!({
                "PolicyArn": "arn:aws:iam::123456789012:policy/p", "PolicyDocument": document,
            }),
            "CreateRole" => json!({"RoleName": "new", "AssumeRolePolicyDocument": document}),
            "UpdateAssumeRolePolicy" => json!({"RoleName": "app", "PolicyDocument": document}),
            "PutRolePolicy" => {
                // The policy that stands there already is replaced.
                json!({"RoleName": "app", "PolicyName": "own", "PolicyDocument": document})
            }
            "PutUserPolicy" => {
                json!({"UserName": "alice", "PolicyName": "p", "PolicyDocument": document})
            }
            _ => json!({"GroupName": "g", "PolicyName": "p", "PolicyDocument": document}),
        };
        let answer = stage.call(&root(), operation, input).await;
        if fits {
            assert_eq!(stage.last_entry().outcome, Ending::Allowed, "{answer:?}");
        } else {
            let error = answer.unwrap_err();
            assert_eq!((&*error.code, error.status), ("LimitExceeded", 409));
            assert_eq!(error.message, message);
            assert_eq!(stage.last_entry().outcome, Ending::Refused);
        }
    }
    assert_eq!(stage.upstream.seen(operation).len(), 1);
}

/// What other policies of the role take up counts.
#[tokio::test]
async fn inline_policies_count_together() {
    let stage = Stage::new().await;
    stage.role(&allow("iam:*"));
    let input = json!({
        "RoleName": "app", "PolicyName": "second", "PolicyDocument": of_size(false, 10_200),
    });
    let error = stage.call(&root(), "PutRolePolicy", input).await.unwrap_err();
    assert_eq!(
        (&*error.code, &*error.message),
        ("LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role app")
    );
    let input = json!({
        "RoleName": "app", "PolicyName": "second", "PolicyDocument": of_size(false, 10_000),
    });
    let _ = stage.call(&root(), "PutRolePolicy", input).await;
    assert_eq!(stage.last_entry().outcome, Ending::Allowed);
}

const PATTERN: &str = "1 validation error detected: Value at 'policyDocument' failed to satisfy \
                       constraint: Member must satisfy regular expression pattern: \
                       [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+";

#[rstest::rstest]
#[case::star(json!("*"), "S", Err(("MalformedPolicyDocument", "AssumeRolepolicy contained an invalid principal: \"STAR\":\"*\".")))]
#[case::aws_star(json!({"AWS": "*"}), "S", Ok(()))]
#[case::latin(json!({"AWS": "*"}), "S", Ok(()))]
#[case::beyond(json!({"AWS": "*"}), "\u{0100}", Err(("ValidationError", PATTERN)))]
#[tokio::test]
async fn a_trust_policy_is_as_iam_takes_it(
    #[case] principal: Value,
    #[case] id: &str,
    #[case] expected: Result<(), (&str, &str)>,
) {
    let stage = Stage::new().await;
    stage.role(&allow("iam:*"));
    let document = json!({"Version": "2012-10-17", "Id": id, "Statement": {
        "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}});
    let input = json!({"RoleName": "app", "PolicyDocument": document.to_string()});
    let answer = stage.call(&root(), "UpdateAssumeRolePolicy", input).await;
    let found = answer.map(drop).map_err(|error| (error.code, error.message));
    assert_eq!(
        found.as_ref().map_err(|(code, message)| (code.as_ref(), message.as_ref())),
        expected.as_ref().map(|()| &()).map_err(|error| *error)
    );
}

#[rstest::rstest]
#[case::allow("Allow", "k", Some("Allow with NotPrincipal is not allowed."))]
#[case::deny("Deny", "k", None)]
#[case::too_long(
    "Deny",
    "K",
    Some("Normalized policy document exceeds the maximum allowed size of 20480 bytes")
)]
#[tokio::test]
async fn a_bucket_policy_is_as_s3_takes_it(
    #[case] effect: &str,
    #[case] key: &str,
    #[case] message: Option<&str>,
) {
    let stage = Stage::new().await;
    let key = if key == "K" { key.repeat(20_480) } else { key.to_owned() };
    let document = json!({"Version": "2012-10-17", "Statement": {
        "Effect": effect, "NotPrincipal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::bucket/{key}")}});
    let document = Bytes::from(document.to_string());
    let input = json!({"Bucket": "bucket"});
    let (key, client) = (root(), &stage.client);
    let answer = client.exchange(&key, Service::S3, "PutBucketPolicy", input, Some(document));
    let answer = answer.await.unwrap();
    let body = String::from_utf8_lossy(answer.body());
    match message {
        Some(message) => {
            assert_eq!(answer.status(), 400);
            assert!(body.contains("<Code>MalformedPolicy</Code>"), "{body}");
            assert!(body.contains(&format!("<Message>{message}</Message>")), "{body}");
            assert_eq!(stage.last_entry().outcome, Ending::Refused);
        }
        None => assert_eq!(stage.last_entry().outcome, Ending::Allowed),
    }
}

/// What AWS takes and the upstream does not is kept all the same, decides, and
/// is shown as it was given.
#[tokio::test]
async fn what_the_upstream_does_not_take_is_carried() {
    let stage = Stage::new().await;
    let app = stage.role(&allow("iam:GetRole"));
    stage.upstream.state.lock().unwrap().narrow = true;
    let old = r#"{"Version":"2008-10-17","Statement":{"Sid":"Old","Effect":"Deny","Action":"iam:GetRole","Resource":"*"}}"#;
    let input = json!({"RoleName": "app", "PolicyName": "old", "PolicyDocument": old});
    stage.call(&app, "GetRole", get_app()).await.unwrap();
    stage.call(&root(), "PutRolePolicy", input).await.unwrap();
    assert_eq!(stage.last_entry().outcome, Ending::Allowed);
    // Refused once, and then inside another.
    let seen = stage.upstream.seen("PutRolePolicy");
    let sent: Vec<String> = seen.iter().map(|seen| seen.field("PolicyDocument").unwrap()).collect();
    assert_eq!(sent[0], old);
    assert!(sent[1].contains("2012-10-17") && !sent[1].contains("GetRole"), "{}", sent[1]);
    assert_eq!(sent.len(), 2);

    let error = stage.call(&app, "GetRole", get_app()).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("AccessDenied", 403));
    let check = stage.last_entry().checks[0].clone();
    assert_eq!(check.statements[0].sid.as_deref(), Some("Old"));
    assert_eq!(check.statements[0].policy, "old");

    let input = json!({"RoleName": "app", "PolicyName": "old"});
    let shown = stage.call(&root(), "GetRolePolicy", input).await.unwrap();
    let text = shown["PolicyDocument"].as_str().unwrap();
    assert_eq!(percent_encoding::percent_decode_str(text).decode_utf8().unwrap(), old);

    // Who stores such a document by hand would get past what is validated.
    let input = json!({"RoleName": "app", "PolicyName": "own", "PolicyDocument": sent[1]});
    let error = stage.call(&root(), "PutRolePolicy", input).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("MalformedPolicyDocument", 400));
    assert_eq!(stage.last_entry().outcome, Ending::Refused);
}

/// What stands there and cannot be read can still be replaced.
#[tokio::test]
async fn an_unreadable_policy_is_not_counted() {
    let stage = Stage::new().await;
    stage.role("no policy");
    let put = |name: &str, size| {
        let document = of_size(false, size);
        json!({"RoleName": "app", "PolicyName": name, "PolicyDocument": document})
    };
    let error = stage.call(&root(), "PutRolePolicy", put("own", 10_241)).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("LimitExceeded", 409));
    stage.call(&root(), "PutRolePolicy", put("own", 10_240)).await.unwrap();
    assert_eq!(stage.upstream.seen("PutRolePolicy").len(), 1);
}

/// Policies show the id of a principal that was deleted, and cannot be stored with
/// it (<https://repost.aws/knowledge-center/iam-principal-policy>).
#[tokio::test]
async fn the_id_of_who_was_deleted_is_no_principal() {
    let stage = Stage::new().await;
    stage.bare_role("AROA1");
    let gone = Role { id: "AROAGONEGONEGONEGONE1".into(), trust: trust(), ..Role::default() };
    stage.upstream.role("gone", gone);
    stage.upstream.state.lock().unwrap().bucket_policy = Some(
        trusting("arn:aws:iam::123456789012:root")
            .replace("sts:AssumeRole\"", "s3:GetObject\",\"Resource\":\"arn:aws:s3:::bucket/*\""),
    );
    let put = async |principal: &str| {
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"AWS": principal}, "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::bucket/*"}]});
        let input = json!({"Bucket": "bucket", "Policy": policy.to_string()});
        stage.client.call(&root(), Service::S3, "PutBucketPolicy", input).await
    };
    put("AROAGONEGONEGONEGONE1").await.unwrap();
    stage.call_as_root("DeleteRole", json!({"RoleName": "gone"})).await.unwrap();
    let error = put("AROAGONEGONEGONEGONE1").await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("MalformedPolicy", 400));
    assert_eq!(error.message, "Invalid principal in policy");
    put("AROAOTHEROTHEROTHER12").await.unwrap();
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListEntitiesForPolicy.html>
#[rstest::rstest]
#[case::all(json!({}), &["attached", "app"], &["alice"])]
#[case::boundaries(json!({"PolicyUsageFilter": "PermissionsBoundary"}), &["app"], &["alice"])]
#[case::attachments(json!({"PolicyUsageFilter": "PermissionsPolicy"}), &["attached"], &[])]
#[case::of_users(json!({"EntityFilter": "User"}), &["attached"], &["alice"])]
#[case::of_a_path(json!({"PathPrefix": "/teams/"}), &["attached", "app"], &[])]
#[tokio::test]
async fn a_policys_entities_are_also_those_whose_boundary_it_is(
    #[case] asked: Value,
    #[case] roles: &[&str],
    #[case] users: &[&str],
) {
    const BOUNDARY: &str = "arn:aws:iam::123456789012:policy/boundary";
    let stage = Stage::new().await;
    let role = |boundary: Option<&str>| Role {
        id: "AROA1".into(),
        path: "teams/".into(),
        trust: trust(),
        boundary: boundary.map(str::to_owned),
        ..Role::default()
    };
    stage.upstream.role("app", role(Some(BOUNDARY)));
    stage.upstream.role("free", role(None));
    {
        let mut state = stage.upstream.state.lock().unwrap();
        let alice = upstream::User::default();
        state.users.insert("alice".into(), alice);
        state.policies.insert(BOUNDARY.into(), allow("iam:*"));
        let listed = |names: &[&str], member: &str| -> String {
            let members =
                names.iter().map(|name| format!("<member><{member}>{name}</{member}></member>"));
            members.collect()
        };
        let mut answers = |operation: &str, text: String| {
            state.answers.insert(operation.to_owned(), (200, text));
        };
        answers("ListRoles", format!("<Roles>{}</Roles>", listed(&["app", "free"], "RoleName")));
        answers("ListUsers", format!("<Users>{}</Users>", listed(&["alice"], "UserName")));
        let attached = listed(&["attached"], "RoleName");
        let text = format!("<PolicyRoles>{attached}</PolicyRoles><PolicyUsers/><PolicyGroups/>");
        answers("ListEntitiesForPolicy", text);
    }
    let bounded = json!({"UserName": "alice", "PermissionsBoundary": BOUNDARY});
    stage.call_as_root("PutUserPermissionsBoundary", bounded).await.unwrap();
    let mut input = json!({"PolicyArn": BOUNDARY});
    input.as_object_mut().unwrap().extend(asked.as_object().unwrap().clone());
    let told = stage.call_as_root("ListEntitiesForPolicy", input).await.unwrap();
    let names = |list: &str, member: &str| -> Vec<String> {
        let listed = told.get(list).and_then(Value::as_array);
        listed.into_iter().flatten().map(|one| one[member].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("PolicyRoles", "RoleName"), roles);
    assert_eq!(names("PolicyUsers", "UserName"), users, "{told}");
}

/// What the guard asks changes nothing, so that it can be asked again.
#[rstest::rstest]
#[case::once(1, None)]
#[case::twice(2, None)]
#[case::always(9, Some(500))]
#[tokio::test]
async fn an_upstream_that_fails_at_a_question_is_asked_again(
    #[case] failures: usize,
    #[case] refused: Option<u16>,
) {
    let stage = Stage::new().await;
    let app = stage.role(&allow("iam:GetRole"));
    stage.upstream.state.lock().unwrap().failing = failures;
    let answer = stage.call(&app, "GetRole", get_app()).await;
    assert_eq!(answer.err().map(|error| error.status), refused);
}

/// What it does may be done in part where the upstream fails.
#[tokio::test]
async fn an_upstream_that_fails_at_what_the_guard_does_is_asked_once() {
    let stage = Stage::new().await;
    let fails = (500, "<!doctype html>".to_owned());
    stage.upstream.state.lock().unwrap().answers.insert("CreateRole".to_owned(), fails);
    let input = json!({"AWSServiceName": "batch.amazonaws.com"});
    let error = stage.call_as_root("CreateServiceLinkedRole", input).await.unwrap_err();
    assert_eq!((error.status, stage.upstream.seen("CreateRole").len()), (500, 1));
}
