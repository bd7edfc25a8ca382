-- template.sql: templates in use
--
-- Why:    does the router announce what it sends, and when did it last?
-- Needs:  0002-exporter.sql
-- Locks:  none
-- Used:   grafana/dashboards

CREATE OR REPLACE VIEW flowkeep_view.template AS
    SELECT t.exporter_id,
           t.collector,
           t.template_id,
           CASE WHEN t.is_options THEN 'options' ELSE 'data' END AS kind,
           -- After id and count (6 octets with the scope, of options) each field has 4.
           CASE WHEN length(t.body) >= 4
                THEN get_byte(t.body, 2) * 256 + get_byte(t.body, 3) END AS fields,
           t.learnt_at
      FROM flowkeep.exporter_template AS t;

COMMENT ON VIEW flowkeep_view.template
    IS 'templates in use, received over UDP';
COMMENT ON COLUMN flowkeep_view.template.exporter_id IS 'exporter.id';
COMMENT ON COLUMN flowkeep_view.template.collector IS 'collector that learnt it';
COMMENT ON COLUMN flowkeep_view.template.template_id IS '256 to 65535';
COMMENT ON COLUMN flowkeep_view.template.kind IS 'data or options';
COMMENT ON COLUMN flowkeep_view.template.fields IS 'fields in its records (v9 options: octets of scopes)';
COMMENT ON COLUMN flowkeep_view.template.learnt_at IS 'when it was last announced';
