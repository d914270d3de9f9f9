locals {
  # Rejects hold raw bytes, so results of operators must not be where analysts read.
  workgroups = {
    qol = {
      name        = local.workgroup
      description = "Queries on ${local.database}: a scan limit, encrypted results, nothing a client can override."
      results     = "athena-results"
      key         = aws_kms_key.pseudonymous.arn
    }
    operators = {
      name        = local.workgroup_of_operators
      description = "Operators' queries on ${local.database}, rejects too: results under the key that analysts do not have."
      results     = "athena-results-operators"
      key         = aws_kms_key.identified.arn
    }
  }
}

resource "aws_athena_workgroup" "groups" {
  for_each = local.workgroups

  name        = each.value.name
  description = each.value.description

  # Removing an installation removes its saved queries with it.
  force_destroy = true

  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = var.athena_scan_limit_bytes

    engine_version {
      selected_engine_version = "Athena engine version 3"
    }

    result_configuration {
      output_location = "s3://${aws_s3_bucket.lake.id}/${each.value.results}/"

      encryption_configuration {
        encryption_option = "SSE_KMS"
        kms_key_arn       = each.value.key
      }
    }
  }

  tags = {
    Name = each.value.name
  }
}

# Addresses in earlier installations: without these a workgroup would be created again under its existing name.
moved {
  from = aws_athena_workgroup.qol
  to   = aws_athena_workgroup.groups["qol"]
}

moved {
  from = aws_athena_workgroup.operators
  to   = aws_athena_workgroup.groups["operators"]
}

locals {
  query_files = fileset("${path.module}/queries", "*.sql")

  # The first line of a file is its description.
  queries = merge(
    {
      for file in local.query_files :
      trimsuffix(file, ".sql") => templatefile("${path.module}/queries/${file}", { database = local.database })
    },
    # As a saved query, so that a list of participants can be put into it.
    { for name, view in local.views : name => view.sql },
  )

  queries_of_operators = ["rejects_by_reason"]
}

resource "aws_athena_named_query" "saved" {
  for_each = local.queries

  name        = each.key
  description = trimprefix(split("\n", each.value)[0], "-- ")
  workgroup   = aws_athena_workgroup.groups[contains(local.queries_of_operators, each.key) ? "operators" : "qol"].id
  database    = aws_glue_catalog_database.qol.name
  query       = each.value
}
