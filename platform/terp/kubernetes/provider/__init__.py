"""The Pulumi provider of clusters: its protocol, marked secrets and errors around `terp.kubernetes.life`."""
