"""Neutron's API, with its policy loaded before the first request.

`neutron.policy.init` publishes its enforcer before it has rules. Requests that come together right after the
start would meet one without: networks of others that are shared or external were missing in their answers.
"""

from neutron import policy
from neutron.wsgi.api import application

from terp.cloud.services.wsgi import serve


def main() -> None:
    """Load the policy, then serve."""
    policy.init()
    serve(application, "neutron")


if __name__ == "__main__":
    main()
