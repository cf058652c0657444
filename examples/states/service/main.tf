# A function, in the network of one root module and with the role of another.

terraform {
  backend "s3" {
    bucket = "example-states"
    key    = "services/orders/terraform.tfstate"
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
  region = "eu-central-1"
}

variable "states" {
  type    = string
  default = "example-states"
}

variable "service" {
  type = string
}

data "terraform_remote_state" "network" {
  backend = "s3"
  config = {
    bucket = var.states
    key    = "network/terraform.tfstate"
    region = "eu-central-1"
  }
}

data "terraform_remote_state" "identity" {
  backend = "s3"
  config = {
    bucket = var.states
    key    = "identity/terraform.tfstate"
    region = "eu-central-1"
  }
}

resource "aws_cloudwatch_log_group" "service" {
  name              = "/aws/lambda/${var.service}"
  retention_in_days = 30
}

# orders.zip holds src/index.py.
resource "aws_lambda_function" "service" {
  function_name    = var.service
  role             = data.terraform_remote_state.identity.outputs.role_arns[var.service]
  runtime          = "python3.12"
  handler          = "index.handler"
  filename         = "${path.module}/orders.zip"
  source_code_hash = filebase64sha256("${path.module}/orders.zip")

  vpc_config {
    subnet_ids         = data.terraform_remote_state.network.outputs.subnet_ids
    security_group_ids = [data.terraform_remote_state.network.outputs.security_group_id]
  }
}
