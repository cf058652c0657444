# The account of the workloads: a deployer for each team, whom its pipeline in the
# account of the identities becomes.

terraform {
  backend "s3" {
    bucket = "example-states"
    key    = "baseline/terraform.tfstate"
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
  allowed_account_ids = ["444455556666"]

  assume_role {
    role_arn = "arn:aws:iam::444455556666:role/OrganizationAccountAccessRole"
  }
}

data "aws_caller_identity" "current" {}

data "terraform_remote_state" "identity" {
  backend = "s3"
  config = {
    bucket = "example-states"
    key    = "identity/terraform.tfstate"
    region = "eu-central-1"
  }
}

locals {
  pipelines = data.terraform_remote_state.identity.outputs.pipeline_arns
}

resource "aws_s3_bucket" "artifacts" {
  bucket = "example-artifacts"
}

resource "aws_iam_policy" "boundary" {
  name = "workload-boundary"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "Workloads"
      Effect   = "Allow"
      Action   = ["s3:*", "dynamodb:*", "logs:*"]
      Resource = "*"
    }]
  })
}

resource "aws_iam_role" "deploy" {
  for_each = local.pipelines

  name = "deploy-${each.key}"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OwnPipeline"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = each.value }
    }]
  })
}

resource "aws_iam_role_policy" "deploy" {
  for_each = local.pipelines

  name = "deploy"
  role = aws_iam_role.deploy[each.key].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "OwnArtifacts"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject"]
        Resource = "${aws_s3_bucket.artifacts.arn}/${each.key}/*"
      },
      {
        Sid      = "BoundedRoles"
        Effect   = "Allow"
        Action   = "iam:CreateRole"
        Resource = "arn:aws:iam::${data.aws_caller_identity.current.account_id}:role/${each.key}-*"
        Condition = { StringEquals = {
          "iam:PermissionsBoundary" = aws_iam_policy.boundary.arn
        } }
      },
    ]
  })
}

# For the support tool, which shows that it asks for this customer.
resource "aws_iam_role" "support" {
  name = "support-access"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AgreedCustomer"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = data.terraform_remote_state.identity.outputs.support_arn }
      Condition = { StringEquals = { "sts:ExternalId" = "example-customer" } }
    }]
  })
}

output "deployer_arns" {
  value = { for team, role in aws_iam_role.deploy : team => role.arn }
}

output "support_access_arn" {
  value = aws_iam_role.support.arn
}

output "artifacts_bucket" {
  value = aws_s3_bucket.artifacts.bucket
}

output "boundary_arn" {
  value = aws_iam_policy.boundary.arn
}
