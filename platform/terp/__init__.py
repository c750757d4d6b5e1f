"""Terp raises a private, multi-tenant machine-learning platform on your own OpenStack."""
