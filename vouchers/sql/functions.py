"""Every function that lives in the database, and the triggers written by hand: their current text.

Migrations install them from here with CREATE OR REPLACE, so what is read here is what runs; a test
compares. Triggers of django-pgtrigger stand with their tables, in `Meta.triggers`. The role of the
services owns nothing: what it does beyond rows is done by SECURITY DEFINER functions, which check
their arguments.
"""

from itertools import chain
from typing import Any, Final

from vouchers.rules.residents import SANDBOX
from vouchers.sql.history import RECORD_CHANGE, RECORDERS

REFUSE_TRUNCATE: Final = """
CREATE OR REPLACE FUNCTION huimin_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a book cannot be truncated';
END $$
"""

# Partitions of the journal and of attempts for one month (UTC).
OPEN_MONTH: Final = """
CREATE OR REPLACE FUNCTION huimin_open_month(month date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    parent text;
    child text;
    first_day date := date_trunc('month', month)::date;
BEGIN
    FOREACH parent IN ARRAY ARRAY['vouchers_transfer', 'vouchers_leg', 'vouchers_attempt'] LOOP
        child := parent || to_char(first_day, '_YYYYMM');
        CONTINUE WHEN to_regclass(child) IS NOT NULL;
        BEGIN
            EXECUTE format(
                'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', child, parent,
                first_day::text || ' 00:00:00+00',
                (first_day + interval '1 month')::date::text || ' 00:00:00+00');
        EXCEPTION WHEN check_violation THEN
            -- The rest has rows of it, which are never moved: the whole month stays there, and the
            -- next ones are opened all the same.
            CONTINUE;
        END;
        EXECUTE format(
            'CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I'
            ' FOR EACH STATEMENT EXECUTE FUNCTION huimin_refuse_truncate()', child);
    END LOOP;
END $$
"""

# A table of its own for a tranche, outside the partitioned table until it is attached.
OPEN_TRANCHE: Final = """
CREATE OR REPLACE FUNCTION huimin_open_tranche(tranche bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    child text := 'vouchers_voucher_t' || lpad(tranche::text, 6, '0');
BEGIN
    -- With the check of the range ATTACH needs no scan of its own.
    EXECUTE format(
        'CREATE TABLE %I (LIKE vouchers_voucher INCLUDING DEFAULTS,'
        ' CONSTRAINT in_range CHECK (id >= %s AND id < %s)) WITH (fillfactor = 85)',
        child, tranche << 20, (tranche + 1) << 20);
    -- A tenth of the usual sample is enough: consecutive ids, one state.
    EXECUTE format(
        'ALTER TABLE %I ALTER id SET STATISTICS 10, ALTER bucket SET STATISTICS 10,'
        ' ALTER resident_id SET STATISTICS 10, ALTER allocation_id SET STATISTICS 10,'
        ' ALTER state SET STATISTICS 10', child);
    EXECUTE format('GRANT INSERT ON %I TO %I', child, session_user);
    RETURN child;
END $$
"""

# Takes the rows in only if they are exactly the vouchers that the tranche's row promises, and held
# by residents of the city or, under a campaign of the sandbox, by residents of the sandbox. Those
# are few: looked up one by one, their number does not grow with the tranche.
ATTACH_TRANCHE: Final = f"""
CREATE OR REPLACE FUNCTION huimin_attach_tranche(tranche bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    child text := 'vouchers_voucher_t' || lpad(tranche::text, 6, '0');
    first_id bigint := tranche << 20;
    promised integer;
    is_exact boolean;
    is_foreign boolean;
BEGIN
    SELECT voucher_count INTO STRICT promised FROM vouchers_tranche WHERE id = tranche;
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', child);
    EXECUTE format(
        'SELECT count(*) = %s AND COALESCE(min(id), %s) = %s AND COALESCE(max(id), %s) = %s'
        ' AND COALESCE(min(state), 1) = 1 AND COALESCE(max(state), 1) = 1 FROM %I',
        promised, first_id, first_id, first_id - 1, first_id + promised - 1, child) INTO is_exact;
    IF is_exact IS NOT TRUE THEN
        RAISE EXCEPTION 'tranche % does not hold the % vouchers it promises', tranche, promised
            USING ERRCODE = 'check_violation', CONSTRAINT = 'tranche_holds_what_it_promises';
    END IF;
    EXECUTE format('ALTER TABLE %I ADD PRIMARY KEY (id, bucket)', child);
    EXECUTE format('CREATE INDEX ON %I (resident_id)', child);
    IF (SELECT c.is_test FROM vouchers_tranche t JOIN vouchers_campaign c ON c.id = t.campaign_id
         WHERE t.id = tranche) THEN
        EXECUTE format(
            'SELECT EXISTS (SELECT FROM %I v WHERE NOT EXISTS ('
            'SELECT FROM vouchers_resident r'
            ' WHERE r.id = v.resident_id AND r.external_id LIKE ''{SANDBOX}%%''))',
            child) INTO is_foreign;
    ELSE
        EXECUTE format(
            'SELECT EXISTS (SELECT FROM vouchers_resident r'
            ' WHERE r.external_id LIKE ''{SANDBOX}%%'''
            ' AND EXISTS (SELECT FROM %I v WHERE v.resident_id = r.id))',
            child) INTO is_foreign;
    END IF;
    IF is_foreign THEN
        RAISE EXCEPTION 'tranche % crosses the boundary of the sandbox', tranche
            USING ERRCODE = 'check_violation', CONSTRAINT = 'tranche_within_its_sandbox';
    END IF;
    -- Where one role both owns the schema and runs the services there is nothing to take back.
    IF session_user <> current_user THEN
        EXECUTE format('REVOKE ALL ON %I FROM %I', child, session_user);
    END IF;
    EXECUTE format(
        'ALTER TABLE vouchers_voucher ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
        child, first_id, (tranche + 1) << 20);
    EXECUTE format(
        'CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I'
        ' FOR EACH STATEMENT EXECUTE FUNCTION huimin_refuse_truncate()', child);
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT in_range', child);
    EXECUTE format('ANALYZE %I', child);
END $$
"""

# The services' role may delete no request. Takes out what an archive holds, if it holds as many.
DROP_ARCHIVED_REQUESTS: Final = """
CREATE OR REPLACE FUNCTION huimin_drop_archived_requests(archive bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    written record;
    gone bigint;
BEGIN
    SELECT before_at, row_count INTO STRICT written FROM vouchers_requestarchive WHERE id = archive;
    IF written.before_at > now() - interval '30 days' THEN
        RAISE EXCEPTION 'requests of the last 30 days stay'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_of_the_past';
    END IF;
    DELETE FROM vouchers_requestrecord WHERE created_at < written.before_at;
    GET DIAGNOSTICS gone = ROW_COUNT;
    IF gone <> written.row_count THEN
        RAISE EXCEPTION 'the archive holds % requests of %', written.row_count, gone
            USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_holds_what_goes';
    END IF;
    RETURN gone;
END $$
"""

# Roles given and taken are recorded, whatever way they are changed.
NOTE_MEMBERSHIP: Final = """
CREATE OR REPLACE FUNCTION huimin_note_membership() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    held auth_user_groups%ROWTYPE := COALESCE(NEW, OLD);
BEGIN
    INSERT INTO vouchers_rolechange (user_id, username, role, is_granted, at, database_role)
    SELECT held.user_id, COALESCE((SELECT username FROM auth_user WHERE id = held.user_id), ''),
           COALESCE((SELECT name FROM auth_group WHERE id = held.group_id), held.group_id::text),
           TG_OP = 'INSERT', clock_timestamp(), session_user;
    RETURN NULL;
END $$
"""

NOTE_MARKS: Final = """
CREATE OR REPLACE FUNCTION huimin_note_marks() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO vouchers_rolechange (user_id, username, role, is_granted, at, database_role)
    SELECT COALESCE(NEW.id, OLD.id), COALESCE(NEW.username, OLD.username), role,
           COALESCE(fresh, false), clock_timestamp(), session_user
      FROM (VALUES ('superuser', OLD.is_superuser, NEW.is_superuser),
                   ('staff', OLD.is_staff, NEW.is_staff),
                   ('active', OLD.is_active, NEW.is_active)) AS mark(role, stale, fresh)
     WHERE COALESCE(stale, false) <> COALESCE(fresh, false);
    RETURN NULL;
END $$
"""

# A grant is written as its role, with the number of the street or district where it is of one.
NOTE_GRANT: Final = """
CREATE OR REPLACE FUNCTION huimin_note_grant() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO vouchers_rolechange (user_id, username, role, is_granted, at, database_role)
    SELECT NEW.user_id, COALESCE((SELECT username FROM auth_user WHERE id = NEW.user_id), ''),
           left(concat_ws(' ', (SELECT name FROM auth_group WHERE id = NEW.role_id),
                          COALESCE(NEW.street_id, NEW.district_id)), 150),
           NEW.withdrawn_at IS NULL, clock_timestamp(), session_user;
    RETURN NULL;
END $$
"""

# What was done in the admin is evidence too.
REFUSE_REWRITING: Final = """
CREATE OR REPLACE FUNCTION huimin_refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'history is not rewritten'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'history_append_only';
END $$
"""

FUNCTIONS: Final = {
    "huimin_refuse_truncate": REFUSE_TRUNCATE,
    "huimin_open_month": OPEN_MONTH,
    "huimin_open_tranche": OPEN_TRANCHE,
    "huimin_attach_tranche": ATTACH_TRANCHE,
    "huimin_drop_archived_requests": DROP_ARCHIVED_REQUESTS,
    "huimin_note_membership": NOTE_MEMBERSHIP,
    "huimin_note_marks": NOTE_MARKS,
    "huimin_note_grant": NOTE_GRANT,
    "huimin_refuse_rewriting": REFUSE_REWRITING,
    "huimin_record_change": RECORD_CHANGE,
}
# Those that act with the owner's rights are called by the services' role alone.
OF_SERVICES: Final = (
    "huimin_open_month(date)",
    "huimin_open_tranche(bigint)",
    "huimin_attach_tranche(bigint)",
    "huimin_drop_archived_requests(bigint)",
)
# Triggers on tables of Django's own apps, and the one that notes grants among changes of roles.
TRIGGERS: Final = {
    "note_membership": """
CREATE OR REPLACE TRIGGER note_membership AFTER INSERT OR DELETE ON auth_user_groups
    FOR EACH ROW EXECUTE FUNCTION huimin_note_membership()
""",
    "note_marks": """
CREATE OR REPLACE TRIGGER note_marks AFTER INSERT OR UPDATE OR DELETE ON auth_user
    FOR EACH ROW EXECUTE FUNCTION huimin_note_marks()
""",
    "note_grants": """
CREATE OR REPLACE TRIGGER note_grants AFTER INSERT OR UPDATE OF withdrawn_at ON vouchers_grant
    FOR EACH ROW EXECUTE FUNCTION huimin_note_grant()
""",
    "history_append_only": """
CREATE OR REPLACE TRIGGER history_append_only BEFORE UPDATE OR DELETE ON django_admin_log
    FOR EACH ROW EXECUTE FUNCTION huimin_refuse_rewriting()
""",
    "history_no_truncate": """
CREATE OR REPLACE TRIGGER history_no_truncate BEFORE TRUNCATE ON django_admin_log
    FOR EACH STATEMENT EXECUTE FUNCTION huimin_refuse_truncate()
""",
}


def install(_apps: Any, schema_editor: Any) -> None:
    """Bring functions and triggers of the database to the text above; for migrations."""
    for statement in FUNCTIONS.values():
        schema_editor.execute(statement, params=None)
    for function in OF_SERVICES:
        schema_editor.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
    for statement in (*TRIGGERS.values(), *chain.from_iterable(RECORDERS.values())):
        schema_editor.execute(statement, params=None)
