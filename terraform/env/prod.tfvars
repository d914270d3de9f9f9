stage                 = "prod"
alert_emails          = ["qol-operators@example.org"]
alarm_actions_enabled = true
deletion_protection   = true
number_of_workers     = 4

# Sources that are asked; needs an application at the vendor (docs/deploy.md).
# collect = { oura = { schedule = "cron(0 6 * * ? *)", announced = true } }
