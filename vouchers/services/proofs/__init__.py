"""The audit, the seals and the auditor's pack."""
