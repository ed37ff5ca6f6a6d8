"""Residents arrive by the million: COPY into staging tables, then a few set-based statements.

Staged columns have no NULLs, so that rows are of one width: 0, -1, '' or zero bytes stand for "not
known", and texts are padded with blanks. A column that was not staged is NULL throughout and leaves
what is on file.

One run: STAGE · COPY … · LOCK_KNOWN · MATCH · REFUSED · FOR_NEW · (FOR_KNOWN) · COUNT.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

STAGE: Final = """
CREATE TEMP TABLE IF NOT EXISTS staged_resident (
    "row" int NOT NULL, bucket smallint NOT NULL, external_id text NOT NULL,
    birth_year smallint, district_id int, street text, is_registered smallint,
    has_residence_permit smallint, need_score smallint, tags bigint,
    identity_hmac bytea, phone_hmac bytea, data_key bytea, identity_cipher bytea,
    phone_cipher bytea, consent_targeting text
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE IF NOT EXISTS staged_point (
    "row" int NOT NULL, kind text NOT NULL, longitude_deg float8 NOT NULL,
    latitude_deg float8 NOT NULL, datum text NOT NULL, raw_longitude float8 NOT NULL,
    raw_latitude float8 NOT NULL
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE IF NOT EXISTS staged_match (
    "row" int NOT NULL, id bigint NOT NULL, bucket smallint NOT NULL, is_new boolean NOT NULL,
    is_changed boolean NOT NULL DEFAULT false
) ON COMMIT DELETE ROWS;
DELETE FROM pg_temp.staged_resident;
DELETE FROM pg_temp.staged_point;
DELETE FROM pg_temp.staged_match
"""

COPY_POINTS: Final = "COPY pg_temp.staged_point FROM STDIN (FORMAT BINARY)"


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column of Resident that can be loaded: what of it is written for a new resident, and what
    for one on file (`s` is the staged row, `r` the one on file)."""

    name: str
    new: str
    known: str = ""


HASH_BYTES: Final = 32
CIPHER_BYTES: Final = 52
WRAPPED_KEY_BYTES: Final = 60


def _bytes_or_null(name: str, size: int) -> str:
    return f"NULLIF(s.{name}, decode(repeat('00', {size}), 'hex'))"


_IDENTITY = _bytes_or_null("identity_hmac", HASH_BYTES)
_PHONE = _bytes_or_null("phone_hmac", HASH_BYTES)
_DATA_KEY = _bytes_or_null("data_key", WRAPPED_KEY_BYTES)
# An identity once verified stays, also where a later file leaves the cell empty.
_KEPT_IDENTITY = f"COALESCE(r.identity_hmac, {_IDENTITY})"


def _cipher(name: str, hmac: str, next_hmac: str) -> Attribute:
    """Sealing a text twice gives other bytes, so it is written anew only if the text is another."""
    new = _bytes_or_null(name, CIPHER_BYTES)
    kept = f"r.{name} IS NOT NULL AND r.{hmac} IS NOT DISTINCT FROM {next_hmac}"
    return Attribute(name, new, f"CASE WHEN {kept} THEN r.{name} ELSE {new} END")


ATTRIBUTES: Final = (
    Attribute("birth_year", "NULLIF(s.birth_year, 0::smallint)"),
    Attribute("district_id", "NULLIF(s.district_id, 0)"),
    Attribute("street", "COALESCE(rtrim(s.street), '')"),
    Attribute("is_registered", "NULLIF(s.is_registered, -1)::int::boolean"),
    Attribute("has_residence_permit", "NULLIF(s.has_residence_permit, -1)::int::boolean"),
    Attribute("need_score", "COALESCE(s.need_score, 0)"),
    Attribute("tags", "COALESCE(s.tags, 0)"),
    Attribute("identity_hmac", _IDENTITY, _KEPT_IDENTITY),
    Attribute("phone_hmac", _PHONE),
    Attribute("data_key", _DATA_KEY, f"COALESCE(r.data_key, {_DATA_KEY})"),
    _cipher("identity_cipher", "identity_hmac", _KEPT_IDENTITY),
    _cipher("phone_cipher", "phone_hmac", _PHONE),
)


def copy_residents(columns: Sequence[str]) -> str:
    """COPY of the named columns, in their order."""
    names = ", ".join(f'"{name}"' for name in columns)
    return f"COPY pg_temp.staged_resident ({names}) FROM STDIN (FORMAT BINARY)"


# Other writers of these residents wait; the order prevents a deadlock of two loads.
LOCK_KNOWN: Final = """
SELECT count(*) FROM (
    SELECT 1 FROM vouchers_resident r JOIN pg_temp.staged_resident s
        ON r.external_id = rtrim(s.external_id)
     ORDER BY r.id FOR NO KEY UPDATE OF r) AS known
"""

LOCK_DATA_KEYS: Final = """
SELECT external_id, data_key FROM vouchers_resident
 WHERE external_id = ANY (%(external_ids)s) AND data_key IS NOT NULL
 ORDER BY id FOR NO KEY UPDATE
"""

# Ids of new residents ascend by bucket, so that every index by bucket is filled in order.
MATCH: Final = """
INSERT INTO pg_temp.staged_match ("row", id, bucket, is_new)
SELECT "row", COALESCE(id, nextval((
           SELECT pg_get_serial_sequence('vouchers_resident', 'id')::regclass))), bucket, id IS NULL
  FROM (SELECT s."row", r.id, COALESCE(r.bucket, s.bucket) AS bucket
          FROM pg_temp.staged_resident s LEFT JOIN vouchers_resident r
            ON r.external_id = rtrim(s.external_id)
         ORDER BY s.bucket, s.external_id COLLATE "C") AS matched
"""

# One identity is one resident: neither given to a second nor exchanged for another.
REFUSED: Final = f"""
WITH refused AS (
    SELECT m."row",
           CASE WHEN r.state = 'erased' THEN 'resident_erased'
                WHEN r.identity_hmac <> {_IDENTITY} THEN 'identity_changed'
                WHEN EXISTS (
                     SELECT 1 FROM vouchers_resident other
                      WHERE other.identity_hmac = {_IDENTITY} AND other.id <> m.id)
                THEN 'identity_taken' END AS code
      FROM pg_temp.staged_match m
      JOIN pg_temp.staged_resident s ON s."row" = m."row"
      LEFT JOIN vouchers_resident r ON r.id = m.id
)
DELETE FROM pg_temp.staged_match m USING refused
 WHERE refused."row" = m."row" AND refused.code IS NOT NULL
RETURNING m."row", refused.code
"""

_INSERT_RESIDENTS = """
INSERT INTO vouchers_resident (id, bucket, external_id, state, created_at, {names})
SELECT m.id, m.bucket, rtrim(s.external_id), 'active', %(at)s, {values}
  FROM pg_temp.staged_match m JOIN pg_temp.staged_resident s ON s."row" = m."row"
 WHERE m.is_new ORDER BY m.id
""".format(
    names=", ".join(attribute.name for attribute in ATTRIBUTES),
    values=", ".join(attribute.new for attribute in ATTRIBUTES),
)

_POINT_COLUMNS = """
INSERT INTO vouchers_residentpoint (resident_id, bucket, kind, longitude_deg, latitude_deg, datum,
       raw_longitude, raw_latitude, observed_at)
SELECT m.id, m.bucket, rtrim(p.kind), p.longitude_deg, p.latitude_deg, rtrim(p.datum),
       p.raw_longitude, p.raw_latitude, %(at)s
  FROM pg_temp.staged_match m JOIN pg_temp.staged_point p ON p."row" = m."row"
"""

_CONSENT_COLUMNS = """
INSERT INTO vouchers_consent (resident_id, bucket, purpose, text_version, granted_at)
SELECT m.id, m.bucket, 'targeting', rtrim(s.consent_targeting), %(at)s
  FROM pg_temp.staged_match m JOIN pg_temp.staged_resident s ON s."row" = m."row"
"""

FOR_NEW: Final = (
    _INSERT_RESIDENTS,
    f"{_POINT_COLUMNS} WHERE m.is_new ORDER BY m.id",
    f"{_CONSENT_COLUMNS} WHERE m.is_new AND rtrim(s.consent_targeting) <> '' ORDER BY m.id",
)

_MARK_CHANGED = """
UPDATE pg_temp.staged_match m SET is_changed = true FROM written WHERE written.id = m.id
"""

_UPDATE_RESIDENTS = """
WITH written AS (
    UPDATE vouchers_resident AS r
           SET ({names}) = ROW ({values})
      FROM pg_temp.staged_match m JOIN pg_temp.staged_resident s ON s."row" = m."row"
     WHERE NOT m.is_new AND r.id = m.id AND ({on_file}) IS DISTINCT FROM ({values})
    RETURNING r.id
)
"""

# What was given decides, not what was made of it: a place is new if its raw figures are.
_FORGET_SAME_POINTS = """
DELETE FROM pg_temp.staged_point s USING pg_temp.staged_match m, vouchers_residentpoint p
 WHERE m."row" = s."row" AND NOT m.is_new
   AND p.bucket = m.bucket AND p.resident_id = m.id AND p.kind = rtrim(s.kind)
   AND p.superseded_at IS NULL
   AND (p.raw_longitude, p.raw_latitude, p.datum)
       = (s.raw_longitude, s.raw_latitude, rtrim(s.datum))
"""

_SUPERSEDE_POINTS = """
UPDATE vouchers_residentpoint p SET superseded_at = %(at)s, changed_xid = pg_current_xact_id()
  FROM pg_temp.staged_match m JOIN pg_temp.staged_point s ON s."row" = m."row"
 WHERE NOT m.is_new AND p.bucket = m.bucket AND p.resident_id = m.id AND p.kind = rtrim(s.kind)
   AND p.superseded_at IS NULL
"""

_ADD_POINTS = f"""
WITH written AS ({_POINT_COLUMNS} WHERE NOT m.is_new RETURNING resident_id AS id)
{_MARK_CHANGED}
"""

# A file never revives a consent that was withdrawn: only a text not yet agreed to is new.
_NEWLY_AGREED = """
NOT m.is_new AND rtrim(s.consent_targeting) <> '' AND NOT EXISTS (
    SELECT 1 FROM vouchers_consent past
     WHERE past.bucket = m.bucket AND past.resident_id = m.id AND past.purpose = 'targeting'
       AND past.text_version = rtrim(s.consent_targeting))
"""

_REPLACE_CONSENTS = f"""
UPDATE vouchers_consent c SET withdrawn_at = GREATEST(%(at)s, c.granted_at)
  FROM pg_temp.staged_match m JOIN pg_temp.staged_resident s ON s."row" = m."row"
 WHERE c.bucket = m.bucket AND c.resident_id = m.id AND c.purpose = 'targeting'
   AND c.withdrawn_at IS NULL AND {_NEWLY_AGREED}
"""

_ADD_CONSENTS = f"""
WITH written AS ({_CONSENT_COLUMNS} WHERE {_NEWLY_AGREED} RETURNING resident_id AS id)
{_MARK_CHANGED}
"""


def for_known(given: Collection[str]) -> Sequence[str]:
    """Statements that bring residents on file up to date in the columns that were given."""
    # A changed hash leaves no original of the former text behind, whether or not a new one is kept.
    implied = {name.replace("_hmac", "_cipher") for name in given}
    attributes = [one for one in ATTRIBUTES if one.name in given or one.name in implied]
    statements = [
        _FORGET_SAME_POINTS,
        _SUPERSEDE_POINTS,
        _ADD_POINTS,
        _REPLACE_CONSENTS,
        _ADD_CONSENTS,
    ]
    if not attributes:
        return statements
    update = _UPDATE_RESIDENTS.format(
        names=", ".join(attribute.name for attribute in attributes),
        values=", ".join(attribute.known or attribute.new for attribute in attributes),
        on_file=", ".join(f"r.{attribute.name}" for attribute in attributes),
    )
    return [update + _MARK_CHANGED, *statements]


COUNT: Final = """
SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE is_changed),
       count(*) FILTER (WHERE NOT is_new AND NOT is_changed)
  FROM pg_temp.staged_match
"""
