"""A smoke test: an ordinary stack with a lifetime is raised, checked, removed, and proved to be gone."""
