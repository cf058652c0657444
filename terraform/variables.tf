variable "aws_region" {
  description = "Region that everything regional lives in."
  type        = string
  default     = "us-east-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.aws_region))
    error_message = "aws_region must be a region's code, such as us-east-1."
  }
}

variable "okta_issuer" {
  description = "Okta authorization server whose tokens the API accepts, such as https://dev-12345.okta.com/oauth2/default. Compared letter by letter with the token's iss: no trailing slash."
  type        = string

  validation {
    condition     = can(regex("^https://[^/?#]+(/[^?#]*[^/?#])?$", var.okta_issuer))
    error_message = "okta_issuer must be an https URL without a trailing slash, query or fragment."
  }
}

variable "okta_audience" {
  description = "Audience that a token must name, as set on the Okta authorization server."
  type        = string
  default     = "api://default"

  validation {
    condition     = length(var.okta_audience) > 0
    error_message = "okta_audience must not be empty."
  }
}

variable "vpc_cidr" {
  description = "Address range of the platform's VPC, /16 to /20; its subnets are 8 bits smaller."
  type        = string
  default     = "10.0.0.0/16"

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && can(regex("/(1[6-9]|20)$", var.vpc_cidr))
    error_message = "vpc_cidr must be an IPv4 range with a prefix of 16 to 20 bits."
  }
}

variable "log_retention_days" {
  description = "Days for which the platform's log groups keep their events."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be a period that CloudWatch Logs offers."
  }
}

variable "artifacts_bucket_name" {
  description = "Name of the bucket that deployments read their artifacts from. Null: platform-sam-artifacts-ACCOUNT-REGION."
  type        = string
  default     = null

  validation {
    condition     = var.artifacts_bucket_name == null || can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.artifacts_bucket_name))
    error_message = "artifacts_bucket_name must be a valid S3 bucket name."
  }
}

variable "self_managed_services" {
  description = <<-EOT
    Approach A: services whose teams own their stack, execution role and routes.
    The key is the service's name: it prefixes its stack, functions, log groups
    and artifact keys, and, behind app-, its roles. Of the GitHub repository:
    its ORG/NAME, the branch that deploys, and, for repositories created,
    renamed or transferred since 2026-07-15, the immutable ids that GitHub puts
    into the token's subject.
  EOT
  type = map(object({
    repository    = string
    branch        = optional(string, "main")
    owner_id      = optional(string)
    repository_id = optional(string)
  }))
  default = {}

  validation {
    condition     = alltrue([for name, _ in var.self_managed_services : can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", name))])
    error_message = "A service's name has 3 to 32 lower-case letters, digits and hyphens, and starts with a letter."
  }

  validation {
    condition     = alltrue([for _, service in var.self_managed_services : can(regex("^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$", service.repository))])
    error_message = "repository must be ORG/NAME, without wildcards."
  }

  validation {
    condition     = alltrue([for _, service in var.self_managed_services : can(regex("^[A-Za-z0-9._/-]+$", service.branch))])
    error_message = "branch must be one branch's name, without wildcards."
  }

  validation {
    condition     = alltrue([for _, service in var.self_managed_services : (service.owner_id == null) == (service.repository_id == null)])
    error_message = "owner_id and repository_id go together."
  }
}

variable "managed_services" {
  description = <<-EOT
    Approach B: services that the platform provisions whole (role, function,
    log group, route); their teams deploy code alone. path is the part of the
    route after the method, scopes are those of which a token must hold one.
    configuration_environment names the GitHub environment whose jobs may also
    change the function's configuration (the hybrid deployer); null: nobody may.
  EOT
  type = map(object({
    repository                = string
    branch                    = optional(string, "main")
    owner_id                  = optional(string)
    repository_id             = optional(string)
    method                    = optional(string, "GET")
    path                      = string
    scopes                    = optional(list(string), [])
    runtime                   = optional(string, "python3.12")
    handler                   = optional(string, "app.handler")
    architecture              = optional(string, "arm64")
    timeout                   = optional(number, 30)
    memory_size               = optional(number, 128)
    configuration_environment = optional(string)
  }))
  default = {}

  validation {
    condition     = alltrue([for name, _ in var.managed_services : can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", name))])
    error_message = "A service's name has 3 to 32 lower-case letters, digits and hyphens, and starts with a letter."
  }

  # A name that begins with another's and a hyphen would fall into the other's
  # namespace: app-x-* holds app-x-y-role.
  validation {
    condition = alltrue(flatten([
      for a in concat(keys(var.self_managed_services), keys(var.managed_services)) : [
        for b in concat(keys(var.self_managed_services), keys(var.managed_services)) : !startswith(b, "${a}-")
      ]
    ]))
    error_message = "No service's name may be another's followed by a hyphen and more: the names are namespaces."
  }

  validation {
    condition     = length(setintersection(keys(var.self_managed_services), keys(var.managed_services))) == 0
    error_message = "A service is either self-managed or managed, not both."
  }

  validation {
    condition     = alltrue([for _, service in var.managed_services : can(regex("^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$", service.repository))])
    error_message = "repository must be ORG/NAME, without wildcards."
  }

  validation {
    condition     = alltrue([for _, service in var.managed_services : can(regex("^[A-Za-z0-9._/-]+$", service.branch))])
    error_message = "branch must be one branch's name, without wildcards."
  }

  validation {
    condition     = alltrue([for _, service in var.managed_services : (service.owner_id == null) == (service.repository_id == null)])
    error_message = "owner_id and repository_id go together."
  }

  validation {
    condition     = alltrue([for _, service in var.managed_services : can(regex("^/[^\\s]*$", service.path))])
    error_message = "path must start with a slash."
  }

  validation {
    condition     = alltrue([for _, service in var.managed_services : service.configuration_environment == null || can(regex("^[A-Za-z0-9_-]+$", service.configuration_environment))])
    error_message = "configuration_environment must be one environment's name: letters, digits, hyphens and underscores."
  }
}
