output "bucket" {
  description = "The lake's bucket."
  value       = aws_s3_bucket.lake.id
}

output "webhook_url" {
  description = "URL to enter at Garmin, with the token in place of TOKEN."
  value       = "${aws_apigatewayv2_api.webhook.api_endpoint}/garmin/TOKEN"
}

output "guarded_webhook_url" {
  description = "URL to enter at Garmin where `webhook_guard` is set, with the token in place of TOKEN; else null."
  value       = one([for stage in aws_api_gateway_stage.webhook : "${stage.invoke_url}/garmin/TOKEN"])
}

output "announcement_urls" {
  description = "URLs to enter at vendors whose webhook announces documents, by source."
  value       = { for source in local.announced : source => "${aws_apigatewayv2_api.webhook.api_endpoint}/${source}/webhook" }
}

output "collect" {
  description = "By source that is asked: the name of its secret, and the table of tokens as --tokens takes it; null without tokens."
  value = { for source, _ in var.collect : source => {
    secret = lookup(local.collect_secrets, source, null)
    tokens = contains(local.connected, source) ? "dynamodb:${local.tokens}" : null
  } }
}

output "stream" {
  description = "The stream that gathers pushes, where `gather` is firehose; else null."
  value       = one([for stream in aws_kinesis_firehose_delivery_stream.stream : stream.name])
}

output "job" {
  description = "The Glue job."
  value       = aws_glue_job.weekly.name
}

output "eraser" {
  description = "The Glue job of erasures, and its role."
  value       = aws_glue_job.eraser.name
}

output "job_log_groups" {
  description = "Log groups of the job's output and of Spark."
  value       = local.job_logs
}

output "api" {
  description = "Address of the page and of the API, where `serve` is set; else null."
  value       = one([for edge in aws_cloudfront_distribution.api : "https://${edge.domain_name}"])
}

output "api_origin" {
  description = "With fargate: the load balancer's name, to which `origin_domain` must point; else null."
  value       = one([for balancer in aws_lb.api : balancer.dns_name])
}

output "api_state" {
  description = "Where the API keeps its state, as --state takes it; null without an API."
  value       = one([for _ in values(local.apis) : "dynamodb:${local.api}"])
}

output "functions" {
  description = "Names of the Lambda functions."
  value       = { for key, function in local.lambdas : key => function.name }
}

output "database" {
  description = "Athena's database."
  value       = aws_glue_catalog_database.qol.name
}

output "workgroup" {
  description = "Athena's workgroup."
  value       = aws_athena_workgroup.groups["qol"].name
}

output "workgroup_of_operators" {
  description = "Athena's workgroup for queries that only operators may run."
  value       = aws_athena_workgroup.groups["operators"].name
}

output "saved_queries" {
  description = "Ids of the saved queries by name."
  value       = { for name, query in aws_athena_named_query.saved : name => query.id }
}

output "topics" {
  description = "ARNs of the topics for mail and for alarms."
  value       = { for key, topic in aws_sns_topic.topics : key => topic.arn }
}

output "tables" {
  description = "DynamoDB tables: the user map and the locks."
  value       = { user_map = aws_dynamodb_table.user_map.name, locks = aws_dynamodb_table.locks.name }
}

output "secrets" {
  description = "Names of the secrets whose values an operator sets."
  value       = local.secrets
}

output "keys" {
  description = "ARNs of the two keys."
  value       = { identified = aws_kms_key.identified.arn, pseudonymous = aws_kms_key.pseudonymous.arn }
}

output "dead_letters" {
  description = "URL of the queue of dead letters."
  value       = aws_sqs_queue.dead_letters.url
}

output "roles" {
  description = "ARNs of the analyst and operator roles."
  value       = { for key, role in aws_iam_role.people : key => role.arn }
}

output "artifacts" {
  description = "Prefix of this build's job files."
  value       = "s3://${local.bucket}/${local.artifacts}/"
}
