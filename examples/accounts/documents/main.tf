# Documents of the workloads' account that one team's pipeline reads from its own.

terraform {
  backend "s3" {
    bucket = "example-states"
    key    = "documents/terraform.tfstate"
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
}

data "terraform_remote_state" "identity" {
  backend = "s3"
  config = {
    bucket = "example-states"
    key    = "identity/terraform.tfstate"
    region = "eu-central-1"
  }
}

data "terraform_remote_state" "baseline" {
  backend = "s3"
  config = {
    bucket = "example-states"
    key    = "baseline/terraform.tfstate"
    region = "eu-central-1"
  }
}

resource "aws_s3_bucket" "documents" {
  bucket = "example-documents"
}

resource "aws_s3_bucket_policy" "documents" {
  bucket = aws_s3_bucket.documents.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OrdersReads"
        Effect    = "Allow"
        Principal = { AWS = data.terraform_remote_state.identity.outputs.pipeline_arns["orders"] }
        Action    = "s3:GetObject"
        Resource  = "${aws_s3_bucket.documents.arn}/*"
      },
      {
        Sid       = "DeployersWrite"
        Effect    = "Allow"
        Principal = { AWS = values(data.terraform_remote_state.baseline.outputs.deployer_arns) }
        Action    = "s3:PutObject"
        Resource  = "${aws_s3_bucket.documents.arn}/*"
      },
    ]
  })
}

output "documents_bucket" {
  value = aws_s3_bucket.documents.bucket
}
