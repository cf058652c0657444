output "api_id" {
  description = "Id of the shared HTTP API."
  value       = aws_apigatewayv2_api.main.id
}

output "api_endpoint" {
  description = "URL at which the shared HTTP API answers."
  value       = aws_apigatewayv2_api.main.api_endpoint
}

output "authorizer_id" {
  description = "Id of the Okta JWT authorizer."
  value       = aws_apigatewayv2_authorizer.okta_jwt.id
}

output "artifacts_bucket" {
  description = "Bucket that deployments upload to, one prefix a service; each workflow's variable SAM_ARTIFACTS_BUCKET."
  value       = aws_s3_bucket.sam_artifacts.id
}

output "account_id" {
  description = "Account that Layer 1 was applied to; each workflow's variable AWS_ACCOUNT_ID."
  value       = local.account_id
}

output "lambda_permission_boundary_arn" {
  description = "Boundary that every execution role must carry."
  value       = aws_iam_policy.lambda_permission_boundary.arn
}

output "deployer_boundary_arn" {
  description = "Boundary of the deployers themselves."
  value       = aws_iam_policy.deployer_boundary.arn
}

output "vpc_id" {
  description = "VPC of the platform."
  value       = aws_vpc.platform.id
}

output "private_subnet_ids" {
  description = "Subnets that functions run in."
  value       = aws_subnet.private[*].id
}

output "lambda_security_group_id" {
  description = "Security group of functions."
  value       = aws_security_group.lambda.id
}

output "high_perm_deployer_role_arns" {
  description = "Deployers of the self-managed services (approach A), by service."
  value       = { for name, role in aws_iam_role.high_perm_deployer : name => role.arn }
}

output "low_perm_deployer_role_arns" {
  description = "Code-only deployers of the managed services (approach B), by service."
  value       = { for name, role in aws_iam_role.low_perm_deployer : name => role.arn }
}

output "hybrid_deployer_role_arns" {
  description = "Code and configuration deployers of the managed services, by service."
  value       = { for name, role in aws_iam_role.hybrid_deployer : name => role.arn }
}

output "managed_route_ids" {
  description = "Routes that the platform wired, by service."
  value       = { for name, route in aws_apigatewayv2_route.managed : name => route.id }
}

output "managed_integration_ids" {
  description = "Integrations that the platform wired, by service."
  value       = { for name, integration in aws_apigatewayv2_integration.managed : name => integration.id }
}
