"""What is wrong, where, in two languages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that does not hold. `row` counts from 1 in `file`; None: the file as a whole."""

    file: str
    row: int | None
    en: str
    zh: str

    def __str__(self) -> str:
        row_zh = f" 第 {self.row} 行" if self.row else ""
        row_en = f" row {self.row}" if self.row else ""
        return f"{self.file}{row_zh}：{self.zh}\n    {self.file}{row_en}: {self.en}"


class Broken(Exception):
    """Reading cannot go on: the pack is not what was written."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault
