"""Stand-ins for what others make: charts and manifests from what a component declares of itself.

They take the place of upstream's files only. Applications, waves, values and health are the real ones.
"""
