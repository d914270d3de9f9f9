# Two keys, so that a role that reads published tables cannot decrypt vendor ids, whatever other permissions it gets:
#   identified    the bucket's default (raw, quarantine, _staging, _locks), the user map, both secrets, operators' query results
#   pseudonymous  for every published object and manifest; also analysts' results, the lock table, logs, topics, artifacts
locals {
  # IAM policies of the account decide; without this statement a key could no longer be managed.
  delegate_to_iam = {
    Sid       = "DelegateToIam"
    Effect    = "Allow"
    Principal = { AWS = "arn:aws:iam::${local.account}:root" }
    Action    = "kms:*"
    Resource  = "*" # in a key policy, this key
  }

  key_deletion_days = var.deletion_protection ? 30 : 7
}

resource "aws_kms_key" "identified" {
  description             = "QoL Lake: data with vendor ids, the user map, secrets"
  enable_key_rotation     = true
  deletion_window_in_days = local.key_deletion_days

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [local.delegate_to_iam]
  })
}

resource "aws_kms_alias" "identified" {
  name          = "alias/qol-identified${local.dash}"
  target_key_id = aws_kms_key.identified.key_id
}

resource "aws_kms_key" "pseudonymous" {
  description             = "QoL Lake: published tables, results, locks, logs, topics"
  enable_key_rotation     = true
  deletion_window_in_days = local.key_deletion_days

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      local.delegate_to_iam,
      {
        Sid       = "EncryptLogGroups"
        Effect    = "Allow"
        Principal = { Service = "logs.${var.region}.amazonaws.com" }
        Action    = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey"]
        Resource  = "*"
        Condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = [for name in local.log_groups : "${local.arn.logs}:${name}"] } }
      },
      {
        # CloudWatch needs the topic's key to publish alarms.
        Sid       = "EncryptAlarms"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
      },
    ]
  })
}

resource "aws_kms_alias" "pseudonymous" {
  name          = "alias/qol-pseudonymous${local.dash}"
  target_key_id = aws_kms_key.pseudonymous.key_id
}
