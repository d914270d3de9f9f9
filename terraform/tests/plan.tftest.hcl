# The whole configuration with the provider mocked: no account, no network, every value readable.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

override_resource {
  target = aws_sns_topic.topics["alert"]
  values = { arn = "arn:aws:sns:ap-northeast-1:123456789012:job_failure_alert" }
}

variables {
  stage        = "prod"
  alert_emails = ["one@example.org", "two@example.org"]
  package_dir  = "tests/package"
}

run "names_of_production" {
  assert {
    condition     = aws_s3_bucket.lake.bucket == "qol-lake-123456789012" && aws_glue_job.weekly.name == "qol-weekly-etl"
    error_message = "bucket and job"
  }

  assert {
    condition = { for key, function in aws_lambda_function.functions : key => function.function_name } == {
      receiver = "garmin_webhook_receiver"
      kick     = "qol-weekly-survey-kick"
      notifier = "job_failure_notifier"
      watchdog = "qol-watchdog"
      raw_gap  = "qol-raw-gap-check"
    }
    error_message = "functions"
  }

  assert {
    condition     = aws_dynamodb_table.user_map.name == "user_id_map" && aws_dynamodb_table.locks.name == "qol_run_locks"
    error_message = "DynamoDB tables"
  }

  assert {
    condition = ({ for key, topic in aws_sns_topic.topics : key => topic.name } ==
    { alert = "job_failure_alert", operations = "qol_operations_alarm" })
    error_message = "topics"
  }

  assert {
    condition     = aws_glue_catalog_database.qol.name == "db_qol" && aws_athena_workgroup.groups["qol"].name == "qol"
    error_message = "database and workgroup"
  }

  assert {
    condition = (aws_secretsmanager_secret.pseudonym_key.name == "qol/pseudonym-key" &&
    aws_secretsmanager_secret.garmin_webhook.name == "qol/garmin-webhook")
    error_message = "secrets"
  }
}

run "names_of_staging_have_its_suffix" {
  variables {
    stage = "staging"
  }

  assert {
    condition = [
      aws_s3_bucket.lake.bucket, aws_glue_job.weekly.name, aws_lambda_function.functions["receiver"].function_name,
      aws_lambda_function.functions["kick"].function_name, aws_dynamodb_table.user_map.name, aws_dynamodb_table.locks.name,
      aws_sns_topic.topics["alert"].name, aws_glue_catalog_database.qol.name, aws_athena_workgroup.groups["qol"].name,
      aws_secretsmanager_secret.garmin_webhook.name,
      ] == [
      "qol-lake-123456789012-staging", "qol-weekly-etl-staging", "garmin_webhook_receiver_staging",
      "qol-weekly-survey-kick-staging", "user_id_map_staging", "qol_run_locks_staging",
      "job_failure_alert_staging", "db_qol_staging", "qol-staging",
      "qol/garmin-webhook-staging",
    ]
    error_message = "names of staging"
  }

  assert {
    condition     = strcontains(aws_athena_named_query.saved["latest_weekly_metrics"].query, "SELECT * FROM db_qol_staging.weekly_metrics ORDER BY date DESC LIMIT 10")
    error_message = "saved queries ask the database of their own stage"
  }
}

run "the_lake" {
  assert {
    condition     = aws_s3_bucket_versioning.lake.versioning_configuration[0].status == "Enabled"
    error_message = "versions"
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.lake.block_public_acls, aws_s3_bucket_public_access_block.lake.block_public_policy,
      aws_s3_bucket_public_access_block.lake.ignore_public_acls, aws_s3_bucket_public_access_block.lake.restrict_public_buckets,
    ])
    error_message = "public access"
  }

  assert {
    condition = alltrue([for rule in aws_s3_bucket_server_side_encryption_configuration.lake.rule :
    rule.bucket_key_enabled && rule.apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms"])
    error_message = "encryption with a bucket key"
  }

  assert {
    condition = [for statement in jsondecode(aws_s3_bucket_policy.lake[0].policy).Statement : "${statement.Effect} ${statement.Sid}"] == [
      "Deny TlsOnly", "Deny RequirePseudonymousKey", "Deny NeverReplaceReceived", "Deny OnlyEraserDeletesVersions",
    ]
    error_message = "bucket policy"
  }

  assert {
    condition = [for statement in jsondecode(aws_s3_bucket_policy.lake[0].policy).Statement : statement.Resource if statement.Action == "s3:PutObject"] == [
      ["arn:aws:s3:::qol-lake-123456789012/processed/*", "arn:aws:s3:::qol-lake-123456789012/_objects/*", "arn:aws:s3:::qol-lake-123456789012/_runs/*", "arn:aws:s3:::qol-lake-123456789012/_collects/*"],
      ["arn:aws:s3:::qol-lake-123456789012/raw/*", "arn:aws:s3:::qol-lake-123456789012/quarantine/bodies/*"],
    ]
    error_message = "what must be written under the pseudonymous key, and what is never replaced"
  }

  assert {
    condition = { for rule in aws_s3_bucket_lifecycle_configuration.lake.rule : rule.id => try(rule.expiration[0].days, null) } == {
      staging = 7, quarantine-bodies = 30, quarantine-rows = 180, athena-results = 30, athena-results-operators = 30, superseded-lock = null, old-versions = 0, aborted-uploads = null
      } || { for rule in aws_s3_bucket_lifecycle_configuration.lake.rule : rule.id => try(rule.expiration[0].days, null) } == {
      staging = 7, quarantine-bodies = 30, quarantine-rows = 180, athena-results = 30, athena-results-operators = 30, superseded-lock = null, old-versions = null, aborted-uploads = null
    }
    error_message = "lifecycle: days of expiration"
  }

  assert {
    condition = { for rule in aws_s3_bucket_lifecycle_configuration.lake.rule : rule.id => rule.noncurrent_version_expiration[0].noncurrent_days if contains(["quarantine-rows", "old-versions"], rule.id) } == {
      quarantine-rows = 1, old-versions = 30
    }
    error_message = "lifecycle: days of old versions"
  }

  assert {
    condition     = contains(flatten([for rule in aws_s3_bucket_lifecycle_configuration.lake.rule : rule.abort_incomplete_multipart_upload[*].days_after_initiation]), 3)
    error_message = "lifecycle: aborted uploads"
  }

  assert {
    condition = alltrue([for table in [aws_dynamodb_table.user_map, aws_dynamodb_table.locks] :
      table.point_in_time_recovery[0].enabled && table.server_side_encryption[0].enabled
    ])
    error_message = "DynamoDB: point in time recovery and key"
  }

  assert {
    condition     = aws_dynamodb_table.locks.hash_key == "name" && one(aws_dynamodb_table.locks.ttl).attribute_name == "expires_at"
    error_message = "locks: key and time to live"
  }

  assert {
    condition     = aws_dynamodb_table.user_map.hash_key == "garmin_user_id" && aws_dynamodb_table.user_map.deletion_protection_enabled
    error_message = "map: key and deletion protection"
  }

  assert {
    condition     = !aws_s3_bucket.lake.force_destroy && aws_kms_key.identified.deletion_window_in_days == 30 && aws_kms_key.identified.enable_key_rotation && aws_kms_key.pseudonymous.enable_key_rotation
    error_message = "what outlives a destroy"
  }
}

run "the_job" {
  assert {
    condition = [
      aws_glue_job.weekly.glue_version, aws_glue_job.weekly.max_retries, aws_glue_job.weekly.timeout, aws_glue_job.weekly.execution_class,
      aws_glue_job.weekly.execution_property[0].max_concurrent_runs, aws_glue_job.weekly.security_configuration,
    ] == ["5.1", 1, 60, "STANDARD", 1, "qol"]
    error_message = "Glue settings"
  }

  assert {
    condition = { for name, value in aws_glue_job.weekly.non_overridable_arguments : name => replace(value, "/[0-9a-f]{16}\\//", "") } == {
      "--lake"                            = "s3://qol-lake-123456789012"
      "--engine"                          = "spark"
      "--master"                          = "none"
      "--user-map"                        = "dynamodb:user_id_map"
      "--key-secret"                      = "qol/pseudonym-key"
      "--database"                        = "db_qol"
      "--kms-key"                         = "arn:aws:kms:ap-northeast-1:123456789012:key/00000000-0000-0000-0000-000000000000"
      "--job-language"                    = "python"
      "--job-bookmark-option"             = "job-bookmark-disable"
      "--scriptLocation"                  = "s3://qol-lake-123456789012/artifacts/weekly_etl.py"
      "--additional-python-modules"       = "s3://qol-lake-123456789012/artifacts/qol-wheels-0.0.0.gluewheels.zip"
      "--python-modules-installer-option" = "--no-index"
      "--extra-py-files"                  = "s3://qol-lake-123456789012/artifacts/weekly_etl.py"
      "--extra-files"                     = "s3://qol-lake-123456789012/artifacts/weekly_etl.py"
      "--extra-jars"                      = "s3://qol-lake-123456789012/artifacts/empty.jar"
      "--user-jars-first"                 = "false"
      "--TempDir"                         = "s3://qol-lake-123456789012/_staging/glue/"
      "--conf"                            = "spark.hadoop.fs.s3a.endpoint.region=ap-northeast-1 --conf spark.io.encryption.enabled=true"
    }
    error_message = "arguments that no run can choose; artifacts lie below a prefix named after their content"
  }

  assert {
    condition     = length(coalesce(aws_glue_job.weekly.default_arguments, {})) == 0
    error_message = "no argument that a run could override"
  }

  assert {
    condition     = { for key, group in aws_cloudwatch_log_group.job : key => group.name } == { output = "/aws-glue/jobs/qol-role/qol-weekly-etl/output", error = "/aws-glue/jobs/qol-role/qol-weekly-etl/error", eraser-output = "/aws-glue/jobs/qol-role/qol-eraser/output", eraser-error = "/aws-glue/jobs/qol-role/qol-eraser/error" }
    error_message = "the jobs' own log groups, by the names that Glue gives them"
  }
}

run "erasures" {
  assert {
    condition = { for name, value in aws_glue_job.eraser.non_overridable_arguments : name => value if !contains(keys(aws_glue_job.weekly.non_overridable_arguments), name) || name == "--TempDir" } == {
      "--command"           = "erase"
      "--on-deregistration" = "keep"
      "--TempDir"           = "s3://qol-lake-123456789012/_erasures/glue/"
    }
    error_message = "a run of erasures chooses neither what it does nor where it keeps files"
  }

  assert {
    condition     = aws_glue_job.eraser.role_arn == aws_iam_role.eraser.arn && aws_iam_role.eraser.name == "qol-eraser" && length(jsondecode(aws_iam_role.eraser.assume_role_policy).Statement) == 1
    error_message = "only its job has the role of erasures"
  }

  assert {
    condition     = { for statement in jsondecode(aws_s3_bucket_policy.lake[0].policy).Statement : statement.Sid => statement.Condition.ArnNotEquals["aws:PrincipalArn"] if contains(["NeverReplaceReceived", "OnlyEraserDeletesVersions"], statement.Sid) } == { NeverReplaceReceived = ["arn:aws:iam::123456789012:role/qol-eraser"], OnlyEraserDeletesVersions = "arn:aws:iam::123456789012:role/qol-eraser" }
    error_message = "only that role replaces what was received and deletes versions"
  }

  assert {
    condition     = contains(keys(aws_scheduler_schedule.weekly), "erase") == false
    error_message = "kept unless it is asked: no schedule erases"
  }
}

run "deregistrations_erase" {
  variables {
    on_deregistration = "erase"
    eraser_principals = ["arn:aws:iam::123456789012:user/officer"]
  }

  assert {
    condition = [
      aws_scheduler_schedule.weekly["erase"].schedule_expression, aws_scheduler_schedule.weekly["erase"].target[0].input,
      aws_glue_job.eraser.non_overridable_arguments["--on-deregistration"], jsondecode(aws_iam_role.eraser.assume_role_policy).Statement[1].Principal.AWS[0],
    ] == ["cron(0 3 ? * THU *)", "{\"erase\":true}", "erase", "arn:aws:iam::123456789012:user/officer"]
    error_message = "a schedule carries out what deregistrations ask, and a person may have the role"
  }
}

run "on_deregistration_is_one_of_two" {
  command = plan

  variables {
    on_deregistration = "delete"
  }

  expect_failures = [var.on_deregistration]
}

run "schedules_and_events" {
  assert {
    condition = { for key, schedule in aws_scheduler_schedule.weekly : key => "${schedule.schedule_expression} ${schedule.schedule_expression_timezone} ${schedule.state}" } == {
      kick     = "cron(5 9 ? * WED *) Asia/Tokyo ENABLED"
      watchdog = "cron(30 11 ? * WED *) Asia/Tokyo ENABLED"
      raw_gap  = "cron(0 12 ? * WED *) Asia/Tokyo ENABLED"
    }
    error_message = "when schedules fire"
  }

  assert {
    condition = alltrue([for schedule in aws_scheduler_schedule.weekly :
      schedule.flexible_time_window[0].mode == "OFF" &&
      schedule.target[0].retry_policy[0].maximum_retry_attempts == 3 &&
      schedule.target[0].retry_policy[0].maximum_event_age_in_seconds == 3600 &&
      schedule.target[0].dead_letter_config[0].arn != "" &&
      schedule.target[0].input == "{\"scheduled_time\": \"<aws.scheduler.scheduled-time>\", \"execution_id\": \"<aws.scheduler.execution-id>\"}"
    ])
    error_message = "what schedules hand over, and how often they try"
  }

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.job_ended.event_pattern) == {
      source        = ["aws.glue"]
      "detail-type" = ["Glue Job State Change"]
      detail        = { jobName = ["qol-weekly-etl", "qol-eraser"], state = ["FAILED", "TIMEOUT", "STOPPED", "ERROR", "SUCCEEDED"] }
    }
    error_message = "which ends of the jobs are looked at"
  }
}

run "functions" {
  assert {
    condition     = alltrue([for function in aws_lambda_function.functions : function.runtime == "python3.13" && function.kms_key_arn != ""])
    error_message = "runtime and key of the environment"
  }

  assert {
    condition     = { for key, function in aws_lambda_function.functions : key => function.handler } == { for key in ["receiver", "kick", "notifier", "watchdog", "raw_gap"] : key => "qol_lambda.${key}.handler" }
    error_message = "handlers"
  }

  assert {
    condition = { for key, function in aws_lambda_function.functions : key => "${function.timeout} s, ${function.reserved_concurrent_executions} at a time" } == {
      receiver = "28 s, 50 at a time", kick = "45 s, 1 at a time", notifier = "45 s, 2 at a time", watchdog = "45 s, 1 at a time", raw_gap = "300 s, 1 at a time"
    }
    error_message = "timeouts (kick, notifier and watchdog below the lock's 50 s) and reserved concurrency"
  }

  assert {
    condition = { for key, function in aws_lambda_function.functions : key => join(" ", sort(keys(function.environment[0].variables))) } == {
      receiver = "POWERTOOLS_SERVICE_NAME QOL_BUCKET QOL_PREFIX QOL_STAGE QOL_TIME_ZONE QOL_USER_MAP_TABLE QOL_WEBHOOK_SECRET"
      kick     = "POWERTOOLS_SERVICE_NAME QOL_BUCKET QOL_ERASE_JOB_NAME QOL_JOB_NAME QOL_LOCK_TABLE QOL_PREFIX QOL_RUNBOOK QOL_STAGE QOL_TIME_ZONE QOL_TOPIC_ARN"
      notifier = "POWERTOOLS_SERVICE_NAME QOL_BUCKET QOL_ERASE_JOB_NAME QOL_ERASE_LOG_GROUP QOL_JOB_NAME QOL_LOCK_TABLE QOL_LOG_GROUP QOL_MAX_ATTEMPTS QOL_PREFIX QOL_RUNBOOK QOL_STAGE QOL_TIME_ZONE QOL_TOPIC_ARN"
      watchdog = "POWERTOOLS_SERVICE_NAME QOL_BUCKET QOL_JOB_NAME QOL_LOCK_TABLE QOL_PREFIX QOL_RUNBOOK QOL_STAGE QOL_TIME_ZONE QOL_TOPIC_ARN"
      raw_gap  = "POWERTOOLS_SERVICE_NAME QOL_BUCKET QOL_DATABASE QOL_GAP_DAYS QOL_PREFIX QOL_STAGE QOL_TIME_ZONE QOL_TOPIC_ARN QOL_USER_MAP_TABLE QOL_WORKGROUP"
    }
    error_message = "settings of the functions"
  }

  assert {
    condition = alltrue([
      tonumber(aws_lambda_function.functions["notifier"].environment[0].variables.QOL_MAX_ATTEMPTS) == aws_glue_job.weekly.max_retries + 1,
      aws_lambda_function.functions["notifier"].environment[0].variables.QOL_LOG_GROUP == aws_cloudwatch_log_group.job["output"].name,
    ])
    error_message = "what the notifier knows of the job is what the job is"
  }

  assert {
    condition     = join(" ", sort(keys(aws_lambda_function_event_invoke_config.async))) == "kick notifier raw_gap watchdog"
    error_message = "failure destinations of all functions that are called asynchronously"
  }

  assert {
    condition     = alltrue([for config in aws_lambda_function_event_invoke_config.async : config.maximum_retry_attempts == 1])
    error_message = "retries of asynchronous calls"
  }
}

run "webhook" {
  assert {
    condition     = aws_apigatewayv2_route.receiver.route_key == "POST /garmin/{token}" && aws_apigatewayv2_integration.receiver.payload_format_version == "2.0"
    error_message = "route and format"
  }

  assert {
    condition     = one(aws_apigatewayv2_stage.webhook.default_route_settings).throttling_rate_limit == 50 && one(aws_apigatewayv2_stage.webhook.default_route_settings).throttling_burst_limit == 500
    error_message = "throttling"
  }

  assert {
    condition = alltrue([for field in values(jsondecode(one(aws_apigatewayv2_stage.webhook.access_log_settings).format)) : contains([
      "$context.requestTimeEpoch", "$context.requestId", "$context.routeKey", "$context.status",
      "$context.responseLength", "$context.responseLatency", "$context.integrationStatus",
    ], field)])
    error_message = "the access log must not hold the path, which holds the token"
  }
}

run "gathered_pushes" {
  variables {
    gather = "firehose"
  }

  assert {
    condition = [for name in ["buffering_size", "buffering_interval", "compression_format", "custom_time_zone", "file_extension", "prefix", "error_output_prefix", "kms_key_arn"] : tostring(aws_kinesis_firehose_delivery_stream.stream["stream"].extended_s3_configuration[0][name])] == [
      "64", "900", "GZIP", "UTC", ".jsonl.gz", "raw/daily/date=!{timestamp:yyyy-MM-dd}/",
      "quarantine/bodies/date=!{timestamp:yyyy-MM-dd}/!{firehose:error-output-type}/",
      "arn:aws:kms:ap-northeast-1:123456789012:key/11111111-1111-1111-1111-111111111111",
    ]
    error_message = "64 MB or 15 minutes, under the key of what names users, where the receiver's own objects are"
  }

  assert {
    condition = (one(aws_kinesis_firehose_delivery_stream.stream["stream"].server_side_encryption).key_arn == "arn:aws:kms:ap-northeast-1:123456789012:key/11111111-1111-1111-1111-111111111111" &&
    aws_lambda_function.functions["receiver"].environment[0].variables["QOL_STREAM"] == aws_kinesis_firehose_delivery_stream.stream["stream"].name)
    error_message = "what waits in the stream is encrypted, and the receiver knows its name"
  }

  assert {
    condition = { for name, alarm in aws_cloudwatch_metric_alarm.alarms : name => "${alarm.metric_name} ${alarm.statistic} > ${alarm.threshold}" if alarm.namespace == "AWS/Firehose" && one(alarm.alarm_actions) == aws_sns_topic.topics["alert"].arn } == {
      qol-garmin-late      = "DeliveryToS3.DataFreshness Maximum > 1800"
      qol-garmin-throttled = "ThrottledRecords Sum > 0"
    }
    error_message = "deliveries that fail and refused pushes are mailed"
  }

  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.stream["stream"].policy).Statement : statement.Sid => join(" ", concat(flatten([statement.Action]), flatten([statement.Resource]))) } == {
      PutGathered     = "s3:PutObject s3:AbortMultipartUpload arn:aws:s3:::qol-lake-123456789012/raw/daily/date=*/qol-garmin-* arn:aws:s3:::qol-lake-123456789012/quarantine/bodies/date=*/*/qol-garmin-*"
      FindBucket      = "s3:GetBucketLocation s3:ListBucket s3:ListBucketMultipartUploads arn:aws:s3:::qol-lake-123456789012"
      EncryptGathered = "kms:GenerateDataKey kms:Decrypt arn:aws:kms:ap-northeast-1:123456789012:key/11111111-1111-1111-1111-111111111111"
      OwnLog          = "logs:PutLogEvents arn:aws:logs:ap-northeast-1:123456789012:log-group:/aws/kinesisfirehose/qol-garmin:*"
    }
    error_message = "what the stream may"
  }

  assert {
    condition = (jsondecode(aws_iam_role.stream["stream"].assume_role_policy).Statement[0].Condition.ArnEquals["aws:SourceArn"] == "arn:aws:firehose:ap-northeast-1:123456789012:deliverystream/qol-garmin" &&
    [for statement in jsondecode(aws_iam_role_policy.lambda["receiver"].policy).Statement : "${statement.Action} ${statement.Resource}" if statement.Sid == "GatherBodies"] == ["firehose:PutRecord arn:aws:firehose:ap-northeast-1:123456789012:deliverystream/qol-garmin"])
    error_message = "only this stream takes its role, and only the receiver puts into it"
  }
}

run "another_way_of_gathering_is_refused" {
  command = plan

  variables {
    gather = "kinesis"
  }

  expect_failures = [var.gather]
}

run "a_guarded_webhook" {
  command = plan

  variables {
    webhook_guard = { allowed_cidrs = ["192.0.2.0/24"], only = true }
  }

  assert {
    condition     = length(aws_wafv2_web_acl.webhook[0].default_action[0].block) == 1 && aws_wafv2_ip_set.vendor[0].addresses == toset(["192.0.2.0/24"])
    error_message = "whoever is not of the vendor's networks ends at the firewall"
  }

  assert {
    condition     = length(aws_wafv2_web_acl_association.webhook) == 1 && aws_apigatewayv2_api.webhook.disable_execute_api_endpoint
    error_message = "no address without the firewall"
  }

  assert {
    condition     = alltrue([for config in concat(aws_wafv2_web_acl.webhook[0].visibility_config, [for rule in aws_wafv2_web_acl.webhook[0].rule : rule.visibility_config[0]]) : !config.sampled_requests_enabled])
    error_message = "no sample of a request is kept: its path holds the token"
  }

  assert {
    condition     = aws_api_gateway_method_settings.webhook[0].settings[0].throttling_rate_limit == 50 && contains(keys(aws_cloudwatch_metric_alarm.alarms), "qol-garmin-webhook-guarded-5xx")
    error_message = "throttle and alarm"
  }
}

run "a_guard_without_networks_is_refused" {
  command = plan

  variables {
    webhook_guard = { allowed_cidrs = [] }
  }

  expect_failures = [var.webhook_guard]
}

run "logs_and_alarms" {
  assert {
    condition = (length(concat(values(aws_cloudwatch_log_group.lambda), values(aws_cloudwatch_log_group.job), [aws_cloudwatch_log_group.webhook])) == 10 &&
      alltrue([for group in concat(values(aws_cloudwatch_log_group.lambda), values(aws_cloudwatch_log_group.job), [aws_cloudwatch_log_group.webhook]) :
    group.retention_in_days == 180 && group.kms_key_id != ""]))
    error_message = "180 days and a key for every log group"
  }

  assert {
    condition = sort(keys(aws_cloudwatch_metric_alarm.alarms)) == sort([
      "garmin_webhook_receiver-errors", "garmin_webhook_receiver-throttles", "qol-weekly-survey-kick-errors", "qol-weekly-survey-kick-throttles",
      "job_failure_notifier-errors", "job_failure_notifier-throttles", "qol-watchdog-errors", "qol-watchdog-throttles",
      "qol-raw-gap-check-errors", "qol-raw-gap-check-throttles", "qol-failed-calls-waiting",
      "qol-weekly-etl-slow", "qol-weekly-etl-failed", "qol-garmin-webhook-5xx", "qol-garmin-webhook-413",
      "qol-garmin-webhook-unparsable", "qol-garmin-webhook-refused",
    ])
    error_message = "alarms"
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.alarms : length(alarm.alarm_actions) == 1 && alarm.treat_missing_data == "notBreaching"])
    error_message = "alarms go to one topic"
  }

  assert {
    condition = [for name in ["namespace", "metric_name", "statistic", "threshold"] : tostring(aws_cloudwatch_metric_alarm.alarms["qol-weekly-etl-failed"][name])] == [
      "QoLLake", "failed_runs", "Sum", "0",
    ] && aws_cloudwatch_metric_alarm.alarms["qol-weekly-etl-failed"].dimensions == tomap({ job = "qol-weekly-etl" })
    error_message = "bad ends are those that the notifier counts, so that a killed run is one"
  }

  assert {
    condition = [
      aws_cloudwatch_log_metric_filter.too_large.log_group_name, aws_cloudwatch_log_metric_filter.too_large.pattern,
      aws_cloudwatch_log_metric_filter.too_large.metric_transformation[0].namespace, aws_cloudwatch_log_metric_filter.too_large.metric_transformation[0].name,
      ] == [
      "/qol/webhook/garmin", "{ $.status = \"413\" }",
      aws_cloudwatch_metric_alarm.alarms["qol-garmin-webhook-413"].namespace, aws_cloudwatch_metric_alarm.alarms["qol-garmin-webhook-413"].metric_name,
    ]
    error_message = "pushes that are too large are counted in the access log"
  }

  assert {
    condition = { for name, alarm in aws_cloudwatch_metric_alarm.alarms : name => "${alarm.namespace} ${alarm.metric_name} ${alarm.dimensions.service} > ${alarm.threshold} in ${alarm.period} s" if contains(["unparsable_bodies", "rejected_tokens"], alarm.metric_name) } == {
      qol-garmin-webhook-unparsable = "QoLLake unparsable_bodies garmin_webhook_receiver > 0 in 300 s"
      qol-garmin-webhook-refused    = "QoLLake rejected_tokens garmin_webhook_receiver > 100 in 300 s"
    }
    error_message = "data that is refused or cannot be read is noticed, under the name that the receiver's metrics have"
  }

  assert {
    condition     = join(" ", sort([for name, alarm in aws_cloudwatch_metric_alarm.alarms : name if one(alarm.alarm_actions) == aws_sns_topic.topics["alert"].arn])) == "qol-garmin-webhook-refused qol-garmin-webhook-unparsable"
    error_message = "alarms that are mailed"
  }

  assert {
    condition = alltrue([for policy in aws_sns_topic_policy.topics : contains(
    [for statement in jsondecode(policy.policy).Statement : "${statement.Effect} ${jsonencode(statement.Principal)}"], "Allow {\"Service\":\"cloudwatch.amazonaws.com\"}")])
    error_message = "CloudWatch may publish to both topics"
  }

  assert {
    condition     = nonsensitive(join(" ", sort([for mail in aws_sns_topic_subscription.mail : mail.endpoint]))) == "one@example.org two@example.org"
    error_message = "people who get mail"
  }

  assert {
    condition     = alltrue([for key, mail in aws_sns_topic_subscription.mail : issensitive(mail.endpoint) && length(regexall("@", key)) == 0])
    error_message = "addresses of people are not shown in plans"
  }

  assert {
    condition     = alltrue([for topic in aws_sns_topic.topics : topic.kms_master_key_id != ""])
    error_message = "topics are encrypted"
  }
}

run "audit" {
  assert {
    condition = { for selector in aws_cloudtrail.audit[0].advanced_event_selector : selector.name => { for field in selector.field_selector : field.field => join(" ", concat(coalesce(field.equals, []), coalesce(field.starts_with, []))) } } == {
      "Reads of raw and quarantine" = {
        eventCategory    = "Data"
        readOnly         = "true"
        "resources.type" = "AWS::S3::Object"
        "resources.ARN"  = "arn:aws:s3:::qol-lake-123456789012/raw/ arn:aws:s3:::qol-lake-123456789012/quarantine/"
      }
      "Reads of the user map" = {
        eventCategory    = "Data"
        readOnly         = "true"
        "resources.type" = "AWS::DynamoDB::Table"
        "resources.ARN"  = "arn:aws:dynamodb:ap-northeast-1:123456789012:table/user_id_map"
      }
    }
    error_message = "reads of raw, quarantine and the user map are recorded"
  }

  assert {
    condition     = aws_cloudtrail.audit[0].enable_log_file_validation && aws_cloudtrail.audit[0].kms_key_id == aws_kms_key.identified.arn && aws_s3_bucket.audit[0].bucket == "qol-lake-123456789012-audit"
    error_message = "records can be verified, are encrypted, and lie apart"
  }
}

run "a_trail_that_the_account_has_already_is_named" {
  command = plan

  variables {
    audit_trail = "arn:aws:cloudtrail:ap-northeast-1:123456789012:trail/all"
  }

  assert {
    condition     = length(concat(aws_cloudtrail.audit, aws_s3_bucket.audit)) == 0
    error_message = "no second trail"
  }
}

run "athena" {
  assert {
    condition = alltrue([for group in [aws_athena_workgroup.groups["qol"], aws_athena_workgroup.groups["operators"]] : alltrue([
      group.configuration[0].enforce_workgroup_configuration,
      group.configuration[0].bytes_scanned_cutoff_per_query == 10737418240,
      group.configuration[0].result_configuration[0].encryption_configuration[0].encryption_option == "SSE_KMS",
      group.tags.Name == group.name,
    ])])
    error_message = "workgroups"
  }

  assert {
    condition = { for group in [aws_athena_workgroup.groups["qol"], aws_athena_workgroup.groups["operators"]] : group.name => group.configuration[0].result_configuration[0].encryption_configuration[0].kms_key_arn } == {
      qol           = aws_kms_key.pseudonymous.arn
      qol-operators = aws_kms_key.identified.arn
    }
    error_message = "operators' results are under the key that analysts do not have"
  }

  assert {
    condition = [for group in [aws_athena_workgroup.groups["qol"], aws_athena_workgroup.groups["operators"]] : regex("/[^/]+/$", group.configuration[0].result_configuration[0].output_location)] == [
      "/athena-results/", "/athena-results-operators/",
    ]
    error_message = "results of operators lie apart"
  }

  assert {
    condition = { for name, query in aws_athena_named_query.saved : name => query.workgroup == aws_athena_workgroup.groups["operators"].id } == {
      adherence = false, coverage_per_week = false, group_validity = false, latest_weekly_metrics = false, one_persons_weeks = false, rejects_by_reason = true, run_history = false
    }
    error_message = "what is asked of rejects is asked by operators"
  }

  assert {
    condition = (join(" ", sort(keys(aws_athena_named_query.saved))) ==
    "adherence coverage_per_week group_validity latest_weekly_metrics one_persons_weeks rejects_by_reason run_history")
    error_message = "saved queries"
  }

  assert {
    condition     = strcontains(aws_athena_named_query.saved["latest_weekly_metrics"].query, "\nSELECT * FROM db_qol.weekly_metrics ORDER BY date DESC LIMIT 10\n")
    error_message = "the newest weeks"
  }
}

run "catalog_equals_the_contracts" {
  assert {
    condition = (sort(keys(aws_glue_catalog_table.tables)) ==
    sort([for file in fileset("../schemas/tables", "*.yaml") : lower(trimsuffix(file, ".yaml"))]))
    error_message = "tables"
  }

  assert {
    condition = alltrue([
      for file in fileset("../schemas/tables", "*.yaml") :
      [for column in aws_glue_catalog_table.tables[lower(trimsuffix(file, ".yaml"))].storage_descriptor[0].columns : [column.name, column.type, column.comment]] ==
      [for column in yamldecode(file("../schemas/tables/${file}")).columns : [column.name, column.type, column.comment]]
    ])
    error_message = "columns: names, types, comments, order"
  }

  assert {
    condition = alltrue([
      for file in fileset("../schemas/tables", "*.yaml") :
      [for key in aws_glue_catalog_table.tables[lower(trimsuffix(file, ".yaml"))].partition_keys : [key.name, key.type, key.comment]] ==
      [for key in yamldecode(file("../schemas/tables/${file}")).partition_keys : [key.name, key.type, key.comment]]
    ])
    error_message = "partition keys"
  }

  assert {
    condition = (aws_glue_catalog_table.tables["weekly_metrics"].storage_descriptor[0].location == "s3://qol-lake-123456789012/processed/weekly/" &&
      alltrue([for table in aws_glue_catalog_table.tables : !can(table.parameters["projection.enabled"])])
    )
    error_message = "location; partitions are the catalog's own, never projected"
  }

  assert {
    condition = (
      [for column in aws_glue_catalog_table.views["adherence"].storage_descriptor[0].columns : [column.name, column.type, column.comment]] ==
      [for column in yamldecode(file("../schemas/views/adherence.yaml")).columns : [column.name, column.type, column.comment]]
    )
    error_message = "columns of the view"
  }

  assert {
    condition = (aws_glue_catalog_table.views["adherence"].table_type == "VIRTUAL_VIEW" &&
      slice(jsondecode(base64decode(split(" ", aws_glue_catalog_table.views["adherence"].view_original_text)[3])).columns, 0, 4) == [
        { name = "call_order", type = "bigint" }, { name = "user_id", type = "varchar" }, { name = "reason", type = "varchar" }, { name = "days_worn", type = "bigint" },
      ] &&
      jsondecode(base64decode(split(" ", aws_glue_catalog_table.views["adherence"].view_original_text)[3])).originalSql == aws_athena_named_query.saved["adherence"].query
    )
    error_message = "the view says what the saved query says, in Athena's types"
  }
}

run "a_build_that_is_not_the_manifests_is_refused" {
  command = plan

  variables {
    package_dir = "tests/tampered"
  }

  expect_failures = [aws_s3_object.artifact, aws_lambda_function.functions]
}

run "a_real_account_keeps_its_bucket_policy" {
  command = plan

  variables {
    enforce_bucket_policy = false
  }

  override_data {
    target = data.aws_caller_identity.current
    values = { account_id = "210987654321" }
  }

  expect_failures = [aws_s3_bucket.lake]
}

run "an_unknown_stage_is_refused" {
  command = plan

  variables {
    stage = "test"
  }

  expect_failures = [var.stage]
}
