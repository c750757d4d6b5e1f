"""Teams on one platform: namespaces, quotas, network policies, access."""
