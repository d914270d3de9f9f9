# Values that AWS would give, in the shapes that it gives them.

mock_data "aws_caller_identity" {
  defaults = { account_id = "123456789012" }
}

mock_resource "aws_kms_key" {
  defaults = { arn = "arn:aws:kms:ap-northeast-1:123456789012:key/00000000-0000-0000-0000-000000000000" }
}

# Unlike the other key, so that a test sees which one is meant.
override_resource {
  target = aws_kms_key.identified
  values = { arn = "arn:aws:kms:ap-northeast-1:123456789012:key/11111111-1111-1111-1111-111111111111" }
}

mock_resource "aws_secretsmanager_secret" {
  defaults = { arn = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:one-secret" }
}

mock_resource "aws_iam_role" {
  defaults = { arn = "arn:aws:iam::123456789012:role/one-role" }
}

mock_resource "aws_s3_bucket" {
  defaults = { arn = "arn:aws:s3:::qol-lake-123456789012" }
}

mock_resource "aws_lambda_function" {
  defaults = { arn = "arn:aws:lambda:ap-northeast-1:123456789012:function:one-function" }
}

mock_resource "aws_sqs_queue" {
  defaults = {
    arn = "arn:aws:sqs:ap-northeast-1:123456789012:qol-failed-calls"
    url = "https://sqs.ap-northeast-1.amazonaws.com/123456789012/qol-failed-calls"
  }
}

mock_resource "aws_sns_topic" {
  defaults = { arn = "arn:aws:sns:ap-northeast-1:123456789012:one-topic" }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = { arn = "arn:aws:logs:ap-northeast-1:123456789012:log-group:one-group" }
}

mock_resource "aws_cloudwatch_event_rule" {
  defaults = { arn = "arn:aws:events:ap-northeast-1:123456789012:rule/qol-job-ended" }
}

mock_resource "aws_apigatewayv2_api" {
  defaults = { execution_arn = "arn:aws:execute-api:ap-northeast-1:123456789012:api", api_endpoint = "https://api.example.org" }
}

mock_resource "aws_wafv2_web_acl" {
  defaults = { arn = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/one-list/00000000-0000-0000-0000-000000000000" }
}

mock_resource "aws_lb" {
  defaults = {
    arn        = "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:loadbalancer/app/one/0000000000000000"
    arn_suffix = "app/one/0000000000000000"
  }
}

mock_resource "aws_lb_target_group" {
  defaults = { arn = "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/one/0000000000000000" }
}

mock_resource "aws_sfn_state_machine" {
  defaults = { arn = "arn:aws:states:ap-northeast-1:123456789012:stateMachine:qol-week" }
}
