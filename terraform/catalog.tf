# Columns, types and comments come from the tables generated from the contracts.
locals {
  schemas = "${path.module}/../schemas/tables"

  tables = {
    for file in fileset(local.schemas, "*.yaml") :
    lower(trimsuffix(file, ".yaml")) => yamldecode(file("${local.schemas}/${file}"))
  }

  views = {
    for file in fileset("${path.module}/../schemas/views", "*.yaml") :
    trimsuffix(file, ".yaml") => yamldecode(file("${path.module}/../schemas/views/${file}"))
  }

  # Athena's names of the types of views, where they differ from Glue's.
  view_types = { string = "varchar" }

  formats = {
    parquet = {
      input  = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
      output = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
      serde  = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
    }
    json = {
      input  = "org.apache.hadoop.mapred.TextInputFormat"
      output = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
      serde  = "org.openx.data.jsonserde.JsonSerDe"
    }
  }
}

resource "aws_glue_catalog_database" "qol" {
  name        = local.database
  description = "Weekly quality-of-life metrics from wearables, with the daily rows and records they come from."
}

# The job registers partitions when it publishes, so a week is in the catalog only when it is complete.
resource "aws_glue_catalog_table" "tables" {
  for_each = local.tables

  database_name = aws_glue_catalog_database.qol.name
  name          = each.key
  description   = each.value.description
  table_type    = "EXTERNAL_TABLE"

  parameters = {
    EXTERNAL       = "TRUE"
    classification = each.value.format
  }

  dynamic "partition_keys" {
    for_each = each.value.partition_keys

    content {
      name    = partition_keys.value.name
      type    = partition_keys.value.type
      comment = partition_keys.value.comment
    }
  }

  storage_descriptor {
    location      = "s3://${local.bucket}/${each.value.location}"
    input_format  = local.formats[each.value.format].input
    output_format = local.formats[each.value.format].output

    ser_de_info {
      serialization_library = local.formats[each.value.format].serde
      parameters            = { "serialization.format" = "1" }
    }

    dynamic "columns" {
      for_each = each.value.columns

      content {
        name    = columns.value.name
        type    = columns.value.type
        comment = columns.value.comment
      }
    }
  }

  lifecycle {
    precondition {
      condition     = alltrue([for column in concat(each.value.columns, each.value.partition_keys) : length(column.comment) <= 255])
      error_message = "schemas/tables: a column comment of ${each.key} is longer than the 255 characters that Glue keeps."
    }

    precondition {
      condition     = length(each.value.description) <= 2048
      error_message = "schemas/tables: the description of ${each.key} is longer than the 2048 characters that Glue keeps."
    }
  }
}

# Athena reads a view's text from a comment, and tables that it names without a database in the view's own. Who asks needs
# the right to read these tables. A description would stand in the way of the parameter `comment`, which makes it a view.
resource "aws_glue_catalog_table" "views" {
  for_each = local.views

  database_name = aws_glue_catalog_database.qol.name
  name          = each.key
  table_type    = "VIRTUAL_VIEW"

  parameters = {
    comment     = "Presto View"
    presto_view = "true"
  }

  view_expanded_text = "/* Presto View */"
  view_original_text = "/* Presto View: ${base64encode(jsonencode({
    originalSql  = each.value.sql
    catalog      = "awsdatacatalog"
    schema       = local.database
    runAsInvoker = true
    columns      = [for column in each.value.columns : { name = column.name, type = lookup(local.view_types, column.type, column.type) }]
  }))} */"

  storage_descriptor {
    # A view has no files; without this block Trino does not read it.
    ser_de_info {
      name                  = "-"
      serialization_library = "-"
    }

    dynamic "columns" {
      for_each = each.value.columns

      content {
        name    = columns.value.name
        type    = columns.value.type
        comment = columns.value.comment
      }
    }
  }
}
