stage                 = "staging"
alert_emails          = ["qol-operators@example.org"]
alarm_actions_enabled = true
deletion_protection   = false

# Sources that are asked; needs an application at the vendor (docs/deploy.md).
# collect = { oura = { schedule = "cron(0 6 * * ? *)", announced = true } }
