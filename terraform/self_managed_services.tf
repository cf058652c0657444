# Approach A: the deployer of a team that owns its stack, its execution role
# and its routes.

locals {
  api_arn = "arn:${local.partition}:apigateway:${var.aws_region}::/apis/${aws_apigatewayv2_api.main.id}"
}

data "aws_iam_policy_document" "high_perm_deployer" {
  for_each = var.self_managed_services

  statement {
    sid = "OwnStacks"
    actions = [
      "cloudformation:CreateChangeSet",
      "cloudformation:DeleteChangeSet",
      "cloudformation:DeleteStack",
      "cloudformation:DescribeChangeSet",
      "cloudformation:DescribeStackEvents",
      "cloudformation:DescribeStackResources",
      "cloudformation:DescribeStacks",
      "cloudformation:ExecuteChangeSet",
      "cloudformation:GetTemplate",
      "cloudformation:GetTemplateSummary",
      "cloudformation:ListStackResources",
    ]
    resources = [for suffix in ["", "-*"] :
      "arn:${local.partition}:cloudformation:${var.aws_region}:${local.account_id}:stack/${each.key}${suffix}/*"
    ]
  }

  statement {
    sid       = "ServerlessTransform"
    actions   = ["cloudformation:CreateChangeSet"]
    resources = ["arn:${local.partition}:cloudformation:${var.aws_region}:aws:transform/Serverless-2016-10-31"]
  }

  statement {
    sid = "OwnArtifacts"
    actions = [
      "s3:AbortMultipartUpload",
      "s3:GetObject",
      "s3:PutObject",
    ]
    resources = ["${aws_s3_bucket.sam_artifacts.arn}/${each.key}/*"]
  }

  statement {
    sid       = "PublishedParameters"
    actions   = ["ssm:GetParameter", "ssm:GetParameters"]
    resources = ["arn:${local.partition}:ssm:${var.aws_region}:${local.account_id}:parameter/platform/*"]
  }

  # iam:PermissionsBoundary is the requested boundary on CreateRole, the
  # attached one on the others.
  statement {
    sid = "OwnRolesUnderBoundary"
    actions = [
      "iam:AttachRolePolicy",
      "iam:CreateRole",
      "iam:DeleteRole",
      "iam:DeleteRolePolicy",
      "iam:DetachRolePolicy",
      "iam:PutRolePolicy",
      "iam:UpdateAssumeRolePolicy",
    ]
    resources = ["arn:${local.partition}:iam::${local.account_id}:role/app-${each.key}-*"]

    condition {
      test     = "StringEquals"
      variable = "iam:PermissionsBoundary"
      values   = [aws_iam_policy.lambda_permission_boundary.arn]
    }
  }

  # These requests never carry iam:PermissionsBoundary.
  statement {
    sid = "OwnRolesReadAndTag"
    actions = [
      "iam:GetRole",
      "iam:GetRolePolicy",
      "iam:ListAttachedRolePolicies",
      "iam:ListRolePolicies",
      "iam:TagRole",
      "iam:UntagRole",
    ]
    resources = ["arn:${local.partition}:iam::${local.account_id}:role/app-${each.key}-*"]
  }

  statement {
    sid       = "PassOwnRolesToLambda"
    actions   = ["iam:PassRole"]
    resources = ["arn:${local.partition}:iam::${local.account_id}:role/app-${each.key}-*"]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["lambda.amazonaws.com"]
    }
  }

  # Where a function runs is the platform's choice: calls that could say
  # otherwise must name its network.
  statement {
    sid = "OwnFunctionsInPlatformNetwork"
    actions = [
      "lambda:CreateFunction",
      "lambda:UpdateFunctionConfiguration",
    ]
    resources = local.function_arns[each.key]

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
  }

  statement {
    sid = "OwnFunctions"
    actions = [
      "lambda:CreateAlias",
      "lambda:DeleteAlias",
      "lambda:DeleteFunction",
      "lambda:GetAlias",
      "lambda:GetFunction",
      "lambda:GetFunctionCodeSigningConfig",
      "lambda:GetFunctionConfiguration",
      "lambda:GetFunctionRecursionConfig",
      "lambda:GetPolicy",
      "lambda:GetRuntimeManagementConfig",
      "lambda:ListTags",
      "lambda:ListVersionsByFunction",
      "lambda:PublishVersion",
      "lambda:RemovePermission",
      "lambda:TagResource",
      "lambda:UntagResource",
      "lambda:UpdateAlias",
      "lambda:UpdateFunctionCode",
    ]
    resources = local.function_arns[each.key]
  }

  statement {
    sid       = "InvocationByApiGatewayOnly"
    actions   = ["lambda:AddPermission"]
    resources = local.function_arns[each.key]

    condition {
      test     = "StringEquals"
      variable = "lambda:Principal"
      values   = ["apigateway.amazonaws.com"]
    }
  }

  # Lambda looks these up as the caller when a function joins a VPC; they have
  # no resource types.
  statement {
    sid = "LookUpNetwork"
    actions = [
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSecurityGroups",
      "ec2:DescribeSubnets",
      "ec2:DescribeVpcs",
    ]
    resources = ["*"]
  }

  statement {
    sid = "OwnLogGroups"
    actions = [
      "logs:CreateLogGroup",
      "logs:DeleteLogGroup",
      "logs:ListTagsForResource",
      "logs:PutRetentionPolicy",
      "logs:TagResource",
    ]
    resources = flatten([for suffix in ["", ":*", "-*"] :
      "arn:${local.partition}:logs:${var.aws_region}:${local.account_id}:log-group:/aws/lambda/${each.key}${suffix}"
    ])
  }

  statement {
    sid       = "DescribeLogGroups"
    actions   = ["logs:DescribeLogGroups"]
    resources = ["arn:${local.partition}:logs:${var.aws_region}:${local.account_id}:log-group:*"]
  }

  # HTTP APIs are authorized by verb and path, not by operation.
  statement {
    sid       = "ReadApi"
    actions   = ["apigateway:GET"]
    resources = [local.api_arn, "${local.api_arn}/*"]
  }

  statement {
    sid       = "Integrations"
    actions   = ["apigateway:POST", "apigateway:PATCH", "apigateway:DELETE"]
    resources = ["${local.api_arn}/integrations", "${local.api_arn}/integrations/*"]
  }

  # ForAnyValue, not ForAllValues: the latter is true where the key is absent.
  statement {
    sid       = "RoutesBehindAuthorizer"
    actions   = ["apigateway:POST", "apigateway:PATCH"]
    resources = ["${local.api_arn}/routes", "${local.api_arn}/routes/*"]

    condition {
      test     = "ForAnyValue:StringEquals"
      variable = "apigateway:Request/RouteAuthorizationType"
      values   = ["JWT"]
    }
  }

  statement {
    sid       = "RemoveRoutes"
    actions   = ["apigateway:DELETE"]
    resources = ["${local.api_arn}/routes/*"]
  }
}

locals {
  # A service's functions: NAME itself, its versions and aliases, and NAME-*.
  function_arns = {
    for name, _ in local.services : name => [for suffix in ["", ":*", "-*"] :
      "arn:${local.partition}:lambda:${var.aws_region}:${local.account_id}:function:${name}${suffix}"
    ]
  }
}

resource "aws_iam_role" "high_perm_deployer" {
  for_each = var.self_managed_services

  name                 = "GitHubActionsHighPermDeployer-${each.key}"
  description          = "Deploys the stack of ${each.key}"
  assume_role_policy   = data.aws_iam_policy_document.github_deploy[each.key].json
  permissions_boundary = aws_iam_policy.deployer_boundary.arn
}

resource "aws_iam_policy" "high_perm_deployer" {
  for_each = var.self_managed_services

  name   = "GitHubActionsHighPermDeployerPolicy-${each.key}"
  policy = data.aws_iam_policy_document.high_perm_deployer[each.key].json
}

resource "aws_iam_role_policy_attachment" "high_perm_deployer" {
  for_each = var.self_managed_services

  role       = aws_iam_role.high_perm_deployer[each.key].name
  policy_arn = aws_iam_policy.high_perm_deployer[each.key].arn
}

# An API's routes share one namespace and carry no owner, so a deployer that
# may change its own could change any. Those that the platform wired are
# protected by id, 35 services a policy: a managed policy holds 6,144
# characters, a role ten policies.
locals {
  platform_route_chunks = chunklist(sort(keys(var.managed_services)), 35)
}

data "aws_iam_policy_document" "platform_routes" {
  count = length(local.platform_route_chunks)

  statement {
    sid     = "DenyPlatformRoutes"
    effect  = "Deny"
    actions = ["apigateway:PATCH", "apigateway:DELETE"]
    resources = flatten([for name in local.platform_route_chunks[count.index] : [
      "${local.api_arn}/integrations/${aws_apigatewayv2_integration.managed[name].id}",
      "${local.api_arn}/routes/${aws_apigatewayv2_route.managed[name].id}",
    ]])
  }
}

resource "aws_iam_policy" "platform_routes" {
  count = length(local.platform_route_chunks)

  name        = "PlatformRoutes-${count.index}"
  description = "Keeps deployers from the routes that the platform wired"
  policy      = data.aws_iam_policy_document.platform_routes[count.index].json
}

resource "aws_iam_role_policy_attachment" "platform_routes" {
  for_each = {
    for pair in setproduct(keys(var.self_managed_services), range(length(local.platform_route_chunks))) :
    "${pair[0]}/${pair[1]}" => { service = pair[0], chunk = pair[1] }
  }

  role       = aws_iam_role.high_perm_deployer[each.value.service].name
  policy_arn = aws_iam_policy.platform_routes[each.value.chunk].arn
}
