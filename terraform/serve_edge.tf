# One address for both kinds: CloudFront asks S3 for the page and the API for everything else, so the page needs no CORS.
locals {
  page_bucket = "${local.bucket}-page"
  page_folder = "${path.module}/../lib/qol/serve/page"
  page_files  = var.serve == "none" ? toset([]) : toset([for file in fileset(local.page_folder, "**") : file if !endswith(file, ".md")])
  page_types  = { html = "text/html; charset=utf-8", css = "text/css", js = "text/javascript", json = "application/json", svg = "image/svg+xml", txt = "text/plain; charset=utf-8" }

  api_paths = ["/v1/*", "/prices*", "/health", "/docs*", "/openapi.json"]
  api_host = one(concat(
    [for api in aws_apigatewayv2_api.api : trimprefix(api.api_endpoint, "https://")],
    [for api in values(local.api_by_kind.fargate) : api.origin_domain],
  ))

  # Policies that AWS manages, the same in every account.
  cached          = "658327ea-f89d-4fab-a63d-7e88639e58f6" # CachingOptimized
  never_cached    = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad" # CachingDisabled
  all_but_host    = "b689b0a8-53d0-40ab-baf2-68738e2966ac" # AllViewerExceptHostHeader
  secured_answers = "67f7725c-6f97-4210-82d7-5512b31e9d03" # SecurityHeadersPolicy
}

resource "aws_s3_bucket" "page" {
  #checkov:skip=CKV_AWS_18:It holds nothing but the public page
  #checkov:skip=CKV_AWS_144:Terraform puts the page there again
  #checkov:skip=CKV_AWS_145:It holds the public page alone; S3's own key encrypts it
  #checkov:skip=CKV2_AWS_61:A handful of small files; old versions of the page may stay
  #checkov:skip=CKV2_AWS_62:No function is triggered by objects
  for_each = local.apis

  bucket        = local.page_bucket
  force_destroy = true
}

resource "aws_s3_bucket_versioning" "page" {
  for_each = local.apis

  bucket = aws_s3_bucket.page[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "page" {
  for_each = local.apis

  bucket                  = aws_s3_bucket.page[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "page" {
  for_each = { for api, settings in local.apis : api => settings if var.enforce_bucket_policy }

  bucket = aws_s3_bucket.page[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = ["arn:aws:s3:::${local.page_bucket}", "arn:aws:s3:::${local.page_bucket}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "CloudFrontReads"
        Effect    = "Allow"
        Principal = { Service = "cloudfront.amazonaws.com" }
        Action    = "s3:GetObject"
        Resource  = "arn:aws:s3:::${local.page_bucket}/*"
        Condition = { StringEquals = { "aws:SourceArn" = aws_cloudfront_distribution.api[each.key].arn } }
      },
    ]
  })

  depends_on = [aws_s3_bucket_public_access_block.page]
}

resource "aws_s3_object" "page" {
  for_each = local.page_files

  bucket        = aws_s3_bucket.page["api"].id
  key           = each.value
  source        = "${local.page_folder}/${each.value}"
  source_hash   = filemd5("${local.page_folder}/${each.value}")
  content_type  = lookup(local.page_types, reverse(split(".", each.value))[0], "application/octet-stream")
  cache_control = "max-age=300"
}

resource "aws_cloudfront_origin_access_control" "page" {
  for_each = local.apis

  name                              = local.page_bucket
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_distribution" "api" {
  #checkov:skip=CKV_AWS_86:Its log would hold paths and addresses of participants; the API's own lines have the route's template
  #checkov:skip=CKV_AWS_310:The API has one home; a second origin would answer from nothing
  #checkov:skip=CKV_AWS_374:Participants travel, and the API checks every request
  #checkov:skip=CKV2_AWS_42:A certificate needs a domain of yours, which Terraform does not have; CloudFront's own name has one
  #checkov:skip=CKV_AWS_174:With CloudFront's own name its certificate decides, and says TLS 1; clients of the API speak 1.2 or newer
  #checkov:skip=CKV2_AWS_32:Every behavior has the security headers that AWS manages; the check wants a policy of this configuration
  #checkov:skip=CKV2_AWS_47:The rule is about a Java library, and the API has no Java at all
  for_each = local.apis

  comment             = "${local.api}: the page and the API"
  enabled             = true
  is_ipv6_enabled     = true
  http_version        = "http2and3"
  price_class         = "PriceClass_200" # Asia, Europe, North America
  default_root_object = "index.html"
  web_acl_id          = aws_wafv2_web_acl.api[each.key].arn

  origin {
    origin_id                = "page"
    domain_name              = aws_s3_bucket.page[each.key].bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.page[each.key].id
  }

  origin {
    origin_id   = "api"
    domain_name = local.api_host

    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
      origin_read_timeout    = 60
    }
  }

  default_cache_behavior {
    target_origin_id           = "page"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = local.cached
    response_headers_policy_id = local.secured_answers
  }

  dynamic "ordered_cache_behavior" {
    for_each = local.api_paths

    content {
      path_pattern               = ordered_cache_behavior.value
      target_origin_id           = "api"
      viewer_protocol_policy     = "https-only"
      allowed_methods            = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
      cached_methods             = ["GET", "HEAD"]
      cache_policy_id            = local.never_cached # answers are about one person
      origin_request_policy_id   = local.all_but_host
      response_headers_policy_id = local.secured_answers
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    cloudfront_default_certificate = true
  }
}

# Firewalls of CloudFront live in us-east-1. An HTTP API cannot have one, so both kinds have it here.
resource "aws_wafv2_web_acl" "api" {
  #checkov:skip=CKV_AWS_192:The rule is about a Java library, and the API has no Java at all
  #checkov:skip=CKV2_AWS_31:The firewall's log would hold paths and addresses of participants
  for_each = local.apis
  provider = aws.us_east_1

  name  = local.api
  scope = "CLOUDFRONT"

  default_action {
    allow {}
  }

  # The API limits each caller; this is for an address that has none, such as one that tries tokens. A clinic is one address too.
  rule {
    name     = "rate"
    priority = 0

    action {
      block {
        custom_response {
          response_code = 429
        }
      }
    }

    statement {
      rate_based_statement {
        limit              = each.value.requests_per_5min
        aggregate_key_type = "IP"
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "rate"
      sampled_requests_enabled   = false # a sample would show paths and addresses
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = local.api
    sampled_requests_enabled   = false
  }
}
