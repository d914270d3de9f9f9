# Two keys, so that a role that reads published tables can't decrypt what names people, whatever else it is given:
#   identified    the bucket's default (raw, quarantine, staging), the user map, both secrets, operators' query results
#   pseudonymous  named on every published object and manifest; also analysts' results, locks, logs, topics, artifacts
locals {
  # Whoever the account's IAM policies let; without this statement a key could not be managed any more.
  key_of_the_account = {
    Sid       = "IamDecides"
    Effect    = "Allow"
    Principal = { AWS = "arn:aws:iam::${local.account}:root" }
    Action    = "kms:*"
    Resource  = "*" # in a key policy, this key
  }

  key_deletion_days = var.deletion_protection ? 30 : 7
}

resource "aws_kms_key" "identified" {
  description             = "QoL Lake: what holds or leads to vendor ids"
  enable_key_rotation     = true
  deletion_window_in_days = local.key_deletion_days

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [local.key_of_the_account]
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
      local.key_of_the_account,
      {
        Sid       = "LogGroupsOfThisInstallation"
        Effect    = "Allow"
        Principal = { Service = "logs.${var.region}.amazonaws.com" }
        Action    = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey"]
        Resource  = "*"
        Condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = [for name in local.log_groups : "${local.arn.logs}:${name}"] } }
      },
      {
        # Alarms can't publish to a topic whose key does not let them.
        Sid       = "AlarmsToTheOperationsTopic"
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
