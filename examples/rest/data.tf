# A key for what waits, and one for what is kept: the account's policies say who uses them.
resource "aws_kms_key" "this" {
  for_each = toset(["queue", "table"])

  description         = "parcels: the ${each.key}"
  enable_key_rotation = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Account"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.this.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
    ]
  })
}

resource "aws_sqs_queue" "events" {
  name              = "events"
  kms_master_key_id = aws_kms_key.this["queue"].arn
}

resource "aws_dynamodb_table" "parcels" {
  name         = "parcels"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"

  attribute {
    name = "id"
    type = "S"
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.this["table"].arn
  }
}

resource "aws_lambda_event_source_mapping" "events" {
  event_source_arn = aws_sqs_queue.events.arn
  function_name    = aws_lambda_function.clerk.arn
}
