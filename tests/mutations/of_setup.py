"""Mutations of the set-up: edits seen, streets, stated weights of need, limits amended, history."""

from tests.mutations.mutation import Mutation, source

TERMS = "vouchers/services/campaigns/terms.py"
FILTERS = "vouchers/rules/audience/filters.py"
NEED = "vouchers/rules/audience/need.py"
STREETS = "tests/services/audience/test_streets.py"
MAKING = "tests/services/campaigns/test_making.py"
OF_NEED = "tests/rules/audience/test_need.py"
ON_FILE = f"{OF_NEED}::test_missing_attributes_add_nothing_to_the_need_score"

HISTORY = "vouchers/sql/history.py"
RECORDS = "tests/models/test_history.py"

ACTS = "vouchers/admin/campaigns"
BUDGET_ACTS = "tests/admin/test_budget_acts.py"

AMENDING = "tests/rules/campaigns/test_amendments.py"
AMENDED = "tests/services/campaigns/test_amendments.py"

OF_SETUP: tuple[Mutation, ...] = (
    source(
        "a preview of other terms",
        6,
        "a preview counts as one of the terms whatever has been changed since",
        "vouchers/services/audience/preview.py",
        "is_current = bytes(newest.terms_sha256) == terms_sha256(document_of(campaign))",
        "is_current = True",
        "tests/admin/test_setup.py::test_the_reach_is_that_of_the_last_preview",
    ),
    source(
        "a draft's figure is compared with itself",
        1,
        "what one officer appropriates overwrites what another has changed since",
        f"{ACTS}/acts.py",
        'expected_fen=given["seen"].get(source.code, 0)',
        "expected_fen=source.appropriated_fen",
        "tests/admin/test_acts.py::test_a_figure_that_another_officer_has_changed_since_is_not_overwritten",
    ),
    source(
        "a proposed figure is compared with itself",
        1,
        "an appropriation is proposed on a figure that its author never saw",
        f"{ACTS}/budget_acts.py",
        'expected_fen=given["seen_fen"]',
        'expected_fen=given["source"].appropriated_fen',
        f"{BUDGET_ACTS}::test_a_dialog_opened_before_another_officers_change_is_refused_with_both_figures",
    ),
    source(
        "a quota is compared with itself",
        1,
        "room is moved between quotas on caps that the author never saw",
        f"{ACTS}/budget_forms.py",
        'cap_fen, cap_count = given["seen"][str(cell.pk)]',
        "cap_fen, cap_count = cell.cap_fen, cell.cap_count",
        f"{BUDGET_ACTS}::test_a_quota_grows_by_what_another_gives",
    ),
    source(
        "edited by two at once",
        6,
        "a draft is overwritten with what was typed before another person's edit",
        TERMS,
        "if seen_edit is not None and held.edits",
        "if False and held.edits",
        f"{MAKING}::test_what_another_person_has_edited_since_is_not_overwritten",
    ),
    source(
        "a street by name",
        6,
        "a street comes into the terms with a boundary that is not its own",
        "vouchers/services/campaigns/drafts.py",
        'if values.get("geometry") not in (None, street.boundary):',
        "if False:",
        f"{STREETS}::test_a_street_comes_with_its_own_boundary_and_no_other",
    ),
    source(
        "a clone forgets its street",
        6,
        "a copy of a campaign within a street reaches beyond it",
        "vouchers/services/campaigns/making.py",
        '                "street_id": row["street"],\n',
        '                "street_id": None,\n',
        f"{MAKING}::test_a_clone_promises_the_same_at_another_time",
    ),
    source(
        "streets beside",
        12,
        "who lives in another street is reached",
        FILTERS,
        "        if not self.streets:\n",
        "        if True:\n",
        f"{STREETS}::test_who_lives_within_reach_but_in_another_street_is_left_out_with_the_reason",
        f"{STREETS}::test_a_position_sent_with_a_claim_has_to_lie_in_the_street",
    ),
    source(
        "the audit forgets streets",
        12,
        "the audit does not find a member who lives in another street",
        "vouchers/rules/proofs/audit/targeting.py",
        "if wrong is None and streets and not",
        "if False and not",
        f"{STREETS}::test_the_audit_finds_a_member_who_lives_in_another_street",
    ),
    source(
        "sixty by the year after",
        12,
        "points of an age are given a year late",
        NEED,
        "year - facts.birth_year >= AGES[name]",
        "year - facts.birth_year > AGES[name]",
        ON_FILE,
    ),
    source(
        "points once",
        12,
        "a weight counts one point whatever it says",
        NEED,
        "total += points * _counted",
        "total += _counted",
        ON_FILE,
    ),
    source(
        "any weight",
        12,
        "weights of what is not on file come into the terms",
        NEED,
        "if name not in NAMES:",
        "if False:",
        f"{OF_NEED}::test_weights_that_cannot_be_applied_are_refused",
    ),
    source(
        "a table without its history",
        6,
        "changes of limits are not recorded",
        HISTORY,
        '    "vouchers_limitrule": Recorded(CAMPAIGN, "campaign_id"),\n',
        "",
        f"{RECORDS}::test_parts_of_a_campaign_stand_on_its_page",
        "tests/admin/test_history.py::test_no_page_of_a_recorded_row_is_without_it",
        "tests/properties/test_history.py",
    ),
    source(
        "the author of another transaction",
        6,
        "what a connection writes next is recorded as the person before",
        HISTORY,
        "set_config('huimin.by', %s, true)",
        "set_config('huimin.by', %s, false)",
        f"{RECORDS}::test_who_comes_next_over_a_connection_is_not_the_author_before",
    ),
    source(
        "a limit lowered by an amendment",
        6,
        "an amendment may put a figure where there was none",
        "vouchers/rules/campaigns/declaration.py",
        "return new is None and self.may_be_lifted",
        "return True",
        f"{AMENDING}::test_a_limit_is_raised_or_lifted_and_nothing_else",
    ),
    source(
        "a limit added by an amendment",
        6,
        "the number of limits is not looked at",
        "vouchers/rules/campaigns/amendments.py",
        "if len(before) != len(after):",
        "if len(before) > len(after):",
        f"{AMENDING}::test_a_limit_is_raised_or_lifted_and_nothing_else",
    ),
    source(
        "a limit raised to no effect",
        6,
        "a limit may be raised beyond a wider one that comes first",
        "vouchers/rules/campaigns/amendments.py",
        ' or _unreached(after.get("limits", ()))',
        "",
        f"{AMENDING}::test_a_limit_is_raised_or_lifted_and_nothing_else",
    ),
    source(
        "a raised limit forgotten",
        6,
        "the approval leaves the limits as they were before the amendment",
        "vouchers/services/campaigns/amendments.py",
        '        _raise_limits(held, terms.document["limits"])\n',
        "",
        f"{AMENDED}::test_a_raised_limit_acts_at_the_next_redemption_and_not_before_the_approval",
    ),
    source(
        "a lifted limit not counted",
        4,
        "a redemption under a lifted limit is counted in no counter",
        "vouchers/services/redemption/tranche_terms.py",
        "for limit in row.limits],",
        "for limit in row.limits if any(limit[1:])],",
        f"{AMENDED}::test_a_lifted_limit_counts_on_and_refuses_nothing",
    ),
    source(
        "a lower limit found right",
        6,
        "the audit takes an amendment that lowers a limit for one that widens",
        "vouchers/rules/proofs/audit/acts.py",
        "(was is None or now < was)",
        "was is None",
        f"{AMENDING}::test_a_limit_is_raised_or_lifted_and_nothing_else",
    ),
    source(
        "a lifted limit copied",
        6,
        "a copy of a campaign begins with a limit that limits nothing",
        "vouchers/rules/campaigns/copying.py",
        'if row["limit_count"] is not None or row["limit_fen"] is not None',
        "if row",
        f"{AMENDED}::test_a_copy_of_the_campaign_begins_without_the_lifted_limit",
    ),
)
