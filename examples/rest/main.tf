# A REST API whose callers log in with a user pool or call with a shared key, a queue and
# a table behind it, each under a key of KMS.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

provider "aws" {
  region = "eu-west-1"
}

data "aws_caller_identity" "this" {}
