"""The verifier of an auditor's pack: the standard library alone, no database, nothing of ours.

    python verify.pyz PACK [--anchors FILE]

Every pack carries it as `verify.pyz`. Its bytes depend on these sources alone, so that its SHA-256
can be compared with that of a copy from another place; within a checkout it runs as
`python -m vouchers.verify PACK`.

It has its own statement of the pack's format and of the rules of the books; tests compare both with
the engine's.
"""
