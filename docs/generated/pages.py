"""Everything that a page can ask for by name."""

from collections.abc import Callable, Mapping

from docs.generated import (
    api,
    commands,
    decisions,
    invariants,
    locks,
    mutations,
    refusals,
    sandbox,
    settings,
)
from docs.generated.language import Language

PAGES: Mapping[str, Callable[[Language], str]] = {
    "api-calls": api.calls,
    "api-bodies": api.bodies,
    "commands": commands.commands,
    "decisions": decisions.decisions,
    "invariants": invariants.invariants,
    "locks": locks.order,
    "mutations": mutations.mutations,
    "refusals-channel": refusals.channel,
    "refusals-integrator": refusals.integrator,
    "refusals-manager": refusals.manager,
    "refusals-till": refusals.till,
    "sandbox-amounts": sandbox.amounts,
    "settings": settings.variables,
}
