//! User pools of Cognito that Layer 1 makes: their URLs have ids that nobody knows
//! before, so that no configuration names them.

use std::collections::BTreeSet;

use ringfence_services::token::KeySource;
use serde_json::Value;
use toml::Spanned;

use super::{Stack, StackError};
use crate::config::{self, IssuerKind};
use crate::issuers::Issuer;
use crate::terraform::{Instance, Roots};

impl Stack {
    /// Makes issuers of the user pools that an authorizer trusts, and that the
    /// configuration does not name.
    pub(super) fn take_pools(&mut self) -> Result<(), StackError> {
        let instances = self.terraform.as_ref().map(Roots::instances).transpose();
        for pool in pools(&instances.map_err(StackError::State)?.unwrap_or_default()) {
            if self.issuers.iter().any(|issuer| issuer.url == *pool.url.get_ref()) {
                continue;
            }
            let issuer = Issuer::new(&pool)?;
            self.guard.add_issuer(issuer.url.clone(), KeySource::Keys(issuer.shared_keys()));
            self.issuers.push(issuer);
            self.config.issuers.push(pool);
        }
        Ok(())
    }
}

/// The user pools with a client that an authorizer trusts, as the configuration would
/// have them.
fn pools(made: &[Instance]) -> Vec<config::Issuer> {
    let of = |kind: &'static str| made.iter().filter(move |it| it.kind == kind);
    let scopes: BTreeSet<String> = of("aws_api_gateway_method")
        .chain(of("aws_apigatewayv2_route"))
        .flat_map(|it| texts(&it.attributes, "/authorization_scopes"))
        .collect();
    let pool = |pool: &Instance| {
        let (id, arn) = (text(pool, "id")?, text(pool, "arn")?);
        // `cognito-idp.REGION.amazonaws.com/ID`
        // (<https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/cognito_user_pool#attribute-reference>).
        let url = format!("https://{}", text(pool, "endpoint")?);
        let of_rest = of("aws_api_gateway_authorizer")
            .any(|it| texts(&it.attributes, "/provider_arns").any(|own| own == arn));
        let trusting = of("aws_apigatewayv2_authorizer").filter(|it| {
            let issuer = it.attributes.pointer("/jwt_configuration/0/issuer");
            issuer.and_then(Value::as_str) == Some(&url)
        });
        let trusting: Vec<&Instance> = trusting.collect();
        let clients: Vec<String> = of("aws_cognito_user_pool_client")
            .filter(|it| text(it, "user_pool_id") == Some(id))
            .filter_map(|it| text(it, "id").map(str::to_owned))
            .collect();
        // The first that an authorizer names, in its order; a REST API lets in all of them.
        let mut named = trusting
            .iter()
            .flat_map(|it| texts(&it.attributes, "/jwt_configuration/0/audience"))
            .filter(|audience| clients.contains(audience));
        let audience = named.next().or_else(|| clients.first().cloned());
        let audience = audience.filter(|_| of_rest || !trusting.is_empty())?;
        Some(config::Issuer {
            kind: IssuerKind::Cognito,
            url: Spanned::new(0..0, url.clone()),
            audience: Some(audience),
            clients,
            scopes: scopes.iter().cloned().collect(),
            claims: Default::default(),
        })
    };
    of("aws_cognito_user_pool").filter_map(pool).collect()
}

fn text<'i>(instance: &'i Instance, name: &str) -> Option<&'i str> {
    instance.attributes.get(name).and_then(Value::as_str).filter(|it| !it.is_empty())
}

fn texts<'v>(attributes: &'v Value, at: &str) -> impl Iterator<Item = String> + use<'v> {
    let items = attributes.pointer(at).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn made(kind: &str, attributes: Value) -> Instance {
        Instance {
            root: None,
            kind: kind.to_owned(),
            module: None,
            name: "a".to_owned(),
            key: None,
            attributes,
        }
    }

    fn estate(more: &[Instance]) -> Vec<Instance> {
        let pool = |id: &str| {
            let endpoint = format!("cognito-idp.eu-west-1.amazonaws.com/{id}");
            let arn = format!("arn:aws:cognito-idp:eu-west-1:123456789012:userpool/{id}");
            made("aws_cognito_user_pool", json!({"id": id, "arn": arn, "endpoint": endpoint}))
        };
        let client = |pool: &str| {
            let of = format!("client-of-{pool}");
            made("aws_cognito_user_pool_client", json!({"id": of, "user_pool_id": pool}))
        };
        let mut all = vec![pool("p"), client("p"), pool("q")];
        all.extend(more.iter().cloned());
        all
    }

    fn rest(pool: &str) -> Instance {
        let arn = format!("arn:aws:cognito-idp:eu-west-1:123456789012:userpool/{pool}");
        made("aws_api_gateway_authorizer", json!({ "provider_arns": [arn] }))
    }

    #[test]
    fn a_pool_that_an_authorizer_trusts_is_an_issuer() {
        let method = made("aws_api_gateway_method", json!({"authorization_scopes": ["a/read"]}));
        let found = pools(&estate(&[rest("p"), method]));
        let [own] = found.as_slice() else { panic!("{found:?}") };
        let url = "https://cognito-idp.eu-west-1.amazonaws.com/p";
        assert_eq!((own.kind, own.url.get_ref().as_str()), (IssuerKind::Cognito, url));
        assert_eq!(own.audience.as_deref(), Some("client-of-p"));
        assert_eq!(own.scopes, ["a/read"]);
        let jwt = json!({"jwt_configuration": [{"issuer": url}]});
        assert_eq!(pools(&estate(&[made("aws_apigatewayv2_authorizer", jwt)])).len(), 1);
    }

    /// Tokens are of a client that the authorizer takes, whichever of the pool's it is, and
    /// all of them are known.
    #[test]
    fn the_audience_is_a_client_that_an_authorizer_names() {
        let url = "https://cognito-idp.eu-west-1.amazonaws.com/p";
        let client = |id: &str, of: &str| {
            made("aws_cognito_user_pool_client", json!({"id": id, "user_pool_id": of}))
        };
        let jwt = |audience: &[&str]| {
            let jwt = json!({"jwt_configuration": [{"issuer": url, "audience": audience}]});
            made("aws_apigatewayv2_authorizer", jwt)
        };
        let of = |audience: &[&str]| {
            let more = [client("web", "p"), client("other", "q"), jwt(audience)];
            let [own] = <[_; 1]>::try_from(pools(&estate(&more))).unwrap();
            assert_eq!(own.clients, ["client-of-p", "web"]);
            own.audience.unwrap()
        };
        assert_eq!(of(&["other", "web", "client-of-p"]), "web");
        assert_eq!(of(&["client-of-p", "web"]), "client-of-p");
        // A fault of the authorizer's, which a finding tells.
        assert_eq!(of(&["other"]), "client-of-p");
    }

    /// Nobody trusts the one, nobody can log in with the other.
    #[test]
    fn other_pools_are_none() {
        assert!(pools(&estate(&[])).is_empty());
        assert!(pools(&estate(&[rest("q")])).is_empty());
    }
}
