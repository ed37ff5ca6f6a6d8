"""The answer to one of the auditor's questions, written block by block."""

from datetime import datetime

from django.db import connection, transaction

from merchants.spreadsheets import SpreadsheetWriter, TextFile
from vouchers.models import Campaign
from vouchers.queries.proofs.findings import Question, answer_to
from vouchers.sql.pipeline import raw_connection


def write_answer(*, question: Question, campaign: Campaign, file: TextFile, at: datetime) -> None:
    """Write header and rows as CSV; no text of a row becomes a formula of a spreadsheet.

    However many rows there are, only a block of them is in memory.
    """
    writer = SpreadsheetWriter(file)
    writer.row(question.columns)
    with transaction.atomic(), connection.wrap_database_errors:
        blocks = answer_to(raw_connection(), question, campaign_id=campaign.pk, at=at)
        for block in blocks:
            for cells in block:
                writer.row(cells)
