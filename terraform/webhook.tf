# Garmin's pushes: one public route to one function.
locals {
  route       = "POST /garmin/{token}"
  webhook_log = "/qol/webhook/garmin${local.dash}"
  too_large   = "qol-garmin-webhook${local.dash}-413"
}

resource "aws_apigatewayv2_api" "webhook" {
  name          = "qol-garmin-webhook${local.dash}"
  description   = "Receives the pushes of Garmin."
  protocol_type = "HTTP"

  disable_execute_api_endpoint = try(var.webhook_guard.only, false)
}

resource "aws_apigatewayv2_integration" "receiver" {
  api_id                 = aws_apigatewayv2_api.webhook.id
  integration_type       = "AWS_PROXY"
  integration_method     = "POST"
  integration_uri        = aws_lambda_function.functions["receiver"].arn
  payload_format_version = "2.0"
  timeout_milliseconds   = 30000
}

resource "aws_apigatewayv2_route" "receiver" {
  #checkov:skip=CKV_AWS_309:Garmin signs nothing and sends no credentials; the receiver checks the secret token of the path and the client id
  api_id             = aws_apigatewayv2_api.webhook.id
  route_key          = local.route
  target             = "integrations/${aws_apigatewayv2_integration.receiver.id}"
  authorization_type = "NONE"
}

resource "aws_cloudwatch_log_group" "webhook" {
  #checkov:skip=CKV_AWS_338:180 days is what the programme keeps logs for
  name              = local.webhook_log
  retention_in_days = local.retention_days
  kms_key_id        = aws_kms_key.pseudonymous.arn
}

# API Gateway refuses bodies over 10 MB itself: the receiver is not called, and no other metric distinguishes a 413 from a 404.
resource "aws_cloudwatch_log_metric_filter" "too_large" {
  name           = local.too_large
  log_group_name = aws_cloudwatch_log_group.webhook.name
  pattern        = "{ $.status = \"413\" }"

  metric_transformation {
    namespace = local.metrics_namespace
    name      = local.too_large
    value     = "1"
  }
}

resource "aws_apigatewayv2_stage" "webhook" {
  api_id      = aws_apigatewayv2_api.webhook.id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    detailed_metrics_enabled = true
    throttling_rate_limit    = var.webhook_requests_per_second
    throttling_burst_limit   = var.webhook_requests_per_second * 10
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.webhook.arn

    # The route's key, not the path, which holds the token.
    format = jsonencode({
      time               = "$context.requestTimeEpoch"
      request_id         = "$context.requestId"
      route              = "$context.routeKey"
      status             = "$context.status"
      response_bytes     = "$context.responseLength"
      latency_ms         = "$context.responseLatency"
      integration_status = "$context.integrationStatus"
    })
  }
}

resource "aws_lambda_permission" "webhook" {
  statement_id  = "webhook"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.functions["receiver"].function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.webhook.execution_arn}/*/POST/garmin/{token}"
}
