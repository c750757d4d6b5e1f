# What Terp's OpenStack layer makes for the environment of benchmarks/openstack_layer.py, in OpenTofu's language.

terraform {
  required_providers {
    openstack = {
      source = "terraform-provider-openstack/openstack"
    }
  }
}

provider "openstack" {
  cloud       = var.cloud
  max_retries = 5
}

variable "cloud" { type = string }
variable "stack" { type = string }
variable "image" { type = string }
variable "flavor" { type = string }
variable "virtual_ip" { type = string }
variable "user_data" { type = string }
variable "control_plane" { type = number }
variable "workers" { type = number }

locals {
  anywhere    = "0.0.0.0/0"
  anywhere_6  = "::/0"
  description = "terp:stack=${var.stack}"
  tags        = { for role in ["network", "node", "control-plane", "worker", "bastion", "api"] : role => ["terp:owner=benchmark", "terp:role=${role}", local.description] }
  metadata    = { for role in ["control-plane", "worker", "bastion"] : role => { terp_owner = "benchmark", terp_role = role, terp_stack = var.stack } }

  groups = toset(["node", "control-plane", "worker", "bastion"])
  rules = {
    node-ipv4      = { group = "node", direction = "ingress", ethertype = "IPv4", remote = "node" }
    node-ipv6      = { group = "node", direction = "ingress", ethertype = "IPv6", remote = "node" }
    node-ssh       = { group = "node", direction = "ingress", ethertype = "IPv4", protocol = "tcp", ports = [22, 22], remote = "bastion" }
    node-out-ipv4  = { group = "node", direction = "egress", ethertype = "IPv4", cidr = local.anywhere }
    node-out-ipv6  = { group = "node", direction = "egress", ethertype = "IPv6", cidr = local.anywhere_6 }
    api            = { group = "control-plane", direction = "ingress", ethertype = "IPv4", protocol = "tcp", ports = [6443, 6443], cidr = local.anywhere }
    node-ports-tcp = { group = "worker", direction = "ingress", ethertype = "IPv4", protocol = "tcp", ports = [30000, 32767], cidr = local.anywhere }
    node-ports-udp = { group = "worker", direction = "ingress", ethertype = "IPv4", protocol = "udp", ports = [30000, 32767], cidr = local.anywhere }
    bastion-ssh    = { group = "bastion", direction = "ingress", ethertype = "IPv4", protocol = "tcp", ports = [22, 22], cidr = local.anywhere }
    bastion-out-v4 = { group = "bastion", direction = "egress", ethertype = "IPv4", cidr = local.anywhere }
    bastion-out-v6 = { group = "bastion", direction = "egress", ethertype = "IPv6", cidr = local.anywhere_6 }
  }

  control_plane = { for number in range(var.control_plane) : "control-plane-${number}" => { pool = "control-plane", role = "control-plane" } }
  workers       = { for number in range(var.workers) : "cpu-${number}" => { pool = "cpu", role = "worker" } }
  nodes         = merge(local.control_plane, local.workers)
}

data "openstack_images_image_v2" "node" {
  name        = var.image
  most_recent = true
}

data "openstack_networking_network_v2" "external" {
  name = "public"
}

resource "openstack_compute_keypair_v2" "access" {
  name = var.stack
}

resource "openstack_networking_network_v2" "nodes" {
  name        = "${var.stack}-nodes"
  description = local.description
  tags        = local.tags["network"]
}

resource "openstack_networking_subnet_v2" "nodes" {
  name        = "${var.stack}-nodes"
  description = local.description
  network_id  = openstack_networking_network_v2.nodes.id
  cidr        = "10.10.0.0/22"
  ip_version  = 4
  tags        = local.tags["network"]
}

resource "openstack_networking_router_v2" "edge" {
  name                = "${var.stack}-edge"
  description         = local.description
  external_network_id = data.openstack_networking_network_v2.external.id
  tags                = local.tags["network"]
}

resource "openstack_networking_router_interface_v2" "nodes" {
  router_id = openstack_networking_router_v2.edge.id
  subnet_id = openstack_networking_subnet_v2.nodes.id
}

resource "openstack_networking_secgroup_v2" "groups" {
  for_each             = local.groups
  name                 = "${var.stack}-${each.key}"
  description          = local.description
  delete_default_rules = true
  tags                 = local.tags[each.key]
}

resource "openstack_networking_secgroup_rule_v2" "rules" {
  for_each          = local.rules
  security_group_id = openstack_networking_secgroup_v2.groups[each.value.group].id
  direction         = each.value.direction
  ethertype         = each.value.ethertype
  protocol          = try(each.value.protocol, null)
  port_range_min    = try(each.value.ports[0], null)
  port_range_max    = try(each.value.ports[1], null)
  remote_ip_prefix  = try(each.value.cidr, null)
  remote_group_id   = try(openstack_networking_secgroup_v2.groups[each.value.remote].id, null)
  description       = local.description
}

resource "openstack_compute_servergroup_v2" "pools" {
  for_each = toset(["control-plane", "cpu"])
  name     = "${var.stack}-${each.key}"
  policies = ["soft-anti-affinity"]
}

resource "openstack_networking_port_v2" "nodes" {
  for_each           = local.nodes
  name               = "${var.stack}-${each.key}"
  description        = local.description
  network_id         = openstack_networking_network_v2.nodes.id
  security_group_ids = [for group in ["node", each.value.role] : openstack_networking_secgroup_v2.groups[group].id]
  tags               = local.tags[each.value.role]

  fixed_ip {
    subnet_id = openstack_networking_subnet_v2.nodes.id
  }

  dynamic "allowed_address_pairs" {
    for_each = concat(["10.233.64.0/18", "10.233.0.0/18"], each.value.role == "control-plane" ? [var.virtual_ip] : [])
    content {
      ip_address = allowed_address_pairs.value
    }
  }
}

resource "openstack_blockstorage_volume_v3" "etcd" {
  for_each             = local.control_plane
  name                 = "${var.stack}-${each.key}-etcd"
  description          = local.description
  size                 = 4
  enable_online_resize = true
  metadata             = local.metadata["control-plane"]
}

resource "openstack_compute_instance_v2" "nodes" {
  for_each     = local.nodes
  name         = "${var.stack}-${each.key}"
  flavor_name  = var.flavor
  image_id     = data.openstack_images_image_v2.node.id
  key_pair     = openstack_compute_keypair_v2.access.name
  config_drive = true
  metadata     = local.metadata[each.value.role]
  user_data    = "${var.user_data}# ${each.key} ${try(openstack_blockstorage_volume_v3.etcd[each.key].id, "")}\n"
  depends_on   = [openstack_networking_router_interface_v2.nodes]

  network {
    port = openstack_networking_port_v2.nodes[each.key].id
  }

  scheduler_hints {
    group = openstack_compute_servergroup_v2.pools[each.value.pool].id
  }
}

resource "openstack_compute_volume_attach_v2" "etcd" {
  for_each    = local.control_plane
  instance_id = openstack_compute_instance_v2.nodes[each.key].id
  volume_id   = openstack_blockstorage_volume_v3.etcd[each.key].id
}

resource "openstack_networking_port_v2" "bastion" {
  name               = "${var.stack}-bastion"
  description        = local.description
  network_id         = openstack_networking_network_v2.nodes.id
  security_group_ids = [openstack_networking_secgroup_v2.groups["bastion"].id]
  tags               = local.tags["bastion"]

  fixed_ip {
    subnet_id = openstack_networking_subnet_v2.nodes.id
  }
}

resource "openstack_compute_instance_v2" "bastion" {
  name         = "${var.stack}-bastion"
  flavor_name  = var.flavor
  image_id     = data.openstack_images_image_v2.node.id
  key_pair     = openstack_compute_keypair_v2.access.name
  config_drive = true
  metadata     = local.metadata["bastion"]
  user_data    = var.user_data
  depends_on   = [openstack_networking_router_interface_v2.nodes]

  network {
    port = openstack_networking_port_v2.bastion.id
  }
}

resource "openstack_networking_floatingip_v2" "bastion" {
  pool        = "public"
  port_id     = openstack_networking_port_v2.bastion.id
  description = local.description
  tags        = local.tags["bastion"]
  depends_on  = [openstack_networking_router_interface_v2.nodes]
}

resource "openstack_networking_port_v2" "api" {
  name               = "${var.stack}-api"
  description        = local.description
  network_id         = openstack_networking_network_v2.nodes.id
  no_security_groups = true
  tags               = local.tags["api"]

  fixed_ip {
    subnet_id  = openstack_networking_subnet_v2.nodes.id
    ip_address = var.virtual_ip
  }
}

output "hosts" {
  value = {
    for name, server in openstack_compute_instance_v2.nodes : name => {
      id      = server.id
      address = openstack_networking_port_v2.nodes[name].all_fixed_ips[0]
    }
  }
}
