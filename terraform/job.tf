# The Glue job and its artifacts: what `make package` built, uploaded below a prefix named after its content.
locals {
  manifest  = jsondecode(file("${var.package_dir}/manifest.json"))
  artifacts = "artifacts/${substr(sha256(jsonencode(local.manifest)), 0, 16)}"

  glue_files     = fileset(var.package_dir, "glue/*")
  job_script     = one([for file in local.glue_files : file if endswith(file, ".py")])
  job_wheelhouse = one([for file in local.glue_files : file if endswith(file, ".gluewheels.zip")])
  job_jar        = one([for file in local.glue_files : file if endswith(file, ".jar")])

  artifact_uri = { for file in local.glue_files : file => "s3://${local.bucket}/${local.artifacts}/${basename(file)}" }
}

resource "aws_s3_object" "artifact" {
  for_each = local.glue_files

  bucket      = aws_s3_bucket.lake.id
  key         = "${local.artifacts}/${basename(each.key)}"
  source      = "${var.package_dir}/${each.key}"
  source_hash = filesha256("${var.package_dir}/${each.key}")
  kms_key_id  = aws_kms_key.pseudonymous.arn

  lifecycle {
    # The job moves to the new prefix before the old one is deleted.
    create_before_destroy = true

    precondition {
      condition     = try(local.manifest[each.key], "") == filesha256("${var.package_dir}/${each.key}")
      error_message = "${each.key}: differs from manifest.json; run `make package` again."
    }
  }

  depends_on = [aws_s3_bucket_server_side_encryption_configuration.lake, aws_s3_bucket_versioning.lake]
}

resource "aws_glue_security_configuration" "job" {
  name = local.glue_security

  encryption_configuration {
    s3_encryption {
      s3_encryption_mode = "SSE-KMS"
      kms_key_arn        = aws_kms_key.pseudonymous.arn
    }

    cloudwatch_encryption {
      cloudwatch_encryption_mode = "SSE-KMS"
      kms_key_arn                = aws_kms_key.pseudonymous.arn
    }

    job_bookmarks_encryption {
      job_bookmarks_encryption_mode = "CSE-KMS"
      kms_key_arn                   = aws_kms_key.pseudonymous.arn
    }
  }
}

# Without these, Glue creates the groups on the first run and keeps their logs for ever.
resource "aws_cloudwatch_log_group" "job" {
  #checkov:skip=CKV_AWS_338:180 days is what the programme keeps logs for
  for_each = merge(local.job_logs, local.erase_logs)

  name              = each.value
  retention_in_days = local.retention_days
  kms_key_id        = aws_kms_key.pseudonymous.arn
}

resource "aws_glue_job" "weekly" {
  name                   = local.job
  description            = "Raw JSON lines in, gated weekly Parquet out."
  role_arn               = aws_iam_role.job.arn
  glue_version           = "5.1"
  execution_class        = "STANDARD"
  worker_type            = var.worker_type
  number_of_workers      = var.number_of_workers
  max_retries            = 1
  timeout                = 60
  security_configuration = aws_glue_security_configuration.job.name

  execution_property {
    max_concurrent_runs = 1
  }

  command {
    name            = "glueetl"
    python_version  = "3"
    script_location = local.artifact_uri[local.job_script]
  }

  non_overridable_arguments = merge(local.fixed_arguments, {
    "--engine"  = "spark"
    "--master"  = "none"
    "--TempDir" = "s3://${local.bucket}/_staging/glue/"
  })

  depends_on = [aws_cloudwatch_log_group.job, aws_iam_role_policy.job, aws_s3_object.artifact]
}

# Erasures, with the same program: a job of its own, as a run of a job cannot choose its role. Whom it erases, objects in the
# bucket and the user map say, as arguments of runs are kept for 90 days.
resource "aws_glue_job" "eraser" {
  name                   = local.eraser
  description            = "Erases whom requests below _erasures/requests/ name."
  role_arn               = aws_iam_role.eraser.arn
  glue_version           = "5.1"
  execution_class        = "STANDARD"
  worker_type            = var.worker_type
  number_of_workers      = 2
  max_retries            = 1
  timeout                = 480
  security_configuration = aws_glue_security_configuration.job.name

  execution_property {
    max_concurrent_runs = 1
  }

  command {
    name            = "glueetl"
    python_version  = "3"
    script_location = local.artifact_uri[local.job_script]
  }

  non_overridable_arguments = merge(local.fixed_arguments, {
    "--command"           = "erase"
    "--on-deregistration" = var.on_deregistration
    "--TempDir"           = "s3://${local.bucket}/_erasures/glue/" # where only this role may write
  }, { for _ in local.tokens_tables : "--tokens" => "dynamodb:${local.tokens}" })

  depends_on = [aws_cloudwatch_log_group.job, aws_iam_role_policy.eraser, aws_s3_object.artifact]
}

locals {
  # What a run must not choose: where it reads and writes, its keys, and every way to bring code along. They win over the
  # arguments of a run, which only the kick function gives. `--key-secret` is the secret's name, not the key.
  fixed_arguments = {
    "--lake"       = "s3://${local.bucket}"
    "--user-map"   = "dynamodb:${local.user_map}"
    "--key-secret" = local.secrets.pseudonym_key
    "--database"   = local.database
    "--kms-key"    = aws_kms_key.pseudonymous.arn

    # Arguments of Glue itself.
    "--job-language"        = "python"
    "--job-bookmark-option" = "job-bookmark-disable"
    "--scriptLocation"      = local.artifact_uri[local.job_script]
    # The wheelhouse holds the project's wheel too; with --no-index Glue's pip installs from nothing else.
    "--additional-python-modules"       = local.artifact_uri[local.job_wheelhouse]
    "--python-modules-installer-option" = "--no-index"
    # Nothing is needed here, and an empty value might not be taken: files that change nothing stand in its place.
    "--extra-py-files"  = local.artifact_uri[local.job_script]
    "--extra-files"     = local.artifact_uri[local.job_script]
    "--extra-jars"      = local.artifact_uri[local.job_jar]
    "--user-jars-first" = "false"
    # Glue 5.1 reads through S3A, which without a region uses us-east-2 and times out. What Spark writes to local disks,
    # the pseudonym key and the user map among it, is encrypted.
    "--conf" = "spark.hadoop.fs.s3a.endpoint.region=${var.region} --conf spark.io.encryption.enabled=true"
  }
}
