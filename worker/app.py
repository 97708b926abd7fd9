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
    create_topics: Annotated[
        bool, typer.Option("--create-topics", help="Create the topics that are missing.")
    ] = False,
) -> None:
    """Run the worker: photos in, one record each out, exactly once and in order, until SIGTERM or Ctrl-C.

    Settings come from the environment (PANGAEA_KAFKA__BOOTSTRAP, PANGAEA_TRITON__URL, …).

    Example: `pangaea up -- pangaea run`
    """
    from worker.run import run as work  # noqa: PLC0415 - only this command needs Triton's client
    from worker.settings import load  # noqa: PLC0415 - likewise

    settings = load()
    told = {"accept_loss": accept_loss, "create_topics": create_topics}
    wishes = {name: True for name, wish in told.items() if wish}
    work(settings.model_copy(update={"kafka": settings.kafka.model_copy(update=wishes)}))
