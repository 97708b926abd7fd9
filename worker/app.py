"""The commands of `worker`, registered by the front door."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.clients.app import app as clients_app

app = typer.Typer(no_args_is_help=True)
app.add_typer(clients_app)


@app.command()
def run(
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Go on where retention has eaten unread photos.")
    ] = False,
) -> None:
    """Run the worker: photos in, one record each out, exactly once and in order, until SIGTERM or Ctrl-C.

    Settings come from the environment (PANGAEA_KAFKA__BOOTSTRAP, PANGAEA_TRITON__URL, …).

    Example: `pangaea up -- pangaea run`
    """
    from worker.run import run as work  # noqa: PLC0415 - only this command needs Triton's client
    from worker.settings import load  # noqa: PLC0415 - likewise

    settings = load()
    if accept_loss:
        settings = settings.model_copy(
            update={"kafka": settings.kafka.model_copy(update={"accept_loss": True})}
        )
    work(settings)
