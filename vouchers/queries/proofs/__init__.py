"""What an auditor reads: the journal, findings, samples, the audit, the pack."""
