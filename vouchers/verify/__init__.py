"""The verifier of an auditor's pack: the standard library alone, no database, nothing of ours.

    python -m vouchers.verify FILE [--anchors FILE]

It knows the format of the pack and the rules of the books by itself. What it says twice, the engine
says elsewhere in its own words; tests hold the two against each other.
"""
