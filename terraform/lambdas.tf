# Five functions with the same code, and those of collect.tf. Their settings are here, their permissions in roles.tf.
locals {
  functions_zip = "${var.package_dir}/lambda/functions.zip"

  common_environment = {
    QOL_BUCKET    = local.bucket
    QOL_PREFIX    = ""
    QOL_TIME_ZONE = var.time_zone
    QOL_STAGE     = var.stage
  }

  job_environment = {
    QOL_JOB_NAME   = local.job
    QOL_LOCK_TABLE = local.lock_table
    QOL_TOPIC_ARN  = local.arn.alert
    QOL_RUNBOOK    = var.runbook_url
  }

  lambdas = merge(local.collectors, local.announcement_receivers, {
    receiver = {
      name        = "garmin_webhook_receiver${local.under}"
      description = "Stores what Garmin pushes, one line per request, before it answers 200."
      memory      = 512 # a 6 MB body and its records
      timeout     = 28  # below the API's 30 s, so that a slow store ends as a 5xx that Garmin repeats
      reserved    = 50
      is_async    = false
      environment = merge(
        { QOL_WEBHOOK_SECRET = local.secrets.garmin_webhook, QOL_USER_MAP_TABLE = local.user_map },
        { for _ in local.gathered : "QOL_STREAM" => local.stream },
      )
    }
    kick = {
      name        = "qol-weekly-survey-kick${local.dash}"
      description = "Starts the weekly job once per business week, and the job of erasures."
      memory      = 256
      timeout     = 45 # a lock item expires after 50 s
      reserved    = 1  # deliveries of the same schedule run one after another
      is_async    = true
      environment = merge(local.job_environment, { QOL_ERASE_JOB_NAME = local.eraser })
    }
    notifier = {
      name        = "job_failure_notifier${local.under}"
      description = "One message per run that failed, or published with warnings."
      memory      = 256
      timeout     = 45
      reserved    = 2
      is_async    = true
      environment = merge(local.job_environment, {
        QOL_MAX_ATTEMPTS    = "2"
        QOL_LOG_GROUP       = local.job_logs.output
        QOL_ERASE_JOB_NAME  = local.eraser
        QOL_ERASE_LOG_GROUP = local.erase_logs["eraser-output"]
      })
    }
    watchdog = {
      name        = "qol-watchdog${local.dash}"
      description = "One message when the week has no result and no message was sent."
      memory      = 256
      timeout     = 45
      reserved    = 1
      is_async    = true
      environment = local.job_environment
    }
    raw_gap = {
      name        = "qol-raw-gap-check${local.dash}"
      description = "Counts active users without data, as a table and a metric; no message per user."
      memory      = 512
      timeout     = 300
      reserved    = 1
      is_async    = true
      environment = {
        QOL_USER_MAP_TABLE = local.user_map
        QOL_GAP_DAYS       = tostring(var.gap_days)
        QOL_TOPIC_ARN      = local.arn.alert
        QOL_WORKGROUP      = local.workgroup
        QOL_DATABASE       = local.database
      }
    }
  })

  function_arn = { for key, function in local.lambdas : key => "${local.arn.functions}:${function.name}" }
  async        = { for key, function in local.lambdas : key => function if function.is_async }
}

resource "aws_cloudwatch_log_group" "lambda" {
  #checkov:skip=CKV_AWS_338:180 days is what the programme keeps logs for
  for_each = local.lambdas

  name              = "/aws/lambda/${each.value.name}"
  retention_in_days = local.retention_days
  kms_key_id        = aws_kms_key.pseudonymous.arn
}

resource "aws_lambda_function" "functions" {
  #checkov:skip=CKV_AWS_50:No trace spans several functions, and X-Ray needs actions on all resources
  #checkov:skip=CKV_AWS_116:On-failure destinations do the same and carry the reason (aws_lambda_function_event_invoke_config)
  #checkov:skip=CKV_AWS_117:They call AWS APIs only; a VPC would add NAT and endpoints and protect nothing
  #checkov:skip=CKV_AWS_272:The zip's hash is in the plan, and only the deploying role may change code
  for_each = local.lambdas

  function_name                  = each.value.name
  description                    = each.value.description
  role                           = aws_iam_role.lambda[each.key].arn
  runtime                        = "python3.13"
  architectures                  = ["arm64"]
  handler                        = try(each.value.handler, "qol_lambda.${each.key}.handler")
  filename                       = try(each.value.zip, local.functions_zip)
  source_code_hash               = filebase64sha256(try(each.value.zip, local.functions_zip))
  memory_size                    = each.value.memory
  timeout                        = each.value.timeout
  reserved_concurrent_executions = var.reserved_concurrency ? each.value.reserved : -1
  kms_key_arn                    = aws_kms_key.pseudonymous.arn

  environment {
    variables = merge(
      local.common_environment, each.value.environment, { POWERTOOLS_SERVICE_NAME = each.value.name },
      { for _ in compact([try(each.value.source, "")]) : "QOL_KMS_KEY" => aws_kms_key.pseudonymous.arn }, # of a collector's manifests
    )
  }

  lifecycle {
    precondition {
      condition     = try(local.manifest["lambda/functions.zip"], "") == filesha256(local.functions_zip)
      error_message = "lambda/functions.zip: differs from manifest.json; run `make package` again."
    }

    precondition {
      condition     = !can(each.value.zip) || try(local.manifest["lambda/collector.zip"] == filesha256(local.collector_zip), false)
      error_message = "lambda/collector.zip: differs from manifest.json; run `make package` again."
    }

    precondition {
      condition     = !can(each.value.source) || can(local.collect_rules[each.value.source].collect)
      error_message = "${each.key}: the rules of its source have no `collect`; allowed are sources that `qol collect` asks."
    }

    precondition {
      condition     = each.key != "announcement_receiver" || alltrue([for source in local.announced : can(local.collect_rules[source].announce)])
      error_message = "collect: `announced` is only for sources whose rules have `announce`."
    }
  }

  # The log group must exist before the first call, which would create one that keeps logs for ever.
  depends_on = [aws_iam_role_policy.lambda, aws_cloudwatch_log_group.lambda]
}

# Dead letters: events that failed after their retries, kept 14 days, with an alarm. SQS encrypts them; they name no user.
resource "aws_sqs_queue" "dead_letters" {
  name                      = local.dead_letters
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "EventBridgeDeadLetters"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = local.arn.dead
        Condition = { ArnEquals = { "aws:SourceArn" = local.rule_arn } }
      },
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = local.arn.dead
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_lambda_function_event_invoke_config" "async" {
  for_each = local.async

  function_name                = aws_lambda_function.functions[each.key].function_name
  maximum_retry_attempts       = 1
  maximum_event_age_in_seconds = 3600

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead_letters.arn
    }
  }

  depends_on = [aws_iam_role_policy.lambda]
}
