-- 0007-alert.sql: incidents, what found them, their history, mutes, mail that is to be sent, job runs
--
-- Why:    an alert is raised once and told once, whatever is killed meanwhile.
-- Needs:  bootstrap.sql
-- Locks:  none (new objects only)
-- Undo:   DROP TABLE of the six   -- all incidents are found and told again
-- Twins:  analytics/alert, analytics/mail, analytics/schedule.c

CREATE TABLE flowkeep.alert (
    id               bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind             text             NOT NULL,
    rule             text             NOT NULL,
    host             inet             NOT NULL,
    host_group       text,
    peer             inet             NOT NULL,
    peer_network     cidr             NOT NULL,
    service_port     integer          NOT NULL,
    protocol         smallint         NOT NULL,
    initiator        smallint         NOT NULL,
    state            text             NOT NULL,
    severity         text             NOT NULL,
    score            real             NOT NULL,
    magnitude        double precision NOT NULL,
    first_contact_at timestamptz,
    last_contact_at  timestamptz,
    opened_at        timestamptz      NOT NULL,
    found_at         timestamptz      NOT NULL,
    resolved_at      timestamptz,
    told_at          timestamptz,
    shown_at         timestamptz      NOT NULL DEFAULT clock_timestamp(),
    title            text             NOT NULL,
    explanation      text             NOT NULL,
    evidence         jsonb            NOT NULL,
    mute_id          bigint
);

COMMENT ON TABLE flowkeep.alert
    IS 'one row per incident: a kind of thing between a watched host and a peer group on a port';
COMMENT ON COLUMN flowkeep.alert.id
    IS 'number of the incident';
COMMENT ON COLUMN flowkeep.alert.kind
    IS 'beacon, exfil';
COMMENT ON COLUMN flowkeep.alert.rule
    IS 'rule of the finding that is shown: beacon, burst, drip, role-flip, chunking, channel, single-session, rotation';
COMMENT ON COLUMN flowkeep.alert.host
    IS 'the watched host';
COMMENT ON COLUMN flowkeep.alert.host_group
    IS 'watch_group.name the host is in; null = in none any more';
COMMENT ON COLUMN flowkeep.alert.peer
    IS 'the peer, or one of its group';
COMMENT ON COLUMN flowkeep.alert.peer_network
    IS 'the peer group: a network, or the peer alone';
COMMENT ON COLUMN flowkeep.alert.service_port
    IS 'port; 0 = any or none';
COMMENT ON COLUMN flowkeep.alert.protocol
    IS 'IANA protocol number; 0 = any';
COMMENT ON COLUMN flowkeep.alert.initiator
    IS 'who called: 1 host, 2 peer, 0 unknown';
COMMENT ON COLUMN flowkeep.alert.state
    IS 'open, acknowledged, muted or resolved';
COMMENT ON COLUMN flowkeep.alert.severity
    IS 'listed, digest or mail: the highest so far';
COMMENT ON COLUMN flowkeep.alert.score
    IS 'score of the finding that is shown, 0 to 100';
COMMENT ON COLUMN flowkeep.alert.magnitude
    IS 'its magnitude: contacts or octets';
COMMENT ON COLUMN flowkeep.alert.first_contact_at
    IS 'first contact known of';
COMMENT ON COLUMN flowkeep.alert.last_contact_at
    IS 'newest contact known of';
COMMENT ON COLUMN flowkeep.alert.opened_at
    IS 'when it was opened';
COMMENT ON COLUMN flowkeep.alert.found_at
    IS 'when it was last found';
COMMENT ON COLUMN flowkeep.alert.resolved_at
    IS 'when it was resolved; null = it is not';
COMMENT ON COLUMN flowkeep.alert.told_at
    IS 'when people were last told by mail; null = never, or not since it was opened again';
COMMENT ON COLUMN flowkeep.alert.shown_at
    IS 'when the finding that is shown was written: about the same again is written once an hour';
COMMENT ON COLUMN flowkeep.alert.title
    IS 'one line: host, peer, what';
COMMENT ON COLUMN flowkeep.alert.explanation
    IS 'the finding that is shown in sentences';
COMMENT ON COLUMN flowkeep.alert.evidence
    IS 'the same in numbers: see below';
COMMENT ON COLUMN flowkeep.alert.mute_id
    IS 'mute.id that silences it; null = none';

-- One incident that is not over per identity.
CREATE UNIQUE INDEX alert_identity
    ON flowkeep.alert (kind, host, peer_network, service_port)
 WHERE state <> 'resolved';
CREATE INDEX alert_host ON flowkeep.alert (host, kind);
CREATE INDEX alert_opened_at ON flowkeep.alert (opened_at);

ALTER TABLE flowkeep.alert
    ADD CHECK (state IN ('open', 'acknowledged', 'muted', 'resolved')),
    ADD CHECK (severity IN ('listed', 'digest', 'mail'));

CREATE TABLE flowkeep.alert_finding (
    alert_id        bigint           NOT NULL REFERENCES flowkeep.alert (id) ON DELETE CASCADE,
    rule            text             NOT NULL,
    peer_network    cidr             NOT NULL,
    service_port    integer          NOT NULL,
    severity        text             NOT NULL,
    score           real             NOT NULL,
    magnitude       double precision NOT NULL,
    noted_magnitude double precision NOT NULL,
    found_at        timestamptz      NOT NULL,
    explanation     text             NOT NULL,
    PRIMARY KEY (alert_id, rule, peer_network, service_port)
);

COMMENT ON TABLE flowkeep.alert_finding
    IS 'one row per rule and peers that found an incident: its newest finding';
COMMENT ON COLUMN flowkeep.alert_finding.alert_id
    IS 'alert.id';
COMMENT ON COLUMN flowkeep.alert_finding.rule
    IS 'as alert.rule';
COMMENT ON COLUMN flowkeep.alert_finding.peer_network
    IS 'the peer group of the finding: that of the incident or a part of it';
COMMENT ON COLUMN flowkeep.alert_finding.service_port
    IS 'port of the finding; 0 = any or none';
COMMENT ON COLUMN flowkeep.alert_finding.severity
    IS 'of the finding: listed, digest or mail';
COMMENT ON COLUMN flowkeep.alert_finding.score
    IS 'its score, 0 to 100';
COMMENT ON COLUMN flowkeep.alert_finding.magnitude
    IS 'its magnitude: contacts or octets';
COMMENT ON COLUMN flowkeep.alert_finding.noted_magnitude
    IS 'magnitude at the last event; ten times as much is an event again';
COMMENT ON COLUMN flowkeep.alert_finding.found_at
    IS 'when it was last found';
COMMENT ON COLUMN flowkeep.alert_finding.explanation
    IS 'in sentences';

CREATE TABLE flowkeep.alert_event (
    id          bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id    bigint           NOT NULL REFERENCES flowkeep.alert (id) ON DELETE CASCADE,
    at          timestamptz      NOT NULL,
    what        text             NOT NULL,
    tell        boolean          NOT NULL,
    severity    text             NOT NULL,
    score       real             NOT NULL,
    magnitude   double precision NOT NULL,
    explanation text             NOT NULL,
    who         text,
    note        text,
    composed    boolean          NOT NULL DEFAULT false
);

COMMENT ON TABLE flowkeep.alert_event
    IS 'one row per change of an incident';
COMMENT ON COLUMN flowkeep.alert_event.id
    IS 'number of the event';
COMMENT ON COLUMN flowkeep.alert_event.alert_id
    IS 'alert.id';
COMMENT ON COLUMN flowkeep.alert_event.at
    IS 'when, by the clock of the job';
COMMENT ON COLUMN flowkeep.alert_event.what
    IS 'opened, grew, severity, widened, resolved, reopened, acknowledged, muted, unmuted';
COMMENT ON COLUMN flowkeep.alert_event.tell
    IS 'whether people are told by mail';
COMMENT ON COLUMN flowkeep.alert_event.severity
    IS 'of the incident then';
COMMENT ON COLUMN flowkeep.alert_event.score
    IS 'of the incident then';
COMMENT ON COLUMN flowkeep.alert_event.magnitude
    IS 'of the incident then';
COMMENT ON COLUMN flowkeep.alert_event.explanation
    IS 'of the incident then';
COMMENT ON COLUMN flowkeep.alert_event.who
    IS 'who did it; null = the job';
COMMENT ON COLUMN flowkeep.alert_event.note
    IS 'what they said about it';
COMMENT ON COLUMN flowkeep.alert_event.composed
    IS 'its messages are in the outbox';

CREATE INDEX alert_event_alert_id ON flowkeep.alert_event (alert_id);
CREATE INDEX alert_event_to_compose ON flowkeep.alert_event (id) WHERE NOT composed;

CREATE TABLE flowkeep.mute (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text,
    host_network cidr,
    peer_network cidr,
    service_port integer,
    until_at     timestamptz,
    reason       text        NOT NULL,
    who          text        NOT NULL,
    alert_id     bigint,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at     timestamptz
);

COMMENT ON TABLE flowkeep.mute
    IS 'one row per mute: what is not to be told';
COMMENT ON COLUMN flowkeep.mute.id
    IS 'number of the mute';
COMMENT ON COLUMN flowkeep.mute.kind
    IS 'alert.kind; null = any';
COMMENT ON COLUMN flowkeep.mute.host_network
    IS 'watched hosts it is for; null = all';
COMMENT ON COLUMN flowkeep.mute.peer_network
    IS 'peers it is for; null = all';
COMMENT ON COLUMN flowkeep.mute.service_port
    IS 'port it is for; null = all';
COMMENT ON COLUMN flowkeep.mute.until_at
    IS 'when it ends; null = never';
COMMENT ON COLUMN flowkeep.mute.reason
    IS 'why';
COMMENT ON COLUMN flowkeep.mute.who
    IS 'who muted';
COMMENT ON COLUMN flowkeep.mute.alert_id
    IS 'the incident it was made from; null = none';
COMMENT ON COLUMN flowkeep.mute.created_at
    IS 'when it was made';
COMMENT ON COLUMN flowkeep.mute.ended_at
    IS 'when it was lifted by hand; null = it was not';

CREATE TABLE flowkeep.outbox (
    id              bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id      text        NOT NULL UNIQUE,
    kind            text        NOT NULL,
    alert_id        bigint      REFERENCES flowkeep.alert (id) ON DELETE SET NULL,
    alert_event_id  bigint,
    recipient       text        NOT NULL,
    address         text        NOT NULL,
    subject         text        NOT NULL,
    message         bytea       NOT NULL,
    state           text        NOT NULL,
    attempts        integer     NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    last_error      text,
    created_at      timestamptz NOT NULL,
    sent_at         timestamptz
);

COMMENT ON TABLE flowkeep.outbox
    IS 'one row per message and recipient';
COMMENT ON COLUMN flowkeep.outbox.id
    IS 'number of the message';
COMMENT ON COLUMN flowkeep.outbox.message_id
    IS 'its Message-ID; made from what it is about, so that it exists once';
COMMENT ON COLUMN flowkeep.outbox.kind
    IS 'alert, digest or test';
COMMENT ON COLUMN flowkeep.outbox.alert_id
    IS 'alert.id; null for others';
COMMENT ON COLUMN flowkeep.outbox.alert_event_id
    IS 'alert_event.id; null for others';
COMMENT ON COLUMN flowkeep.outbox.recipient
    IS 'name of the [recipient] section';
COMMENT ON COLUMN flowkeep.outbox.address
    IS 'address it goes to';
COMMENT ON COLUMN flowkeep.outbox.subject
    IS 'subject, for people who look here';
COMMENT ON COLUMN flowkeep.outbox.message
    IS 'the whole message as it is sent (RFC 5322)';
COMMENT ON COLUMN flowkeep.outbox.state
    IS 'pending, sending, sent, refused (for good), held (over a cap; told in the next message)';
COMMENT ON COLUMN flowkeep.outbox.attempts
    IS 'how often it was tried';
COMMENT ON COLUMN flowkeep.outbox.next_attempt_at
    IS 'not before';
COMMENT ON COLUMN flowkeep.outbox.last_error
    IS 'what the mail server said last, or what was wrong';
COMMENT ON COLUMN flowkeep.outbox.created_at
    IS 'when it was written, by the clock of the job';
COMMENT ON COLUMN flowkeep.outbox.sent_at
    IS 'when the server took it';

CREATE INDEX outbox_to_send ON flowkeep.outbox (next_attempt_at)
 WHERE state IN ('pending', 'sending');
CREATE INDEX outbox_alert_id ON flowkeep.outbox (alert_id);

ALTER TABLE flowkeep.outbox
    ADD CHECK (state IN ('pending', 'sending', 'sent', 'refused', 'held'));

CREATE TABLE flowkeep.job_run (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job        text        NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at   timestamptz,
    until_at   timestamptz,
    rows_read  bigint      NOT NULL DEFAULT 0,
    findings   bigint      NOT NULL DEFAULT 0,
    error      text
);

COMMENT ON TABLE flowkeep.job_run
    IS 'one row per run of a job that did something or failed';
COMMENT ON COLUMN flowkeep.job_run.id
    IS 'number of the run';
COMMENT ON COLUMN flowkeep.job_run.job
    IS 'session, beacon, exfil, baseline, mail ...';
COMMENT ON COLUMN flowkeep.job_run.started_at
    IS 'when it began';
COMMENT ON COLUMN flowkeep.job_run.ended_at
    IS 'when it ended; null = it runs, or was killed';
COMMENT ON COLUMN flowkeep.job_run.until_at
    IS 'up to where it has read; null = it reads no stream';
COMMENT ON COLUMN flowkeep.job_run.rows_read
    IS 'rows it read';
COMMENT ON COLUMN flowkeep.job_run.findings
    IS 'findings, or messages sent';
COMMENT ON COLUMN flowkeep.job_run.error
    IS 'why it failed; null = it did not';

CREATE INDEX job_run_job ON flowkeep.job_run (job, started_at);
