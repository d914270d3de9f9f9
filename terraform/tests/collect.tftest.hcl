# Sources that are asked: a function and a schedule each, their tokens, and the queue of what they announce.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

variables {
  stage        = "staging"
  alert_emails = []
  package_dir  = "tests/package"
  collect      = { oura = { schedule = "cron(0 6 * * ? *)", announced = true } }
}

run "nothing_by_default" {
  variables {
    collect = {}
  }

  assert {
    condition = length(concat(
      values(aws_dynamodb_table.tokens), values(aws_secretsmanager_secret.collect), values(aws_sqs_queue.announced), values(aws_sqs_queue.announced_dead),
      values(aws_lambda_event_source_mapping.announced), values(aws_apigatewayv2_route.announcements),
    )) == 0 && length(aws_lambda_function.functions) == 5 && length(aws_scheduler_schedule.weekly) == 3
    error_message = "without `collect` there is nothing that costs"
  }
}

run "a_collector" {
  assert {
    condition     = aws_glue_job.eraser.non_overridable_arguments["--tokens"] == "dynamodb:qol_collect_tokens_staging" && strcontains(aws_iam_role_policy.eraser.policy, "DeleteTokens")
    error_message = "an erasure removes the person's tokens"
  }

  assert {
    condition = [for value in ["function_name", "handler", "timeout", "memory_size", "reserved_concurrent_executions", "filename"] : tostring(aws_lambda_function.functions["collect_oura"][value])] == [
      "qol-collect-oura-staging", "qol.collect.aws_function.handler", "900", "1024", "3", "tests/package/lambda/collector.zip",
    ]
    error_message = "the function and its own zip"
  }

  assert {
    condition = { for name, value in aws_lambda_function.functions["collect_oura"].environment[0].variables : name => value if startswith(name, "QOL_COLLECT") || contains(["QOL_TOKENS", "QOL_TOPIC_ARN", "QOL_KMS_KEY"], name) } == {
      QOL_COLLECT_SOURCE = "oura"
      QOL_COLLECT_SECRET = "qol/collect/oura-staging"
      QOL_TOKENS         = "dynamodb:qol_collect_tokens_staging"
      QOL_KMS_KEY        = "arn:aws:kms:ap-northeast-1:123456789012:key/00000000-0000-0000-0000-000000000000"
      QOL_TOPIC_ARN      = "arn:aws:sns:ap-northeast-1:123456789012:job_failure_alert_staging"
    }
    error_message = "settings"
  }

  assert {
    condition = [for value in ["name", "schedule_expression", "schedule_expression_timezone", "state"] : aws_scheduler_schedule.weekly["collect_oura"][value]] == [
      "qol-collect-oura-staging", "cron(0 6 * * ? *)", "Asia/Tokyo", "ENABLED",
    ]
    error_message = "daily at 06:00 in Tokyo"
  }

  assert {
    condition     = contains(flatten([for statement in jsondecode(aws_iam_role_policy.scheduler.policy).Statement : statement.Resource if statement.Sid == "InvokeScheduledFunctions"]), "arn:aws:lambda:ap-northeast-1:123456789012:function:qol-collect-oura-staging")
    error_message = "the scheduler may call it"
  }

  assert {
    condition     = aws_lambda_function_event_invoke_config.async["collect_oura"].maximum_retry_attempts == 1
    error_message = "a call that fails is repeated once, then a dead letter"
  }

  assert {
    condition = alltrue([for table in aws_dynamodb_table.tokens :
      "${table.hash_key} ${table.range_key}" == "source user_id" && table.deletion_protection_enabled && one(table.point_in_time_recovery).enabled &&
      one(table.server_side_encryption).kms_key_arn == aws_kms_key.identified.arn
    ]) && length(aws_dynamodb_table.tokens) == 1 && aws_secretsmanager_secret.collect["oura"].kms_key_id == aws_kms_key.identified.arn
    error_message = "tokens and secret are under the key of what names users"
  }
}

run "a_collector_may" {
  assert {
    condition = { for key in ["collect_oura", "announcement_receiver"] : key => join(" ", sort(distinct(flatten([
      for statement in jsondecode(aws_iam_role_policy.lambda[key].policy).Statement : statement.Action if statement.Effect == "Allow"
      ])))) } == {
      collect_oura          = "dynamodb:GetItem dynamodb:Query dynamodb:UpdateItem kms:Decrypt kms:GenerateDataKey logs:CreateLogStream logs:PutLogEvents s3:GetObject s3:ListBucket s3:PutObject secretsmanager:GetSecretValue sns:Publish sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage sqs:SendMessage"
      announcement_receiver = "kms:Decrypt kms:GenerateDataKey logs:CreateLogStream logs:PutLogEvents secretsmanager:GetSecretValue sqs:SendMessage"
    }
    error_message = "actions"
  }

  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.lambda["collect_oura"].policy).Statement : statement.Sid => join(" ", sort(flatten([statement.Resource]))) if contains(["StorePages", "ReadCollectedDays", "OwnTokens", "TakeAnnouncements"], statement.Sid) } == {
      StorePages        = "arn:aws:s3:::qol-lake-123456789012-staging/_collects/* arn:aws:s3:::qol-lake-123456789012-staging/quarantine/collect/oura.json arn:aws:s3:::qol-lake-123456789012-staging/raw/oura/*"
      ReadCollectedDays = "arn:aws:s3:::qol-lake-123456789012-staging/quarantine/collect/oura.json"
      OwnTokens         = "arn:aws:dynamodb:ap-northeast-1:123456789012:table/qol_collect_tokens_staging"
      TakeAnnouncements = "arn:aws:sqs:ap-northeast-1:123456789012:qol-announced-oura-staging"
    }
    error_message = "where: its own folder, tokens and queue"
  }

  assert {
    condition     = one([for statement in jsondecode(aws_iam_role_policy.lambda["collect_oura"].policy).Statement : statement.Condition if statement.Sid == "OwnTokens"]) == { "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["oura"] } }
    error_message = "tokens of another source are not its own"
  }

  assert {
    condition = alltrue([for name in ["qol-collect-oura-staging", "qol-announcements-staging"] : contains(flatten([
      for statement in jsondecode(aws_kms_key_policy.identified.policy).Statement : statement.Condition.ArnNotEquals["aws:PrincipalArn"] if statement.Sid == "OnlyNamedRolesDecrypt"
    ]), "arn:aws:iam::123456789012:role/${name}")])
    error_message = "both decrypt with the identified key"
  }

  assert {
    condition     = contains(flatten([for statement in jsondecode(aws_iam_role_policy.people["analyst"].policy).Statement : statement.Resource if statement.Sid == "DenyUserMapAndLocks"]), "arn:aws:dynamodb:ap-northeast-1:123456789012:table/qol_collect_tokens_staging")
    error_message = "analysts reach no token, whatever else they may"
  }
}

run "announcements" {
  assert {
    condition     = { for key, route in aws_apigatewayv2_route.announcements : key => route.route_key } == { "GET oura" = "GET /oura/webhook", "POST oura" = "POST /oura/webhook" }
    error_message = "routes: the vendor's verification, and what it announces"
  }

  assert {
    condition = [aws_lambda_function.functions["announcement_receiver"].handler, aws_lambda_function.functions["announcement_receiver"].timeout] == [
      "qol_lambda.announcement_receiver.handler", 10,
    ]
    error_message = "an answer within 10 s"
  }

  assert {
    condition     = alltrue([for queue in concat(values(aws_sqs_queue.announced), values(aws_sqs_queue.announced_dead)) : queue.kms_master_key_id == aws_kms_key.identified.arn]) && jsondecode(aws_sqs_queue.announced["oura"].redrive_policy).maxReceiveCount == 5
    error_message = "what names users is encrypted, and is repeated five times"
  }

  assert {
    condition = (aws_sqs_queue.announced["oura"].visibility_timeout_seconds == 6 * aws_lambda_function.functions["collect_oura"].timeout &&
      aws_lambda_event_source_mapping.announced["oura"].function_response_types == toset(["ReportBatchItemFailures"]) &&
    one(aws_lambda_event_source_mapping.announced["oura"].scaling_config).maximum_concurrency == 2)
    error_message = "only failed messages of a batch are delivered again, and to no other call meanwhile"
  }

  assert {
    condition = { for name, alarm in aws_cloudwatch_metric_alarm.alarms : name => "${alarm.metric_name} > ${alarm.threshold}" if strcontains(name, "announced") || strcontains(name, "announcements") || strcontains(name, "collect") } == {
      qol-announced-oura-failed-staging-waiting = "ApproximateNumberOfMessagesVisible > 0"
      qol-announced-oura-staging-late           = "ApproximateAgeOfOldestMessage > 3600"
      qol-announcements-staging-errors          = "Errors > 0"
      qol-announcements-staging-forged          = "forged_announcements > 100"
      qol-announcements-staging-throttles       = "Throttles > 0"
      qol-collect-oura-staging-errors           = "Errors > 0"
      qol-collect-oura-staging-throttles        = "Throttles > 0"
    }
    error_message = "alarms"
  }
}

run "no_queue_without_announcements" {
  variables {
    collect = { oura = { schedule = "rate(5 minutes)" } }
  }

  assert {
    condition     = length(aws_sqs_queue.announced) == 0 && length(aws_apigatewayv2_route.announcements) == 0 && !contains(keys(aws_lambda_function.functions), "announcement_receiver") && length(aws_dynamodb_table.tokens) == 1
    error_message = "a source that announces nothing is only asked"
  }
}

run "a_source_that_is_not_asked_is_refused" {
  command = plan

  variables {
    collect = { garmin = { schedule = "rate(1 day)" } }
  }

  expect_failures = [aws_lambda_function.functions]
}

run "an_invalid_schedule_is_refused" {
  command = plan

  variables {
    collect = { oura = { schedule = "daily" } }
  }

  expect_failures = [var.collect]
}
