# Who may become a deployer: jobs of one repository, on one branch or in one
# environment, with a token meant for AWS.

locals {
  github_host = "token.actions.githubusercontent.com"

  services = merge(var.self_managed_services, var.managed_services)

  # The repository part of the subject: by name and, where the ids are known,
  # by the immutable form of repositories created since 2026-07-15.
  # https://docs.github.com/actions/reference/security/oidc
  subject_prefixes = {
    for name, service in local.services : name => concat(
      ["repo:${service.repository}"],
      service.repository_id == null ? [] : [
        format("repo:%s@%s/%s@%s",
          split("/", service.repository)[0], service.owner_id,
        split("/", service.repository)[1], service.repository_id)
      ],
    )
  }
}

resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://${local.github_host}"
  client_id_list = ["sts.amazonaws.com"]
}

# The jobs that deploy: the branch, outside any environment.
data "aws_iam_policy_document" "github_deploy" {
  for_each = local.services

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.github.arn]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.github_host}:aud"
      values   = ["sts.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.github_host}:sub"
      values   = [for prefix in local.subject_prefixes[each.key] : "${prefix}:ref:refs/heads/${each.value.branch}"]
    }
  }
}

# The jobs that configure: one environment, whose protection rules say who may
# run there.
data "aws_iam_policy_document" "github_configure" {
  for_each = local.configurable_services

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.github.arn]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.github_host}:aud"
      values   = ["sts.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.github_host}:sub"
      values   = [for prefix in local.subject_prefixes[each.key] : "${prefix}:environment:${each.value.configuration_environment}"]
    }
  }
}
