# `gather = "firehose"`: a stream between receiver and bucket, which writes one object for 64 MB or 15 minutes of pushes.
locals {
  is_gathered = var.gather == "firehose"
  gathered    = local.is_gathered ? ["stream"] : []
  stream      = "qol-garmin${local.dash}"
  stream_log  = "/aws/kinesisfirehose/${local.stream}"

  # The receiver's own keys are hashes, so that the stream's role replaces none of them.
  gathered_objects = "${local.arn.bucket}/raw/daily/date=*/${local.stream}-*"

  stream_statements = [
    {
      Sid      = "PutGathered"
      Effect   = "Allow"
      Action   = ["s3:PutObject", "s3:AbortMultipartUpload"]
      Resource = [local.gathered_objects, "${local.arn.bucket}/quarantine/bodies/date=*/*/${local.stream}-*"]
    },
    {
      Sid      = "FindBucket"
      Effect   = "Allow"
      Action   = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
      Resource = local.arn.bucket
    },
    {
      # S3 decrypts the key of an upload's earlier parts with the permissions of who sends the next one; no object is read.
      Sid       = "EncryptGathered"
      Effect    = "Allow"
      Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
      Resource  = local.keys.identified
      Condition = { StringEquals = { "kms:ViaService" = local.via.s3 } }
    },
    { Sid = "OwnLog", Effect = "Allow", Action = "logs:PutLogEvents", Resource = "${local.arn.logs}:${local.stream_log}:*" },
  ]

  can_gather = [for _ in local.gathered : { Sid = "GatherBodies", Effect = "Allow", Action = "firehose:PutRecord", Resource = local.arn.stream }]

  # Firehose repeats a failed delivery for 24 hours; what it holds then is lost.
  stream_alarms = { for key, alarm in {
    late = {
      metric      = "DeliveryToS3.DataFreshness"
      description = "Pushes wait over 30 minutes for their delivery into the bucket, and are lost after 24 hours (docs/webhook.md)."
      statistic   = "Maximum"
      above       = 1800
    }
    throttled = {
      metric      = "ThrottledRecords"
      description = "The stream refuses pushes that are over its quota; Garmin repeats them (docs/webhook.md)."
      statistic   = "Sum"
      above       = 0
    }
  } : "${local.stream}-${key}" => merge(alarm, { namespace = "AWS/Firehose", dimensions = { DeliveryStreamName = local.stream } }) if local.is_gathered }
}

resource "aws_cloudwatch_log_group" "stream" {
  #checkov:skip=CKV_AWS_338:180 days is what the programme keeps logs for
  for_each = toset(local.gathered)

  name              = local.stream_log
  retention_in_days = local.retention_days
  kms_key_id        = aws_kms_key.pseudonymous.arn
}

resource "aws_cloudwatch_log_stream" "stream" {
  for_each = toset(local.gathered)

  name           = "delivery"
  log_group_name = aws_cloudwatch_log_group.stream[each.key].name
}

resource "aws_iam_role" "stream" {
  for_each = toset(local.gathered)

  name               = local.stream
  description        = "Stream ${local.stream}."
  assume_role_policy = jsonencode(local.trust.firehose)
}

resource "aws_iam_role_policy" "stream" {
  for_each = toset(local.gathered)

  name   = "what-it-may"
  role   = aws_iam_role.stream[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.stream_statements })
}

resource "aws_kinesis_firehose_delivery_stream" "stream" {
  for_each = toset(local.gathered)

  name        = local.stream
  destination = "extended_s3"

  server_side_encryption {
    enabled  = true
    key_type = "CUSTOMER_MANAGED_CMK"
    key_arn  = aws_kms_key.identified.arn
  }

  extended_s3_configuration {
    role_arn            = aws_iam_role.stream[each.key].arn
    bucket_arn          = aws_s3_bucket.lake.arn
    kms_key_arn         = aws_kms_key.identified.arn
    buffering_size      = 64
    buffering_interval  = 900
    compression_format  = "GZIP"
    custom_time_zone    = "UTC"
    file_extension      = ".jsonl.gz"
    prefix              = "raw/daily/date=!{timestamp:yyyy-MM-dd}/"
    error_output_prefix = "quarantine/bodies/date=!{timestamp:yyyy-MM-dd}/!{firehose:error-output-type}/"

    cloudwatch_logging_options {
      enabled         = true
      log_group_name  = aws_cloudwatch_log_group.stream[each.key].name
      log_stream_name = aws_cloudwatch_log_stream.stream[each.key].name
    }
  }

  depends_on = [aws_iam_role_policy.stream]
}
