"""The gate that reads the plan of all layers and refuses what destroys."""
