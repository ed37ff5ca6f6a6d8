"""What breaks the guards of pauses and suspensions, by the guard's own name."""

from collections.abc import Mapping


def stop_constraints() -> Mapping[str, str]:
    """By name of a CHECK constraint: a statement it must refuse."""
    return {
        "campaign_deadline_of_pause": (
            "UPDATE vouchers_campaign SET paused_until_at = now() WHERE state = 'running'"
        ),
        **{
            f"{name}_deadline_of_suspension": (
                f"UPDATE merchants_{name} SET suspended_until_at = now()"
            )
            for name in ("merchant", "store", "terminal", "credential")
        },
    }
