output "bucket" {
  description = "The lake's bucket."
  value       = aws_s3_bucket.lake.id
}

output "webhook_url" {
  description = "What to enter at Garmin, with the token in place of TOKEN."
  value       = "${aws_apigatewayv2_api.webhook.api_endpoint}/garmin/TOKEN"
}

output "job" {
  description = "The Glue job."
  value       = aws_glue_job.weekly.name
}

output "job_log_groups" {
  description = "Where the job's output and Spark's messages are."
  value       = local.job_logs
}

output "functions" {
  description = "The Lambdas by what they do."
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
  description = "Athena's workgroup for what only operators may ask."
  value       = aws_athena_workgroup.groups["operators"].name
}

output "saved_queries" {
  description = "Ids of the saved queries by name."
  value       = { for name, query in aws_athena_named_query.saved : name => query.id }
}

output "topics" {
  description = "ARNs: people's mail, and alarms."
  value       = { for key, topic in aws_sns_topic.topics : key => topic.arn }
}

output "tables" {
  description = "DynamoDB tables: the map of people and the locks."
  value       = { user_map = aws_dynamodb_table.user_map.name, locks = aws_dynamodb_table.locks.name }
}

output "secrets" {
  description = "Names of the secrets whose values an operator puts."
  value       = local.secrets
}

output "keys" {
  description = "ARNs of the two keys."
  value       = { identified = aws_kms_key.identified.arn, pseudonymous = aws_kms_key.pseudonymous.arn }
}

output "dead_letters" {
  description = "URL of the queue of calls that failed for good."
  value       = aws_sqs_queue.dead_letters.url
}

output "roles" {
  description = "Roles for people."
  value       = { for key, role in aws_iam_role.people : key => role.arn }
}

output "artifacts" {
  description = "Where this build's job files are."
  value       = "s3://${local.bucket}/${local.artifacts}/"
}
