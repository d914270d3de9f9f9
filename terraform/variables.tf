variable "stage" {
  description = "Which installation this is; dev and staging carry it as a suffix of every name."
  type        = string

  validation {
    condition     = contains(["dev", "staging", "prod"], var.stage)
    error_message = "stage: allowed are dev, staging and prod."
  }
}

variable "region" {
  description = "AWS region of everything."
  type        = string
  default     = "ap-northeast-1"
}

variable "time_zone" {
  description = "Time zone of the schedules and of business weeks."
  type        = string
  default     = "Asia/Tokyo"
}

variable "bucket_name" {
  description = "Name of the lake's bucket; null for qol-lake-<account><suffix>."
  type        = string
  default     = null
}

variable "package_dir" {
  description = "Folder that `make package` filled: glue/, lambda/ and manifest.json."
  type        = string
  default     = "../dist"
}

variable "alert_emails" {
  description = "Addresses that get one message per failed, refused or missing run."
  type        = list(string)

  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+$", address))])
    error_message = "alert_emails: every entry must be an e-mail address."
  }
}

variable "alarm_actions_enabled" {
  description = "Whether alarms are published to the operations topic; they change state either way."
  type        = bool
  default     = true
}

variable "deletion_protection" {
  description = "Whether data outlives a destroy: the map and the bucket refuse to go, keys and secrets wait 30 days."
  type        = bool
  default     = true
}

variable "schedules_enabled" {
  description = "Whether the schedules fire. Switch them off while an installation is adopted."
  type        = bool
  default     = true
}

variable "number_of_workers" {
  description = "Workers of the Glue job, the driver included."
  type        = number
  default     = 2

  validation {
    condition     = var.number_of_workers >= 2 && var.number_of_workers <= 50
    error_message = "number_of_workers: allowed are 2 (driver and one executor) to 50."
  }
}

variable "worker_type" {
  description = "Size of the Glue job's workers."
  type        = string
  default     = "G.1X"

  validation {
    condition     = contains(["G.1X", "G.2X", "G.4X", "G.8X"], var.worker_type)
    error_message = "worker_type: allowed are G.1X, G.2X, G.4X and G.8X."
  }
}

variable "reserved_concurrency" {
  description = "Whether the Lambdas reserve concurrency. False for accounts whose limit is still 10: AWS keeps 10 unreserved."
  type        = bool
  default     = true
}

variable "webhook_requests_per_second" {
  description = "Steady rate of the webhook; Garmin repeats what gets a 429. Backfills come in bursts, hence the tenfold burst."
  type        = number
  default     = 50
}

variable "gap_days" {
  description = "After how many days without data a person counts as a gap."
  type        = number
  default     = 14
}

variable "athena_scan_limit_bytes" {
  description = "A query that would scan more is stopped (10 GiB cost 5 cents)."
  type        = number
  default     = 10737418240
}

variable "analyst_principals" {
  description = "ARNs that may assume the analyst role; empty for whoever the account's own policies let."
  type        = list(string)
  default     = []
}

variable "operator_principals" {
  description = "ARNs that may assume the operator role; empty for whoever the account's own policies let."
  type        = list(string)
  default     = []
}

variable "enforce_bucket_policy" {
  description = "False on moto alone: it denies every write under a policy with a condition, whatever the condition says."
  type        = bool
  default     = true
}
