"""The fuzzer: random definitions of hostile worlds, asked of every engine, from one seed.

``nox -s fuzz -- --cases 20000 --seed 7 --targets record,sqlite,duckdb``

Work comes in batches, whose worlds depend on the seed and on the number of the batch alone, so
that one batch can be run again. A disagreement is made as small as it can be and printed as a
conformance case; then the exit code is 1.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import random
import sys
import time
import traceback
from multiprocessing.connection import Connection, wait
from multiprocessing.synchronize import Event
from typing import Any

from attrs import field, frozen
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from tests.property.checks import LAWS, Checker, Disagreement, with_plans
from tests.property.strategies import definitions, leaves, peopled_worlds
from tests.property.tally import Tally
from tests.property.worlds import World
from tests.targets import TARGETS, Target

WORLDS = 10
"""How many worlds make a batch."""
VERIFIED = 8
"""In one batch of so many DuckDB verifies its plans."""


@st.composite
def questions(draw: st.DrawFn, least: int = 5, most: int = 15) -> tuple[World, list[str]]:
    """A world, and definitions to ask of it: worlds are dear, definitions cheap."""
    world = draw(peopled_worlds())
    return world, draw(st.lists(definitions(world), min_size=least, max_size=most))


def check(data: st.DataObject, world: World, texts: list[str], targets: list[Target]) -> Tally:
    """Check everything that must be true of definitions in a world."""
    tally, checker = Tally(), Checker(world, targets)
    segments = [world.define(text) for text in texts]
    members = []
    for number, segment in enumerate(segments):
        members.append(checker.agree(segment))
        tally.definition(segment, len(members[-1]), len(world.everyone))
        # What takes as long again, of some.
        if number % 3 == 0:
            checker.complement(segment, members[-1])
            tally.laws["the complement has everyone else"] += 1
        elif number % 3 == 1:
            checker.counted(segment, len(members[-1]))
            tally.laws["WHERE p = SUM(CASE WHEN p …)"] += 1
    three = [(segments * 3)[i] for i in range(3)], [(members * 3)[i] for i in range(3)]
    for law in data.draw(st.lists(st.sampled_from(list(LAWS)), max_size=2, unique=True)):
        checker.law(law, *three)
        tally.laws[law] += 1
    if world.everyone:
        key = data.draw(st.sampled_from(sorted(world.everyone)))
        tests = data.draw(st.lists(leaves(world), min_size=2, max_size=6))
        checker.pivot(key, [world.define(text) for text in tests])
        tally.laws["a pivot is found"] += 1
    tally.world(checker, [target.name for target in targets])
    return tally


def batch(seed: int, number: int, targets: list[Target], *, shrink: bool = True) -> Tally:
    """Check the worlds of one batch.

    Raises:
        Disagreement: The smallest that was found.
    """
    total = Tally()
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]

    @seeded(random.Random(f"{seed}/{number}").getrandbits(64))
    @settings(
        max_examples=WORLDS,
        database=None,
        deadline=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=Verbosity.quiet,
    )
    @given(questions(), st.data())
    def run(asked: tuple[World, list[str]], data: st.DataObject) -> None:
        total.add(check(data, *asked, targets))

    run()
    return total


@frozen
class Report:
    """What a worker says of a batch."""

    number: int
    tally: Tally
    failure: str | None = None


def _work(seed: int, numbers: range, stop: Event, out: Connection) -> None:
    """Run batches until told to stop; a process has engines of its own."""
    for number in numbers:
        if stop.is_set():
            break
        targets = with_plans(TARGETS, verified=number % VERIFIED == 0)
        try:
            out.send(Report(number, batch(seed, number, targets)))
        except Disagreement as found:
            out.send(Report(number, Tally(), str(found)))
            break
        except BaseException:  # whatever it is, the run has failed
            out.send(Report(number, Tally(), traceback.format_exc()))
            break
    out.close()
    # Engines within the process may fall while it ends, when all is said.
    os._exit(0)


@frozen
class Run:
    """One run of the fuzzer."""

    cases: int
    seed: int
    workers: int
    only: int | None
    minutes: float
    started: float = field(factory=time.monotonic)

    def go(self) -> int:
        """Run; the exit code is 1 after a disagreement."""
        context = multiprocessing.get_context("spawn")
        stop, total = context.Event(), Tally()
        readers: list[Any] = []
        processes = []
        for worker in range(self.workers):
            reader, writer = context.Pipe(duplex=False)
            arguments = (self.seed, self.numbers(worker), stop, writer)
            processes.append(context.Process(target=_work, args=arguments))
            processes[-1].start()
            writer.close()
            readers.append(reader)
        failures = self.collect(readers, stop, total)
        for process in processes:
            process.join()
        if broken := [p.exitcode for p in processes if p.exitcode]:
            failures.append(f"a worker ended with {broken}")
        return self.conclude(total, failures)

    def numbers(self, worker: int) -> range:
        """The batches of a worker."""
        if self.only is not None:
            return range(self.only, self.only + 1)
        return range(worker, sys.maxsize, self.workers)

    def collect(self, readers: list[Any], stop: Event, total: Tally) -> list[str]:
        failures = []
        while readers:
            for ready in wait(readers):
                assert isinstance(ready, Connection)
                try:
                    report: Report = ready.recv()
                except EOFError:
                    readers.remove(ready)
                    continue
                total.add(report.tally)
                seconds = time.monotonic() - self.started
                print(f"batch {report.number}: {total.cases:,} cases, {seconds:.0f} s", flush=True)
                if report.failure is not None:
                    failures.append(f"in batch {report.number}:\n{report.failure}")
                if failures or total.cases >= self.cases or seconds > self.minutes * 60:
                    stop.set()
        return failures

    def conclude(self, total: Tally, failures: list[str]) -> int:
        seconds = time.monotonic() - self.started
        print(f"\n{total}")
        late = seconds > self.minutes * 60
        if not (failures or late or self.only is not None or total.cases >= self.cases):
            failures.append("the workers ended early")
        for failure in failures:
            print(f"\n{failure}")
        found = f"{len(failures)} disagreements" if failures else "0 disagreements"
        print(f"\n{found}, {seconds:.0f} s, {self.workers} workers")
        print(f"to repeat: nox -s fuzz -- --cases {self.cases} --seed {self.seed}", end="")
        print(" [--batch …]" if failures else "", flush=True)
        return 1 if failures else 0


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="nox -s fuzz --", description=__doc__)
    parser.add_argument("--cases", type=int, default=2_000, help="how many definitions, at least")
    parser.add_argument("--seed", type=int, help="what worlds and definitions follow from")
    parser.add_argument("--batch", type=int, help="run this batch only")
    parser.add_argument("--targets", help="whom to ask, parted by commas")
    parser.add_argument("--minutes", type=float, default=math.inf, help="when to end early")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    if given.targets:
        os.environ["SEGMENTKIT_TARGETS"] = given.targets
    seed = given.seed if given.seed is not None else random.SystemRandom().getrandbits(32)
    workers = 1 if given.batch is not None else given.workers
    print(f"seed {seed}, {workers} workers", flush=True)
    return Run(given.cases, seed, workers, given.batch, given.minutes).go()


if __name__ == "__main__":
    sys.exit(main())
