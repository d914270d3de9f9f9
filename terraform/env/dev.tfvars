stage                 = "dev"
alert_emails          = []
alarm_actions_enabled = false
deletion_protection   = false
