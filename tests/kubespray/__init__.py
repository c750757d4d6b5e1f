"""What a real release of Kubespray makes of our inventory and variables; see conftest.py."""
