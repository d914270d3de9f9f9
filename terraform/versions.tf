terraform {
  # 1.11: the S3 backend locks its state with an object of its own, and tests can mock a provider.
  required_version = ">= 1.11.0, < 2.0.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }

  # Bucket, key and region come from env/<stage>.s3.tfbackend; see docs/deploy.md.
  backend "s3" {}
}

locals {
  tags = { project = "qol-lake", stage = var.stage }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = local.tags
  }
}

# What CloudFront uses must be there.
provider "aws" {
  alias  = "us_east_1"
  region = "us-east-1"

  default_tags {
    tags = local.tags
  }
}

data "aws_caller_identity" "current" {}
