# Sources that are asked (`collect`): a function per source on a schedule, their tokens, and a queue for what vendors announce.
# How a source is asked and who needs tokens is in its contracts, which are in the function's zip.
locals {
  collector_zip = "${var.package_dir}/lambda/collector.zip"
  tokens        = "qol_collect_tokens${local.under}"

  collect_rules = { for source, _ in var.collect : source => try(yamldecode(file("${path.module}/../schemas/sources/${source}/_rules.yaml")), {}) }
  connected     = toset([for source, rules in local.collect_rules : source if try(rules.collect.auth.kind, "none") != "none"])
  announced     = toset([for source, asked in var.collect : source if asked.announced])
  tokens_tables = toset([for _ in slice(sort(local.connected), 0, min(1, length(local.connected))) : "tokens"])

  collect_secrets = { for source in local.connected : source => "qol/collect/${source}${local.dash}" }
  announce_queues = { for source in local.announced : source => "qol-announced-${source}${local.dash}" }
  announce_dead   = { for source in local.announced : source => "qol-announced-${source}-failed${local.dash}" }

  arn_of_tokens      = "arn:aws:dynamodb:${var.region}:${local.account}:table/${local.tokens}"
  arn_of_queue       = { for source, name in local.announce_queues : source => "arn:aws:sqs:${var.region}:${local.account}:${name}" }
  arn_of_dead_queue  = { for source, name in local.announce_dead : source => "arn:aws:sqs:${var.region}:${local.account}:${name}" }
  announcement_route = { for pair in setproduct(local.announced, ["GET", "POST"]) : "${pair[1]} ${pair[0]}" => "${pair[1]} /${pair[0]}/webhook" }

  collectors = { for source, asked in var.collect : "collect_${source}" => {
    source      = source
    name        = "qol-collect-${source}${local.dash}"
    description = "Asks ${source} for what is new, and for documents that it announced."
    handler     = "qol.collect.aws_function.handler"
    zip         = local.collector_zip
    memory      = 1024 # pages of all people wait for their object
    timeout     = 900
    reserved    = 3 # a schedule, and two batches of announcements
    is_async    = true
    environment = merge(
      { QOL_COLLECT_SOURCE = source, QOL_TOPIC_ARN = local.arn.alert },
      { for _ in setintersection(local.connected, [source]) : "QOL_COLLECT_SECRET" => local.collect_secrets[source] },
      { for _ in setintersection(local.connected, [source]) : "QOL_TOKENS" => "dynamodb:${local.tokens}" },
    )
  } }

  announcement_receivers = { for key in ["announcement_receiver"] : key => {
    name        = "qol-announcements${local.dash}"
    description = "Checks what vendors announce, and queues it for their collectors."
    memory      = 256
    timeout     = 10 # vendors wait as long
    reserved    = 10
    is_async    = false
    environment = {
      QOL_COLLECT_SECRETS     = jsonencode(local.collect_secrets)
      QOL_ANNOUNCEMENT_QUEUES = jsonencode({ for source, queue in aws_sqs_queue.announced : source => queue.url })
    }
  } if length(local.announced) > 0 }

  collect_schedules = { for source, asked in var.collect : "collect_${source}" => { name = "qol-collect-${source}${local.dash}", at = asked.schedule, function = "collect_${source}", input = local.schedule_input } }

  collector_statements = { for key, function in local.collectors : key => concat(local.can_start[key], local.can_fail_over, local.can_alert,
    [
      {
        # Only the source's own pages, and messages about deletions; the bucket's policy lets nothing replace them.
        Sid      = "StorePages"
        Effect   = "Allow"
        Action   = "s3:PutObject"
        Resource = ["${local.arn.bucket}/raw/${function.source}/*", "${local.arn.bucket}/_collects/*", "${local.arn.bucket}/quarantine/collect/${function.source}.json"]
      },
      { Sid = "ReadCollectedDays", Effect = "Allow", Action = "s3:GetObject", Resource = "${local.arn.bucket}/quarantine/collect/${function.source}.json" },
      # No condition on the prefix: with one, S3 answers 403 instead of 404 for a missing object.
      { Sid = "ListLake", Effect = "Allow", Action = "s3:ListBucket", Resource = local.arn.bucket },
      {
        # Decryption for the collected days; pages cannot be read.
        Sid       = "EncryptPages"
        Effect    = "Allow"
        Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
        Resource  = local.keys.identified
        Condition = { StringEquals = { "kms:ViaService" = local.via.s3 } }
      },
      {
        Sid       = "EncryptManifests"
        Effect    = "Allow"
        Action    = "kms:GenerateDataKey"
        Resource  = local.keys.pseudonymous
        Condition = { StringEquals = { "kms:ViaService" = local.via.s3 } }
      },
    ],
    flatten([for _ in setintersection(local.connected, [function.source]) : [
      {
        Sid       = "OwnTokens"
        Effect    = "Allow"
        Action    = ["dynamodb:Query", "dynamodb:GetItem", "dynamodb:UpdateItem"]
        Resource  = local.arn_of_tokens
        Condition = { "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = [function.source] } }
      },
      { Sid = "ReadSecret", Effect = "Allow", Action = "secretsmanager:GetSecretValue", Resource = aws_secretsmanager_secret.collect[function.source].arn },
      {
        Sid       = "DecryptTokensAndSecret"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = local.keys.identified
        Condition = { StringEquals = { "kms:ViaService" = [local.via.dynamodb, local.via.secretsmanager] } }
      },
    ]]),
    flatten([for _ in setintersection(local.announced, [function.source]) : [
      { Sid = "TakeAnnouncements", Effect = "Allow", Action = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], Resource = local.arn_of_queue[function.source] },
      {
        Sid       = "DecryptAnnouncements"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = local.keys.identified
        Condition = { StringEquals = { "kms:ViaService" = local.via.sqs } }
      },
    ]]),
  ) }

  announcement_statements = { for key, _ in local.announcement_receivers : key => concat(local.can_start[key], [
    { Sid = "QueueAnnouncements", Effect = "Allow", Action = "sqs:SendMessage", Resource = values(local.arn_of_queue) },
    { Sid = "ReadSecrets", Effect = "Allow", Action = "secretsmanager:GetSecretValue", Resource = [for source in local.announced : aws_secretsmanager_secret.collect[source].arn] },
    {
      # SQS encrypts with the sender's permissions, and asks for both.
      Sid       = "EncryptAnnouncements"
      Effect    = "Allow"
      Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
      Resource  = local.keys.identified
      Condition = { StringEquals = { "kms:ViaService" = [local.via.sqs, local.via.secretsmanager] } }
    },
  ]) }

  # What operators may do for collectors: edit how far people are collected, connect them, set secrets, send failed announcements again.
  can_operate_collectors = flatten([
    [for _ in slice(keys(var.collect), 0, min(1, length(var.collect))) : {
      Sid      = "EditCollectedDays"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:PutObject"]
      Resource = "${local.arn.bucket}/quarantine/collect/*"
    }],
    [for _ in local.tokens_tables : [
      {
        # New tokens without the old ones in the answer.
        Sid       = "ConnectPeople"
        Effect    = "Allow"
        Action    = "dynamodb:UpdateItem"
        Resource  = local.arn_of_tokens
        Condition = { StringEqualsIfExists = { "dynamodb:ReturnValues" = "NONE" } }
      },
      { Sid = "DisconnectPeople", Effect = "Allow", Action = "dynamodb:DeleteItem", Resource = local.arn_of_tokens },
      {
        Sid       = "EncryptTokens"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = local.keys.identified
        Condition = { StringEquals = { "kms:ViaService" = local.via.dynamodb } }
      },
      {
        Sid      = "PutCollectSecrets"
        Effect   = "Allow"
        Action   = ["secretsmanager:PutSecretValue", "secretsmanager:DescribeSecret"]
        Resource = [for secret in aws_secretsmanager_secret.collect : secret.arn]
      },
    ]],
    [for _ in slice(sort(local.announced), 0, min(1, length(local.announced))) : [
      {
        Sid      = "RepeatAnnouncements"
        Effect   = "Allow"
        Action   = ["sqs:StartMessageMoveTask", "sqs:ListMessageMoveTasks", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:SendMessage"]
        Resource = concat(values(local.arn_of_queue), values(local.arn_of_dead_queue))
      },
      {
        Sid       = "EncryptRepeatedAnnouncements"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = local.keys.identified
        Condition = { StringEquals = { "kms:ViaService" = local.via.sqs } }
      },
    ]],
  ])

  announcement_alarms = merge(
    { for source, name in local.announce_dead : "${name}-waiting" => {
      description = "An announcement of ${source} failed five times; the daily collection fetches its document (docs/runbook.md)."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = name }
      statistic   = "Maximum"
      above       = 0
    } },
    { for source, name in local.announce_queues : "${name}-late" => {
      description = "Announcements of ${source} wait over an hour for their collector."
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = name }
      statistic   = "Maximum"
      above       = 3600
    } },
    { for key, function in local.announcement_receivers : "${function.name}-forged" => {
      description = "More than 100 announcements in 5 minutes had a wrong signature or time: a rotation that is incomplete, or an attack (docs/webhook.md)."
      namespace   = local.metrics_namespace
      metric      = "forged_announcements"
      dimensions  = { service = function.name }
      statistic   = "Sum"
      above       = 100
    } },
  )
}

# Under the identified key: with a token, a user's data can be read at the vendor.
resource "aws_dynamodb_table" "tokens" {
  for_each = local.tokens_tables

  name                        = local.tokens
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "source"
  range_key                   = "user_id"
  deletion_protection_enabled = var.deletion_protection

  attribute {
    name = "source"
    type = "S"
  }

  attribute {
    name = "user_id"
    type = "S"
  }

  # A refresh token works once, so an older table would have tokens that no longer do: people are connected again instead.
  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.identified.arn
  }
}

resource "aws_secretsmanager_secret" "collect" {
  #checkov:skip=CKV2_AWS_57:The vendor issues it; a person changes both ends (docs/runbook.md)
  for_each = local.collect_secrets

  name                    = each.value
  description             = "JSON with `client_id` and `client_secret` of the application at ${each.key}, and `verification_token` of its webhook."
  kms_key_id              = aws_kms_key.identified.arn
  recovery_window_in_days = var.deletion_protection ? 30 : 0
}

resource "aws_sqs_queue" "announced" {
  for_each = local.announce_queues

  name                       = each.value
  visibility_timeout_seconds = 5400 # six times the function's timeout, as AWS advises
  message_retention_seconds  = 345600
  kms_master_key_id          = aws_kms_key.identified.arn

  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.announced_dead[each.key].arn, maxReceiveCount = 5 })
}

resource "aws_sqs_queue" "announced_dead" {
  for_each = local.announce_dead

  name                      = each.value
  message_retention_seconds = 1209600
  kms_master_key_id         = aws_kms_key.identified.arn
}

resource "aws_sqs_queue_policy" "announced" {
  for_each = { for queue in concat(values(aws_sqs_queue.announced), values(aws_sqs_queue.announced_dead)) : queue.name => queue }

  queue_url = each.value.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*"
      Resource  = each.value.arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}

resource "aws_lambda_event_source_mapping" "announced" {
  for_each = local.announced

  event_source_arn                   = aws_sqs_queue.announced[each.key].arn
  function_name                      = aws_lambda_function.functions["collect_${each.key}"].arn
  batch_size                         = 100
  maximum_batching_window_in_seconds = 60
  function_response_types            = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = 2
  }
}

resource "aws_apigatewayv2_integration" "announcements" {
  for_each = local.announcement_receivers

  api_id                 = aws_apigatewayv2_api.webhook.id
  integration_type       = "AWS_PROXY"
  integration_method     = "POST"
  integration_uri        = aws_lambda_function.functions[each.key].arn
  payload_format_version = "2.0"
  timeout_milliseconds   = 10000
}

resource "aws_apigatewayv2_route" "announcements" {
  #checkov:skip=CKV_AWS_309:The vendor signs what it sends; the function checks the signature, and the token of a verification
  for_each = local.announcement_route

  api_id             = aws_apigatewayv2_api.webhook.id
  route_key          = each.value
  target             = "integrations/${aws_apigatewayv2_integration.announcements["announcement_receiver"].id}"
  authorization_type = "NONE"
}

resource "aws_lambda_permission" "announcements" {
  for_each = local.announcement_receivers

  statement_id  = "announcements"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.functions[each.key].function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.webhook.execution_arn}/*/*/*/webhook"
}
