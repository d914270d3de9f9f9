# The lake: one bucket, the two DynamoDB tables beside it, the secrets.

resource "aws_s3_bucket" "lake" {
  #checkov:skip=CKV_AWS_18:Reads of raw, quarantine and the user map are data events of the trail in audit.tf, or of the one that audit_trail names; they name the role
  #checkov:skip=CKV_AWS_144:Versions protect against mistakes; a copy in another region would move health data abroad
  #checkov:skip=CKV2_AWS_62:No function is triggered by objects; the schedule starts the job
  bucket        = local.bucket
  force_destroy = !var.deletion_protection

  lifecycle {
    precondition {
      condition     = var.enforce_bucket_policy || local.account == "123456789012"
      error_message = "enforce_bucket_policy: only the account 123456789012 of a simulated AWS may go without."
    }
  }
}

resource "aws_s3_bucket_versioning" "lake" {
  bucket = aws_s3_bucket.lake.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "lake" {
  bucket = aws_s3_bucket.lake.id

  rule {
    # With a bucket key, reading 100,000 raw objects takes a few KMS requests instead of 100,000.
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.identified.arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "lake" {
  bucket                  = aws_s3_bucket.lake.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "lake" {
  bucket = aws_s3_bucket.lake.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "lake" {
  count = var.enforce_bucket_policy ? 1 : 0

  bucket = aws_s3_bucket.lake.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.arn.bucket, "${local.arn.bucket}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        # Analysts could not read a week or a manifest under the other key, so a write without this key fails.
        Sid       = "RequirePseudonymousKey"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = ["${local.arn.bucket}/processed/*", "${local.arn.bucket}/_objects/*", "${local.arn.bucket}/_runs/*", "${local.arn.bucket}/_collects/*"]
        Condition = { StringNotEquals = { "s3:x-amz-server-side-encryption-aws-kms-key-id" = aws_kms_key.pseudonymous.arn } }
      },
      {
        # What was received is replaced by an erasure alone. Parts of an upload cannot name the condition; its end must.
        # Firehose cannot name it at all: its role may write keys of its own alone.
        Sid       = "NeverReplaceReceived"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = ["${local.arn.bucket}/raw/*", "${local.arn.bucket}/quarantine/bodies/*"]
        Condition = {
          Null         = { "s3:if-none-match" = "true" }
          Bool         = { "s3:ObjectCreationOperation" = "true" }
          ArnNotEquals = { "aws:PrincipalArn" = concat([local.arn.eraser], [for _ in local.gathered : "arn:aws:iam::${local.account}:role/${local.stream}"]) }
        }
      },
      ],
      [for _ in var.deletion_protection ? [1] : [] : {
        # Other roles that delete an object leave its versions, from which it can be restored.
        Sid       = "OnlyEraserDeletesVersions"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:DeleteObjectVersion"
        Resource  = "${local.arn.bucket}/*"
        Condition = { ArnNotEquals = { "aws:PrincipalArn" = local.arn.eraser } }
      }],
    )
  })

  depends_on = [aws_s3_bucket_public_access_block.lake]
}

locals {
  # Days until objects below a prefix expire; their old versions expire a day later.
  expiring = merge(
    {
      staging                  = { prefix = "_staging/", days = 7 }
      athena-results           = { prefix = "athena-results/", days = 30 }
      athena-results-operators = { prefix = "athena-results-operators/", days = 30 }
      superseded-lock          = { prefix = "_locks/", days = null }
    },
    {
      for prefix, places in transpose(local.retained_places) :
      replace(trim(prefix, "/"), "/", "-") => { prefix = prefix, days = local.retention[places[0]] } if local.retention[places[0]] != "keep"
    },
  )

  # Days that each layer is kept; S3 counts from the last write of an object, `qol retain` from the day in its key.
  retention = yamldecode(file("${path.module}/../schemas/retention.yaml"))

  # As PLACES in lib/qol/contracts/retention.py.
  retained_places = {
    raw        = ["raw/", "quarantine/objects/"]
    bodies     = ["quarantine/bodies/"]
    quarantine = ["quarantine/rows/"]
    records    = ["processed/records/"]
    daily      = ["processed/daily/"]
    weekly     = ["processed/weekly/", "processed/survey_windows/"]
    manifests  = ["_runs/"]
    reports    = ["_reports/"]
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "lake" {
  bucket = aws_s3_bucket.lake.id

  dynamic "rule" {
    for_each = local.expiring

    content {
      id     = rule.key
      status = "Enabled"

      filter {
        prefix = rule.value.prefix
      }

      dynamic "expiration" {
        for_each = rule.value.days == null ? [] : [rule.value.days]

        content {
          days = expiration.value
        }
      }

      # What expires is gone a day later. `qol restore` needs the earlier versions of published files.
      dynamic "noncurrent_version_expiration" {
        for_each = startswith(rule.value.prefix, "processed/") ? [] : [1]

        content {
          noncurrent_days = 1
        }
      }
    }
  }

  rule {
    # How long `qol restore` can go back.
    id     = "old-versions"
    status = "Enabled"

    filter {
      prefix = ""
    }

    noncurrent_version_expiration {
      noncurrent_days = local.retention.old_versions
    }

    expiration {
      expired_object_delete_marker = true
    }
  }

  rule {
    id     = "aborted-uploads"
    status = "Enabled"

    filter {
      prefix = ""
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 3
    }
  }

  depends_on = [aws_s3_bucket_versioning.lake]
}

resource "aws_dynamodb_table" "user_map" {
  name                        = local.user_map
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "garmin_user_id"
  deletion_protection_enabled = var.deletion_protection

  attribute {
    name = "garmin_user_id"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.identified.arn
  }
}

resource "aws_dynamodb_table" "locks" {
  name         = local.lock_table
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "name"

  attribute {
    name = "name"
    type = "S"
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.pseudonymous.arn
  }
}

# Secrets without values: an operator sets them (docs/deploy.md), so that no state file holds one.
resource "aws_secretsmanager_secret" "pseudonym_key" {
  #checkov:skip=CKV2_AWS_57:A new key gives every user a new id, so it must never rotate
  name                    = local.secrets.pseudonym_key
  description             = "Key of pseudonymous ids, 32 bytes or more. Never change it: every user would get a new id."
  kms_key_id              = aws_kms_key.identified.arn
  recovery_window_in_days = var.deletion_protection ? 30 : 0
}

resource "aws_secretsmanager_secret" "garmin_webhook" {
  #checkov:skip=CKV2_AWS_57:The token is part of the URL entered at Garmin; two are valid at a time and a person changes both ends (docs/deploy.md)
  name                    = local.secrets.garmin_webhook
  description             = "JSON with `tokens` (current, previous) and `client_ids` of the Garmin webhook."
  kms_key_id              = aws_kms_key.identified.arn
  recovery_window_in_days = var.deletion_protection ? 30 : 0
}
