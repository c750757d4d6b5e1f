"""The runner with the real Ansible, on hosts that are this machine."""
