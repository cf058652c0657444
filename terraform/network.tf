# The network that functions run in: two private subnets behind one NAT gateway.

data "aws_availability_zones" "available" {
  state = "available"
}

locals {
  availability_zones = slice(data.aws_availability_zones.available.names, 0, 2)
}

resource "aws_vpc" "platform" {
  cidr_block = var.vpc_cidr

  tags = { Name = "platform-vpc" }
}

resource "aws_subnet" "private" {
  count = length(local.availability_zones)

  vpc_id            = aws_vpc.platform.id
  cidr_block        = cidrsubnet(var.vpc_cidr, 8, 1 + count.index)
  availability_zone = local.availability_zones[count.index]

  tags = { Name = "platform-private-${local.availability_zones[count.index]}" }
}

resource "aws_subnet" "public" {
  count = length(local.availability_zones)

  vpc_id            = aws_vpc.platform.id
  cidr_block        = cidrsubnet(var.vpc_cidr, 8, 8 + count.index)
  availability_zone = local.availability_zones[count.index]

  tags = { Name = "platform-public-${local.availability_zones[count.index]}" }
}

resource "aws_internet_gateway" "platform" {
  vpc_id = aws_vpc.platform.id

  tags = { Name = "platform" }
}

resource "aws_eip" "nat" {
  domain = "vpc"

  tags = { Name = "platform-nat" }
}

resource "aws_nat_gateway" "platform" {
  allocation_id = aws_eip.nat.id
  subnet_id     = aws_subnet.public[0].id

  tags = { Name = "platform" }

  depends_on = [aws_internet_gateway.platform]
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.platform.id

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.platform.id
  }

  tags = { Name = "platform-public" }
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.platform.id

  route {
    cidr_block     = "0.0.0.0/0"
    nat_gateway_id = aws_nat_gateway.platform.id
  }

  tags = { Name = "platform-private" }
}

resource "aws_route_table_association" "public" {
  count = length(aws_subnet.public)

  subnet_id      = aws_subnet.public[count.index].id
  route_table_id = aws_route_table.public.id
}

resource "aws_route_table_association" "private" {
  count = length(aws_subnet.private)

  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = aws_route_table.private.id
}

# Nothing connects to a function over the network: a function is invoked
# through Lambda's API, and who may do so is IAM's affair. So there is no
# ingress here; what counts is where the function itself may connect to.
resource "aws_security_group" "lambda" {
  name        = "lambda-functions-sg"
  description = "Functions of the application layer: HTTPS out, nothing in"
  vpc_id      = aws_vpc.platform.id

  egress {
    description = "HTTPS to AWS and the internet"
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }

  tags = { Name = "lambda-functions-sg" }
}

resource "aws_security_group" "apigw_vpce" {
  name        = "apigw-vpce-sg"
  description = "The execute-api endpoint: HTTPS from the functions"
  vpc_id      = aws_vpc.platform.id

  ingress {
    description     = "HTTPS from the functions"
    from_port       = 443
    to_port         = 443
    protocol        = "tcp"
    security_groups = [aws_security_group.lambda.id]
  }

  tags = { Name = "apigw-vpce-sg" }
}

resource "aws_vpc_endpoint" "execute_api" {
  vpc_id             = aws_vpc.platform.id
  service_name       = "com.amazonaws.${var.aws_region}.execute-api"
  vpc_endpoint_type  = "Interface"
  subnet_ids         = aws_subnet.private[*].id
  security_group_ids = [aws_security_group.apigw_vpce.id]

  # Private DNS would answer for every execute-api name in the VPC, so that
  # functions could no longer reach public APIs, this platform's own among
  # them. The endpoint has names of its own.
  # https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-apis.html
  private_dns_enabled = false

  tags = { Name = "platform-execute-api" }
}
