resource "aws_apigatewayv2_api" "orders" {
  name          = "orders"
  protocol_type = "HTTP"
}

# Auth0's `iss` ends with a slash.
resource "aws_apigatewayv2_authorizer" "auth0" {
  api_id           = aws_apigatewayv2_api.orders.id
  name             = "auth0"
  authorizer_type  = "JWT"
  identity_sources = ["$request.header.Authorization"]

  jwt_configuration {
    issuer   = "https://acme.eu.auth0.com/"
    audience = ["https://api.acme.example/"]
  }
}

resource "aws_apigatewayv2_integration" "orders" {
  api_id                 = aws_apigatewayv2_api.orders.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.orders.invoke_arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "list" {
  api_id               = aws_apigatewayv2_api.orders.id
  route_key            = "GET /orders"
  target               = "integrations/${aws_apigatewayv2_integration.orders.id}"
  authorization_type   = "JWT"
  authorizer_id        = aws_apigatewayv2_authorizer.auth0.id
  authorization_scopes = ["read:orders"]
}

resource "aws_apigatewayv2_route" "order" {
  api_id               = aws_apigatewayv2_api.orders.id
  route_key            = "POST /orders"
  target               = "integrations/${aws_apigatewayv2_integration.orders.id}"
  authorization_type   = "JWT"
  authorizer_id        = aws_apigatewayv2_authorizer.auth0.id
  authorization_scopes = ["write:orders"]
}

resource "aws_cloudwatch_log_group" "calls" {
  name              = "/orders/calls"
  retention_in_days = 30
}

resource "aws_apigatewayv2_stage" "live" {
  api_id      = aws_apigatewayv2_api.orders.id
  name        = "live"
  auto_deploy = true

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.calls.arn
    format          = jsonencode({ request = "$context.requestId", route = "$context.routeKey", status = "$context.status" })
  }
}

resource "aws_lambda_permission" "list" {
  statement_id  = "list"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.orders.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.orders.execution_arn}/${aws_apigatewayv2_stage.live.name}/GET/orders"
}

resource "aws_lambda_permission" "order" {
  statement_id  = "order"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.orders.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.orders.execution_arn}/${aws_apigatewayv2_stage.live.name}/POST/orders"
}
