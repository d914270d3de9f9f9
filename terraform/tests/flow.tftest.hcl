# The business week as a state machine, and the schedule as it is by default.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

variables {
  stage        = "prod"
  alert_emails = []
  package_dir  = "tests/package"
  collect      = { oura = { schedule = "cron(0 6 * * ? *)" } }
}

run "the_scheduler_by_default" {
  assert {
    condition     = length(aws_sfn_state_machine.week) == 0 && aws_scheduler_schedule.weekly["kick"].schedule_expression == "cron(5 9 ? * WED *)"
    error_message = "no state machine"
  }
}

run "a_state_machine" {
  variables {
    orchestration = "step_functions"
  }

  assert {
    condition     = !contains(keys(aws_scheduler_schedule.weekly), "kick") && aws_scheduler_schedule.week["week"].schedule_expression == "cron(5 9 ? * WED *)"
    error_message = "the schedule starts the machine in place of the kick function"
  }

  assert {
    condition = jsondecode(aws_scheduler_schedule.week["week"].target[0].input) == {
      scheduled_time = "<aws.scheduler.scheduled-time>", execution_id = "<aws.scheduler.execution-id>", job = "qol-weekly-etl", poll_seconds = 60, loaders = [],
      collectors     = ["arn:aws:lambda:ap-northeast-1:123456789012:function:qol-collect-oura"], kick = "arn:aws:lambda:ap-northeast-1:123456789012:function:qol-weekly-survey-kick",
      topic          = "arn:aws:sns:ap-northeast-1:123456789012:qol_operations_alarm",
    } && strcontains(aws_scheduler_schedule.week["week"].target[0].input, "\"<aws.scheduler.scheduled-time>\"")
    error_message = "its input: literal placeholders, and what it calls"
  }

  assert {
    condition = join(" ", flatten([for statement in jsondecode(aws_iam_role_policy.flow["week"].policy).Statement : statement.Action])) == (
    "lambda:InvokeFunction glue:GetJobRun sns:Publish kms:Decrypt kms:GenerateDataKey")
    error_message = "its role"
  }
}
