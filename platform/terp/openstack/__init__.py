"""The OpenStack layer: networks, ports, volumes and servers as Pulumi components; gives typed hosts."""
