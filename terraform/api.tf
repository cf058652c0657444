# The public entry point. The authorizer and the stage belong to the platform
# alone: no condition key guards an authorizer's issuer or audience.

resource "aws_apigatewayv2_api" "main" {
  name          = "platform-api"
  description   = "Shared entry point of all services; every route is behind the Okta authorizer"
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_authorizer" "okta_jwt" {
  api_id           = aws_apigatewayv2_api.main.id
  authorizer_type  = "JWT"
  identity_sources = ["$request.header.Authorization"]
  name             = "okta-jwt"

  jwt_configuration {
    audience = [var.okta_audience]
    issuer   = var.okta_issuer
  }
}

resource "aws_cloudwatch_log_group" "api" {
  name              = "/aws/apigateway/platform-api"
  retention_in_days = var.log_retention_days
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.main.id
  name        = "$default"
  auto_deploy = true

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.api.arn
    format = jsonencode({
      requestId        = "$context.requestId"
      time             = "$context.requestTime"
      sourceIp         = "$context.identity.sourceIp"
      routeKey         = "$context.routeKey"
      path             = "$context.path"
      status           = "$context.status"
      authorizerError  = "$context.authorizer.error"
      integrationError = "$context.integrationErrorMessage"
      subject          = "$context.authorizer.claims.sub"
    })
  }
}
