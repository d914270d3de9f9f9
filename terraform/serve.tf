# The API (`serve`), of both kinds: its state, its secret, its role, its log and its alarms. With "none" nothing of it exists.
locals {
  apis        = var.serve == "none" ? {} : { api = var.api }
  api         = "qol-api${local.dash}"
  api_by_kind = { for kind in ["lambda", "fargate"] : kind => var.serve == kind ? local.apis : {} }

  # As KINDS in lib/qol/state/store.py; what requests are counted in has another key.
  state_kinds  = ["users", "goals", "keys", "events", "readings", "latest"]
  state_tables = { for kind in concat(local.state_kinds, ["limits"]) : kind => "${local.api}-${kind}" if var.serve != "none" }
  arn_of_state = { for kind, name in local.state_tables : kind => "arn:aws:dynamodb:${var.region}:${local.account}:table/${name}" }

  api_log    = var.serve == "fargate" ? "/ecs/${local.api}" : "/aws/lambda/${local.api}"
  api_logs   = [for _ in values(local.apis) : local.api_log]
  api_access = "/qol/api${local.dash}"
  # What the specification keeps: lines say which route was asked by which kind of caller, never by whom.
  api_log_days = { dev = 30, staging = 60, prod = 90 }[var.stage]

  api_environment = { for key, api in local.apis : key => {
    for name, value in {
      QOL_LAKE             = "s3://${local.bucket}"
      QOL_STATE            = "dynamodb:${local.api}"
      QOL_USER_MAP         = "dynamodb:${local.user_map}"
      QOL_KEY_SECRET       = local.secrets.pseudonym_key
      QOL_API_SECRET       = local.api_secret
      QOL_ERASURES         = "requests" # the job of erasures carries them out: only its role deletes
      QOL_ZONE             = var.time_zone
      QOL_METRICS          = "emf"
      QOL_OIDC_ISSUER      = api.issuer
      QOL_OIDC_AUDIENCE    = api.audience
      QOL_OIDC_JWKS_URI    = api.jwks_uri
      QOL_CORS_ORIGINS     = join(",", api.cors_origins)
      QOL_GOAL_WEBHOOK_URL = api.goal_webhook_url
    } : name => value if value != ""
  } }

  api_secret = "qol/api${local.dash}"

  # Prefixes below raw/ that the API reads: what was posted to it, and collected feeds.
  posted_prefixes = concat(["raw/healthkit", "raw/sensor"], [for source in flatten(values(local.apis)[*].feeds) : "raw/${source}"])

  api_statements = { for key, _ in local.apis : key => [
    {
      Sid      = "ReadLake"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = [for prefix in concat(local.posted_prefixes, ["processed", "_runs", "_erasures"]) : "${local.arn.bucket}/${prefix}/*"]
    },
    {
      # New objects alone (the bucket's policy); whom to erase is asked of the job of erasures.
      Sid      = "StorePosts"
      Effect   = "Allow"
      Action   = "s3:PutObject"
      Resource = [for place in ["raw/healthkit", "raw/sensor", "raw/daily", "quarantine/bodies", "_erasures/requests"] : "${local.arn.bucket}/${place}/*"]
    },
    # No condition on the prefix: with one, S3 answers 403 instead of 404 for a missing object.
    { Sid = "ListLake", Effect = "Allow", Action = "s3:ListBucket", Resource = local.arn.bucket },
    {
      Sid       = "UseIdentifiedKey"
      Effect    = "Allow"
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = local.keys.identified
      Condition = { StringEquals = { "kms:ViaService" = [local.via.s3, local.via.dynamodb, local.via.secretsmanager] } }
    },
    {
      Sid       = "DecryptPublishedTables"
      Effect    = "Allow"
      Action    = "kms:Decrypt"
      Resource  = local.keys.pseudonymous
      Condition = { StringEquals = { "kms:ViaService" = local.via.s3 } }
    },
    { Sid = "ReadUserMap", Effect = "Allow", Action = "dynamodb:Scan", Resource = local.arn.user_map },
    # Garmin's webhook, as the receiver's role: who is new, who left, who permits what; no user_id.
    { Sid = "WriteUserMap", Effect = "Allow", Action = "dynamodb:UpdateItem", Resource = local.arn.user_map, Condition = local.writes_attributes.receiver },
    {
      Sid      = "OwnState"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:DeleteItem"]
      Resource = [for kind in local.state_kinds : local.arn_of_state[kind]]
    },
    # Owners of rows, when the lake has a new tombstone: the rows of erased people go.
    { Sid = "ListOwners", Effect = "Allow", Action = "dynamodb:Scan", Resource = [for kind in ["goals", "events", "readings"] : local.arn_of_state[kind]] },
    { Sid = "CountRequests", Effect = "Allow", Action = ["dynamodb:GetItem", "dynamodb:UpdateItem"], Resource = local.arn_of_state["limits"] },
    { Sid = "ReadSecrets", Effect = "Allow", Action = "secretsmanager:GetSecretValue", Resource = [aws_secretsmanager_secret.pseudonym_key.arn, aws_secretsmanager_secret.api[key].arn] },
    { Sid = "OwnLog", Effect = "Allow", Action = ["logs:CreateLogStream", "logs:PutLogEvents"], Resource = "${local.arn.logs}:${local.api_log}:*" },
  ] }

  # Keys of servers and sensors: `qol keys` by hand.
  can_manage_keys = flatten([for _ in values(local.apis) : [
    { Sid = "ManageApiKeys", Effect = "Allow", Action = ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:DeleteItem"], Resource = local.arn_of_state["keys"] },
    { Sid = "DecryptApiKeys", Effect = "Allow", Action = "kms:Decrypt", Resource = local.keys.identified, Condition = { StringEquals = { "kms:ViaService" = local.via.dynamodb } } },
  ]])

  # In production alone. Requests that fail, are slow, or are turned away.
  api_alarms = var.stage != "prod" ? {} : merge([for kind, apis in local.api_by_kind : { for name, alarm in local.alarms_by_kind[kind] :
  "${local.api}-${name}" => alarm if length(apis) > 0 }]...)

  alarms_by_kind = {
    lambda = {
      "5xx"     = { namespace = "AWS/ApiGateway", metric = "5xx", statistic = "Sum", above = 5, dimensions = local.dimensions_of_api, description = "More than 5 requests to the API failed within 5 minutes (docs/runbook.md)." }
      latency   = { namespace = "AWS/ApiGateway", metric = "Latency", statistic = "p95", above = 2000, dimensions = local.dimensions_of_api, description = "One of 20 requests to the API took over 2 s (docs/runbook.md)." }
      throttles = { namespace = "AWS/Lambda", metric = "Throttles", statistic = "Sum", above = 0, dimensions = { FunctionName = local.api }, description = "The API's function had too many calls at a time (docs/runbook.md)." }
    }
    fargate = {
      "5xx"     = { namespace = "AWS/ApplicationELB", metric = "HTTPCode_Target_5XX_Count", statistic = "Sum", above = 5, dimensions = local.dimensions_of_balancer, description = "More than 5 requests to the API failed within 5 minutes (docs/runbook.md)." }
      away      = { namespace = "AWS/ApplicationELB", metric = "HTTPCode_ELB_5XX_Count", statistic = "Sum", above = 5, dimensions = local.dimensions_of_balancer, description = "No container of the API answers (docs/runbook.md)." }
      latency   = { namespace = "AWS/ApplicationELB", metric = "TargetResponseTime", statistic = "p95", above = 2, dimensions = local.dimensions_of_balancer, description = "One of 20 requests to the API took over 2 s (docs/runbook.md)." }
      throttles = { namespace = "AWS/ApplicationELB", metric = "RejectedConnectionCount", statistic = "Sum", above = 0, dimensions = local.dimensions_of_balancer, description = "The load balancer had too many connections (docs/runbook.md)." }
    }
  }

  dimensions_of_api      = { for api in aws_apigatewayv2_api.api : "ApiId" => api.id }
  dimensions_of_balancer = { for balancer in aws_lb.api : "LoadBalancer" => balancer.arn_suffix }
}

resource "aws_dynamodb_table" "state" {
  for_each = local.state_tables

  name                        = each.value
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = each.key == "limits" ? "name" : "owner"
  range_key                   = each.key == "limits" ? null : "name"
  deletion_protection_enabled = var.deletion_protection

  dynamic "attribute" {
    for_each = each.key == "limits" ? ["name"] : ["owner", "name"]

    content {
      name = attribute.value
      type = "S"
    }
  }

  # Counters, idempotency keys, readings and delivered events go by themselves.
  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.identified.arn
  }
}

resource "aws_secretsmanager_secret" "api" {
  #checkov:skip=CKV2_AWS_57:Its receivers have the same secret, so a person changes both ends (docs/deploy.md)
  for_each = local.apis

  name                    = local.api_secret
  description             = "JSON with QOL_GOAL_WEBHOOK_SECRET and QOL_GARMIN_SECRET of the API, each only where it is used; {} for neither."
  kms_key_id              = aws_kms_key.identified.arn
  recovery_window_in_days = var.deletion_protection ? 30 : 0
}

resource "aws_iam_role" "api" {
  for_each = local.apis

  name               = local.api
  description        = "The API, ${var.serve}."
  assume_role_policy = jsonencode(local.trust[var.serve == "fargate" ? "ecs-tasks" : "lambda"])
}

resource "aws_iam_role_policy" "api" {
  for_each = local.apis

  name = "what-it-may"
  role = aws_iam_role.api[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = concat(local.api_statements[each.key], [for _ in values(local.api_by_kind.lambda) : {
    Sid       = "OwnSettings"
    Effect    = "Allow"
    Action    = "kms:Decrypt"
    Resource  = local.keys.pseudonymous
    Condition = { StringEquals = { "kms:EncryptionContext:aws:lambda:FunctionArn" = local.arn_of_api } }
  }]) })
}

resource "aws_cloudwatch_log_group" "api" {
  for_each = toset(local.api_logs)

  name              = each.key
  retention_in_days = local.api_log_days
  kms_key_id        = aws_kms_key.pseudonymous.arn
}
