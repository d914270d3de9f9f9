# `orchestration = "step_functions"`: the business week as a state machine, which the schedule starts in place of the kick function.
locals {
  flows = var.orchestration == "step_functions" ? toset(["week"]) : toset([])
  flow  = "qol-week${local.dash}"

  arn_of_flow = "arn:aws:states:${var.region}:${local.account}:stateMachine:${local.flow}"
  loaders     = [for _ in local.databases : "${local.arn.functions}:${local.loader}"]

  # As `schedule_input`, with what the machine calls.
  flow_input = join("", [trimsuffix(local.schedule_input, "}"), ", ", trimprefix(jsonencode({
    collectors   = [for key, _ in local.collectors : local.function_arn[key]]
    loaders      = local.loaders
    kick         = local.function_arn.kick
    job          = local.job
    topic        = local.arn.operations
    poll_seconds = 60
  }), "{")])

  flow_statements = [
    {
      Sid      = "CallFunctions"
      Effect   = "Allow"
      Action   = "lambda:InvokeFunction"
      Resource = concat([local.function_arn.kick], [for key, _ in local.collectors : local.function_arn[key]], local.loaders)
    },
    { Sid = "GetJobRun", Effect = "Allow", Action = "glue:GetJobRun", Resource = local.arn.job },
    { Sid = "PublishResult", Effect = "Allow", Action = "sns:Publish", Resource = local.arn.operations },
    {
      Sid       = "EncryptResult"
      Effect    = "Allow"
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = local.keys.pseudonymous
      Condition = { StringEquals = { "kms:ViaService" = local.via.sns } }
    },
  ]
}

resource "aws_sfn_state_machine" "week" {
  #checkov:skip=CKV_AWS_284:No trace spans several functions
  #checkov:skip=CKV_AWS_285:Its history keeps every step for 90 days; a log needs actions on all resources
  for_each = local.flows

  name       = local.flow
  role_arn   = aws_iam_role.flow[each.key].arn
  definition = file("${path.module}/flow.asl.json")

  depends_on = [aws_iam_role_policy.flow]
}

resource "aws_iam_role" "flow" {
  for_each = local.flows

  name               = local.flow
  description        = "State machine ${local.flow}."
  assume_role_policy = jsonencode(local.trust.states)
}

resource "aws_iam_role_policy" "flow" {
  for_each = local.flows

  name   = "what-it-may"
  role   = aws_iam_role.flow[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.flow_statements })
}

resource "aws_scheduler_schedule" "week" {
  #checkov:skip=CKV_AWS_297:A schedule holds a cron line and names; nothing in it needs a key
  for_each = local.flows

  name                         = local.flow
  group_name                   = aws_scheduler_schedule_group.qol.name
  schedule_expression          = local.week_at
  schedule_expression_timezone = var.time_zone
  state                        = var.schedules_enabled ? "ENABLED" : "DISABLED"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sfn_state_machine.week[each.key].arn
    role_arn = aws_iam_role.scheduler.arn
    input    = local.flow_input

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
