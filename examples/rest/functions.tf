# What runs may use the queue, the table and their keys, whatever policies come later.
resource "aws_iam_policy" "boundary" {
  name = "parcels-code"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "OwnWork"
        Effect = "Allow"
        Action = [
          "logs:CreateLogStream",
          "logs:PutLogEvents",
          "sqs:SendMessage",
          "sqs:ReceiveMessage",
          "sqs:DeleteMessage",
          "sqs:GetQueueAttributes",
          "dynamodb:PutItem",
          "dynamodb:Scan",
          "kms:Decrypt",
          "kms:GenerateDataKey",
        ]
        Resource = "*"
      },
    ]
  })
}

locals {
  # What each function does for its work.
  work = {
    desk = [
      { Sid = "Queue", Effect = "Allow", Action = "sqs:SendMessage", Resource = aws_sqs_queue.events.arn },
      { Sid = "QueueKey", Effect = "Allow", Action = ["kms:Decrypt", "kms:GenerateDataKey"], Resource = aws_kms_key.this["queue"].arn },
      { Sid = "Table", Effect = "Allow", Action = "dynamodb:Scan", Resource = aws_dynamodb_table.parcels.arn },
      { Sid = "TableKey", Effect = "Allow", Action = "kms:Decrypt", Resource = aws_kms_key.this["table"].arn },
    ]
    clerk = [
      { Sid = "Queue", Effect = "Allow", Action = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], Resource = aws_sqs_queue.events.arn },
      { Sid = "QueueKey", Effect = "Allow", Action = "kms:Decrypt", Resource = aws_kms_key.this["queue"].arn },
      { Sid = "Table", Effect = "Allow", Action = "dynamodb:PutItem", Resource = aws_dynamodb_table.parcels.arn },
      { Sid = "TableKey", Effect = "Allow", Action = ["kms:Decrypt", "kms:GenerateDataKey"], Resource = aws_kms_key.this["table"].arn },
    ]
    carriers = []
  }
}

resource "aws_iam_role" "this" {
  for_each = local.work

  name                 = "parcels-${each.key}"
  permissions_boundary = aws_iam_policy.boundary.arn
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Lambda"
        Effect    = "Allow"
        Principal = { Service = "lambda.amazonaws.com" }
        Action    = "sts:AssumeRole"
      },
    ]
  })
}

resource "aws_iam_role_policy" "this" {
  for_each = local.work

  name = "work"
  role = aws_iam_role.this[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "Logs"
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = "${aws_cloudwatch_log_group.this[each.key].arn}:*"
        },
      ],
      each.value,
    )
  })
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = toset(["desk", "clerk", "carriers"])

  name              = "/aws/lambda/parcels-${each.key}"
  retention_in_days = 30
}

# functions.zip holds src/index.py.
resource "aws_lambda_function" "desk" {
  function_name    = "parcels-desk"
  role             = aws_iam_role.this["desk"].arn
  runtime          = "python3.12"
  handler          = "index.desk"
  filename         = "${path.module}/functions.zip"
  source_code_hash = filebase64sha256("${path.module}/functions.zip")

  environment {
    variables = {
      QUEUE = aws_sqs_queue.events.url
      TABLE = aws_dynamodb_table.parcels.name
    }
  }
}

resource "aws_lambda_function" "clerk" {
  function_name    = "parcels-clerk"
  role             = aws_iam_role.this["clerk"].arn
  runtime          = "python3.12"
  handler          = "index.clerk"
  filename         = "${path.module}/functions.zip"
  source_code_hash = filebase64sha256("${path.module}/functions.zip")

  environment {
    variables = {
      TABLE = aws_dynamodb_table.parcels.name
    }
  }
}

resource "aws_lambda_function" "carriers" {
  function_name    = "parcels-carriers"
  role             = aws_iam_role.this["carriers"].arn
  runtime          = "python3.12"
  handler          = "index.carriers"
  filename         = "${path.module}/functions.zip"
  source_code_hash = filebase64sha256("${path.module}/functions.zip")
}
