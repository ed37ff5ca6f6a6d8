"""Files in the order of redemptions, read side by side."""

from collections.abc import Iterator
from typing import Any

from vouchers.verify.archive import Archive, Place
from vouchers.verify.faults import Broken, Fault

Row = dict[str, Any]


class Grouped:
    """The rows of a file by the redemption they are about; asked for in ascending order."""

    def __init__(self, archive: Archive, name: str) -> None:
        self._archive = archive
        self._rows = archive.rows(name)
        self._file = f"{name}.jsonl"
        self._next: tuple[Row, Place] | None = None
        self._advance()

    def of(self, redemption_id: int) -> list[Row]:
        """The rows of one redemption."""
        return list(self._of(redemption_id))

    def end(self) -> None:
        """Nothing may be left once all redemptions were asked for."""
        if self._next is not None:
            raise self._stray(self._next[1])

    def _of(self, redemption_id: int) -> Iterator[Row]:
        while self._next is not None:
            row, place = self._next
            if row["redemption"] > redemption_id:
                return
            if row["redemption"] < redemption_id:
                raise self._stray(place)
            yield row
            self._advance()

    def _advance(self) -> None:
        stands = self._archive.place
        row = next(self._rows, None)
        self._next = None if row is None else (row, self._archive.place)
        self._archive.place = stands

    def _stray(self, place: Place) -> Broken:
        return Broken(
            Fault(self._file, place.row, "is about no redemption of the pack", "对应的核销不存在")
        )
