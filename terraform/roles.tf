# One role per component. Statements are plain data, so that the tests can read every action. No Allow has a wildcard
# action, and every resource is named except for actions without resource types.
locals {
  trust = {
    for service in ["lambda", "glue", "scheduler", "firehose", "ecs-tasks", "states"] :
    service => {
      Version = "2012-10-17"
      Statement = [merge(
        { Effect = "Allow", Principal = { Service = "${service}.amazonaws.com" }, Action = "sts:AssumeRole" },
        # These assume roles for resources of any account; the other services need iam:PassRole of this account.
        { for only in compact([lookup(local.acts_for, service, "")]) : "Condition" => {
          StringEquals = { "aws:SourceAccount" = local.account }
          ArnEquals    = { "aws:SourceArn" = only }
        } },
      )]
    }
  }

  acts_for = {
    scheduler = "${local.arn.schedules}:schedule-group/${local.schedule_group}"
    firehose  = local.arn.stream
    states    = local.arn_of_flow
    ecs-tasks = "arn:aws:ecs:${var.region}:${local.account}:*"
  }

  keys = {
    identified   = aws_kms_key.identified.arn
    pseudonymous = aws_kms_key.pseudonymous.arn
  }

  via = { for service in ["s3", "dynamodb", "secretsmanager", "sns", "sqs"] : service => "${service}.${var.region}.amazonaws.com" }

  # --- statements of several roles ---

  can_alert = [
    { Sid = "PublishAlerts", Effect = "Allow", Action = "sns:Publish", Resource = local.arn.alert },
    {
      Sid       = "EncryptAlerts"
      Effect    = "Allow"
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = local.keys.pseudonymous
      Condition = { StringEquals = { "kms:ViaService" = local.via.sns } }
    },
  ]

  can_read_manifests = [
    { Sid = "ReadManifests", Effect = "Allow", Action = "s3:GetObject", Resource = "${local.arn.bucket}/_runs/*" },
    {
      Sid       = "ListManifests"
      Effect    = "Allow"
      Action    = "s3:ListBucket"
      Resource  = local.arn.bucket
      Condition = { StringLike = { "s3:prefix" = "_runs/*" } }
    },
    {
      Sid       = "DecryptManifests"
      Effect    = "Allow"
      Action    = "kms:Decrypt"
      Resource  = local.keys.pseudonymous
      Condition = { StringEquals = { "kms:ViaService" = local.via.s3 } }
    },
  ]

  # Conditions of writes to the user map: the attributes that a request may name, and no value in its answer.
  writes_attributes = { for role, names in {
    receiver = ["garmin_user_id", "status", "registered_at", "last_change_at", "deregistered_at", "permissions", "permissions_changed_at"]
    job      = ["garmin_user_id", "user_id", "assigned_at"]
    } : role => {
    StringEqualsIfExists        = { "dynamodb:ReturnValues" = "NONE" }
    "ForAllValues:StringEquals" = { "dynamodb:Attributes" = names }
    Null                        = { "dynamodb:Attributes" = "false" }
  } }

  # Key patterns of the lock items that a function uses.
  lock_items = {
    kick     = ["run#*", "alert#*", "notice#*"]
    notifier = ["alert#*", "notice#*"]
    watchdog = ["alert#*", "notice#*"]
  }

  can_lock = {
    for key, names in local.lock_items : key => [
      {
        Sid       = "OwnLockItems"
        Effect    = "Allow"
        Action    = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
        Resource  = local.arn.lock_table
        Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = names } }
      },
      {
        Sid       = "DecryptLockTable"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = local.keys.pseudonymous
        Condition = { StringEquals = { "kms:ViaService" = local.via.dynamodb } }
      },
    ]
  }

  # Every function: its log, and its environment variables, which Lambda decrypts.
  can_start = {
    for key, name in merge({ for key, function in local.lambdas : key => function.name }, { loader = local.loader }) : key => [
      {
        Sid      = "OwnLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${local.arn.logs}:/aws/lambda/${name}:*"
      },
      {
        Sid       = "OwnSettings"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = local.keys.pseudonymous
        Condition = { StringEquals = { "kms:EncryptionContext:aws:lambda:FunctionArn" = "${local.arn.functions}:${name}" } }
      },
    ]
  }

  can_fail_over = [{ Sid = "DeadLetters", Effect = "Allow", Action = "sqs:SendMessage", Resource = local.arn.dead }]

  # Reading published tables through Athena.
  can_query = [
    {
      Sid    = "QueryWorkgroup"
      Effect = "Allow"
      Action = [
        "athena:StartQueryExecution", "athena:StopQueryExecution", "athena:GetQueryExecution",
        "athena:GetQueryResults", "athena:GetWorkGroup",
      ]
      Resource = local.arn.workgroup
    },
    { Sid = "ReadCatalog", Effect = "Allow", Action = "athena:GetDataCatalog", Resource = "arn:aws:athena:${var.region}:${local.account}:datacatalog/AwsDataCatalog" },
    {
      Sid      = "ReadDatabase"
      Effect   = "Allow"
      Action   = ["glue:GetDatabase", "glue:GetTable", "glue:GetTables", "glue:GetPartition", "glue:GetPartitions", "glue:BatchGetPartition"]
      Resource = [local.arn.catalog, local.arn.database, "${local.arn.tables}/*"]
    },
    {
      Sid      = "ReadPublishedTables"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = ["${local.arn.bucket}/processed/*", "${local.arn.bucket}/_objects/*", "${local.arn.bucket}/_runs/*", "${local.arn.bucket}/_collects/*"]
    },
    {
      Sid      = "QueryResults"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
      Resource = "${local.arn.bucket}/athena-results/*"
    },
    {
      Sid       = "ListPublishedTables"
      Effect    = "Allow"
      Action    = "s3:ListBucket"
      Resource  = local.arn.bucket
      Condition = { StringLike = { "s3:prefix" = ["processed/*", "_objects/*", "_runs/*", "_collects/*", "athena-results/*"] } }
    },
    { Sid = "LocateBucket", Effect = "Allow", Action = "s3:GetBucketLocation", Resource = local.arn.bucket },
    {
      Sid       = "DecryptPublishedTables"
      Effect    = "Allow"
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = local.keys.pseudonymous
      Condition = { StringEquals = { "kms:ViaService" = local.via.s3 } }
    },
  ]

  # --- functions ---

  lambda_statements = merge(local.collector_statements, local.announcement_statements, {
    receiver = concat(local.can_start.receiver, local.can_gather, [
      {
        Sid      = "StoreBodies"
        Effect   = "Allow"
        Action   = "s3:PutObject"
        Resource = ["${local.arn.bucket}/raw/*", "${local.arn.bucket}/quarantine/bodies/*"]
      },
      {
        # Encryption only: a leaked receiver cannot read stored bodies.
        Sid       = "EncryptBodies"
        Effect    = "Allow"
        Action    = "kms:GenerateDataKey"
        Resource  = local.keys.identified
        Condition = { StringEquals = { "kms:ViaService" = local.via.s3 } }
      },
      # Keyed hashes of accounts that were erased, which get no new entry.
      { Sid = "ReadErasedAccounts", Effect = "Allow", Action = "s3:GetObject", Resource = "${local.arn.bucket}/_receiver/erased.json" },
      {
        Sid       = "DecryptErasedAccounts"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = local.keys.pseudonymous
        Condition = { StringEquals = { "kms:ViaService" = local.via.s3 } }
      },
      {
        # No reads, and no old values in answers; no user_id, not even in a condition, so that a leaked receiver can neither
        # guess ids nor give them. No PutItem, which would replace an item and its user_id.
        Sid       = "WriteUserMap"
        Effect    = "Allow"
        Action    = "dynamodb:UpdateItem"
        Resource  = local.arn.user_map
        Condition = local.writes_attributes.receiver
      },
      { Sid = "ReadSecret", Effect = "Allow", Action = "secretsmanager:GetSecretValue", Resource = aws_secretsmanager_secret.garmin_webhook.arn },
      {
        # Both services decrypt their data key with the caller's permissions.
        Sid       = "DecryptUserMapAndSecret"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = local.keys.identified
        Condition = { StringEquals = { "kms:ViaService" = [local.via.dynamodb, local.via.secretsmanager] } }
      },
    ])

    kick = concat(local.can_start.kick, local.can_fail_over, local.can_alert, local.can_lock.kick, [
      { Sid = "StartJob", Effect = "Allow", Action = ["glue:StartJobRun", "glue:GetJobRuns"], Resource = [local.arn.job, local.arn.erase_job] },
    ])

    notifier = concat(local.can_start.notifier, local.can_fail_over, local.can_alert, local.can_lock.notifier, local.can_read_manifests, [
      { Sid = "GetJobRun", Effect = "Allow", Action = "glue:GetJobRun", Resource = [local.arn.job, local.arn.erase_job] },
    ])

    watchdog = concat(local.can_start.watchdog, local.can_fail_over, local.can_alert, local.can_lock.watchdog, local.can_read_manifests, [
      { Sid = "GetJobRuns", Effect = "Allow", Action = "glue:GetJobRuns", Resource = local.arn.job },
    ])

    raw_gap = concat(local.can_start.raw_gap, local.can_fail_over, local.can_alert, local.can_query, [
      {
        # Without the attribute that holds vendor ids; a request that names no attributes would get all.
        Sid      = "ReadUserMap"
        Effect   = "Allow"
        Action   = "dynamodb:Scan"
        Resource = local.arn.user_map
        Condition = {
          StringEquals                = { "dynamodb:Select" = "SPECIFIC_ATTRIBUTES" }
          "ForAllValues:StringEquals" = { "dynamodb:Attributes" = ["user_id", "status", "registered_at"] }
          Null                        = { "dynamodb:Attributes" = "false" }
        }
      },
      {
        Sid       = "DecryptUserMap"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = local.keys.identified
        Condition = { StringEquals = { "kms:ViaService" = local.via.dynamodb } }
      },
      { Sid = "WriteReport", Effect = "Allow", Action = "s3:PutObject", Resource = "${local.arn.bucket}/_reports/raw_gaps/*" },
      {
        Sid       = "EncryptReport"
        Effect    = "Allow"
        Action    = "kms:GenerateDataKey"
        Resource  = local.keys.identified
        Condition = { StringEquals = { "kms:ViaService" = local.via.s3 } }
      },
    ])
  })

  # --- the job ---

  job_statements = [
    {
      Sid    = "ReadLake"
      Effect = "Allow"
      Action = "s3:GetObject"
      Resource = [
        for prefix in ["raw", "processed", "quarantine/rows", "_objects", "_runs", "_staging", "_locks", "_erasures", "_docs", "artifacts"] :
        "${local.arn.bucket}/${prefix}/*"
      ]
    },
    {
      Sid    = "WriteLake"
      Effect = "Allow"
      Action = ["s3:PutObject", "s3:AbortMultipartUpload"]
      Resource = [
        for prefix in ["processed", "quarantine/rows", "quarantine/objects", "_objects", "_runs", "_staging", "_locks", "_docs"] :
        "${local.arn.bucket}/${prefix}/*"
      ]
    },
    {
      Sid      = "DeleteStagingAndLocks"
      Effect   = "Allow"
      Action   = "s3:DeleteObject"
      Resource = ["${local.arn.bucket}/_staging/*", "${local.arn.bucket}/_locks/*"]
    },
    {
      # No condition on the prefix: with one, S3 answers 403 instead of 404 for a missing object, and the lock needs the 404.
      Sid      = "ListLake"
      Effect   = "Allow"
      Action   = ["s3:ListBucket", "s3:GetBucketLocation"]
      Resource = local.arn.bucket
    },
    {
      Sid       = "UseLakeKeys"
      Effect    = "Allow"
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = [local.keys.identified, local.keys.pseudonymous]
      Condition = { StringEquals = { "kms:ViaService" = local.via.s3 } }
    },
    { Sid = "ReadUserMap", Effect = "Allow", Action = "dynamodb:Scan", Resource = local.arn.user_map },
    { Sid = "AssignUserIds", Effect = "Allow", Action = "dynamodb:UpdateItem", Resource = local.arn.user_map, Condition = local.writes_attributes.job },
    { Sid = "ReadSecret", Effect = "Allow", Action = "secretsmanager:GetSecretValue", Resource = aws_secretsmanager_secret.pseudonym_key.arn },
    {
      Sid       = "DecryptUserMapAndSecret"
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
      # Glue disables logging without AssociateKmsKey, although the groups have their key already.
      Sid      = "OwnLogs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:AssociateKmsKey"]
      Resource = flatten([for name in values(local.job_logs) : ["${local.arn.logs}:${name}", "${local.arn.logs}:${name}:*"]])
    },
    { Sid = "OwnSecurityConfiguration", Effect = "Allow", Action = "glue:GetSecurityConfiguration", Resource = "*" }, # no resource type
  ]

  # --- erasures ---

  # Prefixes of the lake that may name a user, or say who was erased.
  erased_prefixes = ["raw", "quarantine", "processed", "_objects", "_staging", "_locks", "_erasures", "_receiver", "_docs", "_reports", "athena-results", "athena-results-operators"]

  eraser_statements = concat(
    [for statement in local.job_statements : statement if contains(["ListLake", "UseLakeKeys", "ReadUserMap", "ReadSecret", "DecryptUserMapAndSecret", "RegisterPartitions", "OwnSecurityConfiguration"], statement.Sid)],
    [
      { Sid = "SearchEveryVersion", Effect = "Allow", Action = ["s3:GetObject", "s3:GetObjectVersion"], Resource = "${local.arn.bucket}/*" },
      { Sid = "ListVersions", Effect = "Allow", Action = "s3:ListBucketVersions", Resource = local.arn.bucket },
      {
        Sid      = "RewriteLake"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:AbortMultipartUpload"]
        Resource = concat([for prefix in local.erased_prefixes : "${local.arn.bucket}/${prefix}/*"], ["${local.arn.bucket}/_runs/*-erase-*.json"])
      },
      {
        Sid      = "DeleteObjectsAndVersions"
        Effect   = "Allow"
        Action   = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
        Resource = [for prefix in local.erased_prefixes : "${local.arn.bucket}/${prefix}/*"]
      },
      {
        # Only entries without a vendor id.
        Sid       = "PutErasedEntries"
        Effect    = "Allow"
        Action    = "dynamodb:PutItem"
        Resource  = local.arn.user_map
        Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["*:erased-*"] } }
      },
      { Sid = "DeleteEntries", Effect = "Allow", Action = "dynamodb:DeleteItem", Resource = local.arn.user_map },
    ],
    flatten([for _ in local.tokens_tables : [
      {
        # Which users have tokens, not the tokens.
        Sid      = "ListTokens"
        Effect   = "Allow"
        Action   = "dynamodb:Query"
        Resource = local.arn_of_tokens
        Condition = {
          StringEquals                = { "dynamodb:Select" = "SPECIFIC_ATTRIBUTES" }
          "ForAllValues:StringEquals" = { "dynamodb:Attributes" = ["source", "user_id"] }
          Null                        = { "dynamodb:Attributes" = "false" }
        }
      },
      {
        Sid       = "DeleteTokens"
        Effect    = "Allow"
        Action    = "dynamodb:DeleteItem"
        Resource  = local.arn_of_tokens
        Condition = { StringEqualsIfExists = { "dynamodb:ReturnValues" = "NONE" } }
      },
    ]]),
    [
      {
        Sid      = "OwnLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:AssociateKmsKey"]
        Resource = flatten([for name in values(local.erase_logs) : ["${local.arn.logs}:${name}", "${local.arn.logs}:${name}:*"]])
      },
    ],
  )

  # --- analysts and operators ---

  can_use_console = [
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
    { Sid = "ListWorkgroups", Effect = "Allow", Action = ["athena:ListWorkGroups", "athena:ListDataCatalogs"], Resource = "*" }, # no resource type
  ]

  # Statements of `can_query` and `can_use_console` that operators do not get.
  analyst_only_sids = ["QueryWorkgroup", "QueryResults", "SavedQueries"]

  # Tables that may say who somebody is.
  tables_of_operators = ["rejects", "raw_objects"]

  people_statements = {
    analyst = concat(local.can_query, local.can_use_console, [
      {
        # Overrides any other permission of an analyst.
        Sid    = "DenyIdentifyingObjects"
        Effect = "Deny"
        Action = "s3:*"
        Resource = [
          for prefix in ["raw", "quarantine", "_staging", "_locks", "_erasures", "_receiver", "_reports", "athena-results-operators"] : "${local.arn.bucket}/${prefix}/*"
        ]
      },
      { Sid = "DenyOperatorsWorkgroup", Effect = "Deny", Action = "athena:*", Resource = local.arn.workgroup_of_operators },
      { Sid = "DenyUserMapAndLocks", Effect = "Deny", Action = "dynamodb:*", Resource = concat([local.arn.user_map, local.arn.lock_table], [for _ in local.tokens_tables : local.arn_of_tokens], values(local.arn_of_state)) },
      { Sid = "DenyIdentifiedKey", Effect = "Deny", Action = "kms:*", Resource = local.keys.identified },
      {
        Sid      = "DenySecrets"
        Effect   = "Deny"
        Action   = "secretsmanager:*"
        Resource = concat([aws_secretsmanager_secret.pseudonym_key.arn, aws_secretsmanager_secret.garmin_webhook.arn], [for secret in aws_secretsmanager_secret.collect : secret.arn], [for secret in aws_secretsmanager_secret.api : secret.arn])
      },
      # Every kind of read: partitions, versions, statistics. AWS leaves denied tables out of lists.
      { Sid = "DenyRejects", Effect = "Deny", Action = ["glue:Get*", "glue:BatchGet*", "glue:SearchTables"], Resource = [for table in local.tables_of_operators : "${local.arn.tables}/${table}"] },
    ])

    operator = concat([for statement in concat(local.can_query, local.can_use_console) : statement if !contains(local.analyst_only_sids, statement.Sid)], [
      {
        # Results of operators, rejects too, are encrypted with the key that analysts cannot use.
        Sid    = "OperatorsWorkgroup"
        Effect = "Allow"
        Action = flatten([
          for statement in concat(local.can_query, local.can_use_console) : statement.Action
          if contains(["QueryWorkgroup", "SavedQueries"], statement.Sid)
        ])
        Resource = local.arn.workgroup_of_operators
      },
      {
        # Saved queries, and why a query of the gap check failed; texts of analysts' queries, not their results.
        Sid      = "ReadAnalystsWorkgroup"
        Effect   = "Allow"
        Action   = ["athena:GetWorkGroup", "athena:ListNamedQueries", "athena:GetNamedQuery", "athena:BatchGetNamedQuery", "athena:ListQueryExecutions", "athena:GetQueryExecution", "athena:BatchGetQueryExecution"]
        Resource = local.arn.workgroup
      },
      # Results there are readable by analysts. Overrides any other permission of an operator.
      { Sid = "DenyQueriesInAnalystsWorkgroup", Effect = "Deny", Action = "athena:StartQueryExecution", Resource = local.arn.workgroup },
      { Sid = "DenyResultsOfAnalysts", Effect = "Deny", Action = "s3:PutObject", Resource = "${local.arn.bucket}/athena-results/*" },
      {
        Sid      = "OperatorsResults"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
        Resource = "${local.arn.bucket}/athena-results-operators/*"
      },
      {
        # No glue:StartJobRun: arguments of a run may name another script, which would read all that the job reads. The kick
        # function starts the job, from a closed event.
        Sid      = "StopJob"
        Effect   = "Allow"
        Action   = ["glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun", "glue:GetJob"]
        Resource = [local.arn.job, local.arn.erase_job]
      },
      {
        Sid      = "InvokeFunctions"
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"]
        Resource = [for key in concat(["kick", "watchdog", "raw_gap"], keys(local.collectors)) : local.function_arn[key]]
      },
      {
        Sid      = "ReadLakeVersions"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource = [for place in ["processed/*", "quarantine/rows/*", "quarantine/objects/*", "_objects/*", "_runs/*", "_collects/*", "_locks/publish.lock", "_erasures/*", "_docs/*", "_reports/*"] : "${local.arn.bucket}/${place}"]
      },
      { Sid = "ListVersions", Effect = "Allow", Action = ["s3:ListBucket", "s3:ListBucketVersions"], Resource = local.arn.bucket },
      {
        # `qol restore` publishes an old version under the lock, as a run does, and writes its own manifest; it cannot
        # change manifests of job runs.
        Sid      = "RestoreWeeks"
        Effect   = "Allow"
        Action   = "s3:PutObject"
        Resource = [for place in ["processed/*/part-00000.parquet", "_objects/*/part-00000.parquet", "_locks/publish.lock", "_runs/*-restore-*.json"] : "${local.arn.bucket}/${place}"]
      },
      {
        # Who is to be erased; the job of erasures removes the request.
        Sid      = "RequestErasures"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:DeleteObject"]
        Resource = "${local.arn.bucket}/_erasures/requests/*"
      },
      {
        Sid      = "DeleteRestoreLock"
        Effect   = "Allow"
        Action   = "s3:DeleteObject"
        Resource = "${local.arn.bucket}/_locks/publish.lock"
      },
      {
        Sid       = "UseLakeKeys"
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
        # Values can be set, not read.
        Sid      = "PutSecrets"
        Effect   = "Allow"
        Action   = ["secretsmanager:PutSecretValue", "secretsmanager:DescribeSecret"]
        Resource = concat([aws_secretsmanager_secret.pseudonym_key.arn, aws_secretsmanager_secret.garmin_webhook.arn], [for secret in aws_secretsmanager_secret.api : secret.arn])
      },
      {
        Sid       = "EncryptSecrets"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = local.keys.identified
        Condition = { StringEquals = { "kms:ViaService" = local.via.secretsmanager } }
      },
      {
        Sid      = "DeleteLocks"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:DeleteItem", "dynamodb:Scan"]
        Resource = local.arn.lock_table
      },
      {
        Sid       = "DecryptLockTable"
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
      { Sid = "ReadLogQueries", Effect = "Allow", Action = ["logs:GetQueryResults", "logs:StopQuery"], Resource = "*" }, # no resource type
      {
        Sid      = "ReadDeadLetters"
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        Resource = local.arn.dead
      },
      {
        Sid      = "ReadSchedules"
        Effect   = "Allow"
        Action   = ["scheduler:GetSchedule"]
        Resource = "${local.arn.schedules}:schedule/${local.schedule_group}/*"
      },
      { Sid = "ReadAlarms", Effect = "Allow", Action = "cloudwatch:DescribeAlarms", Resource = "arn:aws:cloudwatch:${var.region}:${local.account}:alarm:*" },
    ], local.can_operate_collectors, local.can_manage_keys)
  }

  people_names = { for who in ["analyst", "operator"] : who => "qol-${who}${local.dash}" }

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

resource "aws_iam_role" "eraser" {
  name        = local.eraser
  description = "Erasures: the only role that deletes objects of the lake and their versions."

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      local.trust.glue.Statement,
      [for principals in [var.eraser_principals] : {
        Effect    = "Allow"
        Principal = { AWS = principals }
        Action    = "sts:AssumeRole"
      } if length(principals) > 0],
    )
  })
}

resource "aws_iam_role_policy" "eraser" {
  name   = "what-it-may"
  role   = aws_iam_role.eraser.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.eraser_statements })
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
    Statement = concat(local.can_fail_over, [{
      Sid      = "InvokeScheduledFunctions"
      Effect   = "Allow"
      Action   = "lambda:InvokeFunction"
      Resource = concat(distinct([for schedule in values(local.schedules) : local.function_arn[schedule.function]]), [for _ in values(local.api_by_kind.lambda) : local.arn_of_api])
    }], [for _ in local.flows : { Sid = "StartWeek", Effect = "Allow", Action = "states:StartExecution", Resource = local.arn_of_flow }])
  })
}

resource "aws_iam_role" "people" {
  for_each = local.people_statements

  name        = local.people_names[each.key]
  description = "Role of ${each.key}s."

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
