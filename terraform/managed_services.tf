# Approach B: the platform provisions a service whole; its team deploys code.

resource "aws_iam_role" "managed" {
  for_each = var.managed_services

  name                 = "app-${each.key}-lambda-role"
  description          = "Execution role of ${each.key}"
  permissions_boundary = aws_iam_policy.lambda_permission_boundary.arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "managed_vpc_access" {
  for_each = var.managed_services

  role       = aws_iam_role.managed[each.key].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
}

resource "aws_cloudwatch_log_group" "managed" {
  for_each = var.managed_services

  name              = "/aws/lambda/${each.key}"
  retention_in_days = var.log_retention_days
}

resource "aws_lambda_function" "managed" {
  for_each = var.managed_services

  function_name = each.key
  role          = aws_iam_role.managed[each.key].arn
  runtime       = each.value.runtime
  handler       = each.value.handler
  architectures = [each.value.architecture]
  timeout       = each.value.timeout
  memory_size   = each.value.memory_size

  # Answers until the team's first deployment.
  filename = "${path.module}/placeholder/app.zip"

  vpc_config {
    subnet_ids         = aws_subnet.private[*].id
    security_group_ids = [aws_security_group.lambda.id]
  }

  # The code is the team's, and so is what the hybrid deployer may set.
  lifecycle {
    ignore_changes = [filename, source_code_hash, memory_size, timeout, environment]
  }

  depends_on = [
    aws_cloudwatch_log_group.managed,
    aws_iam_role_policy_attachment.managed_vpc_access,
  ]
}

resource "aws_apigatewayv2_integration" "managed" {
  for_each = var.managed_services

  api_id                 = aws_apigatewayv2_api.main.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.managed[each.key].invoke_arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "managed" {
  for_each = var.managed_services

  api_id    = aws_apigatewayv2_api.main.id
  route_key = "${each.value.method} ${each.value.path}"
  target    = "integrations/${aws_apigatewayv2_integration.managed[each.key].id}"

  authorization_type   = "JWT"
  authorizer_id        = aws_apigatewayv2_authorizer.okta_jwt.id
  authorization_scopes = each.value.scopes
}

resource "aws_lambda_permission" "managed_apigw" {
  for_each = var.managed_services

  statement_id  = "AllowAPIGWInvoke"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.managed[each.key].function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.main.execution_arn}/*/${each.value.method}${each.value.path}"
}

# The code-only deployer.
data "aws_iam_policy_document" "low_perm_deployer" {
  for_each = var.managed_services

  statement {
    sid = "OwnCode"
    actions = [
      "lambda:GetFunction",
      "lambda:GetFunctionConfiguration",
      "lambda:PublishVersion",
      "lambda:UpdateFunctionCode",
    ]
    resources = [aws_lambda_function.managed[each.key].arn]
  }
}

resource "aws_iam_role" "low_perm_deployer" {
  for_each = var.managed_services

  name                 = "GitHubActionsLowPermDeployer-${each.key}"
  description          = "Deploys the code of ${each.key}"
  assume_role_policy   = data.aws_iam_policy_document.github_deploy[each.key].json
  permissions_boundary = aws_iam_policy.deployer_boundary.arn
}

resource "aws_iam_policy" "low_perm_deployer" {
  for_each = var.managed_services

  name   = "GitHubActionsLowPermDeployerPolicy-${each.key}"
  policy = data.aws_iam_policy_document.low_perm_deployer[each.key].json
}

resource "aws_iam_role_policy_attachment" "low_perm_deployer" {
  for_each = var.managed_services

  role       = aws_iam_role.low_perm_deployer[each.key].name
  policy_arn = aws_iam_policy.low_perm_deployer[each.key].arn
}
