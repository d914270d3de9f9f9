variable "stage" {
  description = "The installation: dev and staging append it to every name."
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
  description = "E-mail addresses that get one message per failed, refused or missing run."
  type        = list(string)
  sensitive   = true

  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+$", address))])
    error_message = "alert_emails: every entry must be an e-mail address."
  }
}

variable "runbook_url" {
  description = "Where people open docs/runbook.md, such as its page in the repository; mails link to its sections."
  type        = string
  default     = "docs/runbook.md"
}

variable "alarm_actions_enabled" {
  description = "Whether alarms are published to the operations topic; they change state either way."
  type        = bool
  default     = true
}

variable "deletion_protection" {
  description = "Whether data survives a destroy: the user map and the bucket cannot be deleted, keys and secrets wait 30 days."
  type        = bool
  default     = true
}

variable "schedules_enabled" {
  description = "Whether the schedules are enabled. Disable them while an existing installation is migrated."
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
  description = "Steady rate of the webhook, with a tenfold burst for backfills; Garmin repeats what gets a 429."
  type        = number
  default     = 50
}

variable "webhook_guard" {
  description = "Networks that may reach the webhook, by a second address behind a firewall; `only`: the first address is closed. Null: no firewall."
  type        = object({ allowed_cidrs = list(string), only = optional(bool, false) })
  default     = null

  validation {
    condition     = var.webhook_guard == null || try(length(var.webhook_guard.allowed_cidrs) > 0 && alltrue([for cidr in var.webhook_guard.allowed_cidrs : can(cidrhost(cidr, 0))]), false)
    error_message = "webhook_guard: allowed_cidrs must be one or more networks such as 192.0.2.0/24."
  }
}

variable "gather" {
  description = "What puts Garmin's pushes together before the job reads them: `none`, or `firehose` (docs/deploy.md says from how many users on)."
  type        = string
  default     = "none"

  validation {
    condition     = contains(["none", "firehose"], var.gather)
    error_message = "gather: allowed are none and firehose."
  }
}

variable "collect" {
  description = "Sources to ask, by name: when (in `time_zone`), and whether the vendor's webhook announces documents. Empty: none (docs/deploy.md)."
  type        = map(object({ schedule = string, announced = optional(bool, false) }))
  default     = {}

  validation {
    condition     = alltrue([for source, asked in var.collect : can(regex("^[a-z][a-z0-9]*$", source)) && can(regex("^(cron|rate)\\(.+\\)$", asked.schedule))])
    error_message = "collect: allowed is a source such as oura, with a schedule such as cron(0 6 * * ? *) or rate(5 minutes)."
  }
}

variable "gap_days" {
  description = "Days without data after which a user is reported."
  type        = number
  default     = 14
}

variable "athena_scan_limit_bytes" {
  description = "Bytes that one query may scan before Athena stops it (10 GiB cost 5 cents)."
  type        = number
  default     = 10737418240
}

variable "analyst_principals" {
  description = "ARNs that may assume the analyst role; empty: IAM policies of the account decide."
  type        = list(string)
  default     = []
}

variable "operator_principals" {
  description = "ARNs that may assume the operator role; empty: IAM policies of the account decide."
  type        = list(string)
  default     = []
}

variable "decrypting_roles" {
  description = "Names of further roles that may decrypt vendor ids: for emergencies, and for edits of the user map by hand. Nobody else can, whatever IAM allows."
  type        = list(string)
  default     = []
}

variable "eraser_principals" {
  description = "ARNs that may assume the role of erasures, for `qol erase` by hand; empty: only its job may."
  type        = list(string)
  default     = []
}

variable "on_deregistration" {
  description = "What a deregistration at Garmin does beside stopping data: `keep`, or `erase`, each Thursday at 03:00 (docs/erase-and-export.md says what laws ask)."
  type        = string
  default     = "keep"

  validation {
    condition     = contains(["keep", "erase"], var.on_deregistration)
    error_message = "on_deregistration: allowed are keep and erase."
  }
}

variable "audit_trail" {
  description = "ARN of an existing CloudTrail trail with data events of the bucket and the user map; null: the installation has its own."
  type        = string
  default     = null

  validation {
    condition     = var.audit_trail == null || can(regex("^arn:aws:cloudtrail:[^:]+:[0-9]{12}:trail/", var.audit_trail))
    error_message = "audit_trail: must be the ARN of a trail."
  }
}

variable "enforce_bucket_policy" {
  description = "False only on moto, which denies every write under a policy with a condition."
  type        = bool
  default     = true
}

variable "serve" {
  description = "Where the API runs: `none`, `lambda` (behind an HTTP API), or `fargate` (two containers behind a load balancer)."
  type        = string
  default     = "none"

  validation {
    condition     = contains(["none", "lambda", "fargate"], var.serve)
    error_message = "serve: allowed are none, lambda and fargate."
  }

  validation {
    condition     = var.serve == "none" || var.api != null
    error_message = "serve: needs `api`, at least its image, issuer and audience."
  }

  validation {
    condition     = var.serve != "fargate" || try(var.api.origin_domain != null && var.api.certificate_arn != null, false)
    error_message = "serve: fargate needs `origin_domain` and `certificate_arn` in `api`: CloudFront speaks TLS to the load balancer."
  }
}

variable "api" {
  description = "Settings of the API: image by digest, OpenID Connect issuer and audience of tokens, and what docs/deploy.md lists."
  type = object({
    image             = string
    issuer            = string
    audience          = string
    jwks_uri          = optional(string, "")
    feeds             = optional(list(string), [])
    cors_origins      = optional(list(string), [])
    goal_webhook_url  = optional(string, "")
    requests_per_5min = optional(number, 5000)
    requests_per_s    = optional(number, 100)
    origin_domain     = optional(string)
    certificate_arn   = optional(string)
    zones             = optional(list(string), ["a", "c"])
    least_tasks       = optional(number, 2)
    most_tasks        = optional(number, 10)
  })
  default = null

  validation {
    condition     = var.api == null || can(regex("^[0-9]{12}\\.dkr\\.ecr\\.[a-z0-9-]+\\.amazonaws\\.com/[a-z0-9/_-]+@sha256:[0-9a-f]{64}$", var.api.image))
    error_message = "api: image must be an image of ECR by its digest, as in <account>.dkr.ecr.<region>.amazonaws.com/qol-api@sha256:<64 digits>."
  }
}

variable "orchestration" {
  description = "What leads through the week: `scheduler`, which starts each step at its time, or `step_functions`, a state machine of them."
  type        = string
  default     = "scheduler"

  validation {
    condition     = contains(["scheduler", "step_functions"], var.orchestration)
    error_message = "orchestration: allowed are scheduler and step_functions."
  }
}

variable "database" {
  description = "A database that has the published tables: none, aurora-postgresql or aurora-mysql."
  type        = string
  default     = "none"

  validation {
    condition     = contains(["none", "aurora-postgresql", "aurora-mysql"], var.database)
    error_message = "database: allowed are none, aurora-postgresql and aurora-mysql."
  }

  validation {
    condition     = var.database == "none" || (var.database_network != null && var.loader_image != null)
    error_message = "database: needs database_network and loader_image."
  }
}

variable "database_network" {
  description = "VPC and private subnets, in two zones at least, with ways to S3 and Secrets Manager; for `database`."
  type        = object({ vpc_id = string, subnet_ids = list(string) })
  default     = null
}

variable "loader_image" {
  description = "URI of the image of docker/loader.Dockerfile in ECR, by digest; for `database`."
  type        = string
  default     = null
}

variable "loaded_tables" {
  description = "Tables that are loaded, as `qol load --tables` takes them."
  type        = string
  default     = "weekly_metrics,daily_metrics,survey_windows,job_runs"
}
