"""Recovery sets in a bucket of a real S3 service; the service, the line, the credential and objects fail."""

import json
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from terp.environment.recovery import S3
from terp.errors import TerpError
from terp.progress import Progress
from terp.recovery import contents, s3
from terp.recovery.age import unseal
from terp.recovery.backup import sets_of, write
from terp.recovery.manifest import DamagedError
from terp.recovery.s3 import Bucket
from terp.recovery.sets import LATEST
from terp.tools import Toolchain, sync
from tests.integration.gitops.processes import Processes, free_port
from tests.unit.recovery.samples import KEY, NOW, run
from tests.unit.recovery.test_sets import ONE, RECIPIENTS, Disk

pytestmark = [pytest.mark.tools, pytest.mark.timeout(300)]
ACCESS, SECRET = "terp", "a-secret-that-nobody-may-see"
BUCKET = "backup"
PLACE = f"s3://{BUCKET}/of/terp"
LARGE = 3 * s3.PART + 1
SERVICE = "versitygw"


class Service:
    """An S3 service on a directory; with a certificate's file and its key's, behind TLS."""

    def __init__(self, toolchain: Toolchain, root: Path, tls: tuple[Path, Path] | None = None) -> None:
        self.bucket = root / "data" / BUCKET
        self.files = self.bucket / "of" / "terp" / "lab"
        self.bucket.mkdir(parents=True)
        (root / "sidecar").mkdir()
        self.port = free_port()
        self._processes = Processes(toolchain, root)
        variables = {"ROOT_ACCESS_KEY_ID": ACCESS, "ROOT_SECRET_ACCESS_KEY": SECRET}
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        flags: dict[str, object] = {"port": f"127.0.0.1:{self.port}", "health": "/health"}
        if tls:
            flags |= {"cert": tls[0], "key": tls[1]}
        folders = ("posix", "--sidecar", str(root / "sidecar"), str(root / "data"))
        self._processes.start(SERVICE, SERVICE, flags, variables, folders)
        self._wait()

    def _wait(self) -> None:
        with httpx.Client(base_url=self.url, verify=False) as client:  # noqa: S501 - whether it has started
            self._processes.wait_for("the service", client, "/health")

    def kill(self) -> None:
        self._processes.kill(SERVICE)

    def again(self) -> None:
        self._processes.again(SERVICE)
        self._wait()

    def stop(self) -> None:
        self._processes.stop()


class Line:
    """A way to a service that breaks off after so many bytes, as often as it shall."""

    def __init__(self, port: int, *, after: int, times: int) -> None:
        self.broken = 0
        self._to, self._after, self._times = port, after, times
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed: the test is over
            while True:
                client, _ = self._listening.accept()
                service = socket.create_connection(("127.0.0.1", self._to))
                for one, other, limit in ((client, service, self._after), (service, client, None)):
                    threading.Thread(target=self._carry, args=(one, other, limit), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket, limit: int | None) -> None:
        carried = 0
        with suppress(OSError):
            while content := one.recv(1 << 16):
                carried += len(content)
                if limit is not None and carried > limit and self.broken < self._times:
                    self.broken += 1
                    break
                other.sendall(content)
        for each in (one, other):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@pytest.fixture(scope="module")
def gateway(progress: Progress) -> Toolchain:
    return sync("recovery-tests", progress)


@pytest.fixture(scope="module")
def running(gateway: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(gateway, tmp_path_factory.mktemp("s3"))
    yield service
    service.stop()


@pytest.fixture
def service(running: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Service:
    """An empty bucket, and variables as a person sets them."""
    for each in running.bucket.iterdir():
        shutil.rmtree(each)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TERP_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_ENDPOINT_URL", running.url)
    return running


class InBucket(Disk):
    """Sets in the bucket; what is damaged is damaged behind the service's back."""

    def __init__(self, folder: Path, service: Service) -> None:
        super().__init__(folder)
        self.sets = sets_of(PLACE, "lab")
        self.place = service.files.parent


@pytest.fixture
def disk(service: Service, tmp_path: Path) -> InBucket:
    return InBucket(tmp_path / "sets", service)


def through(line: Line) -> Bucket:
    return Bucket(PLACE, "lab", S3(endpoint=f"http://127.0.0.1:{line.port}"))


@pytest.fixture
def large(tmp_path: Path) -> Path:
    file = tmp_path / "large"
    file.write_bytes(os.urandom(LARGE))
    return file


def test_what_was_written_is_found_read_and_opened(disk: InBucket, tmp_path: Path) -> None:
    kept = disk.gathered()
    written = write(disk.sets, "lab", kept, RECIPIENTS)
    assert disk.sets.find(LATEST) == disk.sets.find(written.name[:12]) == written
    for name, sealed in written.objects.items():
        disk.sets.fetch(sealed, tmp_path / f"{name}.age")
        unseal(tmp_path / f"{name}.age", tmp_path / name, [KEY])
        assert (tmp_path / name).read_bytes() == kept.files[name].read_bytes()


def test_any_machine_lists_and_verifies_it_from_its_address(disk: InBucket) -> None:
    written = disk.write()
    listed = json.loads(run("list", "lab", "--from", PLACE, "--json").stdout)
    assert ([each["name"] for each in listed["sets"]], listed["overdue"]) == ([written.name], False)
    proof = json.loads(run("verify", "lab", "--from", PLACE, "--json").stdout.splitlines()[-1])
    assert (proof["name"], proof["whole"], len(proof["checks"])) == (written.name, True, len(written.objects))


def test_the_environment_says_where_it_is(
    disk: InBucket, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its file's endpoint comes before the variables, the credential from a file when there are none."""
    written = disk.write(NOW - timedelta(days=3))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    credential = tmp_path / "credential"
    credential.write_text(f"[default]\naws_access_key_id = {ACCESS}\naws_secret_access_key = {SECRET}\n")
    file = tmp_path / "Pulumi.lab.yaml"
    text = Path("tests/fixtures/valid/smallest.yaml").read_text().rstrip()
    recovery = {
        "to": PLACE,
        "recipients": list(RECIPIENTS),
        "s3": {"endpoint": service.url, "credential": str(credential)},
    }
    file.write_text(f"{text}\n    recovery: {json.dumps(recovery)}\n")
    listed = json.loads(run("list", str(file), "--json", code=1).stdout)  # it is too old
    assert [each["name"] for each in listed["sets"]] == [written.name]


def test_a_set_whose_time_is_over_goes_and_young_objects_stay(disk: InBucket, tmp_path: Path) -> None:
    old, new = disk.write(NOW - timedelta(days=3)), disk.write()
    (tmp_path / "young").write_bytes(b"of a set without a manifest yet")
    young = disk.sets.put(tmp_path / "young")
    disk.age_objects(timedelta(days=2))
    os.utime(disk.place / "lab" / "objects" / young.sha256, (NOW.timestamp(), NOW.timestamp()))
    assert disk.sets.prune(ONE, NOW) == (old.name,)
    assert [each.name for each in disk.sets.standing()] == [new.name]
    left = {file.name for file in (disk.place / "lab" / "objects").iterdir()}
    assert left == {young.sha256, *(sealed.sha256 for sealed in new.objects.values())}


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)


def change(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[0] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("wrong", "seen", "said"),
    [
        (Path.unlink, "it lacks etcd.db", "missing"),
        (cut, "it lacks etcd.db in its size", "bytes instead of"),
        (change, "", "its content was changed"),
    ],
    ids=["missing", "truncated", "changed"],
)
def test_a_damaged_object_makes_no_set(
    disk: InBucket, tmp_path: Path, wrong: Callable[[Path], None], seen: str, said: str
) -> None:
    older, newer = disk.write(NOW - timedelta(hours=1)), disk.write()
    wrong(disk.object(newer, contents.SNAPSHOT))
    assert [each.problem for each in disk.sets.standing()] == ["", seen]
    assert disk.sets.find(LATEST) == (older if seen else newer)
    with pytest.raises(DamagedError, match=said):
        disk.sets.fetch(newer.objects[contents.SNAPSHOT], tmp_path / "etcd.db.age")


def test_a_line_that_breaks_off_once_is_taken_up(disk: InBucket, service: Service, large: Path) -> None:
    line = Line(service.port, after=s3.PART // 2, times=2)
    try:
        through(line).put("objects/large", large)
    finally:
        line.close()
    assert line.broken == 2
    assert (service.files / "objects" / "large").read_bytes() == large.read_bytes()


@pytest.mark.parametrize("size", [LARGE, s3.PART // 2], ids=["parts", "whole"])
def test_an_upload_that_breaks_off_for_good_leaves_no_object_and_no_set(
    disk: InBucket, service: Service, large: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "RETRIES", {"max_retries": 2, "retry_timeout": timedelta(seconds=20)})
    older = disk.write(NOW - timedelta(hours=1))
    line = Line(service.port, after=s3.PART // 4, times=1000)
    os.truncate(large, size)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{line.port}")
    gathered = disk.gathered()
    shutil.copy(large, gathered.files[contents.SNAPSHOT])
    before = set((service.files / "objects").iterdir())
    try:
        with pytest.raises(TerpError, match=f"bucket {BUCKET} of http://127.0.0.1:{line.port}: "):
            write(sets_of(PLACE, "lab"), "lab", gathered, RECIPIENTS)
    finally:
        line.close()
    assert line.broken > 1
    assert disk.sets.find(LATEST) == older
    assert len(disk.sets.standing()) == 1
    new = set((service.files / "objects").iterdir()) - before
    assert all(file.stat().st_size < s3.PART // 4 for file in new), "of the large one there is nothing"
    assert set(disk.sets._store.entries("objects")) >= {file.name for file in new}


def test_a_service_that_restarts_is_waited_for(disk: InBucket, service: Service, large: Path) -> None:
    bucket = Bucket(PLACE, "lab", S3())
    service.kill()
    starting = threading.Timer(3, service.again)
    starting.start()
    bucket.put("objects/large", large)
    starting.join()
    assert (service.files / "objects" / "large").stat().st_size == LARGE


def test_a_service_that_is_gone_is_told(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "RETRIES", {"max_retries": 1, "retry_timeout": timedelta(seconds=5)})
    with pytest.raises(TerpError, match=r"bucket backup of http://127\.0\.0\.1:1: HTTP error") as caught:
        Bucket(PLACE, "lab", S3(endpoint="http://127.0.0.1:1"))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AWS_ACCESS_KEY_ID", "another", "No user exists with the provided access key"),
        ("AWS_SECRET_ACCESS_KEY", "another", "the credential is refused for bucket backup"),
    ],
)
def test_a_wrong_credential_is_told_before_anything_is_gathered(
    service: Service, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(TerpError, match=said) as caught:
        sets_of(PLACE, "lab")
    assert caught.value.exit_code == 2
    assert SECRET not in str(caught.value)


def test_a_bucket_that_is_not_there_is_not_made(service: Service) -> None:
    with pytest.raises(TerpError, match="there is no bucket other") as caught:
        sets_of("s3://other/terp", "lab")
    assert caught.value.exit_code == 2
    assert not (service.bucket.parent / "other").exists()


@pytest.fixture(scope="module")
def private(gateway: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, str]]:
    """A service behind TLS, and the authority that nobody else knows."""
    root = tmp_path_factory.mktemp("tls")
    authority, certificate, key = signed("127.0.0.1")
    (root / "certificate").write_text(certificate)
    (root / "key").write_text(key)
    service = Service(gateway, root, (root / "certificate", root / "key"))
    yield service, authority
    service.stop()


def signed(address: str) -> tuple[str, str, str]:
    """A new authority's certificate, one that it has signed for an address, and the key of that."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("authority", "s3")]
    now = datetime.now(UTC)

    def certificate(number: int) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(names[number])
            .issuer_name(names[0])
            .public_key(keys[number].public_key())
            .serial_number(number + 1)
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=number == 0, path_length=None), critical=True)
        )

    alternative = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
    built = (certificate(0), certificate(1).add_extension(alternative, critical=False))
    pem = [each.sign(keys[0], hashes.SHA256()).public_bytes(Encoding.PEM).decode() for each in built]
    key = keys[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return pem[0], pem[1], key


def test_a_private_authority_is_trusted_when_it_is_named(
    service: Service, private: tuple[Service, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "RETRIES", {"max_retries": 1, "retry_timeout": timedelta(seconds=5)})
    behind, authority = private
    with pytest.raises(TerpError, match=f"bucket {BUCKET} of {behind.url}: "):
        Bucket(PLACE, "lab", S3(endpoint=behind.url))
    (tmp_path / "file").write_bytes(b"content")
    Bucket(PLACE, "lab", S3(endpoint=behind.url, ca=authority)).put("objects/one", tmp_path / "file")
    (tmp_path / "bundle").write_text(authority)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "bundle"))
    assert list(Bucket(PLACE, "lab", S3(endpoint=behind.url)).entries("objects")) == ["one"]
