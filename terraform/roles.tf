# One role per component. Statements are plain data, so that the tests can read every action; no Allow has a wildcard
# action, and resources are named but for the few actions that AWS knows no resource for, each argued where it stands.
locals {
  trust = {
    for service in ["lambda", "glue", "scheduler"] :
    service => {
      Version = "2012-10-17"
      Statement = [merge(
        { Effect = "Allow", Principal = { Service = "${service}.amazonaws.com" }, Action = "sts:AssumeRole" },
        # Scheduler assumes roles on behalf of schedules; the others only take a role that someone here may pass.
        service != "scheduler" ? {} : {
          Condition = {
            StringEquals = { "aws:SourceAccount" = local.account }
            ArnEquals    = { "aws:SourceArn" = "${local.arn.schedules}:schedule-group/${local.schedule_group}" }
          }
        }
      )]
    }
  }

  keys = {
    identified   = aws_kms_key.identified.arn
    pseudonymous = aws_kms_key.pseudonymous.arn
  }

  via = { for service in ["s3", "dynamodb", "secretsmanager", "sns"] : service => "${service}.${var.region}.amazonaws.com" }

  # --- parts that several roles have ---

  may_alert = [
    { Sid = "TellPeople", Effect = "Allow", Action = "sns:Publish", Resource = local.arn.alert },
    {
      Sid       = "KeyOfTheTopic"
      Effect    = "Allow"
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = local.keys.pseudonymous
      Condition = { StringEquals = { "kms:ViaService" = local.via.sns } }
    },
  ]

  may_read_manifests = [
    { Sid = "ReadManifests", Effect = "Allow", Action = "s3:GetObject", Resource = "${local.arn.bucket}/_runs/*" },
    {
      Sid       = "ListManifests"
      Effect    = "Allow"
      Action    = "s3:ListBucket"
      Resource  = local.arn.bucket
      Condition = { StringLike = { "s3:prefix" = "_runs/*" } }
    },
    {
      Sid       = "KeyOfManifests"
      Effect    = "Allow"
      Action    = "kms:Decrypt"
      Resource  = local.keys.pseudonymous
      Condition = { StringEquals = { "kms:ViaService" = local.via.s3 } }
    },
  ]

  # Which items of the lock table a function touches.
  locks_of = {
    kick     = ["run#*", "alert#*", "notice#*"]
    notifier = ["alert#*", "notice#*"]
    watchdog = ["alert#*", "notice#*"]
  }

  may_lock = {
    for key, names in local.locks_of : key => [
      {
        Sid       = "OwnItemsOfTheLockTable"
        Effect    = "Allow"
        Action    = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
        Resource  = local.arn.lock_table
        Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = names } }
      },
      {
        Sid       = "KeyOfTheLockTable"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = local.keys.pseudonymous
        Condition = { StringEquals = { "kms:ViaService" = local.via.dynamodb } }
      },
    ]
  }

  # What every function needs to start: its log, and its settings, which Lambda decrypts for it.
  may_start = {
    for key, function in local.lambdas : key => [
      {
        Sid      = "OwnLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${local.arn.logs}:/aws/lambda/${function.name}:*"
      },
      {
        Sid       = "OwnSettings"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = local.keys.pseudonymous
        Condition = { StringEquals = { "kms:EncryptionContext:aws:lambda:FunctionArn" = local.function_arn[key] } }
      },
    ]
  }

  may_give_up = [{ Sid = "WhatFailedForGood", Effect = "Allow", Action = "sqs:SendMessage", Resource = local.arn.dead }]

  # Reading published tables through Athena; the results are the reader's own.
  may_query = [
    {
      Sid    = "OneWorkgroup"
      Effect = "Allow"
      Action = [
        "athena:StartQueryExecution", "athena:StopQueryExecution", "athena:GetQueryExecution",
        "athena:GetQueryResults", "athena:GetWorkGroup",
      ]
      Resource = local.arn.workgroup
    },
    { Sid = "OneCatalog", Effect = "Allow", Action = "athena:GetDataCatalog", Resource = "arn:aws:athena:${var.region}:${local.account}:datacatalog/AwsDataCatalog" },
    {
      Sid      = "OneDatabase"
      Effect   = "Allow"
      Action   = ["glue:GetDatabase", "glue:GetTable", "glue:GetTables", "glue:GetPartition", "glue:GetPartitions", "glue:BatchGetPartition"]
      Resource = [local.arn.catalog, local.arn.database, "${local.arn.tables}/*"]
    },
    {
      Sid      = "ReadPublishedTables"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = ["${local.arn.bucket}/processed/*", "${local.arn.bucket}/_runs/*"]
    },
    {
      Sid      = "OwnResults"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
      Resource = "${local.arn.bucket}/athena-results/*"
    },
    {
      Sid       = "ListPublishedTables"
      Effect    = "Allow"
      Action    = "s3:ListBucket"
      Resource  = local.arn.bucket
      Condition = { StringLike = { "s3:prefix" = ["processed/*", "_runs/*", "athena-results/*"] } }
    },
    { Sid = "FindTheBucket", Effect = "Allow", Action = "s3:GetBucketLocation", Resource = local.arn.bucket },
    {
      Sid       = "KeyOfPublishedTables"
      Effect    = "Allow"
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = local.keys.pseudonymous
      Condition = { StringEquals = { "kms:ViaService" = local.via.s3 } }
    },
  ]

  # --- what each function may do ---

  lambda_statements = {
    receiver = concat(local.may_start.receiver, [
      {
        Sid      = "KeepBodies"
        Effect   = "Allow"
        Action   = "s3:PutObject"
        Resource = ["${local.arn.bucket}/raw/*", "${local.arn.bucket}/quarantine/bodies/*"]
      },
      {
        # Encrypting only: a leaked receiver can't read what it stored.
        Sid       = "KeyOfBodies"
        Effect    = "Allow"
        Action    = "kms:GenerateDataKey"
        Resource  = local.keys.identified
        Condition = { StringEquals = { "kms:ViaService" = local.via.s3 } }
      },
      {
        # Never a read, and no answer that holds what was there: a leaked receiver can't tell who is who.
        Sid       = "WriteTheUserMap"
        Effect    = "Allow"
        Action    = ["dynamodb:PutItem", "dynamodb:UpdateItem"]
        Resource  = local.arn.user_map
        Condition = { StringEqualsIfExists = { "dynamodb:ReturnValues" = "NONE" } }
      },
      { Sid = "OneSecret", Effect = "Allow", Action = "secretsmanager:GetSecretValue", Resource = aws_secretsmanager_secret.garmin_webhook.arn },
      {
        # Both services decrypt their own data key in the caller's name.
        Sid       = "KeyOfTheMapAndTheSecret"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = local.keys.identified
        Condition = { StringEquals = { "kms:ViaService" = [local.via.dynamodb, local.via.secretsmanager] } }
      },
    ])

    kick = concat(local.may_start.kick, local.may_give_up, local.may_alert, local.may_lock.kick, [
      { Sid = "StartTheJob", Effect = "Allow", Action = ["glue:StartJobRun", "glue:GetJobRuns"], Resource = local.arn.job },
    ])

    notifier = concat(local.may_start.notifier, local.may_give_up, local.may_alert, local.may_lock.notifier, local.may_read_manifests, [
      { Sid = "AskAboutTheRun", Effect = "Allow", Action = "glue:GetJobRun", Resource = local.arn.job },
    ])

    watchdog = concat(local.may_start.watchdog, local.may_give_up, local.may_alert, local.may_lock.watchdog, local.may_read_manifests, [
      { Sid = "AskAboutRuns", Effect = "Allow", Action = "glue:GetJobRuns", Resource = local.arn.job },
    ])

    raw_gap = concat(local.may_start.raw_gap, local.may_give_up, local.may_alert, local.may_query, [
      { Sid = "ReadTheUserMap", Effect = "Allow", Action = "dynamodb:Scan", Resource = local.arn.user_map },
      {
        Sid       = "KeyOfTheUserMap"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = local.keys.identified
        Condition = { StringEquals = { "kms:ViaService" = local.via.dynamodb } }
      },
      { Sid = "WriteTheReport", Effect = "Allow", Action = "s3:PutObject", Resource = "${local.arn.bucket}/_reports/raw_gaps/*" },
      {
        Sid       = "KeyOfTheReport"
        Effect    = "Allow"
        Action    = "kms:GenerateDataKey"
        Resource  = local.keys.identified
        Condition = { StringEquals = { "kms:ViaService" = local.via.s3 } }
      },
    ])
  }

  # --- the job ---

  job_statements = [
    {
      Sid    = "ReadTheLake"
      Effect = "Allow"
      Action = "s3:GetObject"
      Resource = [
        for prefix in ["raw", "processed", "quarantine/rows", "_runs", "_staging", "_locks", "_docs", "artifacts"] :
        "${local.arn.bucket}/${prefix}/*"
      ]
    },
    {
      Sid    = "WriteWhatItMakes"
      Effect = "Allow"
      Action = ["s3:PutObject", "s3:AbortMultipartUpload"]
      Resource = [
        for prefix in ["processed", "quarantine/rows", "_runs", "_staging", "_locks", "_docs"] :
        "${local.arn.bucket}/${prefix}/*"
      ]
    },
    {
      Sid      = "ClearWhatIsItsOwn"
      Effect   = "Allow"
      Action   = "s3:DeleteObject"
      Resource = ["${local.arn.bucket}/_staging/*", "${local.arn.bucket}/_locks/*"]
    },
    {
      # Without a condition on the prefix: with one, S3 answers 403 instead of 404 for an object that is not there,
      # and the lock is taken by learning that there is none.
      Sid      = "ListTheLake"
      Effect   = "Allow"
      Action   = ["s3:ListBucket", "s3:GetBucketLocation"]
      Resource = local.arn.bucket
    },
    {
      Sid       = "KeysOfTheLake"
      Effect    = "Allow"
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = [local.keys.identified, local.keys.pseudonymous]
      Condition = { StringEquals = { "kms:ViaService" = local.via.s3 } }
    },
    { Sid = "ReadTheUserMap", Effect = "Allow", Action = "dynamodb:Scan", Resource = local.arn.user_map },
    { Sid = "OneSecret", Effect = "Allow", Action = "secretsmanager:GetSecretValue", Resource = aws_secretsmanager_secret.pseudonym_key.arn },
    {
      Sid       = "KeyOfTheMapAndTheSecret"
      Effect    = "Allow"
      Action    = "kms:Decrypt"
      Resource  = local.keys.identified
      Condition = { StringEquals = { "kms:ViaService" = [local.via.dynamodb, local.via.secretsmanager] } }
    },
    {
      Sid      = "RegisterPartitions"
      Effect   = "Allow"
      Action   = ["glue:GetTable", "glue:GetPartition", "glue:CreatePartition", "glue:BatchCreatePartition", "glue:UpdatePartition"]
      Resource = [local.arn.catalog, local.arn.database, "${local.arn.tables}/*"]
    },
    {
      # AssociateKmsKey: Glue switches logging off without it, although the groups are there with their key already.
      Sid      = "OwnLogs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:AssociateKmsKey"]
      Resource = flatten([for name in values(local.job_logs) : ["${local.arn.logs}:${name}", "${local.arn.logs}:${name}:*"]])
    },
    { Sid = "OwnSecurityConfiguration", Effect = "Allow", Action = "glue:GetSecurityConfiguration", Resource = "*" }, # no resource type
  ]

  # --- people ---

  may_use_the_console = [
    {
      Sid      = "SavedQueries"
      Effect   = "Allow"
      Action   = ["athena:ListNamedQueries", "athena:GetNamedQuery", "athena:BatchGetNamedQuery", "athena:ListQueryExecutions", "athena:BatchGetQueryExecution", "athena:GetQueryResultsStream"]
      Resource = local.arn.workgroup
    },
    {
      Sid      = "BrowseTables"
      Effect   = "Allow"
      Action   = ["athena:ListDatabases", "athena:GetDatabase", "athena:ListTableMetadata", "athena:GetTableMetadata"]
      Resource = "arn:aws:athena:${var.region}:${local.account}:datacatalog/AwsDataCatalog"
    },
    { Sid = "ListDatabases", Effect = "Allow", Action = "glue:GetDatabases", Resource = [local.arn.catalog, local.arn.database] },
    { Sid = "ChooseAWorkgroup", Effect = "Allow", Action = ["athena:ListWorkGroups", "athena:ListDataCatalogs"], Resource = "*" }, # no resource type
  ]

  # Statements of `may_query` and `may_use_the_console` that operators do without.
  only_in_qol = ["OneWorkgroup", "OwnResults", "SavedQueries"]

  people_statements = {
    analyst = concat(local.may_query, local.may_use_the_console, [
      {
        # Whatever else an analyst's account is ever given.
        Sid    = "NothingThatNamesPeople"
        Effect = "Deny"
        Action = "s3:*"
        Resource = [
          for prefix in ["raw", "quarantine", "_staging", "_locks", "_reports", "athena-results-operators"] : "${local.arn.bucket}/${prefix}/*"
        ]
      },
      { Sid = "NoWorkgroupOfOperators", Effect = "Deny", Action = "athena:*", Resource = local.arn.workgroup_of_operators },
      { Sid = "NoMap", Effect = "Deny", Action = "dynamodb:*", Resource = [local.arn.user_map, local.arn.lock_table] },
      { Sid = "NoKeyToThem", Effect = "Deny", Action = "kms:*", Resource = local.keys.identified },
      {
        Sid      = "NoSecrets"
        Effect   = "Deny"
        Action   = "secretsmanager:*"
        Resource = [aws_secretsmanager_secret.pseudonym_key.arn, aws_secretsmanager_secret.garmin_webhook.arn]
      },
      # Every read there is: partitions, versions, statistics. In a list of tables AWS leaves out what is denied.
      { Sid = "NoRejects", Effect = "Deny", Action = ["glue:Get*", "glue:BatchGet*", "glue:SearchTables"], Resource = "${local.arn.tables}/rejects" },
    ])

    operator = concat([for statement in concat(local.may_query, local.may_use_the_console) : statement if !contains(local.only_in_qol, statement.Sid)], [
      {
        # Where operators ask: what comes back, rejects too, is under the key that analysts don't have.
        Sid    = "WorkgroupOfOperators"
        Effect = "Allow"
        Action = flatten([
          for statement in concat(local.may_query, local.may_use_the_console) : statement.Action
          if contains(["OneWorkgroup", "SavedQueries"], statement.Sid)
        ])
        Resource = local.arn.workgroup_of_operators
      },
      {
        # Saved queries, and why a query of the gap check failed; what analysts asked, not what they were answered.
        Sid      = "LookIntoTheOtherWorkgroup"
        Effect   = "Allow"
        Action   = ["athena:GetWorkGroup", "athena:ListNamedQueries", "athena:GetNamedQuery", "athena:BatchGetNamedQuery", "athena:ListQueryExecutions", "athena:GetQueryExecution", "athena:BatchGetQueryExecution"]
        Resource = local.arn.workgroup
      },
      # An answer there would lie where analysts read: whatever else an operator's account is ever given.
      { Sid = "NoQueryWhereAnalystsRead", Effect = "Deny", Action = "athena:StartQueryExecution", Resource = local.arn.workgroup },
      { Sid = "NoResultWhereAnalystsRead", Effect = "Deny", Action = "s3:PutObject", Resource = "${local.arn.bucket}/athena-results/*" },
      {
        Sid      = "ResultsOfOperators"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
        Resource = "${local.arn.bucket}/athena-results-operators/*"
      },
      {
        Sid      = "RunTheJob"
        Effect   = "Allow"
        Action   = ["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun", "glue:GetJob"]
        Resource = local.arn.job
      },
      {
        Sid      = "CallTheFunctions"
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"]
        Resource = [for key in ["kick", "watchdog", "raw_gap"] : local.function_arn[key]]
      },
      {
        Sid      = "LookIntoTheLake"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource = [for place in ["processed/*", "quarantine/rows/*", "_runs/*", "_locks/publish.lock", "_docs/*", "_reports/*"] : "${local.arn.bucket}/${place}"]
      },
      { Sid = "ListVersions", Effect = "Allow", Action = ["s3:ListBucket", "s3:ListBucketVersions"], Resource = local.arn.bucket },
      {
        # `qol restore` puts an old version over the newer one under the lock, as a run does, and leaves its own
        # manifest; those of job runs stay out of reach.
        Sid      = "RestoreWeeks"
        Effect   = "Allow"
        Action   = "s3:PutObject"
        Resource = [for place in ["processed/*", "_locks/publish.lock", "_runs/*-restore-*.json"] : "${local.arn.bucket}/${place}"]
      },
      {
        Sid      = "ClearAfterRestoring"
        Effect   = "Allow"
        Action   = "s3:DeleteObject"
        Resource = "${local.arn.bucket}/_locks/publish.lock"
      },
      {
        Sid       = "KeysOfTheLake"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = [local.keys.identified, local.keys.pseudonymous]
        Condition = { StringEquals = { "kms:ViaService" = local.via.s3 } }
      },
      {
        Sid      = "RegisterPartitions"
        Effect   = "Allow"
        Action   = ["glue:CreatePartition", "glue:BatchCreatePartition", "glue:UpdatePartition"]
        Resource = [local.arn.catalog, local.arn.database, "${local.arn.tables}/*"]
      },
      {
        # Put, and never get: values are chosen, entered and not looked at again.
        Sid      = "PutSecrets"
        Effect   = "Allow"
        Action   = ["secretsmanager:PutSecretValue", "secretsmanager:DescribeSecret"]
        Resource = [aws_secretsmanager_secret.pseudonym_key.arn, aws_secretsmanager_secret.garmin_webhook.arn]
      },
      {
        Sid       = "KeyOfSecrets"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = local.keys.identified
        Condition = { StringEquals = { "kms:ViaService" = local.via.secretsmanager } }
      },
      {
        Sid      = "FreeALock"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:DeleteItem", "dynamodb:Scan"]
        Resource = local.arn.lock_table
      },
      {
        Sid       = "KeyOfTheLockTable"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = local.keys.pseudonymous
        Condition = { StringEquals = { "kms:ViaService" = local.via.dynamodb } }
      },
      {
        Sid      = "ReadLogs"
        Effect   = "Allow"
        Action   = ["logs:FilterLogEvents", "logs:GetLogEvents", "logs:DescribeLogStreams", "logs:StartQuery"]
        Resource = [for name in local.log_groups : "${local.arn.logs}:${name}:*"]
      },
      { Sid = "QueryResultsOfLogs", Effect = "Allow", Action = ["logs:GetQueryResults", "logs:StopQuery"], Resource = "*" }, # no resource type
      {
        Sid      = "ReadDeadLetters"
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        Resource = local.arn.dead
      },
      {
        Sid      = "LookAtSchedules"
        Effect   = "Allow"
        Action   = ["scheduler:GetSchedule"]
        Resource = "${local.arn.schedules}:schedule/${local.schedule_group}/*"
      },
      { Sid = "LookAtAlarms", Effect = "Allow", Action = "cloudwatch:DescribeAlarms", Resource = "arn:aws:cloudwatch:${var.region}:${local.account}:alarm:*" },
    ])
  }

  people_principals = {
    analyst  = var.analyst_principals
    operator = var.operator_principals
  }
}

resource "aws_iam_role" "lambda" {
  for_each = local.lambdas

  name               = each.value.name
  description        = "Function ${each.value.name}."
  assume_role_policy = jsonencode(local.trust.lambda)
}

resource "aws_iam_role_policy" "lambda" {
  for_each = local.lambdas

  name   = "what-it-may"
  role   = aws_iam_role.lambda[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.lambda_statements[each.key] })
}

resource "aws_iam_role" "job" {
  name               = local.job
  description        = "Glue job ${local.job}."
  assume_role_policy = jsonencode(local.trust.glue)
}

resource "aws_iam_role_policy" "job" {
  name   = "what-it-may"
  role   = aws_iam_role.job.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.job_statements })
}

resource "aws_iam_role" "scheduler" {
  name               = "qol-scheduler${local.dash}"
  description        = "Schedules of ${local.schedule_group}."
  assume_role_policy = jsonencode(local.trust.scheduler)
}

resource "aws_iam_role_policy" "scheduler" {
  name = "what-it-may"
  role = aws_iam_role.scheduler.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.may_give_up, [{
      Sid      = "CallTheScheduledFunctions"
      Effect   = "Allow"
      Action   = "lambda:InvokeFunction"
      Resource = [for key in keys(local.schedules) : local.function_arn[key]]
    }])
  })
}

resource "aws_iam_role" "people" {
  for_each = local.people_statements

  name        = "qol-${each.key}${local.dash}"
  description = "People: ${each.key}."

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Principal = {
        AWS = length(local.people_principals[each.key]) > 0 ? local.people_principals[each.key] : ["arn:aws:iam::${local.account}:root"]
      }
      Action = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "people" {
  for_each = local.people_statements

  name   = "what-they-may"
  role   = aws_iam_role.people[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.people_statements[each.key] })
}
