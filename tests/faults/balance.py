# SPDX-License-Identifier: Apache-2.0
"""Balance: what became of every record that was sent, once a fault is over.

    sent = stored + lost;  waiting, duplicated and unexplained are 0

    sent         from the generator's report, for each exporter
    stored       rows of `flow`, for each exporter
    lost         flows that `loss` counts as a gap in the exporter's sequence, and rows
                 that the database rejected; v5 and IPFIX number their flows, so a gap
                 is exact
    waiting      bytes of the journal that are not stored yet
    duplicated   rows less distinct numbers (each flow has a number of its own)
    unexplained  for each exporter what is missing or too much, summed; flows whose
                 values are not those sent; and gaps that nobody caused: of flows that
                 reached the socket the kernel must have dropped as many (its own count
                 of drops is asked, /proc/net/udp), or the case says what else did

A case that sends no flows fills in the members itself, in the unit it names."""

from dataclasses import asdict, dataclass, field

ADD = ("times", "sent", "stored", "lost", "waiting", "duplicated", "unexplained",
       "seconds")
SETTLE_SEC = 20  # losses are written with a later batch than the rows around them


@dataclass
class Balance:
    case: str
    unit: str = "flows"
    times: int = 0
    sent: int = 0
    stored: int = 0
    lost: int = 0  # counted as lost, in `unit`
    waiting: int = 0
    duplicated: int = 0
    unexplained: int = 0
    seconds: float = 0.0
    losses: dict = field(default_factory=dict)  # "reason class, unit" -> count
    notes: dict = field(default_factory=dict)  # what the case counted or measured
    problems: list = field(default_factory=list)  # sentences; none when all is well
    facts: dict = field(default_factory=dict)  # version, time, what it ran with

    @property
    def ok(self):
        return not (self.waiting or self.duplicated or self.unexplained or self.problems)

    def as_dict(self):
        return dict(asdict(self), ok=self.ok)

    @staticmethod
    def from_dict(values):
        return Balance(**{k: v for k, v in values.items() if k != "ok"})

    def add(self, other):
        """The sum of two runs of the same case.  Notes are summed when they are counts;
        of a measurement (a float) the last one stays."""
        for name in ADD:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for key, count in other.losses.items():
            self.losses[key] = self.losses.get(key, 0) + count
        for key, value in other.notes.items():
            old = self.notes.get(key)
            both = isinstance(value, int) and isinstance(old, int)
            self.notes[key] = old + value if both else value
        self.problems += other.problems


def loss_key(reason, unit, kind):
    return f"{reason} {kind}, {unit}" if kind else f"{reason}, {unit}"


def by_exporter(collector, reason):
    return {row[0]: int(row[1]) for row in collector.sql(
        "SELECT host(e.address), sum(l.count) FROM flowkeep.loss AS l"
        " JOIN flowkeep.exporter AS e ON e.id = l.exporter_id"
        f" WHERE l.reason = '{reason}' AND l.unit = 'flows' GROUP BY 1")}


def of_flows(balance, collector, sent, records, drops, causes=()):
    """Fills @balance from the database.  @sent: address -> flows; @records: flows in a
    datagram at most; @drops: datagrams the kernel says it dropped; @causes: reasons of
    `loss` (in datagrams) that make gaps too, or "network": gaps need no cause."""
    stored = {row[0]: int(row[1]) for row in collector.sql(
        "SELECT host(e.address), n FROM (SELECT exporter_id, count(*) AS n"
        " FROM flowkeep.flow GROUP BY 1) AS f JOIN flowkeep.exporter AS e"
        " ON e.id = f.exporter_id")}
    rows, distinct, _, _, odd = collector.numbered()
    losses = collector.losses()
    gaps = by_exporter(collector, "sequence_gap")
    rejected = by_exporter(collector, "rejected")
    lost = {a: gaps.get(a, 0) + rejected.get(a, 0) for a in set(gaps) | set(rejected)}
    balance.sent = sum(sent.values())
    balance.stored = rows
    balance.lost = sum(lost.values())
    balance.losses = {loss_key(*key): n for key, n in sorted(losses.items())}
    balance.waiting = collector.number(
        "SELECT sum(backlog_bytes) FROM flowkeep.ingest_position")
    balance.duplicated = rows - distinct
    missing = {a: sent.get(a, 0) - stored.get(a, 0) - lost.get(a, 0)
               for a in set(sent) | set(stored) | set(lost)}
    n_causes = drops + sum(n for (reason, unit, _), n in losses.items()
                           if unit == "datagrams" and reason in causes)
    uncaused = 0
    if "network" not in causes:
        uncaused = max(0, sum(gaps.values()) - n_causes * records)
    balance.unexplained = sum(map(abs, missing.values())) + odd + uncaused
    if drops:
        balance.notes["datagrams the kernel dropped"] = drops
    balance.facts["missing"] = {a: n for a, n in missing.items() if n}
