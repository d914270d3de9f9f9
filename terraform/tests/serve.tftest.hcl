# The API: nothing by default, a function behind an HTTP API, or containers behind a load balancer; one address before both.

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
  api = {
    image           = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/qol-api@sha256:0000000000000000000000000000000000000000000000000000000000000000"
    issuer          = "https://issuer.example.org"
    audience        = "qol"
    origin_domain   = "origin.example.org"
    certificate_arn = "arn:aws:acm:ap-northeast-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  }
}

run "nothing_by_default" {
  assert {
    condition = length(concat(
      values(aws_dynamodb_table.state), values(aws_lambda_function.api), values(aws_apigatewayv2_api.api), values(aws_lb.api), values(aws_vpc.api),
      values(aws_cloudfront_distribution.api), values(aws_wafv2_web_acl.api), values(aws_s3_bucket.page), values(aws_iam_role.api),
      values(aws_cloudwatch_log_group.api), [for name, _ in aws_cloudwatch_metric_alarm.alarms : name if startswith(name, "qol-api")],
    )) == 0
    error_message = "without `serve` nothing of the API exists"
  }
}

run "a_function" {
  variables {
    serve = "lambda"
  }

  assert {
    condition = (aws_lambda_function.api["api"].package_type == "Image" && aws_lambda_function.api["api"].image_config[0].command == tolist(["qol.serve.asgi.handler"]) &&
    aws_apigatewayv2_route.api["api"].route_key == "$default" && length(aws_ecs_service.api) == 0 && length(aws_vpc.api) == 0)
    error_message = "the image behind an HTTP API, and no container"
  }

  assert {
    condition = { for name, value in aws_lambda_function.api["api"].environment[0].variables : name => value } == {
      QOL_LAKE       = "s3://qol-lake-123456789012", QOL_STATE = "dynamodb:qol-api", QOL_USER_MAP = "dynamodb:user_id_map", QOL_KEY_SECRET = "qol/pseudonym-key",
      QOL_API_SECRET = "qol/api", QOL_ERASURES = "requests", QOL_ZONE = "Asia/Tokyo", QOL_METRICS = "emf", QOL_OIDC_ISSUER = "https://issuer.example.org", QOL_OIDC_AUDIENCE = "qol",
    }
    error_message = "settings, no secret among them"
  }

  assert {
    condition = { for kind, table in aws_dynamodb_table.state : table.name => "${table.hash_key} ${coalesce(table.range_key, "-")} ${one(table.ttl).attribute_name} ${one(table.point_in_time_recovery).enabled} ${table.deletion_protection_enabled}" } == {
      qol-api-users  = "owner name expires_at true true", qol-api-goals = "owner name expires_at true true", qol-api-keys = "owner name expires_at true true",
      qol-api-events = "owner name expires_at true true", qol-api-readings = "owner name expires_at true true", qol-api-latest = "owner name expires_at true true",
      qol-api-limits = "name - expires_at true true",
    }
    error_message = "tables of the state: keys, TTL, recovery, protection"
  }

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.state : one(table.server_side_encryption).kms_key_arn == aws_kms_key.identified.arn])
    error_message = "the state is under the key of what names users"
  }

  assert {
    condition = join(" ", sort(distinct(flatten([for statement in jsondecode(aws_iam_role_policy.api["api"].policy).Statement : statement.Action])))) == join(" ", [
      "dynamodb:DeleteItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query dynamodb:Scan dynamodb:UpdateItem kms:Decrypt kms:GenerateDataKey",
      "logs:CreateLogStream logs:PutLogEvents s3:GetObject s3:ListBucket s3:PutObject secretsmanager:GetSecretValue",
    ])
    error_message = "actions of the API"
  }

  assert {
    condition = sort(flatten([for statement in jsondecode(aws_iam_role_policy.api["api"].policy).Statement : statement.Resource if contains(["ReadLake", "StorePosts"], statement.Sid)])) == sort([for place in [
      "_erasures", "_erasures/requests", "_runs", "processed", "quarantine/bodies", "raw/daily", "raw/healthkit", "raw/healthkit", "raw/sensor", "raw/sensor",
    ] : "arn:aws:s3:::qol-lake-123456789012/${place}/*"])
    error_message = "where the API reads and writes: of raw, only what was posted to it"
  }

  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.api["api"].policy).Statement : statement.Sid => statement.Resource if contains(["ListOwners", "ReadUserMap", "WriteUserMap"], statement.Sid) } == {
      ListOwners   = [for kind in ["goals", "events", "readings"] : "arn:aws:dynamodb:ap-northeast-1:123456789012:table/qol-api-${kind}"]
      ReadUserMap  = "arn:aws:dynamodb:ap-northeast-1:123456789012:table/user_id_map"
      WriteUserMap = "arn:aws:dynamodb:ap-northeast-1:123456789012:table/user_id_map"
    }
    error_message = "what the API lists and updates"
  }

  assert {
    condition = one([for statement in jsondecode(aws_iam_role_policy.api["api"].policy).Statement : statement.Condition if statement.Sid == "WriteUserMap"]) == one([
      for statement in jsondecode(aws_iam_role_policy.lambda["receiver"].policy).Statement : statement.Condition if statement.Sid == "WriteUserMap"
    ])
    error_message = "Garmin's pushes reach the user map with the rights of the receiver, which names no user_id"
  }

  assert {
    condition     = !contains(flatten([for statement in jsondecode(aws_iam_role_policy.api["api"].policy).Statement : statement.Resource]), "*")
    error_message = "no statement on all resources"
  }

  assert {
    condition = { for name, alarm in aws_cloudwatch_metric_alarm.alarms : name => coalesce(alarm.statistic, alarm.extended_statistic) if startswith(name, "qol-api") } == {
      qol-api-5xx = "Sum", qol-api-latency = "p95", qol-api-throttles = "Sum"
    }
    error_message = "alarms on failures, latency and throttles"
  }

  assert {
    condition     = [for log in concat(values(aws_cloudwatch_log_group.api), values(aws_cloudwatch_log_group.api_access)) : log.retention_in_days] == [90, 90]
    error_message = "logs of production stay 90 days"
  }

  assert {
    condition = (aws_scheduler_schedule.api["api"].schedule_expression == "rate(1 minute)" && aws_scheduler_schedule.api["api"].target[0].input == "{\"work\":true}" &&
      contains(flatten([for statement in jsondecode(aws_iam_role_policy.scheduler.policy).Statement : statement.Resource]), "arn:aws:lambda:ap-northeast-1:123456789012:function:qol-api") &&
    aws_scheduler_schedule.weekly["erase"].schedule_expression == "cron(0 3 ? * THU *)")
    error_message = "events go out between requests, and requested erasures run each Thursday"
  }
}

run "the_edge" {
  variables {
    serve = "lambda"
  }

  assert {
    condition = [for behavior in aws_cloudfront_distribution.api["api"].ordered_cache_behavior : "${behavior.path_pattern} ${behavior.target_origin_id} ${behavior.viewer_protocol_policy}"] == [
      "/v1/* api https-only", "/prices* api https-only", "/health api https-only", "/docs* api https-only", "/openapi.json api https-only",
    ] && aws_cloudfront_distribution.api["api"].default_cache_behavior[0].target_origin_id == "page"
    error_message = "/ is the page, /v1/ the API"
  }

  assert {
    condition     = alltrue([for behavior in aws_cloudfront_distribution.api["api"].ordered_cache_behavior : behavior.cache_policy_id == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"])
    error_message = "no answer of the API is kept at the edge"
  }

  assert {
    condition = one([for rule in aws_wafv2_web_acl.api["api"].rule : rule.statement[0].rate_based_statement[0].limit]) == 5000 && aws_wafv2_web_acl.api["api"].scope == "CLOUDFRONT" && (
    aws_cloudfront_distribution.api["api"].web_acl_id == aws_wafv2_web_acl.api["api"].arn)
    error_message = "a firewall limits each address"
  }

  assert {
    condition = aws_s3_bucket_public_access_block.page["api"].restrict_public_buckets && [for statement in jsondecode(aws_s3_bucket_policy.page["api"].policy).Statement : "${statement.Effect} ${statement.Sid}"] == [
      "Deny TlsOnly", "Allow CloudFrontReads",
    ]
    error_message = "only CloudFront reads the page's bucket"
  }
}

run "containers" {
  variables {
    serve = "fargate"
  }

  assert {
    condition     = { for zone, subnet in aws_subnet.api : zone => subnet.cidr_block } == { "ap-northeast-1a" = "10.64.0.0/26", "ap-northeast-1c" = "10.64.0.64/26" }
    error_message = "two zones"
  }

  assert {
    condition = sort([for endpoint in aws_vpc_endpoint.api : "${endpoint.vpc_endpoint_type} ${endpoint.service_name}"]) == tolist([
      "Gateway com.amazonaws.ap-northeast-1.dynamodb", "Gateway com.amazonaws.ap-northeast-1.s3",
    ]) && aws_ecs_service.api["api"].network_configuration[0].assign_public_ip
    error_message = "gateway endpoints and public addresses instead of NAT"
  }

  assert {
    condition = (aws_vpc_security_group_ingress_rule.balancer["api"].prefix_list_id != null && aws_vpc_security_group_ingress_rule.balancer["api"].cidr_ipv4 == null &&
    aws_vpc_security_group_ingress_rule.tasks["api"].from_port == 8000 && aws_vpc_security_group_ingress_rule.tasks["api"].cidr_ipv4 == null)
    error_message = "CloudFront reaches the load balancer, which alone reaches the containers"
  }

  assert {
    condition = [for container in jsondecode(aws_ecs_task_definition.api["api"].container_definitions) : [container.user, tostring(container.readonlyRootFilesystem), container.image]] == [
      ["10001", "true", var.api.image],
    ] && length(aws_lambda_function.api) == 0 && length(aws_scheduler_schedule.api) == 0
    error_message = "the same image, without root, on a file system that nothing writes"
  }

  assert {
    condition = [aws_ecs_service.api["api"].desired_count, aws_appautoscaling_target.api["api"].min_capacity, aws_appautoscaling_target.api["api"].max_capacity] == [2, 2, 10] && (
    aws_lb_target_group.api["api"].health_check[0].matcher == "200,503")
    error_message = "two containers, up to ten; one that only lacks its lake stays"
  }

  assert {
    condition = { for name, alarm in aws_cloudwatch_metric_alarm.alarms : name => alarm.metric_name if startswith(name, "qol-api") } == {
      qol-api-5xx = "HTTPCode_Target_5XX_Count", qol-api-away = "HTTPCode_ELB_5XX_Count", qol-api-latency = "TargetResponseTime", qol-api-throttles = "RejectedConnectionCount"
    }
    error_message = "alarms"
  }

  assert {
    condition     = aws_cloudwatch_log_group.api["/ecs/qol-api"].retention_in_days == 90 && strcontains(aws_iam_role_policy.api_starter["api"].policy, ":repository/qol-api\"")
    error_message = "log and image"
  }
}

run "staging_has_no_alarms_and_keeps_logs_for_60_days" {
  variables {
    stage = "staging"
    serve = "lambda"
  }

  assert {
    condition = [for name, _ in aws_cloudwatch_metric_alarm.alarms : name if startswith(name, "qol-api")] == [] && (
    aws_cloudwatch_log_group.api["/aws/lambda/qol-api-staging"].retention_in_days == 60 && aws_dynamodb_table.state["goals"].name == "qol-api-staging-goals")
    error_message = "staging"
  }
}

run "an_api_without_its_settings_is_refused" {
  command = plan

  variables {
    serve = "lambda"
    api   = null
  }

  expect_failures = [var.serve]
}

run "containers_without_a_certificate_are_refused" {
  command = plan

  variables {
    serve = "fargate"
    api   = { image = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/qol-api@sha256:0000000000000000000000000000000000000000000000000000000000000000", issuer = "https://issuer.example.org", audience = "qol" }
  }

  expect_failures = [var.serve]
}

run "an_image_by_its_tag_is_refused" {
  command = plan

  variables {
    serve = "lambda"
    api   = { image = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/qol-api:latest", issuer = "https://issuer.example.org", audience = "qol" }
  }

  expect_failures = [var.api]
}
