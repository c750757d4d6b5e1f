"""The load balancer under Octavia: one HAProxy per load balancer, in a network namespace with its VIP."""
