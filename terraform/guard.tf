# A second address of the webhook, which only networks of `webhook_guard` reach: others end at the firewall, before the API's
# throttle and the function. An HTTP API cannot have a firewall, so this one is a REST API with the same path.
locals {
  guards  = var.webhook_guard == null ? [] : [var.webhook_guard]
  guarded = "qol-garmin-webhook-guarded${local.dash}"

  guard_alarms = { for guard in local.guards : "${local.guarded}-5xx" => {
    description = "Garmin's pushes to the guarded address fail and are repeated by Garmin; nothing is lost yet."
    namespace   = "AWS/ApiGateway"
    metric      = "5XXError"
    dimensions  = { ApiName = local.guarded }
    statistic   = "Sum"
    above       = 0
  } }
}

resource "aws_wafv2_ip_set" "vendor" {
  count = length(local.guards)

  name               = local.guarded
  scope              = "REGIONAL"
  ip_address_version = "IPV4"
  addresses          = local.guards[count.index].allowed_cidrs
}

resource "aws_wafv2_web_acl" "webhook" {
  #checkov:skip=CKV_AWS_192:Only networks of the vendor pass, and the function has no Java
  #checkov:skip=CKV2_AWS_31:The firewall's log would hold the path, and with it the token
  count = length(local.guards)

  name  = local.guarded
  scope = "REGIONAL"

  default_action {
    block {}
  }

  rule {
    name     = "vendor"
    priority = 0

    action {
      allow {}
    }

    statement {
      ip_set_reference_statement {
        arn = aws_wafv2_ip_set.vendor[count.index].arn
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "vendor"
      sampled_requests_enabled   = false # a sample would show the path, which holds the token
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = local.guarded
    sampled_requests_enabled   = false
  }
}

resource "aws_api_gateway_rest_api" "webhook" {
  count = length(local.guards)

  name        = local.guarded
  description = "Receives the pushes of Garmin from Garmin's networks."

  body = jsonencode({
    openapi = "3.0.1"
    info    = { title = local.guarded, version = "1" }
    paths = { "/garmin/{token}" = { post = { "x-amazon-apigateway-integration" = {
      type            = "aws_proxy"
      httpMethod      = "POST"
      uri             = aws_lambda_function.functions["receiver"].invoke_arn
      timeoutInMillis = 29000
    } } } }
  })

  endpoint_configuration {
    types = ["REGIONAL"]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_deployment" "webhook" {
  count = length(local.guards)

  rest_api_id = aws_api_gateway_rest_api.webhook[count.index].id
  triggers    = { body = sha256(aws_api_gateway_rest_api.webhook[count.index].body) }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_stage" "webhook" {
  #checkov:skip=CKV_AWS_73:No trace spans several functions
  #checkov:skip=CKV_AWS_76:A log of a REST API needs a role for the whole account; its metrics and the function's log say the same
  #checkov:skip=CKV_AWS_120:Nothing that is pushed is answered from a cache
  #checkov:skip=CKV2_AWS_4:A log of a REST API needs a role for the whole account; its metrics and the function's log say the same
  #checkov:skip=CKV2_AWS_77:Only networks of the vendor pass, and the function has no Java
  #checkov:skip=CKV2_AWS_51:Garmin has no client certificate
  count = length(local.guards)

  rest_api_id   = aws_api_gateway_rest_api.webhook[count.index].id
  deployment_id = aws_api_gateway_deployment.webhook[count.index].id
  stage_name    = "push"
}

resource "aws_api_gateway_method_settings" "webhook" {
  #checkov:skip=CKV_AWS_225:Nothing that is pushed is answered from a cache
  count = length(local.guards)

  rest_api_id = aws_api_gateway_rest_api.webhook[count.index].id
  stage_name  = aws_api_gateway_stage.webhook[count.index].stage_name
  method_path = "*/*"

  settings {
    metrics_enabled        = true
    throttling_rate_limit  = var.webhook_requests_per_second
    throttling_burst_limit = var.webhook_requests_per_second * 10
  }
}

resource "aws_wafv2_web_acl_association" "webhook" {
  count = length(local.guards)

  resource_arn = aws_api_gateway_stage.webhook[count.index].arn
  web_acl_arn  = aws_wafv2_web_acl.webhook[count.index].arn
}

resource "aws_lambda_permission" "guarded" {
  count = length(local.guards)

  statement_id  = "guarded-webhook"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.functions["receiver"].function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.webhook[count.index].execution_arn}/*/POST/garmin/{token}"
}
