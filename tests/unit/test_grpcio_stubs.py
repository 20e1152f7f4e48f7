"""The stubs for grpcio match the services, types included, and need the extra."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import grpc
import pytest

import llb.grpcio
from llb.grpcio import CHANNEL_OPTIONS, control_pb2, control_pb2_grpc
from llb.testing import FakeDaemon

STUBS = sorted(name for name in vars(llb.grpcio)["__all__"] if name.endswith("_grpc"))
FOLDER = Path(llb.grpcio.__file__).parent


class Recorder:
    """A channel that records the methods which a stub asks for."""

    def __init__(self) -> None:
        self.methods: dict[str, tuple[str, Any, Any]] = {}

    def __getattr__(self, kind: str) -> Any:
        def record(path: str, *, request_serializer: Any, response_deserializer: Any) -> None:
            self.methods[path] = (kind, request_serializer, response_deserializer)

        return record


def kind_of(method: Any) -> str:
    sides = (method.client_streaming, method.server_streaming)
    return "_".join("stream" if streams else "unary" for streams in sides)


@pytest.mark.parametrize("name", STUBS)
def test_a_stub_has_every_method_with_its_kind(name: str) -> None:
    module = import_module(f"llb.grpcio.{name}")
    messages = getattr(llb.grpcio, name.removesuffix("_grpc"))
    for service in messages.DESCRIPTOR.services_by_name.values():
        recorder = Recorder()
        getattr(module, f"{service.name}Stub")(recorder)
        assert {path: kind for path, (kind, _, _) in recorder.methods.items()} == {
            f"/{service.full_name}/{method.name}": kind_of(method) for method in service.methods
        }


@pytest.mark.parametrize("name", STUBS)
def test_the_types_of_a_stub_have_every_method_with_its_messages(name: str) -> None:
    text = (FOLDER / f"{name}.pyi").read_text()
    messages = getattr(llb.grpcio, name.removesuffix("_grpc"))
    for service in messages.DESCRIPTOR.services_by_name.values():
        body = text.partition(f"class {service.name}Stub:\n")[2].partition("\nclass ")[0]
        calls = re.findall(r"    (\w+): grpc\.(\w+)MultiCallable\[(.*), (.*)\]", body)
        assert [(method, kind, *map(last_name, types)) for method, kind, *types in calls] == [
            (
                method.name,
                kind_of(method).title().replace("_", ""),
                method.input_type.name,
                method.output_type.name,
            )
            for method in service.methods
        ]


def last_name(name: str) -> str:
    return name.rpartition(".")[2]


def test_every_service_has_stubs() -> None:
    package = import_module("llb._pb")
    modules = [path.stem for path in Path(package.__path__[0]).glob("*_pb2.py")]
    with_services = {
        f"{name}_grpc"
        for name in modules
        if import_module(f"llb._pb.{name}").DESCRIPTOR.services_by_name
    }
    assert set(STUBS) == with_services == {path.stem for path in FOLDER.glob("*_pb2_grpc.py")}


def test_a_stub_calls_a_daemon() -> None:
    with (
        FakeDaemon() as daemon,
        grpc.insecure_channel(daemon.address, options=CHANNEL_OPTIONS) as channel,
    ):
        stub = control_pb2_grpc.ControlStub(channel)
        version = stub.Info(control_pb2.InfoRequest()).buildkitVersion.version
        assert version.startswith("v")
        workers = stub.ListWorkers(control_pb2.ListWorkersRequest())
        assert len(workers.record) == 1


def test_stubs_without_grpcio_name_the_extra() -> None:
    code = "import sys; sys.modules['grpc'] = None; import llb.grpcio"
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert process.stderr.splitlines()[-1] == (
        "ImportError: llb.grpcio needs grpcio: install it with pip install 'pyllb[grpc]'"
    )


def test_health_messages_of_other_packages_can_be_loaded() -> None:
    """Protobuf refuses a second definition, such as that of grpcio-health-checking."""
    from google.protobuf.descriptor_pool import Default

    import_module("llb.client.session.session")
    for name in STUBS:
        import_module(f"llb.grpcio.{name}")
    with pytest.raises(KeyError):
        Default().FindMessageTypeByName("grpc.health.v1.HealthCheckRequest")
