"""`python -m terp.policy.pack <address of the engine>`, as Pulumi's engine starts a policy pack."""

import logging
import os
import sys

import structlog
from pulumi.runtime.proto.analyzer_pb2_grpc import add_AnalyzerServicer_to_server

from terp.policy.pack import ALLOW
from terp.policy.pack.analyzer import Analyzer
from terp.policy.pack.state import recorded
from terp.provider.process import serve

if __name__ == "__main__":
    structlog.configure(  # the engine shows what a policy pack prints
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    allow = tuple(filter(None, os.environ.get(ALLOW, "").split(",")))
    serve(Analyzer(recorded, allow), add_AnalyzerServicer_to_server)
