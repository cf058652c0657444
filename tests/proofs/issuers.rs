//! Two issuers of each kind: GitHub and an Enterprise Server, two Okta servers.

use std::fs;
use std::path::{Path, PathBuf};
use std::slice::from_ref;

use ringfence::attacks::{Part, Suite};
use ringfence::mutations;
use ringfence_evidence::MutantVerdict;
use toml::{Table, Value};

use crate::estate::generate;
use crate::estates::held;
use crate::mutations::weakened;
use crate::stack::{root, with_estate};

const ENTERPRISE: &str = "https://github.example.com/_services/token";
const PARTNERS: &str = "https://dev-12345.okta.com/oauth2/partners";

/// An estate of two services of which the managed one has its workflows on
/// another GitHub and its callers from another Okta server.
fn two_of_each_kind(into: &Path) -> PathBuf {
    let file = generate(&root(), 2, into).unwrap();
    let edit = |name: &str, change: &dyn Fn(String) -> String| {
        let path = into.join("terraform").join(name);
        let before = fs::read_to_string(&path).unwrap();
        let after = change(before.clone());
        assert_ne!(before, after, "{name}");
        fs::write(path, after).unwrap();
    };
    let managed = "contains(keys(var.managed_services), each.key)";
    let host = ENTERPRISE.strip_prefix("https://").unwrap();
    edit("github.tf", &|text| {
        let github = "aws_iam_openid_connect_provider.github.arn";
        let enterprise = "aws_iam_openid_connect_provider.enterprise.arn";
        let text = text.replace(github, &format!("{managed} ? {enterprise} : {github}"));
        let text = text.replace(
            "\"${local.github_host}:",
            &format!("\"${{{managed} ? \"{host}\" : local.github_host}}:"),
        );
        format!(
            "{text}\nresource \"aws_iam_openid_connect_provider\" \"enterprise\" {{\n  url = \"{ENTERPRISE}\"\n  \
             client_id_list = [\"sts.amazonaws.com\"]\n}}\n"
        )
    });
    edit("api.tf", &|text| {
        format!(
            "{text}\nresource \"aws_apigatewayv2_authorizer\" \"partners\" {{\n  \
             api_id = aws_apigatewayv2_api.main.id\n  authorizer_type = \"JWT\"\n  \
             identity_sources = [\"$request.header.Authorization\"]\n  name = \"partners\"\n  \
             jwt_configuration {{\n    audience = [\"api://partners\"]\n    issuer = \"{PARTNERS}\"\n  }}\n}}\n"
        )
    });
    edit("managed_services.tf", &|text| {
        text.replace(
            "aws_apigatewayv2_authorizer.okta_jwt.id",
            "aws_apigatewayv2_authorizer.partners.id",
        )
    });
    let mut table: Table = toml::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let issuers = table["issuers"].as_array_mut().unwrap();
    for more in [
        format!(
            "kind = 'okta'\nurl = '{PARTNERS}'\naudience = 'api://partners'\nscopes = ['service-b02']"
        ),
        format!("kind = 'github'\nurl = '{ENTERPRISE}'"),
    ] {
        issuers.push(Value::Table(toml::from_str(&more).unwrap()));
    }
    for app in table["apps"].as_array_mut().unwrap() {
        let url = match app["name"].as_str() {
            Some("service-b02") => ENTERPRISE,
            _ => "https://token.actions.githubusercontent.com",
        };
        app.as_table_mut().unwrap().insert("issuer".to_owned(), url.into());
    }
    fs::write(&file, table.to_string()).unwrap();
    file
}

/// Each issuer's tokens are good in its own place and refused in the other's,
/// and what is weakened about either is noticed.
#[test]
fn of_two_issuers_of_each_kind_both_are_attacked() {
    with_estate(true, two_of_each_kind, async |stack| {
        let suite = Suite::of(stack).await.unwrap();
        let began = stack.guard().recording().unwrap().mark();
        let mut findings = Vec::new();
        for part in suite.parts() {
            if matches!(part, Part::Settings | Part::Tokens | Part::Trust(_)) {
                findings.extend(suite.run(part).await.unwrap());
            }
        }
        held(&findings);
        let ids: Vec<&str> = findings.iter().map(|finding| finding.id.as_str()).collect();
        let (okta, partners) =
            ("dev-12345.okta.com:oauth2:default", "dev-12345.okta.com:oauth2:partners");
        let (github, enterprise) =
            ("token.actions.githubusercontent.com", "github.example.com:_services:token");
        let (a, b) = ("GET /service-a01/{proxy+}", "GET /service-b02/{proxy+}");
        for expected in [
            "platform/authorizer-trusts/api".to_owned(),
            "platform/authorizer-trusts/partners/api".to_owned(),
            format!("client/valid/{a}"),
            format!("client/valid/{b}"),
            format!("client/other-issuers-token/{partners}/{a}"),
            format!("client/other-issuers-signature/{okta}/{b}"),
            format!("client/other-issuers-token/{github}/{a}"),
            format!("client/other-issuers-token/{enterprise}/{b}"),
            format!("client/withdrawn-key/{a}"),
            format!("client/withdrawn-key/{b}"),
            format!("deployer-service-a01/other-issuers-token/{enterprise}/oidc"),
            format!("deployer-service-a01/other-issuers-signature/{enterprise}/oidc"),
            format!("deployer-service-b02/other-issuers-token/{github}/oidc"),
            format!("deployer-service-b02/other-issuers-token/{partners}/oidc"),
        ] {
            assert!(ids.contains(&expected.as_str()), "no {expected} in {ids:#?}");
        }
        // Who refuses: the trust policy where the account knows the issuer, STS elsewhere.
        let observed =
            |id: String| findings.iter().find(|finding| finding.id == id).unwrap().observed.clone();
        let known = observed(format!("deployer-service-b02/other-issuers-token/{github}/oidc"));
        assert!(known.contains("AccessDenied"), "{known}");
        let unknown = observed(format!("deployer-service-b02/other-issuers-token/{okta}/oidc"));
        assert!(unknown.contains("InvalidIdentityToken"), "{unknown}");
        let all = mutations::ids(from_ref(&suite)).await.unwrap();
        let host = ENTERPRISE.strip_prefix("https://").unwrap();
        let chosen: Vec<String> = all
            .into_iter()
            .filter(|id| id.starts_with("authorizer/") || id.starts_with("oidc-provider/"))
            .collect();
        for expected in [
            "authorizer/okta-jwt/other-issuer".to_owned(),
            "authorizer/partners/other-issuer".to_owned(),
            "authorizer/partners/removed".to_owned(),
            format!("oidc-provider/{host}/audience-added"),
        ] {
            assert!(chosen.contains(&expected), "no {expected} in {chosen:#?}");
        }
        let done = weakened(&suite, &findings, began, &chosen).await;
        for mutant in &done.mutants {
            assert_eq!(mutant.verdict, MutantVerdict::Killed, "{}: {:?}", mutant.id, mutant.reason);
        }
    });
}
