stage                 = "prod"
alert_emails          = ["qol-operators@example.org"]
alarm_actions_enabled = true
deletion_protection   = true
number_of_workers     = 4
