"""Our Pulumi provider: its process and its protocol. What resources do lies in the layers."""
