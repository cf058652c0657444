# Ceilings: what any execution role, and any deployer, can have at most,
# whatever policies it carries.

data "aws_iam_policy_document" "lambda_permission_boundary" {
  statement {
    sid = "AllowLogsAndTraces"
    actions = [
      "logs:CreateLogGroup",
      "logs:CreateLogStream",
      "logs:PutLogEvents",
      "xray:PutTelemetryRecords",
      "xray:PutTraceSegments",
    ]
    resources = ["*"]
  }

  # All that AWSLambdaVPCAccessExecutionRole (v3) grants for a function's
  # network interfaces: with less, a function in a VPC does not start.
  # https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaVPCAccessExecutionRole.html
  statement {
    sid = "AllowVpcNetworking"
    actions = [
      "ec2:AssignPrivateIpAddresses",
      "ec2:CreateNetworkInterface",
      "ec2:DeleteNetworkInterface",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSubnets",
      "ec2:UnassignPrivateIpAddresses",
    ]
    resources = ["*"]
  }

  statement {
    sid = "AllowDataServicesInRegion"
    actions = [
      "dynamodb:*",
      "s3:GetObject",
      "s3:PutObject",
      "secretsmanager:GetSecretValue",
    ]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [var.aws_region]
    }
  }

  # A function that could write here could swap another team's code.
  statement {
    sid       = "DenyArtifacts"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.sam_artifacts.arn, "${aws_s3_bucket.sam_artifacts.arn}/*"]
  }

  statement {
    sid       = "DenyEscape"
    effect    = "Deny"
    actions   = ["account:*", "iam:*", "organizations:*"]
    resources = ["*"]
  }
}

resource "aws_iam_policy" "lambda_permission_boundary" {
  name        = "LambdaPermissionBoundary"
  description = "Maximum permissions any Lambda execution role may have"
  policy      = data.aws_iam_policy_document.lambda_permission_boundary.json
}

# A deployer's ceiling. Its own policy grants less; this one keeps a later
# mistake there from becoming a way round the guard rails.
data "aws_iam_policy_document" "deployer_boundary" {
  statement {
    sid = "AllowDeployment"
    actions = [
      "apigateway:DELETE",
      "apigateway:GET",
      "apigateway:PATCH",
      "apigateway:POST",
      "cloudformation:*",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSecurityGroups",
      "ec2:DescribeSubnets",
      "ec2:DescribeVpcs",
      "iam:AttachRolePolicy",
      "iam:CreateRole",
      "iam:DeleteRole",
      "iam:DeleteRolePolicy",
      "iam:DetachRolePolicy",
      "iam:GetRole",
      "iam:GetRolePolicy",
      "iam:ListAttachedRolePolicies",
      "iam:ListRolePolicies",
      "iam:PassRole",
      "iam:PutRolePolicy",
      "iam:TagRole",
      "iam:UntagRole",
      "iam:UpdateAssumeRolePolicy",
      "lambda:*",
      "logs:*",
      "s3:AbortMultipartUpload",
      "s3:GetObject",
      "s3:PutObject",
      "ssm:GetParameter",
      "ssm:GetParameters",
    ]
    resources = ["*"]
  }

  # Roles are created and given policies only under the functions' boundary.
  # Negated, so that a role without any boundary is denied as well.
  statement {
    sid    = "DenyRolesWithoutBoundary"
    effect = "Deny"
    actions = [
      "iam:AttachRolePolicy",
      "iam:CreateRole",
      "iam:PutRolePolicy",
      "iam:UpdateAssumeRolePolicy",
    ]
    resources = ["*"]

    condition {
      test     = "StringNotEquals"
      variable = "iam:PermissionsBoundary"
      values   = [aws_iam_policy.lambda_permission_boundary.arn]
    }
  }

  statement {
    sid       = "DenyPassingRolesElsewhere"
    effect    = "Deny"
    actions   = ["iam:PassRole"]
    resources = ["*"]

    condition {
      test     = "StringNotEquals"
      variable = "iam:PassedToService"
      values   = ["lambda.amazonaws.com"]
    }
  }

  # A function URL is a way to a function that passes by the authorizer.
  statement {
    sid    = "DenyFunctionUrls"
    effect = "Deny"
    actions = [
      "lambda:CreateFunctionUrlConfig",
      "lambda:UpdateFunctionUrlConfig",
    ]
    resources = ["*"]
  }

  # The API itself, its authorizers and its stages are the platform's.
  statement {
    sid    = "DenyApiFoundation"
    effect = "Deny"
    actions = [
      "apigateway:DELETE",
      "apigateway:PATCH",
      "apigateway:POST",
    ]
    not_resources = [
      "arn:${local.partition}:apigateway:${var.aws_region}::/apis/${aws_apigatewayv2_api.main.id}/integrations",
      "arn:${local.partition}:apigateway:${var.aws_region}::/apis/${aws_apigatewayv2_api.main.id}/integrations/*",
      "arn:${local.partition}:apigateway:${var.aws_region}::/apis/${aws_apigatewayv2_api.main.id}/routes",
      "arn:${local.partition}:apigateway:${var.aws_region}::/apis/${aws_apigatewayv2_api.main.id}/routes/*",
    ]
  }
}

resource "aws_iam_policy" "deployer_boundary" {
  name        = "DeployerBoundary"
  description = "Maximum permissions any deployer may have"
  policy      = data.aws_iam_policy_document.deployer_boundary.json
}
