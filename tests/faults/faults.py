"""Every fault, as one function: photos flow, something real breaks, and they flow again."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from local import ports
from tests.end_to_end import faulty
from tests.end_to_end.harness import Worker, free_port, wait_until
from tests.faults import instants
from tests.faults.field import PARTITIONS, Field, Result, Trial

SESSION_SECONDS = 6.0
TRANSACTION_SECONDS = 5.0
CLEAN_UP_SECONDS = 0.5
SLACK_SECONDS = 3.0
RATE = 25.0
SLOW_SECONDS = 4.0
"""How long the engine is slow, and by then every photo at it has timed out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One kind of fault.

    `limit` is what its recovery is held against in the report (seconds); `short` and `soak` say how often
    the tests and the long run repeat it; `field` names the stack that it needs.
    """

    name: str
    what: str
    run: Callable[[Trial, int], None]
    limit: float | None = None
    short: int = 1
    soak: int = 3
    field: str = "real"


def attempt(fault: Fault, field: Field, repetitions: int, *, rate: float = RATE) -> Result:
    """Let the fault loose so many times, make the account, and see that every worker ends well."""
    with Trial(field, fault.name, rate=rate) as trial:
        fault.run(trial, repetitions)
        trial.ended()
        return trial.result(fault.what, repetitions, fault.limit)


# --- the worker -----------------------------------------------------------------------------------------


def killed(trial: Trial, repetitions: int) -> None:
    """SIGKILL at a random instant; a worker of the same name is started at once."""
    _kills(trial, repetitions, itertools.repeat("one"))


def killed_renamed(trial: Trial, repetitions: int) -> None:
    """SIGKILL at a random instant; a worker of another name takes over."""
    _kills(trial, repetitions, (f"after-{number}" for number in itertools.count()))


def _kills(trial: Trial, repetitions: int, names: Iterator[str]) -> None:
    worker = trial.ready(next(names))
    with trial.load():
        for _ in range(repetitions):
            trial.flowing()
            # The instant is random within some transactions' time: what is under way then differs each time.
            threading.Event().wait(trial.random.uniform(0.0, 1.5))
            worker.process.kill()
            since = trial.note("worker killed")
            worker.process.wait()
            worker = trial.worker(next(names))
            trial.recovered(since)


def killed_in_transaction(trial: Trial, repetitions: int) -> None:
    """SIGKILL while a transaction is open, its records and offsets sent; the same name starts again."""
    _kills_in_transaction(trial, repetitions, itertools.repeat("one"))


def killed_in_transaction_renamed(trial: Trial, repetitions: int) -> None:
    """SIGKILL while a transaction is open, its records and offsets sent; another name takes over."""
    _kills_in_transaction(trial, repetitions, (f"next-{number}" for number in itertools.count()))


def _kills_in_transaction(trial: Trial, repetitions: int, names: Iterator[str]) -> None:
    worker, hold = _sleeper(trial, next(names), before=instants.COMMIT)
    with trial.load():
        for _ in range(repetitions):
            trial.flowing()
            _fall_asleep(worker, hold)
            worker.process.kill()
            since = trial.note("worker killed in a transaction")
            worker.process.wait()
            worker, hold = _sleeper(trial, next(names), before=instants.COMMIT, wait=False)
            trial.recovered(since)


def stopped_past_session(trial: Trial, repetitions: int) -> None:
    """SIGSTOP in an open transaction for longer than the session, not the transaction; then SIGCONT.

    Another worker has taken over meanwhile. The sleeper's offsets are refused, it aborts and rejoins.
    """
    long = {"PANGAEA_KAFKA__TRANSACTION_TIMEOUT_MS": "30000"}
    sleeper, hold = _sleeper(trial, "sleeper", before=instants.OFFSETS, settings=long)
    trial.ready("other", settings=long)
    with trial.load():
        for _ in range(repetitions):
            _until_both_hold(trial)
            trial.flowing()
            _fall_asleep(sleeper, hold)
            asleep = trial.note("worker asleep")
            _until_alone(trial)
            sleeper.process.send_signal(signal.SIGCONT)
            trial.note("worker awake")
            trial.recovered(asleep)
            wait_until(lambda: _ends(sleeper, "aborted") or _renewed(sleeper, 0), 30, "the sleeper's verdict")
    trial.notes["aborted transactions"] = _ends(sleeper, "aborted")
    trial.notes["clients rebuilt"] = sleeper.metric("pangaea_client_rebuilds_total")


def stopped_past_transaction(trial: Trial, repetitions: int) -> None:
    """SIGSTOP in an open transaction for longer than session and transaction; then SIGCONT.

    The broker has aborted what was open. The sleeper's clients are finished, and it builds them anew.
    """
    sleeper, hold = _sleeper(trial, "sleeper", before=instants.COMMIT)
    trial.ready("other")
    with trial.load():
        for number in range(repetitions):
            _until_both_hold(trial)
            trial.flowing()
            _fall_asleep(sleeper, hold)
            asleep = trial.note("worker asleep")
            # The other one can only publish what the sleeper held once its transaction is aborted.
            trial.recovered(asleep)
            sleeper.process.send_signal(signal.SIGCONT)
            trial.note("worker awake")
            _until_both_hold(trial)
            wait_until(partial(_renewed, sleeper, number), 30, "the sleeper to build its clients anew")
    trial.notes["clients rebuilt"] = sleeper.metric("pangaea_client_rebuilds_total")


def answer_lost(trial: Trial, repetitions: int) -> None:
    """A transaction is committed, but the worker hears that its producer is finished: it must not guess."""
    worker, hold = _sleeper(trial, "one", before=instants.ANSWER)
    with trial.load():
        for number in range(repetitions):
            trial.flowing()
            hold.write_text("now")
            wait_until(partial(_renewed, worker, number), 30, "the worker to renew its producer")
            trial.recovered(trial.note("answer lost"))
    trial.notes["clients rebuilt"] = worker.metric("pangaea_client_rebuilds_total")


def _renewed(worker: Worker, before: int) -> bool:
    return worker.metric("pangaea_client_rebuilds_total") > before


def revoked_in_flight(trial: Trial, repetitions: int) -> None:
    """Half of the partitions move to another worker while their photos are at the engine, undrained.

    Their answers come when the other one owns the partition; none may be published twice.
    """
    undrained = {"PANGAEA_LIFE__DRAIN_MS": "1"}
    # Patient: photos that are held at the engine are asked for once.
    patient = {"PANGAEA_TRITON__PATIENCE_MS": faulty.HELD_MS, "PANGAEA_DEADLINE__BUDGET_MS": faulty.HELD_MS}
    photos = [faulty.photo(faulty.HELD)] * PARTITIONS + [faulty.photo(faulty.WELL)] * 3 * PARTITIONS
    first = trial.ready("first", settings=undrained | patient)
    for number in range(repetitions):
        second, hold = _sleeper(
            trial, f"second-{number}", before=instants.JOIN, wait=False, settings=undrained | patient
        )
        _fall_asleep(second, hold)
        held = faulty.beside(trial.field.settings, faulty.HELD_FILE)
        with held, trial.load(photos=photos, total=len(photos)):
            wait_until(
                lambda: first.metric("pangaea_in_flight_photos") >= PARTITIONS, 30, "photos at the engine"
            )
            second.process.send_signal(signal.SIGCONT)
            _until_both_hold(trial)
            trial.note("partitions have moved")
        trial.accountant.settle(90)
        second.stop(seconds=40)
    trial.notes["answers dropped"] = first.metric("pangaea_photos_dropped_total")


def rebalances(trial: Trial, repetitions: int) -> None:
    """Two workers join and leave in turn, while a third stays: a storm of rebalances."""
    trial.ready("steady")
    with trial.load():
        for number in range(repetitions):
            guest = trial.ready(f"guest-{number % 2}")
            trial.note("worker joined")
            trial.flowing()
            assert guest.stop(seconds=40) == 0
            since = trial.note("worker left")
            trial.recovered(since)


def one_name_twice(trial: Trial, repetitions: int) -> None:
    """Two hosts start a worker of one name: each fences the other until one gives up; no record doubles."""
    first = trial.ready("twin")
    with trial.load():
        for number in range(repetitions):
            elsewhere = trial.field.folder / f"host-{number}"
            elsewhere.mkdir(exist_ok=True)
            second = trial.worker("twin", settings={"TMPDIR": str(elsewhere)})
            trial.note("a twin starts")
            wait_until(partial(_one_gave_up, first, second), 120, "one of the twins to give up")
            since = trial.note("one has given up")
            alive = [each for each in (first, second) if each.process.poll() is None]
            first = alive[0] if alive else trial.worker("twin")
            trial.recovered(since)


def _one_gave_up(*twins: Worker) -> bool:
    """Whether one has ended, as it should: with exit code 1 and the mend."""
    ended = [each for each in twins if each.process.poll() is not None]
    for each in ended:
        assert each.process.returncode == 1
        assert "PANGAEA_INSTANCE" in each.said().splitlines()[-1]
    return bool(ended)


# --- the servers ----------------------------------------------------------------------------------------


def broker_killed(trial: Trial, repetitions: int) -> None:
    """The broker is killed and started again on its data."""
    worker = trial.ready()
    broker = trial.field.stack.broker
    with trial.load():
        for _ in range(repetitions):
            trial.flowing()
            broker.kill()
            trial.note("broker killed")
            trial.away(worker)
            accepts = _when(lambda: ports.accepts(broker.port))
            broker.restart()
            trial.note("broker accepts")
            trial.recovered(accepts())


def broker_moved(trial: Trial, repetitions: int) -> None:
    """The broker comes back at another address; the one that the worker was started with leads there."""
    trial.ready(linked=True)
    broker = trial.field.stack.broker
    with trial.load():
        for _ in range(repetitions):
            trial.flowing()
            broker.kill()
            trial.note("broker killed")
            broker.port = free_port()
            # Clients are told the new address itself, which the proxy, their bootstrap address, leads to.
            broker.advertise = broker.bootstrap
            trial.field.proxy.lead_to(broker.port)
            accepts = _when(lambda: ports.accepts(broker.port))
            broker.restart()
            trial.note("broker accepts")
            trial.recovered(accepts())


def disk_full(trial: Trial, repetitions: int) -> None:
    """The broker's disk fills up; it gives up, room is made, and it is started again on its data."""
    worker = trial.ready()
    broker = trial.field.stack.broker
    filler = broker.data.parent / "filler"
    with trial.load():
        for _ in range(repetitions):
            trial.flowing()
            _fill(filler)
            trial.note("disk full")
            wait_until(lambda: not broker.alive, 60, "the broker to give up")
            trial.note("broker gave up")
            filler.unlink()
            trial.away(worker)
            accepts = _when(lambda: ports.accepts(broker.port))
            broker.restart()
            trial.note("broker accepts")
            trial.recovered(accepts())


def triton_killed(trial: Trial, repetitions: int) -> None:
    """Triton is killed and started again."""
    worker = trial.ready()
    server = trial.field.stack.server
    assert server is not None
    with trial.load():
        for _ in range(repetitions):
            trial.flowing()
            server.kill()
            trial.note("Triton killed")
            trial.away(worker)
            server.restart()
            trial.recovered(trial.note("Triton ready"))


def triton_slow(trial: Trial, repetitions: int) -> None:
    """Every answer takes seconds, longer than the patience; nothing is rejected, and then all is well."""
    trial.ready()
    with trial.load():
        for _ in range(repetitions):
            trial.flowing()
            with faulty.beside(trial.field.settings, faulty.SLOW_FILE):
                trial.note("engine slow")
                threading.Event().wait(SLOW_SECONDS)
            trial.recovered(trial.note("engine well"))


def engine_errs(trial: Trial, repetitions: int) -> None:
    """The engine raises on some photos, always the same: they are rejected, their neighbours are answered."""
    trial.ready()
    for _ in range(repetitions):
        with trial.load():
            trial.flowing()
            trial.flowing()
    trial.accountant.settle(60)
    trial.notes["engine_error"] = sum(each.reason == "engine_error" for each in trial.accountant.committed)


def refused(trial: Trial, repetitions: int) -> None:
    """The worker's network is cut: connections are reset, new ones turned away; then it heals."""
    _cuts(trial, repetitions, "refused")


def silenced(trial: Trial, repetitions: int) -> None:
    """The worker's network is cut in silence: packets are dropped and nobody says so; then it heals."""
    _cuts(trial, repetitions, "silent")


def _cuts(trial: Trial, repetitions: int, kind: str) -> None:
    trial.ready(linked=True)
    with trial.load():
        for number in range(repetitions):
            trial.flowing()
            with trial.field.proxy.cut("refused" if kind == "refused" else "silent"):
                trial.note("network cut")
                # Shorter than the session and longer, in turn.
                threading.Event().wait(7.0 if number % 2 == 0 else 3.0)
            trial.recovered(trial.note("network healed"))


def clock_jumps(trial: Trial, repetitions: int) -> None:
    """The worker's wall clock jumps an hour ahead and an hour back; so do the senders' timestamps."""
    clock = trial.field.folder / "clock"
    clock.write_text("0")
    worker = trial.ready(module="tests.faults.instants", settings={instants.CLOCK: str(clock)})
    jumps = itertools.cycle((0, -3_600_000, 30_000))
    with trial.load(clock_ms=lambda: int(time.time() * 1000) + next(jumps)):
        for _ in range(repetitions):
            for seconds in ("3600", "-3600", "0"):
                clock.write_text(seconds)
                trial.recovered(trial.note(f"clock off by {seconds} s"))
                trial.flowing()
    trial.notes["absurd timestamps"] = worker.metric("pangaea_timestamps_absurd_total")


# --- helpers --------------------------------------------------------------------------------------------


def _sleeper(
    trial: Trial,
    name: str,
    *,
    before: str,
    wait: bool = True,
    settings: Mapping[str, str] | None = None,
) -> tuple[Worker, Path]:
    hold = trial.field.folder / f"hold-{name}-{len(trial.workers)}"
    start = trial.ready if wait else trial.worker
    worker = start(
        name,
        module="tests.faults.instants",
        settings={instants.HOLD: str(hold), instants.BEFORE: before, **(settings or {})},
    )
    return worker, hold


def _fall_asleep(worker: Worker, hold: Path) -> None:
    """Let it stop itself in its next transaction, and wait until it has."""
    hold.write_text("now")
    wait_until(lambda: _state(worker) == "T", 30, "the worker to fall asleep in a transaction")


def _state(worker: Worker) -> str:
    return Path(f"/proc/{worker.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def _until_both_hold(trial: Trial) -> None:
    wait_until(lambda: len(trial.members()) == 2, 60, "both workers to be members")
    wait_until(lambda: all(trial.members().values()), 60, "both workers to hold partitions")


def _until_alone(trial: Trial) -> None:
    wait_until(lambda: list(trial.members().values()) == [PARTITIONS], 60, "the other worker to hold all")


def _ends(worker: Worker, kind: str) -> float:
    lines = worker.ask("/metrics")[1].splitlines()
    return sum(
        float(line.rsplit(" ", 1)[1]) for line in lines if f'transactions_total{{end="{kind}"}}' in line
    )


def _when(condition: Callable[[], bool]) -> Callable[[], float]:
    """Watch from a thread for the moment (monotonic) at which the condition first holds."""
    found: list[float] = []

    def watch() -> None:
        while not condition():
            time.sleep(0.02)
        found.append(time.monotonic())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()

    def moment() -> float:
        thread.join(60)
        return found[0]

    return moment


def _fill(filler: Path) -> None:
    with filler.open("wb") as file:
        block = bytes(1024 * 1024)
        try:
            while True:
                file.write(block)
                file.flush()
        except OSError:
            # Full: that is what was wanted.
            return


FAULTS = (
    Fault(
        name="killed",
        what="worker killed at a random instant, same name",
        run=killed,
        limit=SESSION_SECONDS + SLACK_SECONDS,
        soak=20,
    ),
    Fault(
        name="killed-renamed",
        what="worker killed at a random instant, new name",
        run=killed_renamed,
        limit=SESSION_SECONDS + TRANSACTION_SECONDS + CLEAN_UP_SECONDS + SLACK_SECONDS,
        short=0,
        soak=10,
    ),
    Fault(
        name="killed-in-transaction",
        what="worker killed in an open transaction, same name",
        run=killed_in_transaction,
        limit=SESSION_SECONDS + SLACK_SECONDS,
        short=0,
        soak=5,
    ),
    Fault(
        name="killed-in-transaction-renamed",
        what="worker killed in an open transaction, new name",
        run=killed_in_transaction_renamed,
        limit=SESSION_SECONDS + TRANSACTION_SECONDS + CLEAN_UP_SECONDS + SLACK_SECONDS,
        soak=5,
    ),
    Fault(
        name="stopped-past-session",
        what="worker asleep for longer than its session",
        run=stopped_past_session,
        limit=SESSION_SECONDS + SLACK_SECONDS,
    ),
    Fault(
        name="stopped-past-transaction",
        what="worker asleep for longer than session and transaction",
        run=stopped_past_transaction,
        limit=SESSION_SECONDS + TRANSACTION_SECONDS + CLEAN_UP_SECONDS + SLACK_SECONDS,
    ),
    Fault(name="answer-lost", what="a commit is done, its answer is lost", run=answer_lost),
    Fault(
        name="revoked-in-flight",
        what="partitions move while their photos are at the engine",
        run=revoked_in_flight,
        short=0,
        field="faulty",
    ),
    Fault(name="rebalances", what="workers join and leave in a loop", run=rebalances, soak=10),
    Fault(name="one-name-twice", what="two hosts run a worker of one name", run=one_name_twice, soak=2),
    Fault(
        name="broker-killed",
        what="broker killed and restarted on its data",
        run=broker_killed,
        limit=SESSION_SECONDS + SLACK_SECONDS,
        soak=5,
    ),
    Fault(
        name="disk-full",
        what="the broker's disk fills up; room is made and it is restarted",
        run=disk_full,
        limit=SESSION_SECONDS + SLACK_SECONDS,
        soak=2,
        field="small",
    ),
    Fault(name="triton-killed", what="Triton killed and restarted", run=triton_killed, limit=2.0, soak=5),
    Fault(name="triton-slow", what="every answer takes 3 s for 4 s", run=triton_slow, soak=3, field="faulty"),
    Fault(name="engine-errs", what="the engine raises on one photo in ten", run=engine_errs, field="faulty"),
    Fault(
        name="network-refused",
        what="network cut, connections reset, 7 or 3 s",
        run=refused,
        short=0,
        soak=4,
    ),
    Fault(name="network-silent", what="network cut, packets dropped, 7 or 3 s", run=silenced, soak=4),
    Fault(name="clock-jumps", what="clocks jump an hour ahead and back", run=clock_jumps),
    # The last of its field: the broker's clients are told another address from here on.
    Fault(
        name="broker-moved",
        what="broker killed and restarted at another address",
        run=broker_moved,
        limit=SESSION_SECONDS + SLACK_SECONDS,
        soak=2,
        short=0,
    ),
)
