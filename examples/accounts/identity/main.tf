# The account of the identities: whoever deploys is known here, and nothing else is.

terraform {
  backend "s3" {
    bucket = "example-states"
    key    = "identity/terraform.tfstate"
    region = "eu-central-1"
  }
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

provider "aws" {
  region              = "eu-central-1"
  allowed_account_ids = ["111122223333"]
}

variable "workloads" {
  type    = string
  default = "444455556666"
}

variable "teams" {
  type = map(string)
  default = {
    orders  = "repo:example-org/orders:ref:refs/heads/main"
    billing = "repo:example-org/billing:ref:refs/heads/main"
  }
}

resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

# A team's pipeline may become the team's deployer in the account of the workloads.
resource "aws_iam_role" "pipeline" {
  for_each = var.teams

  name = "pipeline-${each.key}"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = aws_iam_openid_connect_provider.github.arn }
      Condition = { StringEquals = {
        "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:sub" = each.value
      } }
    }]
  })
}

resource "aws_iam_role_policy" "pipeline" {
  for_each = var.teams

  name = "deploy"
  role = aws_iam_role.pipeline[each.key].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "OwnDeployer"
        Effect   = "Allow"
        Action   = "sts:AssumeRole"
        Resource = "arn:aws:iam::${var.workloads}:role/deploy-${each.key}"
      },
      {
        Sid      = "Documents"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "arn:aws:s3:::example-documents/*"
      },
    ]
  })
}

# A support tool, which reads the workloads' account for several customers.
resource "aws_iam_role" "support" {
  name = "support"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = "arn:aws:iam::111122223333:root" }
    }]
  })
}

resource "aws_iam_role_policy" "support" {
  name = "customers"
  role = aws_iam_role.support.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "AnyCustomer"
      Effect   = "Allow"
      Action   = "sts:AssumeRole"
      Resource = "*"
    }]
  })
}

output "pipeline_arns" {
  value = { for team, role in aws_iam_role.pipeline : team => role.arn }
}

output "support_arn" {
  value = aws_iam_role.support.arn
}
