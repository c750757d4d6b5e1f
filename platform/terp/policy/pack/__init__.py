"""The gate as a policy pack of Pulumi: the same rules, also where Pulumi is run by hand.

An executable on the analyzer's protocol, which the engine starts as it starts a provider (decision 050).
"""

from pathlib import Path

EXECUTABLE = Path(__file__).with_name("terp-policy")
ALLOW = "TERP_ALLOW"
"""Variable with what `--allow` takes, separated by commas."""
