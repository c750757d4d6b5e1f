"""Checks before anything is changed: quota, images, flavors, access, versions."""
