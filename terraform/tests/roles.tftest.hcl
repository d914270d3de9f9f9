# What every role may do, action by action; a change here is a change of who may do what.

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
}

run "functions_may" {
  assert {
    condition = { for key, role in aws_iam_role_policy.lambda : key => join(" ", sort(distinct(flatten([
      for statement in jsondecode(role.policy).Statement : statement.Action if statement.Effect == "Allow"
      ])))) } == {
      receiver = "dynamodb:UpdateItem kms:Decrypt kms:GenerateDataKey logs:CreateLogStream logs:PutLogEvents s3:GetObject s3:PutObject secretsmanager:GetSecretValue"
      kick     = "dynamodb:DeleteItem dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem glue:GetJobRuns glue:StartJobRun kms:Decrypt kms:GenerateDataKey logs:CreateLogStream logs:PutLogEvents sns:Publish sqs:SendMessage"
      notifier = "dynamodb:DeleteItem dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem glue:GetJobRun kms:Decrypt kms:GenerateDataKey logs:CreateLogStream logs:PutLogEvents s3:GetObject s3:ListBucket sns:Publish sqs:SendMessage"
      watchdog = "dynamodb:DeleteItem dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem glue:GetJobRuns kms:Decrypt kms:GenerateDataKey logs:CreateLogStream logs:PutLogEvents s3:GetObject s3:ListBucket sns:Publish sqs:SendMessage"
      raw_gap  = "athena:GetDataCatalog athena:GetQueryExecution athena:GetQueryResults athena:GetWorkGroup athena:StartQueryExecution athena:StopQueryExecution dynamodb:Scan glue:BatchGetPartition glue:GetDatabase glue:GetPartition glue:GetPartitions glue:GetTable glue:GetTables kms:Decrypt kms:GenerateDataKey logs:CreateLogStream logs:PutLogEvents s3:AbortMultipartUpload s3:GetBucketLocation s3:GetObject s3:ListBucket s3:ListMultipartUploadParts s3:PutObject sns:Publish sqs:SendMessage"
    }
    error_message = "actions of the functions"
  }

  assert {
    condition = join(" ", sort(distinct(flatten([
      for statement in jsondecode(aws_iam_role_policy.lambda["receiver"].policy).Statement : statement.Resource if statement.Sid == "StoreBodies"
    ])))) == "arn:aws:s3:::qol-lake-123456789012/quarantine/bodies/* arn:aws:s3:::qol-lake-123456789012/raw/*"
    error_message = "where the receiver may put"
  }

  assert {
    condition = alltrue([for statement in jsondecode(aws_iam_role_policy.lambda["receiver"].policy).Statement :
    statement.Sid != "EncryptBodies" || statement.Action == "kms:GenerateDataKey"])
    error_message = "the receiver encrypts bodies and can't decrypt them"
  }

  assert {
    condition = { for key, role in aws_iam_role_policy.lambda : key => length([for statement in jsondecode(role.policy).Statement : 1 if contains(flatten([statement.Resource]), "*")]) } == {
      receiver = 0, kick = 0, notifier = 0, watchdog = 0, raw_gap = 0
    }
    error_message = "no function has a statement on all resources"
  }

  assert {
    condition = { for key in ["kick", "notifier", "watchdog"] : key => join(" ", flatten([
      for statement in jsondecode(aws_iam_role_policy.lambda[key].policy).Statement :
      statement.Condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] if statement.Sid == "OwnLockItems"
      ])) } == {
      kick = "run#* alert#* notice#*", notifier = "alert#* notice#*", watchdog = "alert#* notice#*"
    }
    error_message = "items of the lock table: only the kick says which week was started"
  }
}

run "the_job_may" {
  assert {
    condition = join(" ", sort(distinct(flatten([
      for statement in jsondecode(aws_iam_role_policy.job.policy).Statement : statement.Action if statement.Effect == "Allow"
    ])))) == "dynamodb:Scan dynamodb:UpdateItem glue:BatchCreatePartition glue:CreatePartition glue:GetPartition glue:GetSecurityConfiguration glue:GetTable glue:UpdatePartition kms:Decrypt kms:GenerateDataKey logs:AssociateKmsKey logs:CreateLogStream logs:PutLogEvents s3:AbortMultipartUpload s3:DeleteObject s3:GetBucketLocation s3:GetObject s3:ListBucket s3:PutObject secretsmanager:GetSecretValue"
    error_message = "actions of the job"
  }

  assert {
    condition = join(" ", sort(flatten([
      for statement in jsondecode(aws_iam_role_policy.job.policy).Statement : statement.Resource if contains(flatten([statement.Action]), "s3:DeleteObject")
    ]))) == "arn:aws:s3:::qol-lake-123456789012/_locks/* arn:aws:s3:::qol-lake-123456789012/_staging/*"
    error_message = "where the job may delete: never what is published"
  }

  assert {
    condition = !contains(flatten([
      for statement in jsondecode(aws_iam_role_policy.job.policy).Statement : statement.Resource if contains(flatten([statement.Action]), "s3:PutObject")
    ]), "arn:aws:s3:::qol-lake-123456789012/raw/*")
    error_message = "the job never writes raw"
  }

  assert {
    condition = join(" ", [
      for statement in jsondecode(aws_iam_role_policy.job.policy).Statement : statement.Sid if contains(flatten([statement.Resource]), "*")
    ]) == "OwnSecurityConfiguration"
    error_message = "the one action of the job that AWS knows no resource for"
  }
}

run "erasures_may" {
  assert {
    condition = join(" ", sort(distinct(flatten([
      for statement in jsondecode(aws_iam_role_policy.eraser.policy).Statement : statement.Action
    ])))) == "dynamodb:DeleteItem dynamodb:PutItem dynamodb:Scan glue:BatchCreatePartition glue:CreatePartition glue:GetPartition glue:GetSecurityConfiguration glue:GetTable glue:UpdatePartition kms:Decrypt kms:GenerateDataKey logs:AssociateKmsKey logs:CreateLogStream logs:PutLogEvents s3:AbortMultipartUpload s3:DeleteObject s3:DeleteObjectVersion s3:GetBucketLocation s3:GetObject s3:GetObjectVersion s3:ListBucket s3:ListBucketVersions s3:PutObject secretsmanager:GetSecretValue"
    error_message = "actions of the role of erasures"
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.eraser.policy, "/artifacts/")
    error_message = "erasures write no program"
  }
}

run "schedules_may" {
  assert {
    condition = join(" ", sort(flatten([
      for statement in jsondecode(aws_iam_role_policy.scheduler.policy).Statement : statement.Action
    ]))) == "lambda:InvokeFunction sqs:SendMessage"
    error_message = "actions of the schedules"
  }

  assert {
    condition     = jsondecode(aws_iam_role.scheduler.assume_role_policy).Statement[0].Condition.ArnEquals["aws:SourceArn"] == "arn:aws:scheduler:ap-northeast-1:123456789012:schedule-group/qol"
    error_message = "who may assume the role of the schedules"
  }
}

run "analysts_may_not_reach_what_names_people" {
  assert {
    condition = join(" ", sort(distinct(flatten([
      for statement in jsondecode(aws_iam_role_policy.people["analyst"].policy).Statement : statement.Action if statement.Effect == "Allow"
    ])))) == "athena:BatchGetNamedQuery athena:BatchGetQueryExecution athena:GetDataCatalog athena:GetDatabase athena:GetNamedQuery athena:GetQueryExecution athena:GetQueryResults athena:GetQueryResultsStream athena:GetTableMetadata athena:GetWorkGroup athena:ListDataCatalogs athena:ListDatabases athena:ListNamedQueries athena:ListQueryExecutions athena:ListTableMetadata athena:ListWorkGroups athena:StartQueryExecution athena:StopQueryExecution glue:BatchGetPartition glue:GetDatabase glue:GetDatabases glue:GetPartition glue:GetPartitions glue:GetTable glue:GetTables kms:Decrypt kms:GenerateDataKey s3:AbortMultipartUpload s3:GetBucketLocation s3:GetObject s3:ListBucket s3:ListMultipartUploadParts s3:PutObject"
    error_message = "actions of analysts"
  }

  assert {
    condition = join(" ", sort(flatten([
      for statement in jsondecode(aws_iam_role_policy.people["analyst"].policy).Statement :
      [for resource in flatten([statement.Resource]) : "${join(",", flatten([statement.Action]))}:${resource}"] if statement.Effect == "Deny" && startswith(flatten([statement.Action])[0], "s3:")
    ]))) == "s3:*:arn:aws:s3:::qol-lake-123456789012/_erasures/* s3:*:arn:aws:s3:::qol-lake-123456789012/_locks/* s3:*:arn:aws:s3:::qol-lake-123456789012/_receiver/* s3:*:arn:aws:s3:::qol-lake-123456789012/_reports/* s3:*:arn:aws:s3:::qol-lake-123456789012/_staging/* s3:*:arn:aws:s3:::qol-lake-123456789012/athena-results-operators/* s3:*:arn:aws:s3:::qol-lake-123456789012/quarantine/* s3:*:arn:aws:s3:::qol-lake-123456789012/raw/*"
    error_message = "what analysts are denied in the lake"
  }

  assert {
    condition = alltrue([for denied in ["dynamodb:*", "kms:*", "secretsmanager:*"] :
    anytrue([for statement in jsondecode(aws_iam_role_policy.people["analyst"].policy).Statement : statement.Effect == "Deny" && statement.Action == denied])])
    error_message = "analysts are denied the map, the identified key and the secrets"
  }

  assert {
    condition = alltrue([
      for action in concat(["glue:GetTableVersion", "glue:GetTableVersions", "glue:GetPartitionIndexes", "glue:GetColumnStatisticsForTable"], flatten([
        for statement in jsondecode(aws_iam_role_policy.people["analyst"].policy).Statement : statement.Action
        if statement.Effect == "Allow" && anytrue([for resource in flatten([statement.Resource]) : endswith(resource, ":table/db_qol/*")])
      ])) :
      anytrue(flatten([
        for statement in jsondecode(aws_iam_role_policy.people["analyst"].policy).Statement :
        [for denied in flatten([statement.Action]) : denied == action || (endswith(denied, "*") && startswith(action, trimsuffix(denied, "*")))]
        if statement.Effect == "Deny" && length([for table in ["rejects", "raw_objects"] : table if contains(flatten([statement.Resource]), "arn:aws:glue:ap-northeast-1:123456789012:table/db_qol/${table}")]) == 2
      ]))
    ])
    error_message = "analysts are denied every way of reading about the tables of rejects and of raw objects that they have for other tables"
  }
}

run "nobody_may_everything" {
  assert {
    condition = alltrue([
      for policy in concat(values(aws_iam_role_policy.lambda)[*].policy, values(aws_iam_role_policy.people)[*].policy, [aws_iam_role_policy.job.policy, aws_iam_role_policy.scheduler.policy]) :
      alltrue([for statement in jsondecode(policy).Statement : statement.Effect == "Deny" || alltrue([for action in flatten([statement.Action]) : !strcontains(action, "*")])])
    ])
    error_message = "an action with a wildcard is allowed"
  }

  assert {
    condition = join(" ", sort(distinct(flatten([
      for policy in concat(values(aws_iam_role_policy.lambda)[*].policy, values(aws_iam_role_policy.people)[*].policy, [aws_iam_role_policy.job.policy, aws_iam_role_policy.scheduler.policy]) :
      [for statement in jsondecode(policy).Statement : statement.Action if contains(flatten([statement.Resource]), "*")]
    ])))) == "athena:ListDataCatalogs athena:ListWorkGroups glue:GetSecurityConfiguration logs:GetQueryResults logs:StopQuery"
    error_message = "actions on all resources: only those that AWS knows no resource for"
  }

  assert {
    condition     = sort(keys(aws_iam_role.people)) == sort(["analyst", "operator"]) && length(aws_iam_role.lambda) == 5
    error_message = "roles"
  }

  assert {
    condition     = alltrue([for policy in concat(values(aws_iam_role_policy.lambda)[*].policy, values(aws_iam_role_policy.people)[*].policy, [aws_iam_role_policy.job.policy]) : length(policy) <= 10240])
    error_message = "a policy is longer than the 10,240 characters that AWS takes"
  }
}

run "operators_may" {
  assert {
    condition = join(" ", sort(distinct([
      for action in flatten([for statement in jsondecode(aws_iam_role_policy.people["operator"].policy).Statement : statement.Action]) : action
      if !startswith(action, "athena:") && !startswith(action, "glue:Get") && !startswith(action, "glue:BatchGet")
    ]))) == "cloudwatch:DescribeAlarms dynamodb:DeleteItem dynamodb:GetItem dynamodb:Scan glue:BatchCreatePartition glue:BatchStopJobRun glue:CreatePartition glue:UpdatePartition kms:Decrypt kms:GenerateDataKey lambda:GetFunctionConfiguration lambda:InvokeFunction logs:DescribeLogStreams logs:FilterLogEvents logs:GetLogEvents logs:GetQueryResults logs:StartQuery logs:StopQuery s3:AbortMultipartUpload s3:DeleteObject s3:GetBucketLocation s3:GetObject s3:GetObjectVersion s3:ListBucket s3:ListBucketVersions s3:ListMultipartUploadParts s3:PutObject scheduler:GetSchedule secretsmanager:DescribeSecret secretsmanager:PutSecretValue sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage"
    error_message = "actions of operators beside looking at tables"
  }

  assert {
    condition = !contains(flatten([
      for statement in jsondecode(aws_iam_role_policy.people["operator"].policy).Statement : statement.Resource if contains(flatten([statement.Action]), "s3:GetObject")
    ]), "arn:aws:s3:::qol-lake-123456789012/raw/*")
    error_message = "operators do not read raw"
  }

  assert {
    condition = { for action in ["s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject"] : action => join(" ", sort([
      for resource in flatten([
        for statement in jsondecode(aws_iam_role_policy.people["operator"].policy).Statement : statement.Resource if statement.Effect == "Allow" && contains(flatten([statement.Action]), action)
      ]) : trimprefix(resource, "arn:aws:s3:::qol-lake-123456789012/")
      ])) } == {
      "s3:GetObjectVersion" = "_collects/* _docs/* _erasures/* _locks/publish.lock _objects/* _reports/* _runs/* processed/* quarantine/objects/* quarantine/rows/*"
      "s3:PutObject"        = "_erasures/requests/* _locks/publish.lock _objects/*/part-00000.parquet _runs/*-restore-*.json athena-results-operators/* processed/*/part-00000.parquet"
      "s3:DeleteObject"     = "_erasures/requests/* _locks/publish.lock"
    }
    error_message = "where operators read, put and delete"
  }

  assert {
    condition = { for action in ["athena:StartQueryExecution", "athena:GetQueryResults"] : action => { for who in ["analyst", "operator"] : who => join(" ", distinct(flatten([
      for statement in jsondecode(aws_iam_role_policy.people[who].policy).Statement :
      statement.Resource if statement.Effect == "Allow" && contains(flatten([statement.Action]), action)
      ]))) } } == { for action in ["athena:StartQueryExecution", "athena:GetQueryResults"] : action => {
      analyst  = "arn:aws:athena:ap-northeast-1:123456789012:workgroup/qol"
      operator = "arn:aws:athena:ap-northeast-1:123456789012:workgroup/qol-operators"
    } }
    error_message = "workgroups where people ask: operators only where analysts do not read the answers"
  }

  assert {
    condition = sort([
      for statement in jsondecode(aws_iam_role_policy.people["operator"].policy).Statement :
      "${statement.Action} ${statement.Resource}" if statement.Effect == "Deny"
      ]) == sort([
      "athena:StartQueryExecution arn:aws:athena:ap-northeast-1:123456789012:workgroup/qol",
      "s3:PutObject arn:aws:s3:::qol-lake-123456789012/athena-results/*",
    ])
    error_message = "operators leave no answer where analysts read, whatever else they are given"
  }
}
