"""`python -m terp`."""

from terp.cli import main

main()
