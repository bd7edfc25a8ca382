-- roles.sql: the three roles that programs and people are made members of
--
-- Why:    each program gets only what it does; see grants.sql.
-- Needs:  a role with CREATEROLE, unless the roles are there already
-- Locks:  none
-- Undo:   DROP OWNED BY and DROP ROLE, one by one
-- Used:   sql/schema.c, before the migrations

DO $roles$
DECLARE
    missing text[];
    role_name text;
BEGIN
    SELECT array_agg(wanted.name ORDER BY wanted.name) INTO missing
      FROM unnest(ARRAY['flowkeep_analytics', 'flowkeep_collector', 'flowkeep_reader'])
               AS wanted (name)
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r
                        WHERE r.rolname = wanted.name);

    IF missing IS NULL THEN
        RETURN;
    END IF;

    IF NOT (SELECT r.rolcreaterole OR r.rolsuper FROM pg_catalog.pg_roles AS r
             WHERE r.rolname = current_user) THEN
        RAISE EXCEPTION 'role % may not create roles; let an administrator run: CREATE ROLE %;',
            current_user, array_to_string(missing, '; CREATE ROLE ')
            USING ERRCODE = 'insufficient_privilege';
    END IF;

    FOREACH role_name IN ARRAY missing LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- another database of this server is being migrated
        END;
    END LOOP;
END
$roles$;
