//! What of IAM is kept and answered by the guard itself.

use super::*;

const BOUNDARY: &str = "arn:aws:iam::123456789012:policy/boundary";

fn alice() -> Credentials {
    Credentials {
        access_key_id: "AKIAEXAMPLEEXAMPLE00".into(),
        secret_access_key: Secret::new("canary-user-secret"),
        session_token: None,
        expiration: None,
    }
}

/// A stage with a boundary that allows `iam:GetUser`.
async fn stage() -> Stage {
    let stage = Stage::new().await;
    let policies = [(BOUNDARY.to_owned(), allow("iam:GetUser"))];
    stage.upstream.state.lock().unwrap().policies.extend(policies);
    stage
}

/// Recorded on AWS in LocalStack's `test_create_user_with_permission_boundary` and
/// `test_create_user_add_permission_boundary_afterwards`.
#[tokio::test]
async fn a_users_boundary_is_kept_shown_and_limits() {
    let stage = stage().await;
    let named = || json!({"UserName": "alice"});
    let shown = json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": BOUNDARY});
    let create = json!({"UserName": "alice", "PermissionsBoundary": BOUNDARY});
    let made = stage.call(&root(), "CreateUser", create).await.unwrap();
    assert_eq!(made["User"]["PermissionsBoundary"], shown);
    let policy = allow("iam:*");
    let put = json!({"UserName": "alice", "PolicyName": "own", "PolicyDocument": policy});
    stage.call(&root(), "PutUserPolicy", put).await.unwrap();
    stage.call(&root(), "CreateAccessKey", named()).await.unwrap();

    let got = stage.call(&alice(), "GetUser", named()).await.unwrap();
    assert_eq!(got["User"]["PermissionsBoundary"], shown);
    let error = stage.call(&alice(), "ListRoles", json!({})).await.unwrap_err();
    assert_eq!((error.status, &*error.code), (403, "AccessDenied"));
    assert!(
        error.message.ends_with("because no permissions boundary allows the iam:ListRoles action"),
        "{error}"
    );

    stage.call(&root(), "DeleteUserPermissionsBoundary", named()).await.unwrap();
    let got = stage.call(&alice(), "GetUser", named()).await.unwrap();
    assert_eq!(got["User"].get("PermissionsBoundary"), None);
    stage.call(&alice(), "ListRoles", json!({})).await.unwrap();

    let put = json!({"UserName": "alice", "PermissionsBoundary": BOUNDARY});
    stage.call(&root(), "PutUserPermissionsBoundary", put).await.unwrap();
    let error = stage.call(&alice(), "ListRoles", json!({})).await.unwrap_err();
    assert_eq!(error.code, "AccessDenied");
    assert_eq!(stage.last_entry().checks[0].layer, "boundary");

    stage.call(&root(), "DeleteUserPermissionsBoundary", named()).await.unwrap();
    let create = json!({"UserName": "carol", "PermissionsBoundary": BOUNDARY});
    stage.call(&root(), "CreateUser", create).await.unwrap();
    let policy = || json!({"PolicyArn": BOUNDARY});
    let error = stage.call(&root(), "DeletePolicy", policy()).await.unwrap_err();
    assert_eq!((error.status, &*error.code), (409, "DeleteConflict"));
    stage.call(&root(), "DeleteUser", json!({"UserName": "carol"})).await.unwrap();
    stage.call(&root(), "DeletePolicy", policy()).await.unwrap();
}

#[tokio::test]
async fn a_boundary_must_be_there_and_so_must_the_user() {
    let stage = stage().await;
    let gone = "arn:aws:iam::123456789012:policy/gone";
    let put = json!({"UserName": "alice", "PermissionsBoundary": gone});
    let error = stage.call(&root(), "PutUserPermissionsBoundary", put).await.unwrap_err();
    assert_eq!(
        (error.status, &*error.code, &*error.message),
        (404, "NoSuchEntity", &*format!("Scope ARN: {gone} does not exist or is not attachable."))
    );
    stage.call(&root(), "DeleteUser", json!({"UserName": "bob"})).await.unwrap();
    let put = json!({"UserName": "bob", "PermissionsBoundary": BOUNDARY});
    let error = stage.call(&root(), "PutUserPermissionsBoundary", put).await.unwrap_err();
    assert_eq!(
        (error.status, &*error.code, &*error.message),
        (404, "NoSuchEntity", "The user with name bob cannot be found.")
    );
}

/// Recorded on AWS in LocalStack's `test_role_attach_policy` and
/// `test_delete_non_existent_policy_returns_no_such_entity`.
#[tokio::test]
async fn a_policy_is_named_by_an_arn_and_told_in_iams_words() {
    let stage = stage().await;
    stage.role(&allow("iam:*"));
    for (operation, more) in [
        ("AttachRolePolicy", json!({"RoleName": "app"})),
        ("ListPolicyVersions", json!({})),
        ("SetDefaultPolicyVersion", json!({"VersionId": "v1"})),
    ] {
        let mut named = more;
        named["PolicyArn"] = "longpolicynamebutnoarn".into();
        let error = stage.call(&root(), operation, named).await.unwrap_err();
        assert_eq!(
            (error.status, &*error.code, &*error.message),
            (400, "ValidationError", "Invalid ARN:  Could not be parsed!"),
            "{operation}"
        );
    }
    let arn = "arn:aws:iam::123456789012:policy/gone";
    let error = stage.call(&root(), "GetPolicy", json!({"PolicyArn": arn})).await.unwrap_err();
    assert_eq!(
        (error.status, &*error.code, &*error.message),
        (404, "NoSuchEntity", &*format!("Policy {arn} was not found."))
    );
}

/// Recorded on AWS in LocalStack's `TestIAMServiceRoles`.
#[tokio::test]
async fn a_service_linked_role_is_made_protected_and_deleted() {
    let stage = Stage::new().await;
    let create = |input: Value| stage.call_as_root("CreateServiceLinkedRole", input);
    let batch = json!({"AWSServiceName": "batch.amazonaws.com"});
    let made = create(batch.clone()).await.unwrap();
    assert_eq!(made["Role"]["RoleName"], "AWSServiceRoleForBatch");
    assert_eq!(made["Role"].get("MaxSessionDuration"), None);
    let name = json!({"RoleName": "AWSServiceRoleForBatch"});
    let got = stage.call(&root(), "GetRole", name.clone()).await.unwrap();
    assert_eq!(
        got["Role"]["Arn"],
        "arn:aws:iam::123456789012:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
    );
    assert_eq!(got["Role"]["RoleLastUsed"], "");

    let error = create(batch).await.unwrap_err();
    assert_eq!(
        (error.status, &*error.code, &*error.message),
        (
            400,
            "InvalidInput",
            "Service role name AWSServiceRoleForBatch has been taken in this account, please try \
             a different suffix."
        )
    );
    let suffixed = json!({"AWSServiceName": "ecs.amazonaws.com", "CustomSuffix": "x"});
    let error = create(suffixed).await.unwrap_err();
    assert_eq!(
        (error.status, &*error.code, &*error.message),
        (400, "InvalidInput", "Custom suffix is not allowed for ecs.amazonaws.com")
    );

    for operation in ["DeleteRole", "DeleteRolePermissionsBoundary"] {
        let error = stage.call(&root(), operation, name.clone()).await.unwrap_err();
        assert_eq!((error.status, &*error.code), (400, "UnmodifiableEntity"), "{operation}");
    }
    let like = json!({
        "RoleName": "look-alike", "Path": "/aws-service-role/batch.amazonaws.com/",
        "AssumeRolePolicyDocument": trust(),
    });
    let error = stage.call(&root(), "CreateRole", like).await.unwrap_err();
    assert_eq!((error.status, &*error.code), (400, "InvalidInput"));

    let deleted = stage.call(&root(), "DeleteServiceLinkedRole", name.clone()).await.unwrap();
    let task = deleted["DeletionTaskId"].as_str().unwrap();
    assert!(
        task.starts_with("task/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch/"),
        "{task}"
    );
    let status = json!({"DeletionTaskId": task});
    let status = stage.call(&root(), "GetServiceLinkedRoleDeletionStatus", status).await.unwrap();
    assert_eq!(status["Status"], "SUCCEEDED");
    let error = stage.call(&root(), "GetRole", name).await.unwrap_err();
    assert_eq!(error.code, "NoSuchEntity");
}

/// Recorded on AWS in LocalStack's `TestIAMServiceSpecificCredentials`.
#[tokio::test]
async fn a_users_service_credentials_are_made_listed_changed_and_deleted() {
    let stage = stage().await;
    let codecommit = "codecommit.amazonaws.com";
    let of = |service: &str| json!({"UserName": "alice", "ServiceName": service});
    let call = async |operation: &str, input: Value| stage.call(&root(), operation, input).await;
    let told = |answer: Result<Value, ServiceError>| {
        let error = answer.unwrap_err();
        (error.status, error.code.into_owned(), error.message)
    };
    call("CreateUser", json!({"UserName": "alice"})).await.unwrap();

    call("DeleteUser", json!({"UserName": "nobody"})).await.unwrap();
    let nobody = json!({"UserName": "nobody", "ServiceName": "x.amazonaws.com"});
    let missing = "The user with name nobody cannot be found.".to_owned();
    let refused = told(call("CreateServiceSpecificCredential", nobody).await);
    assert_eq!(refused, (404, "NoSuchEntity".to_owned(), missing));
    let message =
        "No such service lambda.amazonaws.com is supported for Service Specific Credentials";
    for operation in ["CreateServiceSpecificCredential", "ListServiceSpecificCredentials"] {
        let refused = told(call(operation, of("lambda.amazonaws.com")).await);
        assert_eq!(refused, (404, "NoSuchEntity".to_owned(), message.to_owned()));
    }

    let made = call("CreateServiceSpecificCredential", of(codecommit)).await.unwrap();
    let made = &made["ServiceSpecificCredential"];
    assert_eq!(made["ServiceUserName"], "alice-at-123456789012");
    assert_eq!(made["Status"], "Active");
    assert_eq!(made["ServicePassword"].as_str().unwrap().len(), 44);
    let id = made["ServiceSpecificCredentialId"].as_str().unwrap();
    assert!(id.starts_with("ACCA") && id.len() == 21, "{id}");
    let named = |id: &str| json!({"UserName": "alice", "ServiceSpecificCredentialId": id});
    let mut update = named(id);
    update["Status"] = "Inactive".into();
    call("UpdateServiceSpecificCredential", update.clone()).await.unwrap();
    let listed = call("ListServiceSpecificCredentials", of(codecommit)).await.unwrap();
    let listed = &listed["ServiceSpecificCredentials"];
    assert_eq!(
        (&listed[0]["Status"], listed[0].get("ServicePassword")),
        (&json!("Inactive"), None)
    );
    let other =
        call("ListServiceSpecificCredentials", of("cassandra.amazonaws.com")).await.unwrap();
    assert_ne!(&other["ServiceSpecificCredentials"], listed);
    let reset = call("ResetServiceSpecificCredential", named(id)).await.unwrap();
    assert_ne!(reset["ServiceSpecificCredential"]["ServicePassword"], made["ServicePassword"]);

    update["Status"] = "Broken".into();
    let refused = told(call("UpdateServiceSpecificCredential", update).await);
    assert_eq!((refused.0, refused.1.as_str()), (400, "ValidationError"));
    let refused =
        told(call("DeleteServiceSpecificCredential", named("ACCAUNKNOWNUNKNOWN000")).await);
    let message = "No such credential ACCAUNKNOWNUNKNOWN000 exists".to_owned();
    assert_eq!(refused, (404, "NoSuchEntity".to_owned(), message));

    let user = || json!({"UserName": "alice"});
    let refused = told(call("DeleteUser", user()).await);
    let message = "Cannot delete entity, must remove referenced objects first.".to_owned();
    assert_eq!(refused, (409, "DeleteConflict".to_owned(), message));
    call("DeleteServiceSpecificCredential", named(id)).await.unwrap();
    call("DeleteUser", user()).await.unwrap();
}

/// "The user's access keys" are the user's under its new name, as its policies are
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users_rename.html>); the old name
/// is nobody's.
#[tokio::test]
async fn a_renamed_user_keeps_its_keys_and_policies() {
    let stage = Stage::new().await;
    stage.call(&root(), "CreateUser", json!({"UserName": "alice"})).await.unwrap();
    let put = json!({"UserName": "alice", "PolicyName": "own",
        "PolicyDocument": allow("iam:ListRoles")});
    stage.call(&root(), "PutUserPolicy", put).await.unwrap();
    stage.call(&root(), "CreateAccessKey", json!({"UserName": "alice"})).await.unwrap();
    stage.call(&alice(), "ListRoles", json!({})).await.unwrap();

    let rename = json!({"UserName": "alice", "NewUserName": "alicia"});
    stage.call(&root(), "UpdateUser", rename).await.unwrap();
    stage.call(&alice(), "ListRoles", json!({})).await.unwrap();
    assert_eq!(stage.last_entry().principal, "arn:aws:iam::123456789012:user/alicia");
    let error = stage.call(&alice(), "ListUsers", json!({})).await.unwrap_err();
    assert_eq!(error.code, "AccessDenied");
}

/// Nobody is asked about a call that is too long to be one.
#[tokio::test]
async fn too_many_tags_are_refused_before_anything_is_asked() {
    let stage = Stage::new().await;
    let tags = |count: usize| {
        let tags: Vec<_> =
            (0..count).map(|it| json!({"Key": it.to_string(), "Value": "v"})).collect();
        json!({"UserName": "bob", "Tags": tags})
    };
    let error = stage.call(&root(), "CreateUser", tags(51)).await.unwrap_err();
    assert_eq!((error.status, &*error.code), (400, "ValidationError"));
    assert!(
        error.message.ends_with(
            "at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50"
        ),
        "{error}"
    );
    assert_eq!(stage.upstream.state.lock().unwrap().users.len(), 0);
    stage.call(&root(), "CreateUser", tags(50)).await.unwrap();
}

/// "Tag key values for IAM users and roles are not case sensitive": a decision by either
/// of two would be by neither.
#[tokio::test]
async fn a_user_and_a_role_have_one_tag_under_a_key() {
    let stage = Stage::new().await;
    let tags = |other: &str| json!([{"Key": "team", "Value": "a"}, {"Key": other, "Value": "b"}]);
    let message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}]}"#;
    for (operation, whose) in [
        ("CreateUser", json!({"UserName": "bob"})),
        ("CreateRole", json!({"RoleName": "r", "AssumeRolePolicyDocument": trust})),
    ] {
        let with = |other: &str| {
            let mut input = whose.clone();
            input["Tags"] = tags(other);
            input
        };
        let error = stage.call(&root(), operation, with("TEAM")).await.unwrap_err();
        assert_eq!((error.status, &*error.code, &*error.message), (400, "InvalidInput", message));
        stage.call(&root(), operation, with("teams")).await.unwrap();
    }
    let error = stage
        .call(&root(), "TagUser", json!({"UserName": "bob", "Tags": tags("Team")}))
        .await
        .unwrap_err();
    assert_eq!((error.status, &*error.code, &*error.message), (400, "InvalidInput", message));
    let taken = json!({"UserName": "bob", "Tags": tags("role")});
    stage.call(&root(), "TagUser", taken).await.unwrap();
}
