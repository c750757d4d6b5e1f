"""Mirrors of programs that are really built."""
