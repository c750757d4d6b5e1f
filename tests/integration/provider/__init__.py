"""The provider of clusters with Pulumi's engine, on hosts that answer SSH."""
