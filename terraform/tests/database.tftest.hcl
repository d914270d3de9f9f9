# The database is off unless asked for; then only its loader reaches it, and its password is nowhere.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

override_resource {
  target = aws_rds_cluster.tables
  values = {
    endpoint           = "tables.example.ap-northeast-1.rds.amazonaws.com"
    master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:rds!cluster-1" }]
  }
}

variables {
  stage        = "prod"
  alert_emails = []
  package_dir  = "tests/package"

  database_network = { vpc_id = "vpc-1", subnet_ids = ["subnet-1", "subnet-2"] }
  loader_image     = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/qol-loader@sha256:0000000000000000000000000000000000000000000000000000000000000000"
}

run "none_by_default" {
  assert {
    condition     = length(aws_rds_cluster.tables) + length(aws_lambda_function.loader) + length(aws_iam_role.loader) == 0
    error_message = "a database without asking"
  }
}

run "needs_a_network" {
  command = plan

  variables {
    database         = "aurora-mysql"
    database_network = null
  }

  expect_failures = [var.database]
}

run "postgresql" {
  variables {
    database = "aurora-postgresql"
  }

  assert {
    condition = (aws_lambda_function.loader["loaded"].environment[0].variables.QOL_DATABASE_URL ==
    "postgresql+psycopg://tables.example.ap-northeast-1.rds.amazonaws.com/qol?sslmode=verify-full&sslrootcert=/opt/rds.pem")
    error_message = "the URL has TLS and no password"
  }

  assert {
    condition = one(flatten([for statement in jsondecode(aws_iam_role_policy.loader["loaded"].policy).Statement :
    statement.Resource if statement.Sid == "SignIn"])) == aws_lambda_function.loader["loaded"].environment[0].variables.QOL_DATABASE_SECRET
    error_message = "the loader reads its own secret"
  }

  assert {
    condition = join(" ", sort(distinct(flatten([for statement in jsondecode(aws_iam_role_policy.loader["loaded"].policy).Statement : statement.Action]))
    )) == "ec2:CreateNetworkInterface ec2:DeleteNetworkInterface ec2:DescribeNetworkInterfaces kms:Decrypt logs:CreateLogStream logs:PutLogEvents s3:GetObject s3:ListBucket secretsmanager:GetSecretValue sqs:SendMessage"
    error_message = "actions of the loader"
  }

  assert {
    condition     = aws_rds_cluster.tables["loaded"].manage_master_user_password && aws_rds_cluster.tables["loaded"].storage_encrypted && !aws_rds_cluster_instance.tables["loaded"].publicly_accessible
    error_message = "the cluster"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.tables["loaded"].from_port == 5432 && length(aws_vpc_security_group_ingress_rule.tables) == 1
    error_message = "one way in"
  }
}

run "mysql" {
  variables {
    database = "aurora-mysql"
  }

  assert {
    condition     = startswith(aws_lambda_function.loader["loaded"].environment[0].variables.QOL_DATABASE_URL, "mysql+pymysql://tables.") && aws_vpc_security_group_ingress_rule.tables["loaded"].from_port == 3306
    error_message = "MySQL"
  }
}
