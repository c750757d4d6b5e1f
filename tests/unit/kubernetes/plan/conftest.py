"""`pytest tests/unit/kubernetes/plan --hypothesis-profile=thorough` tries many more sequences of edits."""

from hypothesis import settings

settings.register_profile("thorough", max_examples=5000)
