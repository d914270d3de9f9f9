# `serve = "lambda"`: the image as a function behind an HTTP API.
locals {
  arn_of_api = "${local.arn.functions}:${local.api}"
}

resource "aws_lambda_function" "api" {
  #checkov:skip=CKV_AWS_50:No trace spans several functions, and X-Ray needs actions on all resources
  #checkov:skip=CKV_AWS_116:Requests are synchronous, and what the schedule starts is started again a minute later
  #checkov:skip=CKV_AWS_117:It calls AWS APIs and the issuer; a VPC would add NAT and endpoints and protect nothing
  #checkov:skip=CKV_AWS_272:An image is named by its digest, and only the deploying role may change it
  for_each = local.api_by_kind.lambda

  function_name                  = local.api
  description                    = "The API (`qol serve`)."
  role                           = aws_iam_role.api[each.key].arn
  package_type                   = "Image"
  image_uri                      = each.value.image
  architectures                  = ["arm64"]
  memory_size                    = 1024 # frames of published weeks are kept between requests
  timeout                        = 28   # below the HTTP API's 30 s
  reserved_concurrent_executions = var.reserved_concurrency ? 50 : -1
  kms_key_arn                    = aws_kms_key.pseudonymous.arn

  image_config {
    entry_point = ["python", "-m", "awslambdaric"]
    command     = ["qol.serve.asgi.handler"]
  }

  environment {
    variables = local.api_environment[each.key]
  }

  depends_on = [aws_iam_role_policy.api, aws_cloudwatch_log_group.api]
}

resource "aws_apigatewayv2_api" "api" {
  for_each = local.api_by_kind.lambda

  name          = local.api
  description   = "The API for apps, devices and dashboards."
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_integration" "api" {
  for_each = local.api_by_kind.lambda

  api_id                 = aws_apigatewayv2_api.api[each.key].id
  integration_type       = "AWS_PROXY"
  integration_method     = "POST"
  integration_uri        = aws_lambda_function.api[each.key].arn
  payload_format_version = "2.0"
  timeout_milliseconds   = 30000
}

resource "aws_apigatewayv2_route" "api" {
  #checkov:skip=CKV_AWS_309:The API checks tokens and keys itself, the same behind both kinds
  for_each = local.api_by_kind.lambda

  api_id             = aws_apigatewayv2_api.api[each.key].id
  route_key          = "$default"
  target             = "integrations/${aws_apigatewayv2_integration.api[each.key].id}"
  authorization_type = "NONE"
}

resource "aws_cloudwatch_log_group" "api_access" {
  for_each = local.api_by_kind.lambda

  name              = local.api_access
  retention_in_days = local.api_log_days
  kms_key_id        = aws_kms_key.pseudonymous.arn
}

resource "aws_apigatewayv2_stage" "api" {
  for_each = local.api_by_kind.lambda

  api_id      = aws_apigatewayv2_api.api[each.key].id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    detailed_metrics_enabled = true
    throttling_rate_limit    = each.value.requests_per_s
    throttling_burst_limit   = each.value.requests_per_s * 2
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.api_access[each.key].arn

    # No path, which may name a person or a goal; the API's own lines have the route's template.
    format = jsonencode({
      time               = "$context.requestTimeEpoch"
      request_id         = "$context.requestId"
      status             = "$context.status"
      latency_ms         = "$context.responseLatency"
      integration_status = "$context.integrationStatus"
    })
  }
}

resource "aws_lambda_permission" "api" {
  for_each = local.api_by_kind.lambda

  statement_id  = "api"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.api[each.key].function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.api[each.key].execution_arn}/*/*"
}

# A container delivers events and follows erasures between requests; a function only lives while it is called.
resource "aws_scheduler_schedule" "api" {
  #checkov:skip=CKV_AWS_297:A schedule holds a rate and one word; nothing in it needs a key
  for_each = local.api_by_kind.lambda

  name                = local.api
  group_name          = aws_scheduler_schedule_group.qol.name
  schedule_expression = "rate(1 minute)"
  state               = var.schedules_enabled ? "ENABLED" : "DISABLED"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_function.api[each.key].arn
    role_arn = aws_iam_role.scheduler.arn
    input    = jsonencode({ work = true })

    retry_policy {
      maximum_retry_attempts = 0 # the next minute is the retry
    }
  }

  depends_on = [aws_iam_role_policy.scheduler]
}
