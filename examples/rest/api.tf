resource "aws_api_gateway_rest_api" "parcels" {
  name = "parcels"
}

# Customers log in.
resource "aws_api_gateway_authorizer" "customers" {
  name          = "customers"
  rest_api_id   = aws_api_gateway_rest_api.parcels.id
  type          = "COGNITO_USER_POOLS"
  provider_arns = [aws_cognito_user_pool.customers.arn]
}

# Carriers have a token that a function knows.
resource "aws_api_gateway_authorizer" "carriers" {
  name                             = "carriers"
  rest_api_id                      = aws_api_gateway_rest_api.parcels.id
  type                             = "TOKEN"
  authorizer_uri                   = aws_lambda_function.carriers.invoke_arn
  authorizer_result_ttl_in_seconds = 0
}

resource "aws_api_gateway_resource" "parcels" {
  rest_api_id = aws_api_gateway_rest_api.parcels.id
  parent_id   = aws_api_gateway_rest_api.parcels.root_resource_id
  path_part   = "parcels"
}

resource "aws_api_gateway_resource" "events" {
  rest_api_id = aws_api_gateway_rest_api.parcels.id
  parent_id   = aws_api_gateway_rest_api.parcels.root_resource_id
  path_part   = "events"
}

resource "aws_api_gateway_method" "list" {
  rest_api_id          = aws_api_gateway_rest_api.parcels.id
  resource_id          = aws_api_gateway_resource.parcels.id
  http_method          = "GET"
  authorization        = "COGNITO_USER_POOLS"
  authorizer_id        = aws_api_gateway_authorizer.customers.id
  authorization_scopes = ["parcels/read"]
}

resource "aws_api_gateway_method" "send" {
  rest_api_id          = aws_api_gateway_rest_api.parcels.id
  resource_id          = aws_api_gateway_resource.parcels.id
  http_method          = "POST"
  authorization        = "COGNITO_USER_POOLS"
  authorizer_id        = aws_api_gateway_authorizer.customers.id
  authorization_scopes = ["parcels/write"]
}

resource "aws_api_gateway_method" "event" {
  rest_api_id   = aws_api_gateway_rest_api.parcels.id
  resource_id   = aws_api_gateway_resource.events.id
  http_method   = "POST"
  authorization = "CUSTOM"
  authorizer_id = aws_api_gateway_authorizer.carriers.id
}

locals {
  methods = {
    list  = { method = aws_api_gateway_method.list, function = aws_lambda_function.desk, path = "parcels" }
    send  = { method = aws_api_gateway_method.send, function = aws_lambda_function.desk, path = "parcels" }
    event = { method = aws_api_gateway_method.event, function = aws_lambda_function.desk, path = "events" }
  }
}

resource "aws_api_gateway_integration" "all" {
  for_each = local.methods

  rest_api_id             = aws_api_gateway_rest_api.parcels.id
  resource_id             = each.value.method.resource_id
  http_method             = each.value.method.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = each.value.function.invoke_arn
}

resource "aws_api_gateway_deployment" "this" {
  rest_api_id = aws_api_gateway_rest_api.parcels.id

  depends_on = [aws_api_gateway_integration.all]
}

resource "aws_api_gateway_stage" "live" {
  rest_api_id   = aws_api_gateway_rest_api.parcels.id
  deployment_id = aws_api_gateway_deployment.this.id
  stage_name    = "live"
}

resource "aws_lambda_permission" "methods" {
  for_each = local.methods

  statement_id  = each.key
  action        = "lambda:InvokeFunction"
  function_name = each.value.function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.parcels.execution_arn}/${aws_api_gateway_stage.live.stage_name}/${each.value.method.http_method}/${each.value.path}"
}

resource "aws_lambda_permission" "carriers" {
  statement_id  = "authorizer"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.carriers.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.parcels.execution_arn}/authorizers/${aws_api_gateway_authorizer.carriers.id}"
}
