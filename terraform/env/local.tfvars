# The local cloud: production's names on a simulated AWS.
stage                 = "prod"
alert_emails          = []
alarm_actions_enabled = true
deletion_protection   = false
enforce_bucket_policy = false
collect               = { oura = { schedule = "cron(0 6 * * ? *)" } }

# The function is deployed, and `qol serve` runs in its place: no image can be started here.
serve = "lambda"
api = {
  image    = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/qol-api@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  issuer   = "https://issuer.example.org"
  audience = "qol-local"
}
