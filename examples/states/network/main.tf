# The network that functions run in. Others read its state.

terraform {
  backend "s3" {
    bucket  = "example-states"
    key     = "network/terraform.tfstate"
    region  = "eu-central-1"
    profile = "platform"
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

  assume_role {
    role_arn = "arn:aws:iam::111122223333:role/platform"
  }
}

resource "aws_vpc" "functions" {
  cidr_block = "10.20.0.0/16"
}

resource "aws_subnet" "functions" {
  vpc_id     = aws_vpc.functions.id
  cidr_block = "10.20.1.0/24"
}

resource "aws_security_group" "functions" {
  name   = "functions"
  vpc_id = aws_vpc.functions.id
}

output "subnet_ids" {
  value = [aws_subnet.functions.id]
}

output "security_group_id" {
  value = aws_security_group.functions.id
}
