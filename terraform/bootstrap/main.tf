# The role as which GitHub plans a stage, applied once per stage by an administrator (docs/deploy.md). It reads settings and no
# data: a plan runs code of the repository, so whoever changes that code may do what this role may.
terraform {
  required_version = ">= 1.11.0, < 2.0.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }

  backend "s3" {}
}

provider "aws" {
  region = var.region
}

variable "stage" {
  description = "The installation: dev, staging or prod."
  type        = string
}

variable "repository" {
  description = "The repository on GitHub, OWNER/NAME."
  type        = string
}

variable "bucket" {
  description = "The lake's bucket."
  type        = string
}

variable "state_bucket" {
  description = "The bucket of Terraform's state."
  type        = string
}

variable "region" {
  description = "AWS region of the installation."
  type        = string
  default     = "ap-northeast-1"
}

data "aws_caller_identity" "current" {}

locals {
  account = data.aws_caller_identity.current.account_id
  issuer  = "token.actions.githubusercontent.com"
  state   = "arn:aws:s3:::${var.state_bucket}/${var.stage}/terraform.tfstate"
}

resource "aws_iam_role" "plan" {
  #checkov:skip=CKV_AWS_393:The claim is one environment of one repository; the scanner does not see the variable's value
  name        = "qol-plan-${var.stage}"
  description = "Plans of ${var.stage} from GitHub: reads settings, no data."

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = "arn:aws:iam::${local.account}:oidc-provider/${local.issuer}" }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = { StringEquals = {
        "${local.issuer}:aud" = "sts.amazonaws.com"
        "${local.issuer}:sub" = "repo:${var.repository}:environment:${var.stage}-plan"
      } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "plan" {
  role       = aws_iam_role.plan.name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}

resource "aws_iam_role_policy" "plan" {
  name = "what-it-may"
  role = aws_iam_role.plan.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "LockState", Effect = "Allow", Action = ["s3:PutObject", "s3:DeleteObject"], Resource = "${local.state}.tflock" },
      {
        # Environment variables of the functions, which a plan compares.
        Sid       = "DecryptSettings"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = "arn:aws:kms:${var.region}:${local.account}:key/*"
        Condition = { StringLike = { "kms:EncryptionContext:aws:lambda:FunctionArn" = "arn:aws:lambda:${var.region}:${local.account}:function:*" } }
      },
      {
        Sid       = "DenyOtherDecryption"
        Effect    = "Deny"
        Action    = "kms:Decrypt"
        Resource  = "*"
        Condition = { Null = { "kms:EncryptionContext:aws:lambda:FunctionArn" = "true" } }
      },
      # Every object but Terraform's state and what was deployed.
      {
        Sid         = "DenyObjects"
        Effect      = "Deny"
        Action      = "s3:GetObject*"
        NotResource = [local.state, "${local.state}.tflock", "arn:aws:s3:::${var.bucket}/artifacts/*"]
      },
      {
        Sid    = "DenyData"
        Effect = "Deny"
        Action = [
          "athena:GetQueryResults*", "athena:StartQueryExecution", "dynamodb:BatchGetItem", "dynamodb:ExportTableToPointInTime", "dynamodb:GetItem",
          "dynamodb:GetRecords", "dynamodb:PartiQL*", "dynamodb:Query", "dynamodb:Scan", "logs:FilterLogEvents", "logs:GetLog*", "logs:GetQueryResults",
          "logs:StartLiveTail", "logs:StartQuery", "logs:Unmask", "secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue",
          "sqs:ReceiveMessage",
        ]
        Resource = "*"
      },
    ]
  })
}

output "role" {
  description = "For the variable AWS_DEPLOY_ROLE of the environment <stage>-plan."
  value       = aws_iam_role.plan.arn
}
