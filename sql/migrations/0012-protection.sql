-- 0012-protection.sql: what protects templates, and what it noticed
--
-- Why:    a forged datagram can redefine a template, and a broken exporter can send
--         nothing but rubbish: both must be seen where exporters are looked at; and
--         RFC 7011 8.4 asks for the collector's own address and port with a template.
-- Needs:  0002-exporter.sql
-- Locks:  exporter_state, exporter_template: ACCESS EXCLUSIVE for a moment (no rewrite)
-- Undo:   ALTER TABLE ... DROP COLUMN each; loses these numbers only
-- Used:   the collector; flowkeep doctor

ALTER TABLE flowkeep.exporter_state
    ADD COLUMN template_changes  bigint NOT NULL DEFAULT 0,
    ADD COLUMN restarts          bigint NOT NULL DEFAULT 0,
    ADD COLUMN quarantined_until timestamptz;

COMMENT ON COLUMN flowkeep.exporter_state.template_changes
    IS 'how often a template id was given another definition';
COMMENT ON COLUMN flowkeep.exporter_state.restarts
    IS 'restarts noticed by uptime and sequence numbers (NetFlow v9), after which its templates were forgotten';
COMMENT ON COLUMN flowkeep.exporter_state.quarantined_until
    IS 'end of its newest quarantine, after nothing but malformed messages; null = never';

ALTER TABLE flowkeep.exporter_template
    ADD COLUMN local_address inet,
    ADD COLUMN local_port    integer;

COMMENT ON COLUMN flowkeep.exporter_template.local_address
    IS 'address of the collector it came to, as configured: :: = any; null = learnt before this was kept';
COMMENT ON COLUMN flowkeep.exporter_template.local_port
    IS 'UDP port of the collector it came to';
