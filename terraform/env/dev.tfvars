stage                 = "dev"
alert_emails          = []
alarm_actions_enabled = false
deletion_protection   = false

# Sources that are asked; needs an application at the vendor (docs/deploy.md).
# collect = { oura = { schedule = "cron(0 6 * * ? *)", announced = true } }
