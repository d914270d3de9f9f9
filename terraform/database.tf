# A database that a function loads after each successful run; with database = "none" nothing of this exists.
locals {
  databases = var.database == "none" ? {} : { loaded = var.database }
  is_mysql  = var.database == "aurora-mysql"

  database_name = "qol-tables${local.dash}"
  loader        = "qol-loader${local.dash}"
  database_port = local.is_mysql ? 3306 : 5432
  # Without user and password: the secret of RDS has them, and the function reads it when it starts.
  database_urls = { for key, cluster in aws_rds_cluster.tables : key => join("", [
    local.is_mysql ? "mysql+pymysql://" : "postgresql+psycopg://", cluster.endpoint, "/qol",
    local.is_mysql ? "?ssl_ca=/opt/rds.pem" : "?sslmode=verify-full&sslrootcert=/opt/rds.pem",
  ]) }
}

resource "aws_db_subnet_group" "tables" {
  for_each = local.databases

  name       = local.database_name
  subnet_ids = var.database_network.subnet_ids
}

resource "aws_security_group" "loader" {
  for_each = local.databases

  name        = local.loader
  description = "The function that loads the database"
  vpc_id      = var.database_network.vpc_id
}

resource "aws_security_group" "tables" {
  for_each = local.databases

  name        = local.database_name
  description = "The database; only the function reaches it"
  vpc_id      = var.database_network.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "loader" {
  for_each = merge([for key, _ in local.databases : { "${key}-database" = local.database_port, "${key}-https" = 443 }]...)

  security_group_id            = aws_security_group.loader["loaded"].id
  description                  = each.value == 443 ? "S3 and Secrets Manager" : "The database"
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
  cidr_ipv4                    = each.value == 443 ? "0.0.0.0/0" : null
  referenced_security_group_id = each.value == 443 ? null : aws_security_group.tables["loaded"].id
}

resource "aws_vpc_security_group_ingress_rule" "tables" {
  for_each = local.databases

  security_group_id            = aws_security_group.tables[each.key].id
  description                  = "The function"
  ip_protocol                  = "tcp"
  from_port                    = local.database_port
  to_port                      = local.database_port
  referenced_security_group_id = aws_security_group.loader[each.key].id
}

resource "aws_rds_cluster" "tables" {
  #checkov:skip=CKV_AWS_162:The function signs in by the secret that RDS rotates; tokens of IAM would be a second way in
  #checkov:skip=CKV2_AWS_8:All of it can be loaded again; a backup plan would keep erased people
  for_each = local.databases

  cluster_identifier              = local.database_name
  engine                          = each.value
  database_name                   = "qol"
  master_username                 = "qol"
  manage_master_user_password     = true
  master_user_secret_kms_key_id   = aws_kms_key.pseudonymous.key_id
  storage_encrypted               = true
  kms_key_id                      = aws_kms_key.pseudonymous.arn
  db_subnet_group_name            = aws_db_subnet_group.tables[each.key].name
  vpc_security_group_ids          = [aws_security_group.tables[each.key].id]
  backup_retention_period         = 7
  copy_tags_to_snapshot           = true
  deletion_protection             = var.deletion_protection
  skip_final_snapshot             = true
  enabled_cloudwatch_logs_exports = [local.is_mysql ? "error" : "postgresql"]

  # Pauses without queries; the first load after a pause waits about 15 seconds.
  serverlessv2_scaling_configuration {
    min_capacity = 0
    max_capacity = 4
  }
}

resource "aws_rds_cluster_instance" "tables" {
  #checkov:skip=CKV_AWS_118:Figures of every minute are enough for one load a week
  #checkov:skip=CKV_AWS_353:Performance Insights would keep statements
  for_each = local.databases

  identifier                 = local.database_name
  cluster_identifier         = aws_rds_cluster.tables[each.key].id
  engine                     = each.value
  instance_class             = "db.serverless"
  auto_minor_version_upgrade = true
  publicly_accessible        = false
}

resource "aws_cloudwatch_log_group" "loader" {
  #checkov:skip=CKV_AWS_338:180 days is what the programme keeps logs for
  for_each = local.databases

  name              = "/aws/lambda/${local.loader}"
  retention_in_days = local.retention_days
  kms_key_id        = aws_kms_key.pseudonymous.arn
}

resource "aws_iam_role" "loader" {
  for_each = local.databases

  name               = local.loader
  assume_role_policy = jsonencode(local.trust["lambda"])
}

resource "aws_iam_role_policy" "loader" {
  for_each = local.databases

  name = "loader"
  role = aws_iam_role.loader[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.can_start.loader, local.can_fail_over, [
      {
        Sid      = "ReadPublished"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = ["${local.arn.bucket}/processed/*", "${local.arn.bucket}/_runs/*"]
      },
      {
        # Names of erasures only: their content is encrypted with the other key.
        Sid       = "ListPublished"
        Effect    = "Allow"
        Action    = "s3:ListBucket"
        Resource  = local.arn.bucket
        Condition = { StringLike = { "s3:prefix" = ["processed/*", "_runs/*", "_erasures/*"] } }
      },
      {
        Sid       = "Decrypt"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = local.keys.pseudonymous
        Condition = { StringEquals = { "kms:ViaService" = [local.via.s3, local.via.secretsmanager] } }
      },
      { Sid = "SignIn", Effect = "Allow", Action = "secretsmanager:GetSecretValue", Resource = aws_rds_cluster.tables[each.key].master_user_secret[0].secret_arn },
      {
        # Lambda's interfaces in the subnets; these actions have no resources that are known before.
        Sid      = "Network"
        Effect   = "Allow"
        Action   = ["ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface"]
        Resource = "*"
      },
    ])
  })
}

resource "aws_lambda_function" "loader" {
  #checkov:skip=CKV_AWS_50:No trace spans several functions, and X-Ray needs actions on all resources
  #checkov:skip=CKV_AWS_272:An image is named by its digest, and only the deploying role may change it
  for_each = local.databases

  function_name                  = local.loader
  description                    = "Loads the published tables into the database after each successful run."
  role                           = aws_iam_role.loader[each.key].arn
  package_type                   = "Image"
  image_uri                      = var.loader_image
  architectures                  = ["arm64"]
  memory_size                    = 3008
  timeout                        = 900
  reserved_concurrent_executions = var.reserved_concurrency ? 1 : -1
  kms_key_arn                    = aws_kms_key.pseudonymous.arn

  environment {
    variables = {
      QOL_LAKE            = "s3://${local.bucket}"
      QOL_TABLES          = var.loaded_tables
      QOL_DATABASE_URL    = local.database_urls[each.key]
      QOL_DATABASE_SECRET = aws_rds_cluster.tables[each.key].master_user_secret[0].secret_arn
    }
  }

  vpc_config {
    subnet_ids         = var.database_network.subnet_ids
    security_group_ids = [aws_security_group.loader[each.key].id]
  }

  dead_letter_config {
    target_arn = local.arn.dead
  }

  depends_on = [aws_cloudwatch_log_group.loader, aws_iam_role_policy.loader]
}

resource "aws_cloudwatch_event_rule" "published" {
  for_each = local.databases

  name        = "qol-published${local.dash}"
  description = "Successful runs of the weekly job."

  event_pattern = jsonencode({
    source        = ["aws.glue"]
    "detail-type" = ["Glue Job State Change"]
    detail        = { jobName = [local.job], state = ["SUCCEEDED"] }
  })
}

resource "aws_cloudwatch_event_target" "loader" {
  for_each = local.databases

  rule = aws_cloudwatch_event_rule.published[each.key].name
  arn  = aws_lambda_function.loader[each.key].arn
}

resource "aws_lambda_permission" "loader" {
  for_each = local.databases

  statement_id  = "published"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.loader[each.key].function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.published[each.key].arn
}
