# Two topics: `alert` mails one message per failure, and alarms about data that is refused or cannot be read; `operations` takes
# all other alarms and has no subscription.
resource "aws_sns_topic" "topics" {
  for_each = local.topics

  name              = each.value
  kms_master_key_id = aws_kms_key.pseudonymous.arn
}

resource "aws_sns_topic_policy" "topics" {
  for_each = local.topics

  arn = aws_sns_topic.topics[each.key].arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid       = "TlsOnly"
          Effect    = "Deny"
          Principal = "*"
          Action    = "sns:Publish"
          Resource  = local.arn[each.key]
          Condition = { Bool = { "aws:SecureTransport" = "false" } }
        },
      ],
      [
        {
          Sid       = "PublishAlarms"
          Effect    = "Allow"
          Principal = { Service = "cloudwatch.amazonaws.com" }
          Action    = "sns:Publish"
          Resource  = local.arn[each.key]
          Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
        },
      ]
    )
  })
}

locals {
  # Plans and states are read by more people than may know the addresses; keys are their hashes.
  mail = { for address in var.alert_emails : substr(sha256(address), 0, 12) => address }
}

resource "aws_sns_topic_subscription" "mail" {
  for_each = nonsensitive(toset(keys(local.mail)))

  topic_arn = aws_sns_topic.topics["alert"].arn
  protocol  = "email"
  endpoint  = local.mail[each.key]
}

locals {
  lambda_alarms = merge([
    for metric in ["Errors", "Throttles"] : {
      for key, function in local.lambdas :
      "${function.name}-${lower(metric)}" => {
        description = "${function.name}: ${lower(metric)} within 5 minutes."
        namespace   = "AWS/Lambda"
        metric      = metric
        dimensions  = { FunctionName = function.name }
        statistic   = "Sum"
        above       = 0
      }
    }
  ]...)

  # What the receiver counts and nobody would notice; these wake somebody. A function's metrics have its name as `service`.
  mailed_alarms = { for key, alarm in {
    unparsable = {
      metric      = "unparsable_bodies"
      description = "A body could not be read: it is in quarantine/bodies/ for 30 days, and its data has not arrived (docs/webhook.md)."
      above       = 0
    }
    refused = {
      metric      = "rejected_tokens"
      description = "More than 100 requests in 5 minutes had a wrong token or client id: a rotation that is incomplete, or somebody who tries (docs/webhook.md)."
      above       = 100
    }
    } : "qol-garmin-webhook${local.dash}-${key}" => merge(alarm, {
      namespace  = local.metrics_namespace
      dimensions = { service = local.lambdas.receiver.name }
      statistic  = "Sum"
    })
  }

  alarms = merge(local.lambda_alarms, local.mailed_alarms, local.guard_alarms, local.stream_alarms, local.announcement_alarms, local.api_alarms, {
    "${local.dead_letters}-waiting" = {
      description = "A call failed after its retries; its event is in ${local.dead_letters} (docs/runbook.md)."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = local.dead_letters }
      statistic   = "Maximum"
      above       = 0
    }
    "${local.job}-slow" = {
      description = "The weekly job took over 45 of its 60 minutes; give it more workers."
      namespace   = local.metrics_namespace
      metric      = "run_seconds"
      dimensions  = { job = local.job }
      statistic   = "Maximum"
      above       = 2700
    }
    "${local.job}-failed" = {
      # Counted by the notifier: a run that is killed or exceeds its time limit prints no metrics.
      description = "An attempt of the weekly job failed, timed out, was stopped or lost; one mail follows after the last attempt."
      namespace   = local.metrics_namespace
      metric      = "failed_runs"
      dimensions  = { job = local.job }
      statistic   = "Sum"
      above       = 0
    }
    "qol-garmin-webhook${local.dash}-5xx" = {
      description = "Garmin's pushes fail and are repeated by Garmin; nothing is lost yet."
      namespace   = "AWS/ApiGateway"
      metric      = "5xx"
      dimensions  = { ApiId = aws_apigatewayv2_api.webhook.id }
      statistic   = "Sum"
      above       = 0
    }
    (local.too_large) = {
      description = "A push was refused as too large (413), so what is in it has not arrived (docs/webhook.md)."
      namespace   = local.metrics_namespace
      metric      = local.too_large
      dimensions  = {}
      statistic   = "Sum"
      above       = 0
    }
  })
}

resource "aws_cloudwatch_metric_alarm" "alarms" {
  for_each = local.alarms

  alarm_name          = each.key
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  threshold           = each.value.above
  comparison_operator = "GreaterThanThreshold"
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  actions_enabled     = var.alarm_actions_enabled
  alarm_actions       = [aws_sns_topic.topics[contains(concat(keys(local.mailed_alarms), keys(local.stream_alarms)), each.key) ? "alert" : "operations"].arn]
  ok_actions          = [aws_sns_topic.topics["operations"].arn]
}
