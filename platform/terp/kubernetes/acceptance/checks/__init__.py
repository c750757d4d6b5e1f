"""The checks themselves, in the order of their files: nodes, control plane, workloads."""
