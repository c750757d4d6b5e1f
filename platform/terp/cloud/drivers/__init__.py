"""The embedded cloud's engines under Nova, Neutron, Cinder and Octavia."""
