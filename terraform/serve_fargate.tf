# `serve = "fargate"`: the image as containers in two zones behind a load balancer.
#
# No NAT: one gateway a zone would cost more than the containers (docs/cost.md). The subnets are public, so that containers reach the
# issuer and the goals' webhook; their security group lets in nothing but the load balancer. Gateway endpoints for S3 and DynamoDB
# cost nothing and keep that traffic inside AWS.
locals {
  zones     = merge([for api in values(local.api_by_kind.fargate) : { for index, letter in api.zones : "${var.region}${letter}" => index }]...)
  api_port  = 8000
  endpoints = var.serve == "fargate" ? toset(["s3", "dynamodb"]) : toset([])

  api_starter_statements = { for key, api in local.api_by_kind.fargate : key => [
    { Sid = "SignInToRegistry", Effect = "Allow", Action = "ecr:GetAuthorizationToken", Resource = "*" }, # no resource type
    {
      Sid      = "PullImage"
      Effect   = "Allow"
      Action   = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
      Resource = "arn:aws:ecr:${var.region}:${local.account}:repository/${regex("/([^@]+)@", api.image)[0]}"
    },
    { Sid = "OwnLog", Effect = "Allow", Action = ["logs:CreateLogStream", "logs:PutLogEvents"], Resource = "${local.arn.logs}:${local.api_log}:*" },
  ] }
}

# Addresses from which CloudFront asks.
data "aws_ec2_managed_prefix_list" "cloudfront" {
  count = length(local.api_by_kind.fargate)

  name = "com.amazonaws.global.cloudfront.origin-facing"
}

resource "aws_vpc" "api" {
  #checkov:skip=CKV2_AWS_11:Flow logs would be a second record of participants' addresses; the load balancer's metrics say what fails
  for_each = local.api_by_kind.fargate

  cidr_block           = "10.64.0.0/24"
  enable_dns_hostnames = true
  tags                 = { Name = local.api }
}

# AWS makes it with every VPC; without rules nothing can use it by mistake.
resource "aws_default_security_group" "api" {
  for_each = local.api_by_kind.fargate

  vpc_id = aws_vpc.api[each.key].id
}

resource "aws_subnet" "api" {
  for_each = local.zones

  vpc_id            = aws_vpc.api["api"].id
  availability_zone = each.key
  cidr_block        = cidrsubnet("10.64.0.0/24", 2, each.value)
  tags              = { Name = "${local.api}-${each.key}" }
}

resource "aws_internet_gateway" "api" {
  for_each = local.api_by_kind.fargate

  vpc_id = aws_vpc.api[each.key].id
}

resource "aws_route_table" "api" {
  for_each = local.api_by_kind.fargate

  vpc_id = aws_vpc.api[each.key].id

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.api[each.key].id
  }
}

resource "aws_route_table_association" "api" {
  for_each = local.zones

  subnet_id      = aws_subnet.api[each.key].id
  route_table_id = aws_route_table.api["api"].id
}

resource "aws_vpc_endpoint" "api" {
  for_each = local.endpoints

  vpc_id            = aws_vpc.api["api"].id
  vpc_endpoint_type = "Gateway"
  service_name      = "com.amazonaws.${var.region}.${each.key}"
  route_table_ids   = [aws_route_table.api["api"].id]
}

resource "aws_security_group" "balancer" {
  for_each = local.api_by_kind.fargate

  name        = "${local.api}-balancer"
  description = "The load balancer of the API"
  vpc_id      = aws_vpc.api[each.key].id
}

resource "aws_security_group" "tasks" {
  for_each = local.api_by_kind.fargate

  name        = "${local.api}-tasks"
  description = "Containers of the API"
  vpc_id      = aws_vpc.api[each.key].id
}

resource "aws_vpc_security_group_ingress_rule" "balancer" {
  for_each = local.api_by_kind.fargate

  security_group_id = aws_security_group.balancer[each.key].id
  description       = "CloudFront, and no other"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  prefix_list_id    = data.aws_ec2_managed_prefix_list.cloudfront[0].id
}

resource "aws_vpc_security_group_egress_rule" "balancer" {
  for_each = local.api_by_kind.fargate

  security_group_id            = aws_security_group.balancer[each.key].id
  description                  = "Containers"
  ip_protocol                  = "tcp"
  from_port                    = local.api_port
  to_port                      = local.api_port
  referenced_security_group_id = aws_security_group.tasks[each.key].id
}

resource "aws_vpc_security_group_ingress_rule" "tasks" {
  for_each = local.api_by_kind.fargate

  security_group_id            = aws_security_group.tasks[each.key].id
  description                  = "The load balancer, and no other"
  ip_protocol                  = "tcp"
  from_port                    = local.api_port
  to_port                      = local.api_port
  referenced_security_group_id = aws_security_group.balancer[each.key].id
}

resource "aws_vpc_security_group_egress_rule" "tasks" {
  for_each = local.api_by_kind.fargate

  security_group_id = aws_security_group.tasks[each.key].id
  description       = "AWS, the issuer of tokens, the webhook of goals"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_lb" "api" {
  #checkov:skip=CKV_AWS_91:Its log would hold paths, which may name a person or a goal; the API's own lines have the route's template
  #checkov:skip=CKV2_AWS_28:The firewall is at CloudFront, and the security group lets in nothing else
  for_each = local.api_by_kind.fargate

  name                       = local.api
  load_balancer_type         = "application"
  security_groups            = [aws_security_group.balancer[each.key].id]
  subnets                    = [for zone in keys(local.zones) : aws_subnet.api[zone].id]
  drop_invalid_header_fields = true
  enable_deletion_protection = var.deletion_protection
  idle_timeout               = 60 # below the 65 s for which a container keeps a connection
}

resource "aws_lb_target_group" "api" {
  for_each = local.api_by_kind.fargate

  name                 = local.api
  vpc_id               = aws_vpc.api[each.key].id
  target_type          = "ip"
  protocol             = "HTTP"
  port                 = local.api_port
  deregistration_delay = 30

  # A container that says 503 still answers from what it has: a lake that is away must not end it.
  health_check {
    path    = "/health"
    matcher = "200,503"
  }
}

resource "aws_lb_listener" "api" {
  for_each = local.api_by_kind.fargate

  load_balancer_arn = aws_lb.api[each.key].arn
  protocol          = "HTTPS"
  port              = 443
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = each.value.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.api[each.key].arn
  }
}

resource "aws_iam_role" "api_starter" {
  for_each = local.api_by_kind.fargate

  name               = "${local.api}-starter"
  description        = "What ECS needs to start a container of the API."
  assume_role_policy = jsonencode(local.trust["ecs-tasks"])
}

resource "aws_iam_role_policy" "api_starter" {
  for_each = local.api_by_kind.fargate

  name   = "what-it-may"
  role   = aws_iam_role.api_starter[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.api_starter_statements[each.key] })
}

resource "aws_ecs_cluster" "api" {
  for_each = local.api_by_kind.fargate

  name = local.api

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_task_definition" "api" {
  for_each = local.api_by_kind.fargate

  family                   = local.api
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 512
  memory                   = 1024
  task_role_arn            = aws_iam_role.api[each.key].arn
  execution_role_arn       = aws_iam_role.api_starter[each.key].arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "ARM64"
  }

  # Bodies of a webhook pass through it, never whole in memory.
  volume {
    name = "tmp"
  }

  container_definitions = jsonencode([{
    name                   = "api"
    image                  = each.value.image
    essential              = true
    readonlyRootFilesystem = true
    user                   = "10001"
    portMappings           = [{ containerPort = local.api_port, protocol = "tcp" }]
    mountPoints            = [{ sourceVolume = "tmp", containerPath = "/tmp", readOnly = false }]
    environment            = [for name, value in merge(local.api_environment[each.key], { AWS_REGION = var.region }) : { name = name, value = value }]
    linuxParameters        = { initProcessEnabled = true }
    logConfiguration = {
      logDriver = "awslogs"
      options   = { "awslogs-group" = local.api_log, "awslogs-region" = var.region, "awslogs-stream-prefix" = "api" }
    }
  }])
}

resource "aws_ecs_service" "api" {
  #checkov:skip=CKV_AWS_333:A public address instead of a NAT gateway; the security group lets in the load balancer alone
  for_each = local.api_by_kind.fargate

  name                              = local.api
  cluster                           = aws_ecs_cluster.api[each.key].id
  task_definition                   = aws_ecs_task_definition.api[each.key].arn
  launch_type                       = "FARGATE"
  platform_version                  = "LATEST"
  desired_count                     = each.value.least_tasks
  health_check_grace_period_seconds = 60

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = [for zone in keys(local.zones) : aws_subnet.api[zone].id]
    security_groups  = [aws_security_group.tasks[each.key].id]
    assign_public_ip = true
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.api[each.key].arn
    container_name   = "api"
    container_port   = local.api_port
  }

  lifecycle {
    ignore_changes = [desired_count] # autoscaling's
  }

  depends_on = [aws_lb_listener.api, aws_iam_role_policy.api, aws_iam_role_policy.api_starter, aws_cloudwatch_log_group.api]
}

resource "aws_appautoscaling_target" "api" {
  for_each = local.api_by_kind.fargate

  service_namespace  = "ecs"
  resource_id        = "service/${local.api}/${local.api}"
  scalable_dimension = "ecs:service:DesiredCount"
  min_capacity       = each.value.least_tasks
  max_capacity       = each.value.most_tasks

  depends_on = [aws_ecs_service.api]
}

resource "aws_appautoscaling_policy" "api" {
  for_each = local.api_by_kind.fargate

  name               = "${local.api}-cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.api[each.key].service_namespace
  resource_id        = aws_appautoscaling_target.api[each.key].resource_id
  scalable_dimension = aws_appautoscaling_target.api[each.key].scalable_dimension

  target_tracking_scaling_policy_configuration {
    target_value       = 60
    scale_in_cooldown  = 300
    scale_out_cooldown = 60

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}
