# What the platform publishes for the application teams' templates.

locals {
  published_parameters = {
    "/platform/network/vpc-id"                     = { value = aws_vpc.platform.id }
    "/platform/network/private-subnet-ids"         = { value = join(",", aws_subnet.private[*].id), type = "StringList" }
    "/platform/network/lambda-sg-id"               = { value = aws_security_group.lambda.id }
    "/platform/iam/lambda-permission-boundary-arn" = { value = aws_iam_policy.lambda_permission_boundary.arn }
    "/platform/apigw/api-id"                       = { value = aws_apigatewayv2_api.main.id }
    "/platform/apigw/authorizer-id"                = { value = aws_apigatewayv2_authorizer.okta_jwt.id }
    "/platform/apigw/execution-arn"                = { value = aws_apigatewayv2_api.main.execution_arn }
    "/platform/artifacts/bucket-name"              = { value = aws_s3_bucket.sam_artifacts.id }
  }
}

resource "aws_ssm_parameter" "published" {
  for_each = local.published_parameters

  name  = each.key
  type  = lookup(each.value, "type", "String")
  value = each.value.value
}
