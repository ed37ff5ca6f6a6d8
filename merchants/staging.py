"""Stores arrive by the thousand: COPY into a staging table, then a few set-based statements."""

STAGE_STORES = """
CREATE TEMP TABLE IF NOT EXISTS staged_store (
    "row" int PRIMARY KEY, external_id text NOT NULL, merchant_id bigint NOT NULL,
    name text NOT NULL, brand text NOT NULL, category text NOT NULL, district_id int,
    longitude_deg float8 NOT NULL, latitude_deg float8 NOT NULL, datum text NOT NULL,
    raw_longitude float8 NOT NULL, raw_latitude float8 NOT NULL, outside_district boolean,
    is_new boolean NOT NULL DEFAULT false, is_changed boolean NOT NULL DEFAULT false
) ON COMMIT DELETE ROWS;
TRUNCATE pg_temp.staged_store
"""

COPY_STORES = """
COPY pg_temp.staged_store ("row", external_id, merchant_id, name, brand, category, district_id,
    longitude_deg, latitude_deg, datum, raw_longitude, raw_latitude, outside_district) FROM STDIN
"""

# A row means the store of its own merchant, whose number stays as it was first written. A name of a
# district that is not on file leaves what is known. Streets are worked out once the places are in.
UPSERT_STORES = """
WITH written AS (
    INSERT INTO merchants_store AS store
           (external_id, merchant_id, name, brand, category, district_id, state)
    SELECT external_id, merchant_id, name, brand, category, district_id, 'active'
      FROM pg_temp.staged_store ORDER BY "row"
        ON CONFLICT (merchant_id, upper(external_id)) DO UPDATE
       SET name = EXCLUDED.name, brand = EXCLUDED.brand, category = EXCLUDED.category,
           district_id = COALESCE(EXCLUDED.district_id, store.district_id),
           street_id = CASE WHEN COALESCE(EXCLUDED.district_id, store.district_id)
                                 = store.district_id THEN store.street_id END
     WHERE (store.name, store.brand, store.category, store.district_id)
           IS DISTINCT FROM (EXCLUDED.name, EXCLUDED.brand, EXCLUDED.category,
                             COALESCE(EXCLUDED.district_id, store.district_id))
    RETURNING external_id, merchant_id, xmax = 0 AS is_new
)
UPDATE pg_temp.staged_store s SET is_new = written.is_new, is_changed = NOT written.is_new
  FROM written
 WHERE written.merchant_id = s.merchant_id
   AND upper(written.external_id) = upper(s.external_id)
"""

# What was given decides, not what was made of it: a place is new if its raw figures are.
ADD_STORE_LOCATIONS = """
WITH located AS (
    INSERT INTO merchants_storelocation (store_id, version, valid_from_at, longitude_deg,
           latitude_deg, datum, raw_longitude, raw_latitude, outside_district)
    SELECT store.id, COALESCE(latest.version, 0) + 1, %(at)s, s.longitude_deg, s.latitude_deg,
           s.datum, s.raw_longitude, s.raw_latitude, s.outside_district
      FROM pg_temp.staged_store s
      JOIN merchants_store store ON store.merchant_id = s.merchant_id
       AND upper(store.external_id) = upper(s.external_id)
      LEFT JOIN LATERAL (
           SELECT * FROM merchants_storelocation location
            WHERE location.store_id = store.id ORDER BY version DESC LIMIT 1) latest ON true
     WHERE (latest.raw_longitude, latest.raw_latitude, latest.datum, latest.outside_district)
           IS DISTINCT FROM (s.raw_longitude, s.raw_latitude, s.datum, s.outside_district)
     ORDER BY s."row"
    RETURNING store_id
)
UPDATE pg_temp.staged_store s SET is_changed = NOT s.is_new
  FROM located JOIN merchants_store store ON store.id = located.store_id
 WHERE store.merchant_id = s.merchant_id
   AND upper(store.external_id) = upper(s.external_id)
"""

COUNT_STAGED_STORES = """
SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE is_changed),
       count(*) FILTER (WHERE NOT is_new AND NOT is_changed),
       count(*) FILTER (WHERE outside_district)
  FROM pg_temp.staged_store
"""
