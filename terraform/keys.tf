# Two keys, so that a role that reads published tables cannot decrypt vendor ids, whatever other permissions it gets:
#   identified    the bucket's default (raw, quarantine, _staging, _locks), the user map, both secrets, operators' query results,
#                 the audit trail; its policy names the roles that may decrypt
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

  # Roles that read something encrypted with the identified key.
  decrypting_roles = concat(
    [local.job, local.eraser, local.lambdas.receiver.name, local.lambdas.raw_gap.name, local.people_names.operator],
    [for _ in local.gathered : local.stream],
    [for function in merge(local.collectors, local.announcement_receivers) : function.name],
    [for _ in values(local.apis) : local.api],
    var.decrypting_roles,
  )
}

resource "aws_kms_key" "identified" {
  description             = "QoL Lake: data with vendor ids, the user map, secrets"
  enable_key_rotation     = true
  deletion_window_in_days = local.key_deletion_days

}

resource "aws_kms_key_policy" "identified" {
  key_id = aws_kms_key.identified.key_id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      local.delegate_to_iam,
      {
        # Whoever else in the account may decrypt with every key may not with this one. Services act by their grants.
        Sid       = "OnlyNamedRolesDecrypt"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["kms:Decrypt", "kms:ReEncryptFrom"]
        Resource  = "*"
        Condition = {
          ArnNotEquals = { "aws:PrincipalArn" = [for name in local.decrypting_roles : "arn:aws:iam::${local.account}:role/${name}"] }
          Bool         = { "aws:PrincipalIsAWSService" = "false" }
        }
      },
      {
        Sid       = "EncryptAuditTrail"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = ["kms:GenerateDataKey", "kms:DescribeKey"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceArn" = local.arn_of_audit_trail } }
      },
    ]
  })

  # DynamoDB takes its grant from whoever creates the table, who needs the key for that moment.
  depends_on = [aws_dynamodb_table.user_map]
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
