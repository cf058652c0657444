# The hybrid: code, and the function's configuration inside the platform's
# network; never its role, network or layers.

locals {
  configurable_services = {
    for name, service in var.managed_services : name => service if service.configuration_environment != null
  }
}

data "aws_iam_policy_document" "hybrid_deployer" {
  for_each = local.configurable_services

  source_policy_documents = [data.aws_iam_policy_document.low_perm_deployer[each.key].json]

  # UpdateFunctionConfiguration with empty lists takes a function out of its
  # VPC, and no condition key tells that from a call that leaves the network
  # alone. So every call must restate the platform's network. Another role
  # would need iam:PassRole, which is not granted.
  statement {
    sid       = "OwnConfigurationInPlatformNetwork"
    actions   = ["lambda:UpdateFunctionConfiguration"]
    resources = [aws_lambda_function.managed[each.key].arn]

    condition {
      test     = "StringEquals"
      variable = "lambda:VpcIds"
      values   = [aws_vpc.platform.id]
    }

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "lambda:SubnetIds"
      values   = aws_subnet.private[*].id
    }

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "lambda:SecurityGroupIds"
      values   = [aws_security_group.lambda.id]
    }

    condition {
      test     = "Null"
      variable = "lambda:Layer"
      values   = ["true"]
    }
  }

  statement {
    sid = "LookUpNetwork"
    actions = [
      "ec2:DescribeSecurityGroups",
      "ec2:DescribeSubnets",
      "ec2:DescribeVpcs",
    ]
    resources = ["*"]
  }
}

resource "aws_iam_role" "hybrid_deployer" {
  for_each = local.configurable_services

  name                 = "GitHubActionsHybridDeployer-${each.key}"
  description          = "Deploys the code and the configuration of ${each.key}"
  assume_role_policy   = data.aws_iam_policy_document.github_configure[each.key].json
  permissions_boundary = aws_iam_policy.deployer_boundary.arn
}

resource "aws_iam_policy" "hybrid_deployer" {
  for_each = local.configurable_services

  name   = "GitHubActionsHybridDeployerPolicy-${each.key}"
  policy = data.aws_iam_policy_document.hybrid_deployer[each.key].json
}

resource "aws_iam_role_policy_attachment" "hybrid_deployer" {
  for_each = local.configurable_services

  role       = aws_iam_role.hybrid_deployer[each.key].name
  policy_arn = aws_iam_policy.hybrid_deployer[each.key].arn
}
