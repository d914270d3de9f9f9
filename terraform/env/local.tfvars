# The local cloud: production's names on a simulated AWS.
stage                 = "prod"
alert_emails          = []
alarm_actions_enabled = true
deletion_protection   = false
enforce_bucket_policy = false
collect               = { oura = { schedule = "cron(0 6 * * ? *)" } }
