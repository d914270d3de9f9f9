# Who read what names people: data events of raw/, quarantine/ and the user map, in a bucket of their own. Reads of secrets and
# decryptions are management events, which CloudTrail keeps 90 days without a trail.
locals {
  audit_bucket = "${local.bucket}-audit"
  audit_trail  = "qol-audit${local.dash}"
  audit_days   = 400
  is_audited   = var.audit_trail == null

  arn_of_audit_bucket = "arn:aws:s3:::${local.audit_bucket}"
  arn_of_audit_trail  = "arn:aws:cloudtrail:${var.region}:${local.account}:trail/${local.audit_trail}"

  audited = {
    "Reads of raw and quarantine" = { type = "AWS::S3::Object", below = [for prefix in ["raw", "quarantine"] : "${local.arn.bucket}/${prefix}/"], is = null }
    "Reads of the user map"       = { type = "AWS::DynamoDB::Table", below = null, is = [local.arn.user_map] }
  }
}

resource "aws_cloudtrail" "audit" {
  #checkov:skip=CKV2_AWS_10:A second copy in CloudWatch would hold the same events under another key
  count = local.is_audited ? 1 : 0

  name                       = local.audit_trail
  s3_bucket_name             = aws_s3_bucket.audit[0].id
  kms_key_id                 = aws_kms_key.identified.arn
  enable_log_file_validation = true
  is_multi_region_trail      = true

  dynamic "advanced_event_selector" {
    for_each = local.audited

    content {
      name = advanced_event_selector.key

      field_selector {
        field  = "eventCategory"
        equals = ["Data"]
      }

      field_selector {
        field  = "resources.type"
        equals = [advanced_event_selector.value.type]
      }

      # A write names the item's key, a vendor id; a read of many items names none.
      field_selector {
        field  = "readOnly"
        equals = ["true"]
      }

      field_selector {
        field       = "resources.ARN"
        equals      = advanced_event_selector.value.is
        starts_with = advanced_event_selector.value.below
      }
    }
  }

  depends_on = [aws_s3_bucket_policy.audit, aws_kms_key_policy.identified]
}

resource "aws_s3_bucket" "audit" {
  #checkov:skip=CKV_AWS_18:Its only writer is CloudTrail, and its readers are administrators
  #checkov:skip=CKV_AWS_144:A copy in another region would move records about people abroad
  #checkov:skip=CKV2_AWS_62:No function is triggered by records of the trail
  count = local.is_audited ? 1 : 0

  bucket        = local.audit_bucket
  force_destroy = !var.deletion_protection
}

resource "aws_s3_bucket_versioning" "audit" {
  count = local.is_audited ? 1 : 0

  bucket = aws_s3_bucket.audit[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "audit" {
  count = local.is_audited ? 1 : 0

  bucket = aws_s3_bucket.audit[0].id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.identified.arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "audit" {
  count = local.is_audited ? 1 : 0

  bucket                  = aws_s3_bucket.audit[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_lifecycle_configuration" "audit" {
  count = local.is_audited ? 1 : 0

  bucket = aws_s3_bucket.audit[0].id

  rule {
    id     = "audit"
    status = "Enabled"

    filter {
      prefix = ""
    }

    expiration {
      days = local.audit_days
    }

    noncurrent_version_expiration {
      noncurrent_days = 1
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 3
    }
  }

  depends_on = [aws_s3_bucket_versioning.audit]
}

resource "aws_s3_bucket_policy" "audit" {
  count = local.is_audited ? 1 : 0

  bucket = aws_s3_bucket.audit[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.arn_of_audit_bucket, "${local.arn_of_audit_bucket}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "TrailChecksBucket"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = "s3:GetBucketAcl"
        Resource  = local.arn_of_audit_bucket
        Condition = { StringEquals = { "aws:SourceArn" = local.arn_of_audit_trail } }
      },
      {
        Sid       = "TrailWrites"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource  = "${local.arn_of_audit_bucket}/AWSLogs/${local.account}/*"
        Condition = { StringEquals = { "aws:SourceArn" = local.arn_of_audit_trail, "s3:x-amz-acl" = "bucket-owner-full-control" } }
      },
    ]
  })

  depends_on = [aws_s3_bucket_public_access_block.audit]
}
