"""The commands of `local`, registered by the front door."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)

Port = Annotated[int, typer.Option(min=0, max=65_535, help="0 = a free one.")]


@app.command()
def up(
    command: Annotated[
        list[str] | None, typer.Argument(metavar="[-- CMD…]", help="Run this on the stack, then stop it.")
    ] = None,
    *,
    kafka_port: Port = 0,
    triton_port: Port = 0,
    metrics_port: Port = 0,
    data: Annotated[Path | None, typer.Option(help="Keep Kafka's log here; default: thrown away.")] = None,
    models: Annotated[
        Path | None,
        typer.Option(help="A Triton model repository; default: the CPU engines, built if need be."),
    ] = None,
    advertise: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="What Kafka tells its clients to connect to.")
    ] = None,
    triton: Annotated[bool, typer.Option("--triton/--no-triton", help="Without it, Kafka alone.")] = True,
    partitions: Annotated[int, typer.Option(min=1, max=256, help="Of every topic that is created.")] = 6,
) -> None:
    """Start a real Kafka and a real Triton and hold them until Ctrl-C, or while CMD runs.

    Prints one line of JSON when both are ready: {"kafka": "127.0.0.1:PORT", "triton": …, "metrics": …,
    "logs": …}. CMD runs with PANGAEA_KAFKA__BOOTSTRAP and PANGAEA_TRITON__URL set, and its exit code is
    returned. Everything listens on loopback only.

    Examples:  `pangaea up`  ·  `pangaea up --kafka-port 9092 --data ./log`  ·  `pangaea up -- pangaea run`
    """
    from local.stack import Options  # noqa: PLC0415 - no other command pays for it
    from local.up import hold  # noqa: PLC0415 - likewise

    if advertise is not None and not _names_a_port(advertise):
        raise typer.BadParameter("it must be HOST:PORT, e.g. 127.0.0.1:9999", param_hint="--advertise")
    options = Options(
        kafka_port=kafka_port,
        triton_port=triton_port,
        metrics_port=metrics_port,
        data=data,
        models=models,
        advertise=advertise,
        triton=triton,
        partitions=partitions,
    )
    raise typer.Exit(hold(options, command or []))


@app.command()
def doctor(
    *,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Fetch Kafka and Triton and build the engines, if missing.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the findings as one line of JSON.")] = False,
) -> None:
    """Check the surroundings, a line each, with the mend; exit code 1 when something stands in the way.

    Examples:  `pangaea doctor`  ·  `pangaea doctor --fetch`  ·  `pangaea doctor --json | jq .ok`
    """
    from local import doctor as surgery  # noqa: PLC0415 - no other command pays for it

    findings = surgery.fetch() if fetch else []
    findings += surgery.examine()
    surgery.show(findings, as_json=json)
    raise typer.Exit(0 if surgery.healthy(findings) else 1)


@app.command()
def demo(
    *,
    photos: Annotated[
        Path | None, typer.Option(help="A folder with manifest.csv (file, continent); default: the examples.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the judgement as one line of JSON.")] = False,
) -> None:
    """Run the whole system on the example photos and hold every answer against the truth.

    Starts Kafka, Triton and a worker, streams the photos through, and leaves nothing running.

    Examples:  `pangaea demo`  ·  `pangaea demo --json | jq .right`
    """
    from local.demo import play  # noqa: PLC0415 - no other command pays for it

    folder = photos or Path(__file__).resolve().parent.parent / "examples" / "photos"
    raise typer.Exit(play(folder, as_json=json))


def _names_a_port(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and port.isdecimal() and 0 < int(port) < 65_536  # noqa: PLR2004 - the ports of TCP
