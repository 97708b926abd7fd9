"""The commands of fine-tuning: `pangaea finetune run`, `compare`, `recipes`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True, help="Fine-tune a backbone with torch, and compare it with the frozen one."
)

Manifest = Annotated[
    Path,
    typer.Argument(metavar="MANIFEST", help="A CSV of labelled photos, or a folder with a manifest.csv."),
]
Photos = Annotated[
    Path | None, typer.Option("--photos", metavar="DIR", help="The photos' folder; default: the manifest's.")
]
RecipeName = Annotated[str, typer.Option("--recipe", help="The backbone: one of `pangaea finetune recipes`.")]
Weights = Annotated[
    Path | None,
    typer.Option(
        "--weights", metavar="FILE", help="Its weights, a state dict; default: a package's (lite2 only)."
    ),
]
Epochs = Annotated[int, typer.Option(min=1, max=10_000, help="Epochs at most.")]
Batch = Annotated[int, typer.Option(min=1, max=4096, help="Photos a step.")]
Rate = Annotated[float, typer.Option(min=1e-8, max=1.0, help="The highest learning rate.")]
Every = Annotated[int, typer.Option(min=1, help="Epochs after which one more stage thaws.")]
Depth = Annotated[
    int | None,
    typer.Option("--stages", min=1, help="Stages that thaw in all, from the top; default: every one."),
]
Focal = Annotated[float, typer.Option(min=0.0, max=10.0, help="γ of the focal loss; 0: cross-entropy.")]
Corrupted = Annotated[float, typer.Option(min=0.0, max=1.0, help="The share of photos shown corrupted.")]
Patience = Annotated[int, typer.Option(min=1, help="Epochs without anything better before it stops.")]
Seed = Annotated[int, typer.Option(min=0, help="Draws splits, order and augmentation.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, or any name that torch knows.")]
Workers = Annotated[
    int, typer.Option(min=0, max=256, help="Processes that prepare photos; 0: none beside this.")
]
Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="The figures as JSON.")]


@app.command()
def run(
    *,
    manifest: Manifest,
    output: Annotated[
        Path,
        typer.Option("--output", metavar="DIR", help="The run's folder: checkpoints, events, ONNX, summary."),
    ],
    photos: Photos = None,
    recipe: RecipeName = "lite2",
    weights: Weights = None,
    leave_out: Annotated[
        str | None, typer.Option("--leave-out", metavar="SOURCE", help="Judge on this source, whole.")
    ] = None,
    epochs: Epochs = 12,
    batch: Batch = 16,
    learning_rate: Rate = 1e-4,
    thaw_every: Every = 1,
    stages: Depth = None,
    focal: Focal = 0.0,
    corrupted: Corrupted = 0.5,
    patience: Patience = 3,
    seed: Seed = 20261121,
    device: Device = "auto",
    workers: Workers = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the folder.")] = False,
    json: Json = None,
) -> None:
    """Fine-tune a backbone on labelled photos, judge it on others, and export it to ONNX.

    It begins as heads on the frozen backbone; an epoch is kept only if it is better in accuracy or in NLL and
    worse in neither. Groups and near-duplicates are never split. Ctrl-C loses the epoch that is running.

    Example: `pangaea finetune run photos/ --output runs/lite2 --epochs 20 --json run.json`

    Example: `pangaea finetune run photos/ --recipe resnet50 --weights resnet50.pt --output runs/resnet50`
    """
    from training.finetune import show  # noqa: PLC0415 - torch takes two seconds to import
    from training.finetune.asked import Asked  # noqa: PLC0415 - likewise
    from training.finetune.augment import Augmentation  # noqa: PLC0415 - likewise
    from training.finetune.plan import Plan  # noqa: PLC0415 - likewise
    from training.finetune.run import run as fine_tune  # noqa: PLC0415 - likewise

    plan = Plan(
        epochs=epochs,
        batch=batch,
        learning_rate=learning_rate,
        thaw_every=thaw_every,
        depth=stages,
        gamma=focal,
        patience=patience,
        seed=seed,
        augmentation=Augmentation(corrupted=corrupted),
    )
    asked = Asked(
        manifest=manifest,
        photos=photos,
        recipe=recipe,
        weights=weights,
        plan=plan,
        device=device,
        workers=workers,
    )
    found = fine_tune(asked, output, leave_out=leave_out, resume=resume)
    for line in show.run_lines(found):
        typer.echo(line)
    if json is not None:
        show.write(found, json)


@app.command()
def compare(
    *,
    manifest: Manifest,
    photos: Photos = None,
    recipe: RecipeName = "lite2",
    weights: Weights = None,
    blocks: Annotated[int, typer.Option(min=3, max=100, help="In how many parts sources are left out.")] = 5,
    epochs: Epochs = 6,
    batch: Batch = 16,
    learning_rate: Rate = 1e-4,
    stages: Depth = None,
    seed: Seed = 20261121,
    device: Device = "auto",
    workers: Workers = 0,
    json: Json = None,
) -> None:
    """Fine-tune with whole sources left out in turn, against heads on the frozen backbone, paired by photo.

    Example: `pangaea finetune compare photos/ --blocks 5 --epochs 6 --json compare.json`
    """
    from training.finetune import show  # noqa: PLC0415 - torch takes two seconds to import
    from training.finetune.asked import Asked  # noqa: PLC0415 - likewise
    from training.finetune.compare import compare as both  # noqa: PLC0415 - likewise
    from training.finetune.plan import Plan  # noqa: PLC0415 - likewise

    asked = Asked(
        manifest=manifest,
        photos=photos,
        recipe=recipe,
        weights=weights,
        plan=Plan(epochs=epochs, batch=batch, learning_rate=learning_rate, depth=stages, seed=seed),
        device=device,
        workers=workers,
    )
    found = both(asked, blocks=blocks)
    for line in show.compare_lines(found):
        typer.echo(line)
    if json is not None:
        show.write(found, json)


@app.command()
def recipes(thaw_every: Every = 1, json: Json = None) -> None:
    """List the backbones: input, embedding, weights, and which epoch thaws what; needs no torch.

    Example: `pangaea finetune recipes --json recipes.json`
    """
    from training.finetune import show  # noqa: PLC0415 - no other command pays for it

    found = show.recipes(thaw_every=thaw_every)
    for line in show.recipe_lines(found):
        typer.echo(line)
    if json is not None:
        show.write(found, json)
