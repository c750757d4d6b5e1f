"""What runs as the OpenStack services' processes, in their own Python environment."""
