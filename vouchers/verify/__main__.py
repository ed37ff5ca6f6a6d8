"""`python verify.pyz PACK [--anchors FILE]`: prove a pack, or name what is wrong in it."""

import argparse
import sys
from collections.abc import Callable, Iterator
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Final, NamedTuple, NoReturn, TextIO

from vouchers.verify import claims, counters, journal, papers, quotas, records, ties, vouchers
from vouchers.verify.archive import Archive
from vouchers.verify.faults import Broken, Fault
from vouchers.verify.redemptions import Redemptions, Tally

SHOWN: Final = 20
OK, BAD = "✓", "✗"

Check = Callable[[], Iterator[Fault]]


class Named(NamedTuple):
    """A check and what holds when it finds nothing."""

    zh: str
    en: str
    check: Check


class Verifier:
    """Runs the checks in order and prints one line for each."""

    def __init__(self, archive: Archive, out: TextIO) -> None:
        self._archive = archive
        self._out = out
        self.first: Fault | None = None
        self.rows = 0

    def whole(self) -> bool:
        """Whether every byte is the one that was written. Nothing is judged otherwise."""
        return self._all(
            Named("文件齐全", "the files are all there", self._archive.check_manifest),
            Named("每一行都与写入时一致", "every row is the one that was written", self._files),
            Named(
                "核验程序与清单一致",
                "the verifier is the one in the manifest",
                self._archive.check_verifier,
            ),
            Named(
                "压缩包逐字节一致",
                "every byte is the one that was written",
                self._archive.check_bytes,
            ),
        )

    def books(self, anchors: Path | None) -> bool:
        """Whether the books prove."""
        archive = self._archive
        postings, stock = journal.Postings(), vouchers.Stock()
        sealed = self._all(
            Named("封印链重算一致", "the seals recompute", lambda: journal.check_seals(archive)),
            *(
                [Named("与外部存证一致", "the anchors agree", _anchors(archive, anchors))]
                if anchors
                else []
            ),
            Named(
                "每笔流水借贷平衡、流向合规",
                "every transfer balances and goes where its reason may",
                lambda: journal.check_transfers(archive, postings),
            ),
            Named(
                "预算恒等",
                "the budget identity holds",
                lambda: journal.check_budget(archive, postings),
            ),
            Named(
                "条款经他人审批",
                "terms were approved by others",
                lambda: papers.check_terms(archive),
            ),
            Named(
                "门店与条款一致",
                "stores are those of the terms",
                lambda: papers.check_stores(archive),
            ),
            Named(
                "资金事项经他人批准",
                "acts on money were approved by others",
                lambda: papers.check_proposals(archive, postings),
            ),
            Named(
                "券批与券一致",
                "tranches hold their vouchers",
                lambda: vouchers.check_vouchers(archive, stock),
            ),
            Named(
                "领取与券一致",
                "claims are those of their vouchers",
                lambda: claims.check_claims(archive, stock),
            ),
        )
        tally = Tally()
        used = self._all(
            Named(
                "核销符合条款",
                "redemptions keep to their terms",
                lambda: Redemptions(archive, stock, tally).check(),
            ),
            Named(
                "一券至多核销一次",
                "a voucher is used at most once",
                lambda: vouchers.check_use(stock),
            ),
            Named(
                "明细与账户勾稽",
                "the rows are what the accounts hold",
                lambda: ties.check_ties(postings, stock, tally),
            ),
            Named(
                "配额余额",
                "quotas are their caps minus what counts",
                lambda: quotas.check_cells(archive, postings, stock),
            ),
            Named(
                "限额计数",
                "counters are their rows",
                lambda: counters.check_counters(archive, tally.counted),
            ),
            Named(
                "结算、文件与到账",
                "settlements, their files, and cash for them",
                lambda: ties.check_settlements(archive, postings, tally),
            ),
            Named("追回补贴", "collections", lambda: ties.check_collections(archive, postings)),
            Named(
                "核查单与信号一致",
                "cases are their signals, decided with a reason",
                lambda: records.check_cases(archive),
            ),
            Named(
                "设置变更首尾相接",
                "the set-up is what its changes made it",
                lambda: records.check_setup(archive),
            ),
        )
        return sealed and used

    def _files(self) -> Iterator[Fault]:
        def count(_file: str, rows: int) -> None:
            self.rows += rows

        return self._archive.check_files(count)

    def _all(self, *checks: Named) -> bool:
        verdicts = [self._say(check) for check in checks]  # every one is run
        return all(verdicts)

    def _say(self, named: Named) -> bool:
        """Run a check and print its line, with the first faults under it."""
        faults = list(islice(self._run(named.check), SHOWN))
        print(f"{BAD if faults else OK} {named.zh} / {named.en}", file=self._out, flush=True)
        for fault in faults:
            print(f"  {fault}", file=self._out)
        if faults and self.first is None:
            self.first = faults[0]
        return not faults

    def _run(self, check: Check) -> Iterator[Fault]:
        try:
            yield from check()
        except Broken as broken:
            yield broken.fault
        except (ArithmeticError, LookupError, OSError, TypeError, ValueError) as error:
            yield self._archive.fault(f"cannot be read: {error!r}", f"无法解读：{error!r}")


def main(arguments: list[str], out: TextIO) -> int:
    """Prints one line a check; returns 0 when all hold, else 1."""
    parser = argparse.ArgumentParser(prog="python verify.pyz", description=__doc__)
    parser.add_argument("pack", type=Path, help="the pack / 数据包")
    parser.add_argument("--anchors", type=Path, help="the anchors as they were sent / 收到的存证")
    options = parser.parse_args(arguments)
    start = perf_counter()
    try:
        archive = Archive(options.pack)
        verifier = Verifier(archive, out)
        is_proven = verifier.whole() and verifier.books(options.anchors)
    except Broken as broken:
        print(f"{BAD} {broken.fault}", file=out)
        return 1
    took = perf_counter() - start
    print(f"{verifier.rows:,} 行 / rows, {took:.1f} s", file=out)
    if is_proven:
        print(f"{OK} 账目属实 / the books are proven", file=out)
        return 0
    print(f"{BAD} 首个问题 / the first fault:\n  {verifier.first}", file=out)
    return 1


def _anchors(archive: Archive, path: Path) -> Check:
    def check() -> Iterator[Fault]:
        with open(path, encoding="utf-8") as lines:
            yield from journal.check_anchors(archive, path.name, lines)

    return check


def run() -> NoReturn:
    """The command. It writes UTF-8 whatever the locale says."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    sys.exit(main(sys.argv[1:], sys.stdout))


if __name__ == "__main__":
    run()
