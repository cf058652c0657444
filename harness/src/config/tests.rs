//! What a configuration says, and its errors with their places.

use rstest::rstest;

use super::*;

const EXAMPLE: &str = include_str!("../../../docs/ringfence.example.toml");

#[test]
fn the_documented_example_is_valid_and_paths_are_relative_to_the_file() {
    let config = Config::parse(EXAMPLE, Path::new("/etc/rf/ringfence.toml")).unwrap();
    assert_eq!(config.layer1[0].directory, Path::new("/etc/rf/terraform"));
    let app = config.app("service-a").unwrap();
    assert_eq!(app.directory, Path::new("/etc/rf/sam-apps/service-a"));
    assert_eq!(app.workflow, Path::new(".github/workflows/deploy.yml"));
    assert_eq!(app.repository.owner(), "example-org");
    assert_eq!(config.upstream.backend, Backend::Auto);
    assert_eq!(config.deployer("deployer-a").unwrap().app.get_ref(), "service-a");
}

#[test]
fn an_empty_configuration_has_the_documented_defaults() {
    let config = Config::parse("", Path::new("ringfence.toml")).unwrap();
    assert_eq!(config.account.id.as_str(), "123456789012");
    assert_eq!(config.account.region.as_str(), "us-east-1");
    assert_eq!(config.upstream.image, "localstack/localstack:4.14.0");
    assert!(config.layer1.is_empty() && config.apps.is_empty());
}

#[test]
fn layer1_is_one_root_module_or_several() {
    let text = "[layer1]\ndirectory='a/network'\nvariables={ x = 1 }\n";
    let one = Config::parse(text, Path::new("/e/r.toml")).unwrap().layer1;
    assert_eq!((one.len(), one[0].name()), (1, "network".to_owned()));
    let text = "[[layer1]]\ndirectory='network'\nworkspace='prod'\n\
        [[layer1]]\nname='app'\ndirectory='b'\nreads={ 'net.tfstate' = 'network' }\n";
    let several = Config::parse(text, Path::new("/e/r.toml")).unwrap().layer1;
    let names: Vec<String> = several.iter().map(Layer1::name).collect();
    assert_eq!(names, ["network", "app"]);
    assert_eq!(several[0].workspace.as_deref(), Some("prod"));
    assert_eq!(several[1].reads["net.tfstate"].get_ref(), "network");
    assert_eq!(several[1].directory, Path::new("/e/b"));
}

#[test]
fn layer1_is_a_template_too_whose_stack_has_a_name() {
    let text = "[[layer1]]\nkind='cloudformation'\ntemplate='cfn/platform.yaml'\n\
        variables={ Size = 1 }\n[[layer1]]\ndirectory='b'\n";
    let several = Config::parse(text, Path::new("/e/r.toml")).unwrap().layer1;
    let template = several[0].template.as_ref().unwrap();
    assert_eq!(template.file, Path::new("/e/cfn/platform.yaml"));
    assert_eq!(
        (several[0].name(), template.stack_name(&several[0])),
        ("platform".to_owned(), "platform".to_owned())
    );
    assert_eq!(several[0].directory, Path::new("/e/cfn"));
    assert!(several[1].is_terraform());
}

#[test]
fn an_app_names_one_of_several_issuers_and_has_the_only_one_without() {
    let app = "[[apps]]\nname='a'\ndirectory='a'\nrepository='o/r'\n";
    let issuer = |kind, url| format!("[[issuers]]\nkind='{kind}'\nurl='{url}'\n");
    let of = |text: &str| {
        let config = Config::parse(text, Path::new("r.toml")).unwrap();
        let issuer = config.issuer_of(config.app("a").unwrap());
        (issuer.unwrap().url.get_ref().clone(), config.issuer(IssuerKind::Github).is_some())
    };
    let (one, other) = (issuer("github", "https://a"), issuer("github", "https://b"));
    assert_eq!(of(&format!("{one}{app}")), ("https://a".to_owned(), true));
    let named = format!("{one}{other}{app}issuer='https://b'\n");
    assert_eq!(of(&named), ("https://b".to_owned(), false));
}

#[test]
fn an_organization_has_policies_of_both_kinds_and_the_accounts_place() {
    let text = "[account.organization]\npath='o-a1b2c3d4e5/r-ab12/'\nmanagement_account='999999999999'\n\
        [[organization]]\npolicies=['scp.json']\n\
        [[organization]]\nresource_control=['rcp.json']\n\
        [[vpc_endpoints]]\npolicy='s3.json'\nservices=['s3']\ncallers=['role/a*']";
    let config = Config::parse(text, Path::new("/etc/rf/r.toml")).unwrap();
    let [first, second] = &config.organization[..] else { panic!("two levels") };
    assert_eq!(first.policies, Some(vec![PathBuf::from("/etc/rf/scp.json")]));
    assert_eq!(first.resource_control, Vec::<PathBuf>::new());
    assert_eq!(second.policies, None);
    assert_eq!(second.resource_control, [Path::new("/etc/rf/rcp.json")]);
    let [endpoint] = &config.vpc_endpoints[..] else { panic!("one endpoint") };
    assert_eq!(endpoint.policy, Path::new("/etc/rf/s3.json"));
    assert_eq!((&*endpoint.services[0], &*endpoint.callers[0]), ("s3", "role/a*"));
    let membership = config.account.organization.unwrap().membership().unwrap();
    let same = ringfence_guard::Membership::new("o-a1b2c3d4e5/r-ab12/", "999999999999");
    assert_eq!(membership, same.unwrap());
}

const TWO: &str = "[account]\nid='111122223333'\n\
    [account.organization]\npath='o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/'\nmanagement_account='999999999999'\n\
    [[accounts]]\nname='workloads'\nid='444455556666'\n\
    [accounts.organization]\npath='o-a1b2c3d4e5/r-ab12/ou-ab12-22222222/'\nmanagement_account='999999999999'\n";

#[test]
fn a_level_of_the_organization_is_above_the_accounts_below_it() {
    let text = format!(
        "{TWO}[[organization]]\npolicies=['all.json']\n\
         [[organization]]\nat='r-ab12'\npolicies=['root.json']\n\
         [[organization]]\nat='ou-ab12-22222222'\npolicies=['unit.json']\n\
         [[organization]]\nat='111122223333'\npolicies=['own.json']\n\
         [[layer1]]\nname='a'\ndirectory='a'\n[[layer1]]\nname='b'\ndirectory='b'\naccount='workloads'\n\
         [[layer1]]\nname='c'\ndirectory='c'\naccount='444455556666'\n"
    );
    let config = Config::parse(&text, Path::new("r.toml")).unwrap();
    fn files<'c>(levels: impl Iterator<Item = &'c OrganizationLevel>) -> Vec<String> {
        let paths = levels.flat_map(|level| level.policies.iter().flatten());
        paths.map(|path| path.display().to_string()).collect()
    }
    assert_eq!(files(config.levels()), ["all.json", "root.json", "own.json"]);
    let other = &config.accounts[0];
    let above = config.levels_above(other.id.get_ref().as_str(), other.organization.as_ref());
    assert_eq!(files(above), ["all.json", "root.json", "unit.json"]);
    let applied = config.layer1.iter().map(|layer1| config.account_of(layer1));
    assert_eq!(applied.collect::<Vec<_>>(), ["111122223333", "444455556666", "444455556666"]);
    assert_eq!(other.line, 7);
}

#[rstest]
#[case::id(
    "[[accounts]]\nname='again'\nid='111122223333'",
    "r.toml:14:4: the account 111122223333 is given twice"
)]
#[case::name(
    "[[accounts]]\nname='workloads'\nid='777788889999'",
    "r.toml:13:6: account `workloads` is given twice"
)]
#[case::place(
    "[[organization]]\nat='ou-ab12-33333333'",
    "r.toml:13:4: no account here is below `ou-ab12-33333333`: the `path` of each says which roots and organizational units are above it"
)]
#[case::no_organization_is_a_place(
    "[[organization]]\nat='o-a1b2c3d4e5'",
    "r.toml:13:4: no account here is below `o-a1b2c3d4e5`"
)]
#[case::root_module(
    "[[layer1]]\ndirectory='a'\naccount='prod'",
    "r.toml:14:9: no account is called `prod`: name it in [[accounts]]"
)]
#[case::template(
    "[[layer1]]\nkind='cloudformation'\ntemplate='a.json'\naccount='workloads'",
    "`account` has no meaning in a Layer 1 of the kind `cloudformation`"
)]
#[case::endpoints(
    "[[vpc_endpoints]]\npolicy='s3.json'\nservices=['s3']\ncallers=['root']",
    "r.toml:7:6: the policies of VPC endpoints are not decided where there are several accounts: their callers are named without an account"
)]
fn what_two_accounts_cannot_have_is_told_with_its_place(
    #[case] text: &str,
    #[case] expected: &str,
) {
    let error = Config::parse(&format!("{TWO}{text}\n"), Path::new("r.toml")).unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
}

#[rstest]
#[case("auth0", IssuerKind::Auth0)]
#[case("cognito", IssuerKind::Cognito)]
#[case("entra", IssuerKind::Entra)]
#[case("entra-v1", IssuerKind::EntraV1)]
#[case("keycloak", IssuerKind::Keycloak)]
#[case("google", IssuerKind::Google)]
#[case("custom", IssuerKind::Custom)]
fn an_issuer_for_apis_may_end_with_a_slash(#[case] kind: &str, #[case] expected: IssuerKind) {
    let text = format!(
        "[[issuers]]\nkind='{kind}'\nurl='https://x/'\naudience='a'\nclaims={{ 'https://x/role'='admin' }}"
    );
    let config = Config::parse(&text, Path::new("r.toml")).unwrap();
    let [issuer] = &config.issuers[..] else { panic!("one issuer") };
    assert_eq!((issuer.kind, issuer.url.get_ref().as_str()), (expected, "https://x/"));
    assert_eq!(issuer.claims["https://x/role"], "admin");
}

#[rstest]
#[case::organization(
    "[account.organization]\npath = 'o-1'\nmanagement_account = '999999999999'",
    "r.toml:2:8: `o-1` is not the path of an account in its organization, such as"
)]
#[case::unknown_field("[account]\nidd = '1'", "r.toml:2:1: unknown field `idd`")]
#[case::account("[account]\nid = '12'", "r.toml:2:6: `12` is not an account id (12 digits)")]
#[case::region(
    "[account]\nregion = 'mars'",
    "r.toml:2:10: `mars` is not a region such as `us-east-1`"
)]
#[case::partition(
    "[account]\nregion = 'cn-north-1'",
    "r.toml:2:10: `cn-north-1` is in the partition `aws-cn`: `ringfence up --region cn-north-1` serves it, and estates of the partition `aws` alone can be tested"
)]
#[case::backend(
    "[upstream]\nbackend = 'moto'",
    "r.toml:2:11: `moto` is not a backend: auto, localstack, embedded or an http URL"
)]
#[case::repository(
    "[[apps]]\nname='a'\ndirectory='a'\nrepository='nobody'",
    "r.toml:4:12: `nobody` is not a repository such as `org/repo`"
)]
#[case::twice(
    "[[apps]]\nname='a'\ndirectory='a'\nrepository='o/r'\n[[apps]]\nname='a'\ndirectory='b'\nrepository='o/r'",
    "r.toml:6:6: app `a` is given twice"
)]
#[case::secret_twice(
    "[[apps]]\nname='a'\ndirectory='a'\nrepository='o/r'\nsecrets={K='1'}\nsecrets_from_outputs={K='k'}",
    "r.toml:2:6: secret `K` is given twice, as text and as an output"
)]
#[case::deployer_of_nothing(
    "[[deployers]]\nname='d'\nrole_output='r'\napp='x'\njob='code'",
    "r.toml:4:5: no app is named `x`"
)]
#[case::stack_deployer_without_roles(
    "[[apps]]\nname='a'\ndirectory='a'\nrepository='o/r'\n[[deployers]]\nname='d'\nrole_output='r'\napp='a'\njob='stack'",
    "r.toml:6:6: a deployer whose job is `stack` needs a `role_prefix`"
)]
#[case::registry(
    "[workflows]\nregistries = ['pypi.org', 'https://x']",
    "r.toml:2:14: `https://x` is not a host such as `pypi.org` or `host:8443`"
)]
#[case::issuer(
    "[[issuers]]\nkind='github'\nurl='http://x'",
    "r.toml:3:5: `http://x` is not an https URL without a final slash"
)]
#[case::audience("[[issuers]]\nkind='okta'\nurl='https://x'", "needs `audience`")]
#[case::audience_of_another_kind("[[issuers]]\nkind='auth0'\nurl='https://x/'", "needs `audience`")]
#[case::issuer_for_apis(
    "[[issuers]]\nkind='auth0'\nurl='http://x/'\naudience='a'",
    "r.toml:3:5: `http://x/` is not an https URL"
)]
#[case::issuer_of_an_app(
    "[[issuers]]\nkind='github'\nurl='https://a'\n[[issuers]]\nkind='github'\nurl='https://b'\n[[apps]]\nname='a'\ndirectory='a'\nrepository='o/r'",
    "r.toml:8:6: app `a` needs `issuer`: there is more than one github issuer"
)]
#[case::oidc_issuer_of_an_app(
    "[[issuers]]\nkind='oidc'\nurl='https://a'\naudience='x'\n[[issuers]]\nkind='oidc'\nurl='https://b'\naudience='x'\n[[apps]]\nname='a'\ndirectory='a'\nrepository='o/r'\nsubject='s'",
    "r.toml:10:6: app `a` needs `issuer`: there is more than one oidc issuer"
)]
#[case::issuer_that_is_none(
    "[[issuers]]\nkind='okta'\nurl='https://x'\naudience='x'\n[[apps]]\nname='a'\ndirectory='a'\nrepository='o/r'\nissuer='https://x'",
    "r.toml:9:8: `https://x` is not the `url` of a github or oidc issuer here"
)]
#[case::roots_of_one_name(
    "[[layer1]]\ndirectory='a/x'\n[[layer1]]\nname='x'\ndirectory='b'",
    "r.toml:4:6: two root modules are called `x`: give one of them another `name`"
)]
#[case::root_that_is_none(
    "[[layer1]]\ndirectory='x'\nreads={ k='y' }",
    "r.toml:3:11: no root module is called `y`: there is x"
)]
#[case::root_with_a_name_of_something_else(
    "[[layer1]]\nname='a:b'\ndirectory='x'",
    "r.toml:2:6: `a:b` is not a root module's name"
)]
#[case::unknown_field_of_a_root(
    "[[layer1]]\ndirectory='x'\n[[layer1]]\ndirectory='y'\nvars=1",
    "r.toml:5:1: unknown field `vars`"
)]
#[case::pipeline_without_an_issuer(
    "[layer1]\ndirectory='x'\nrole={ output='r', repository='o/r' }",
    "r.toml:3:15: the role of a pipeline needs an issuer of the kind `github` or `oidc`"
)]
#[case::pipeline_called_like_a_deployer(
    "[[issuers]]\nkind='github'\nurl='https://x'\n[[apps]]\nname='pipeline-x'\ndirectory='a'\nrepository='o/r'\n[layer1]\ndirectory='x'\nrole={ output='r', repository='o/r' }",
    "r.toml:10:15: `pipeline-x` is what this root module's pipeline is called"
)]
#[case::pipeline_without_ids(
    "[[issuers]]\nkind='github'\nurl='https://x'\n[layer1]\ndirectory='x'\nrole={ output='r', repository='o/r', immutable_subject=true }",
    "r.toml:6:15: immutable_subject needs `owner_id` and `repository_id`"
)]
#[case::oidc_without_a_subject(
    "[[issuers]]\nkind='oidc'\nurl='https://gitlab.com'\naudience='a'\n[[apps]]\nname='a'\ndirectory='a'\nrepository='o/r'\n[[deployers]]\nname='d'\nrole_output='r'\napp='a'\njob='code'",
    "r.toml:10:6: an issuer of the kind `oidc` needs a `subject`"
)]
#[case::subject_of_github(
    "[[issuers]]\nkind='github'\nurl='https://x'\n[[apps]]\nname='a'\ndirectory='a'\nrepository='o/r'\nsubject='s'\n[[deployers]]\nname='d'\nrole_output='r'\napp='a'\njob='code'",
    "r.toml:8:9: `subject` is for issuers of the kind `oidc`"
)]
#[case::oidc_without_an_audience(
    "[[issuers]]\nkind='oidc'\nurl='https://gitlab.com'",
    "or of the kind `oidc`, needs `audience`"
)]
#[case::template_of_terraform(
    "[layer1]\ndirectory='x'\ntemplate='t.yaml'",
    "`template` has no meaning in a Layer 1 of the kind `terraform`"
)]
#[case::workspace_of_a_stack(
    "[layer1]\nkind='cloudformation'\ntemplate='t.yaml'\nworkspace='w'",
    "`workspace` has no meaning in a Layer 1 of the kind `cloudformation`"
)]
#[case::stack_without_a_template(
    "[[layer1]]\nkind='cloudformation'\nname='x'",
    "r.toml:1:1: missing field `template`"
)]
#[case::root_without_a_directory("[layer1]\nname='x'", "missing field `directory`")]
#[case::stack_of_no_name(
    "[layer1]\nkind='cloudformation'\ntemplate='t.yaml'\nstack='a_b'",
    "r.toml:4:7: `a_b` is not a stack's name"
)]
#[case::stack_of_no_name_by_its_file(
    "[layer1]\nkind='cloudformation'\ntemplate='oidc.cfn.yml'",
    "r.toml:3:10: `oidc.cfn` is not a stack's name"
)]
#[case::stacks_of_one_name(
    "[[layer1]]\nkind='cloudformation'\ntemplate='t.yaml'\n[[layer1]]\nkind='cloudformation'\ntemplate='u.yaml'\nstack='t'",
    "r.toml:7:7: two stacks are called `t`"
)]
#[case::existing_of_no_type(
    "[layer1]\ndirectory='x'\n[[existing]]\ntype='vpc'",
    "r.toml:4:6: `vpc` is not a resource type of Terraform's provider `aws`"
)]
#[case::existing_without_layer1(
    "[[existing]]\ntype='aws_vpc'",
    "r.toml:2:6: what exists is made before a Layer 1 is applied: name one in [layer1]"
)]
#[case::existing_twice(
    "[layer1]\ndirectory='x'\n[[existing]]\ntype='aws_vpc'\nname='a'\n[[existing]]\ntype='aws_vpc'\nname='a'",
    "r.toml:8:6: two entries are called `aws_vpc.a`: give one of them another `name`"
)]
#[case::existing_with_a_name_that_is_none(
    "[layer1]\ndirectory='x'\n[[existing]]\ntype='aws_vpc'\nname='1 a'",
    "r.toml:5:6: `1 a` is not a name as Terraform's resources have"
)]
#[case::image_without_a_name(
    "[layer1]\ndirectory='x'\n[[existing]]\ntype='aws_ami'",
    "r.toml:4:6: an image needs a `name` among its properties"
)]
#[case::syntax("[account\n", "r.toml:1:9: ")]
fn an_error_names_file_line_and_column(#[case] text: &str, #[case] expected: &str) {
    let error = Config::parse(text, Path::new("r.toml")).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

/// A deployer is a role or a user, and no token becomes a user.
#[rstest]
#[case::neither("", "deployer `d` needs `role_output` or `user_output`")]
#[case::both(
    "role_output = \"r\"\nuser_output = \"u\"\n",
    "deployer `d` is a role or a user: give `role_output` or `user_output`, not both"
)]
#[case::tokens(
    "user_output = \"u\"\nenvironment = \"live\"\n",
    "`environment` is about tokens, and none becomes the user of deployer `d`: its workflow has \
     the user's key"
)]
fn who_a_deployer_is_is_said_once(#[case] identity: &str, #[case] message: &str) {
    let text = |identity: &str| {
        format!(
            "[account]\nid = \"111111111111\"\n[[issuers]]\nkind = \"github\"\n\
             url = \"https://token.actions.githubusercontent.com\"\n\
             [[apps]]\nname = \"a\"\ndirectory = \"a\"\nrepository = \"o/a\"\n\
             [[deployers]]\nname = \"d\"\napp = \"a\"\njob = \"code\"\n{identity}"
        )
    };
    let error = Config::parse(&text(identity), Path::new("r.toml")).unwrap_err().to_string();
    assert!(error.starts_with("r.toml:11:8: ") && error.ends_with(message), "{error}");
    let config = Config::parse(&text("user_output = \"u\"\n"), Path::new("r.toml")).unwrap();
    assert_eq!(config.deployers[0].identity, DeployerIdentity::User("u".to_owned()));
    let config = Config::parse(&text("role_output = \"r\"\n"), Path::new("r.toml")).unwrap();
    assert_eq!(config.deployers[0].identity, DeployerIdentity::Role("r".to_owned()));
}

/// A chain of roles is one between accounts.
#[test]
fn a_role_on_the_way_to_a_deployers_is_refused_where_there_is_one_account() {
    let text = |accounts: &str| {
        format!(
            "[account]\nid = \"111111111111\"\n[[issuers]]\nkind = \"github\"\n\
             url = \"https://token.actions.githubusercontent.com\"\n\
             [[apps]]\nname = \"a\"\ndirectory = \"a\"\nrepository = \"o/a\"\n\
             [[deployers]]\nname = \"d\"\nrole_output = \"two:d\"\n\
             through_output = \"one:p\"\napp = \"a\"\njob = \"code\"\n{accounts}"
        )
    };
    let error = Config::parse(&text(""), Path::new("r.toml")).unwrap_err().to_string();
    assert!(error.starts_with("r.toml:13:18: `through_output` is not built"), "{error}");
    let other = "[[accounts]]\nname = \"two\"\nid = \"222222222222\"\n";
    Config::parse(&text(other), Path::new("r.toml")).unwrap();
}
