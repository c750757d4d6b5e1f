"""From what a cluster is to what it shall be: which runs, in which order, and what is refused. No I/O."""

from terp.kubernetes.plan.change import UnsafeChangeError
from terp.kubernetes.plan.planner import Plan, plan

__all__ = ["Plan", "UnsafeChangeError", "plan"]
