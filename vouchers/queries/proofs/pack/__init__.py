"""The files of an auditor's pack, as queries."""
