stage                 = "staging"
alert_emails          = ["qol-operators@example.org"]
alarm_actions_enabled = true
deletion_protection   = false
