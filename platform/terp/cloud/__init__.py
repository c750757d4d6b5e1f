"""The embedded cloud: a genuine OpenStack on one machine whose servers are real Linux hosts."""
