# One installation, whose policies `qol_dev.policies` reads from what Terraform prints.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

override_resource {
  target = aws_secretsmanager_secret.pseudonym_key
  values = { arn = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:qol/pseudonym-key-000000" }
}

override_resource {
  target = aws_secretsmanager_secret.collect["oura"]
  values = { arn = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:qol/collect/oura-000000" }
}

override_resource {
  target = aws_secretsmanager_secret.api["api"]
  values = { arn = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:qol/api-000000" }
}

variables {
  stage        = "prod"
  alert_emails = ["one@example.org"]
  package_dir  = "tests/package"
  gather       = "firehose"
  collect      = { oura = { schedule = "cron(0 6 * * ? *)", announced = true } }
  serve        = "lambda"
  api = {
    image    = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/qol-api@sha256:0000000000000000000000000000000000000000000000000000000000000000"
    issuer   = "https://issuer.example.org"
    audience = "qol"
  }
}

run "policies" {}
