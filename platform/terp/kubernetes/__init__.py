"""The Kubernetes layer: from hosts to a cluster; a planner chooses the playbooks, a runner runs them."""
