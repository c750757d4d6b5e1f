import socket
from pathlib import Path

import pytest

from terp.errors import TerpError
from terp.kubernetes.acceptance import Target, run
from terp.kubernetes.acceptance.session import sentence
from terp.progress import JsonLines, Progress, Timings

KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{{name: a, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: a, user: {{}}}}]
contexts: [{{name: a, context: {{cluster: a, user: a}}}}]
current-context: a
"""


@pytest.fixture
def progress(tmp_path: Path) -> Progress:
    return Progress(JsonLines(), Timings(tmp_path / "timings.json"))


def test_a_check_is_called_by_its_sentence():
    assert sentence("checks/test_nodes.py::test_every_node_is_ready") == "every node is ready"


def test_an_api_that_does_not_answer_is_said_before_any_check(progress):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(TerpError, match=f"the API at http://127.0.0.1:{port} does not answer: .*refused"):
            run(Target(name="a", kubeconfig=KUBECONFIG.format(port=port)), progress)


@pytest.mark.parametrize("text", ["", "a: b", "[", "- 1"])
def test_what_is_no_kubeconfig_is_refused(progress, text):
    with pytest.raises(TerpError, match="this is no kubeconfig") as refused:
        run(Target(name="a", kubeconfig=text), progress)
    assert refused.value.exit_code == 2
