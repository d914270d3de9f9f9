mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
}

variables {
  stage        = "prod"
  repository   = "owner/name"
  bucket       = "qol-lake-123456789012"
  state_bucket = "qol-lake-terraform-123456789012"
}

run "plan_role" {
  assert {
    condition     = jsondecode(aws_iam_role.plan.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == "repo:owner/name:environment:prod-plan"
    error_message = "who may plan: jobs of one environment of one repository, which only main may use (docs/deploy.md)"
  }
}
