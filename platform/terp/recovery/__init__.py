"""Recovery sets, rebuilds from them, and the drills that time and verify both."""
