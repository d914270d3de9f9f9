# Every fixed name once. ARNs are written out from names, so that a plan shows what a policy will say.
locals {
  account = data.aws_caller_identity.current.account_id
  dash    = var.stage == "prod" ? "" : "-${var.stage}"
  under   = var.stage == "prod" ? "" : "_${var.stage}"

  bucket                 = coalesce(var.bucket_name, "qol-lake-${local.account}${local.dash}")
  job                    = "qol-weekly-etl${local.dash}"
  eraser                 = "qol-eraser${local.dash}"
  database               = "db_qol${local.under}"
  workgroup              = "qol${local.dash}"
  workgroup_of_operators = "qol-operators${local.dash}"
  user_map               = "user_id_map${local.under}"
  lock_table             = "qol_run_locks${local.under}"
  glue_security          = "qol${local.dash}"

  secrets = {
    pseudonym_key  = "qol/pseudonym-key${local.dash}"
    garmin_webhook = "qol/garmin-webhook${local.dash}"
  }

  topics = {
    alert      = "job_failure_alert${local.under}"
    operations = "qol_operations_alarm${local.under}"
  }

  # As NAMESPACE in lib/qol/aws/emf.py.
  metrics_namespace = "QoLLake"

  retention_days = 180

  # Where Glue 5 writes for a job with a security configuration that encrypts logs: groups of this job alone.
  job_logs = {
    for stream in ["output", "error"] :
    stream => "/aws-glue/jobs/${local.glue_security}-role/${local.job}/${stream}"
  }

  erase_logs = { for stream, name in local.job_logs : "eraser-${stream}" => replace(name, local.job, local.eraser) }

  log_groups = concat(
    values(local.job_logs),
    values(local.erase_logs),
    [local.webhook_log, local.stream_log],
    local.api_logs,
    [for _ in values(local.api_by_kind.lambda) : local.api_access],
    [for function in values(local.lambdas) : "/aws/lambda/${function.name}"],
  )

  arn = {
    bucket                 = "arn:aws:s3:::${local.bucket}"
    job                    = "arn:aws:glue:${var.region}:${local.account}:job/${local.job}"
    erase_job              = "arn:aws:glue:${var.region}:${local.account}:job/${local.eraser}"
    eraser                 = "arn:aws:iam::${local.account}:role/${local.eraser}"
    catalog                = "arn:aws:glue:${var.region}:${local.account}:catalog"
    database               = "arn:aws:glue:${var.region}:${local.account}:database/${local.database}"
    tables                 = "arn:aws:glue:${var.region}:${local.account}:table/${local.database}"
    workgroup              = "arn:aws:athena:${var.region}:${local.account}:workgroup/${local.workgroup}"
    workgroup_of_operators = "arn:aws:athena:${var.region}:${local.account}:workgroup/${local.workgroup_of_operators}"
    user_map               = "arn:aws:dynamodb:${var.region}:${local.account}:table/${local.user_map}"
    lock_table             = "arn:aws:dynamodb:${var.region}:${local.account}:table/${local.lock_table}"
    logs                   = "arn:aws:logs:${var.region}:${local.account}:log-group"
    dead                   = "arn:aws:sqs:${var.region}:${local.account}:${local.dead_letters}"
    alert                  = "arn:aws:sns:${var.region}:${local.account}:${local.topics.alert}"
    operations             = "arn:aws:sns:${var.region}:${local.account}:${local.topics.operations}"
    functions              = "arn:aws:lambda:${var.region}:${local.account}:function"
    stream                 = "arn:aws:firehose:${var.region}:${local.account}:deliverystream/${local.stream}"
    schedules              = "arn:aws:scheduler:${var.region}:${local.account}"
  }

  dead_letters   = "qol-failed-calls${local.dash}"
  schedule_group = "qol${local.dash}"
}
