"""Triggers shared by tables that name a place."""

import pgtrigger


def street_of_its_district(name: str, *, on: pgtrigger.core.Operation) -> pgtrigger.Trigger:
    """Refuse a row whose `street_id` names a street that is not one of its `district_id`."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=on,
        condition=pgtrigger.Condition("NEW.street_id IS NOT NULL"),
        func=f"""
            IF NOT EXISTS (SELECT FROM merchants_street
                            WHERE code = NEW.street_id AND district_id = NEW.district_id) THEN
                RAISE EXCEPTION 'a street of another district'
                    USING ERRCODE = 'check_violation', CONSTRAINT = '{name}';
            END IF;
            RETURN NEW;""",
    )
