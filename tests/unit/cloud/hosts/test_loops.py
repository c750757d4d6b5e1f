from pathlib import Path

from terp.cloud.hosts import loops


def test_the_configuration_has_the_kernels_size() -> None:
    assert loops._CONFIGURATION.size == 304


def test_a_file_without_a_loop_device_has_none(tmp_path: Path) -> None:
    file = tmp_path / "volume"
    file.touch()
    assert loops.of(file) == []
    loops.detach(file)
    assert loops.under(tmp_path) == []
