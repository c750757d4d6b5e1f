"""Tenants: what each project of an environment gets, and what keeps it apart from all others."""
