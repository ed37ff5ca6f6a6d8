"""Runs mutants: each one's tests in a process of its own, on a copy of the source and a database
made from one migrated template. The working tree is never touched.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from queue import Queue

from config import embedded
from tests.mutations.mutation import ROOT, Mutation
from tests.support import database

TIMEOUT_S = 300
CONTROL_TIMEOUT_S = 1800
COPIED = ("config", "merchants", "vouchers", "tests", "manage.py", "pyproject.toml")
PYTEST = ("-m", "pytest", "-q", "--no-header", "--tb=no", "-rfE", "-p", "no:cacheprovider")
RED = re.compile(r"^(FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)


class Outcome(StrEnum):
    KILLED = "killed"  # a test went red, which is green without the mutation
    SURVIVED = "survived"  # every selected test stayed green
    UNPROVEN = "unproven"  # the tests could not be run, or are red without the mutation as well


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one mutant; `test` is the one that went red, or says what went wrong."""

    mutation: Mutation
    outcome: Outcome
    test: str
    took_s: float


@dataclass(frozen=True, slots=True)
class Run:
    """One run of pytest."""

    returncode: int | None  # None: it took too long
    red: tuple[str, ...]
    said: str


class Laboratory:
    """As many copies of the source as there are processes at once; their databases begin as copies
    of `base`, a migrated one.
    """

    def __init__(self, *, base: str, jobs: int) -> None:
        self._base = base
        self._jobs = jobs
        self._desk = Path()
        self._copies: Queue[Path] = Queue()

    def __enter__(self) -> "Laboratory":
        self._desk = Path(tempfile.mkdtemp(prefix="huimin-mutants-"))
        for number in range(self._jobs):
            self._copies.put(_copy_source(self._desk / str(number)))
        return self

    def __exit__(self, *_error: object) -> None:
        shutil.rmtree(self._desk, ignore_errors=True)

    def control(self, mutations: Sequence[Mutation]) -> Run:
        """All the tests that are to notice something, with nothing to notice."""
        tests = sorted({test for mutation in mutations for test in mutation.tests})
        copy = self._copies.get()
        try:
            return self._pytest(copy, tests, timeout_s=CONTROL_TIMEOUT_S)
        finally:
            self._copies.put(copy)

    def try_all(self, mutations: Sequence[Mutation], control: Run) -> Iterator[Result]:
        """The result of each mutation, as they come in; of those that want to be alone, last."""
        with ThreadPoolExecutor(self._jobs) as pool:
            beside = [mutation for mutation in mutations if not mutation.is_alone]
            futures = [pool.submit(self._try, mutation, control) for mutation in beside]
            for future in as_completed(futures):
                yield future.result()
        for mutation in mutations:
            if mutation.is_alone:
                yield self._try(mutation, control)

    def _try(self, mutation: Mutation, control: Run) -> Result:
        copy = self._copies.get()
        started = time.monotonic()
        try:
            for patch in mutation.patches:
                patch.apply(copy)
            run = self._pytest(copy, mutation.tests, sql=mutation.sql, until_red=True)
        finally:
            for patch in mutation.patches:
                shutil.copy2(ROOT / patch.path, copy / patch.path)
            self._copies.put(copy)
        outcome, test = _judge(run, control)
        return Result(mutation, outcome, test, time.monotonic() - started)

    def _pytest(
        self,
        copy: Path,
        tests: Sequence[str],
        *,
        sql: str = "",
        until_red: bool = False,
        timeout_s: int = TIMEOUT_S,
    ) -> Run:
        # A run of its own, also where the tests of the mutation check are shared among workers.
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
        environment = inherited | {
            "HUIMIN_LOCAL_DIR": str(embedded.local_dir()),
            "PYTHONPATH": str(copy),
            database.BASE_VARIABLE: self._base,
        }
        if sql:
            spoil = copy / "spoil.sql"
            spoil.write_text(sql)
            environment[database.SPOIL_VARIABLE] = str(spoil)
        command = [sys.executable, *PYTEST, *(["-x"] if until_red else []), *tests]
        try:
            done = subprocess.run(
                command,
                cwd=copy,
                env=environment,
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Run(None, (), f"took longer than {timeout_s} s")
        red = tuple(name for _, name in RED.findall(done.stdout))
        return Run(done.returncode, red, (done.stdout + done.stderr)[-2000:])


def _copy_source(to: Path) -> Path:
    to.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name)
        else:
            shutil.copy2(source, to / name)
    return to


def _judge(run: Run, control: Run) -> tuple[Outcome, str]:
    if run.returncode == 0:
        return Outcome.SURVIVED, ""
    if run.returncode != 1 or not run.red:
        return Outcome.UNPROVEN, run.said.strip().splitlines()[-1] if run.said.strip() else "?"
    noticed = [test for test in run.red if test not in control.red]
    if not noticed:
        return Outcome.UNPROVEN, f"red without the mutation too: {run.red[0]}"
    return Outcome.KILLED, noticed[0]
