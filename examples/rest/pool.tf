resource "aws_cognito_user_pool" "customers" {
  name = "customers"
}

resource "aws_cognito_resource_server" "parcels" {
  user_pool_id = aws_cognito_user_pool.customers.id
  identifier   = "parcels"
  name         = "parcels"

  scope {
    scope_name        = "read"
    scope_description = "see parcels"
  }

  scope {
    scope_name        = "write"
    scope_description = "send parcels"
  }
}

resource "aws_cognito_user_pool_client" "web" {
  name                                 = "web"
  user_pool_id                         = aws_cognito_user_pool.customers.id
  allowed_oauth_flows_user_pool_client = true
  allowed_oauth_flows                  = ["code"]
  allowed_oauth_scopes                 = ["parcels/read", "parcels/write"]
  callback_urls                        = ["https://parcels.example/"]
  supported_identity_providers         = ["COGNITO"]

  depends_on = [aws_cognito_resource_server.parcels]
}
