# The bucket that deployments upload to and CloudFormation reads from: one
# prefix a service.

locals {
  artifacts_bucket_name = coalesce(var.artifacts_bucket_name, "platform-sam-artifacts-${local.account_id}-${var.aws_region}")
}

resource "aws_s3_bucket" "sam_artifacts" {
  bucket = local.artifacts_bucket_name
}

resource "aws_s3_bucket_public_access_block" "sam_artifacts" {
  bucket = aws_s3_bucket.sam_artifacts.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "sam_artifacts" {
  bucket = aws_s3_bucket.sam_artifacts.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "sam_artifacts" {
  bucket = aws_s3_bucket.sam_artifacts.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_versioning" "sam_artifacts" {
  bucket = aws_s3_bucket.sam_artifacts.id

  versioning_configuration {
    status = "Enabled"
  }
}

data "aws_iam_policy_document" "sam_artifacts" {
  statement {
    sid       = "DenyPlainHttp"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.sam_artifacts.arn, "${aws_s3_bucket.sam_artifacts.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "sam_artifacts" {
  bucket = aws_s3_bucket.sam_artifacts.id
  policy = data.aws_iam_policy_document.sam_artifacts.json

  depends_on = [aws_s3_bucket_public_access_block.sam_artifacts]
}
