-- mail.sql: messages, without their bodies
--
-- Why:    an alert that was never delivered is no alert.
-- Needs:  0007-alert.sql
-- Locks:  none
-- Used:   grafana/dashboards

CREATE OR REPLACE VIEW flowkeep_view.mail AS
    SELECT o.id,
           o.kind,
           o.alert_id,
           o.recipient,
           o.subject,
           o.state,
           o.attempts,
           o.next_attempt_at,
           o.last_error,
           o.created_at,
           o.sent_at,
           extract(epoch FROM coalesce(o.sent_at, now()) - o.created_at)::double precision
               AS waited_sec
      FROM flowkeep.outbox AS o;

COMMENT ON VIEW flowkeep_view.mail
    IS 'messages: waiting, sent, refused, held';
COMMENT ON COLUMN flowkeep_view.mail.id IS 'outbox.id';
COMMENT ON COLUMN flowkeep_view.mail.kind IS 'alert, digest or test';
COMMENT ON COLUMN flowkeep_view.mail.alert_id IS 'alert.id; null for others';
COMMENT ON COLUMN flowkeep_view.mail.recipient IS 'name of the recipient in the configuration';
COMMENT ON COLUMN flowkeep_view.mail.subject IS 'subject';
COMMENT ON COLUMN flowkeep_view.mail.state IS 'pending, sending, sent, refused or held';
COMMENT ON COLUMN flowkeep_view.mail.attempts IS 'how often it was tried';
COMMENT ON COLUMN flowkeep_view.mail.next_attempt_at IS 'not before';
COMMENT ON COLUMN flowkeep_view.mail.last_error IS 'what the mail server said last';
COMMENT ON COLUMN flowkeep_view.mail.created_at IS 'when it was written';
COMMENT ON COLUMN flowkeep_view.mail.sent_at IS 'when the server took it';
COMMENT ON COLUMN flowkeep_view.mail.waited_sec IS 'from then until it was sent, or until now';
