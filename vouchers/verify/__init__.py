"""The verifier of an auditor's pack: the standard library alone, no database, nothing of ours.

    python verify.pyz PACK [--anchors FILE]

Every pack carries it as `verify.pyz`. Its bytes depend on these sources alone, so that its SHA-256
can be compared with that of a copy from another place; within a checkout it runs as
`python -m vouchers.verify PACK`.

It knows the format of the pack and the rules of the books by itself. What it says twice, the engine
says elsewhere in its own words; tests hold the two against each other.
"""
