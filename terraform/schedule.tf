# Schedules, and the event rule for the job's ends.
locals {
  schedules = merge(
    local.collect_schedules,
    # The state machine calls it instead (flow.tf).
    { for choice in [var.orchestration] : "kick" => { name = "qol-weekly-survey-kick${local.dash}", at = local.week_at, function = "kick", input = local.schedule_input } if choice == "scheduler" },
    {
      watchdog = { name = "qol-watchdog${local.dash}", at = "cron(30 11 ? * WED *)", function = "watchdog", input = local.schedule_input }
      raw_gap  = { name = "qol-raw-gap-check${local.dash}", at = "cron(0 12 ? * WED *)", function = "raw_gap", input = local.schedule_input }
    },
    # Erases users who deregistered or asked the API. Without either, only an operator's event starts erasures.
    { for choice in [var.on_deregistration] : "erase" => { name = "qol-erase${local.dash}", at = "cron(0 3 ? * THU *)", function = "kick", input = jsonencode({ erase = true }) } if choice == "erase" || var.serve != "none" },
  )

  week_at = "cron(5 9 ? * WED *)"

  # Not jsonencode, which writes < as \u003c; Scheduler replaces the literal text.
  schedule_input = "{\"scheduled_time\": \"<aws.scheduler.scheduled-time>\", \"execution_id\": \"<aws.scheduler.execution-id>\"}"

  rule_name = "qol-job-ended${local.dash}"
  rule_arn  = "arn:aws:events:${var.region}:${local.account}:rule/${local.rule_name}"
}

resource "aws_scheduler_schedule_group" "qol" {
  name = local.schedule_group
}

resource "aws_scheduler_schedule" "weekly" {
  #checkov:skip=CKV_AWS_297:A schedule holds a cron line and two placeholders; nothing in it needs a key
  for_each = local.schedules

  name                         = each.value.name
  group_name                   = aws_scheduler_schedule_group.qol.name
  schedule_expression          = each.value.at
  schedule_expression_timezone = var.time_zone
  state                        = var.schedules_enabled ? "ENABLED" : "DISABLED"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_function.functions[each.value.function].arn
    role_arn = aws_iam_role.scheduler.arn
    input    = each.value.input

    # The default, 185 times within a day, could start the week's run at night.
    retry_policy {
      maximum_retry_attempts       = 3
      maximum_event_age_in_seconds = 3600
    }

    dead_letter_config {
      arn = aws_sqs_queue.dead_letters.arn
    }
  }

  depends_on = [aws_iam_role_policy.scheduler]
}

resource "aws_cloudwatch_event_rule" "job_ended" {
  name        = local.rule_name
  description = "Every end of the jobs; the notifier checks successful runs for warnings."

  event_pattern = jsonencode({
    source        = ["aws.glue"]
    "detail-type" = ["Glue Job State Change"]
    detail = {
      jobName = [local.job, local.eraser]
      state   = ["FAILED", "TIMEOUT", "STOPPED", "ERROR", "SUCCEEDED"]
    }
  })
}

resource "aws_cloudwatch_event_target" "notifier" {
  rule = aws_cloudwatch_event_rule.job_ended.name
  arn  = aws_lambda_function.functions["notifier"].arn

  retry_policy {
    maximum_retry_attempts       = 8
    maximum_event_age_in_seconds = 3600
  }

  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}

resource "aws_lambda_permission" "job_ended" {
  statement_id  = "job-ended"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.functions["notifier"].function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.job_ended.arn
}
