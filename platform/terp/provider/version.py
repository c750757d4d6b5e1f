"""The version of our provider."""

VERSION = "0.1.0"
