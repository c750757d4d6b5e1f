"""One environment as a Pulumi stack: where it keeps its files, up, plan, destroy, SSH to its hosts."""
