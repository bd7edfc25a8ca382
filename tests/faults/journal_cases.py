# SPDX-License-Identifier: Apache-2.0
"""The journal's files are damaged while nobody has them open, with data in them that is
not stored yet.  What was destroyed is known record by record: `loss` must count exactly
so many, and the sequence numbers of the exporters as many flows as were in them."""

import os
import time

from case import Case, Scene
from daemon import wait_until
from journal_files import Damage

SEGMENTS = 3  # that must have something to lose, at least
SPARES = 2  # made ahead
SMALL = {"journal": {"segment_bytes": "1M"}}
AWAY = ('ALTER DATABASE "{0}" ALLOW_CONNECTIONS false;'
        " SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{0}'")
BACK = 'ALTER DATABASE "{0}" ALLOW_CONNECTIONS true'


class Journal(Scene):
    """Members: n_destroyed, records that were destroyed before they were stored."""

    n_destroyed = 0
    is_exact = True  # n_destroyed is all that may be missing

    @property
    def folder(self):
        return os.path.join(self.collector.settings["journal"]["directory"], "worker-0")

    def start_load(self):
        """Nobody could say what is missing of an exporter never heard of before."""
        load = super().start_load()
        n_exporters = sum(t.exporters for t in self.case.traffic)
        n_templates = sum(t.exporters * t.templates for t in self.case.traffic
                          if t.version != 5)
        self.collector.wait_for("SELECT (SELECT count(*) FROM flowkeep.exporter) || ' ' ||"
                                " (SELECT count(*) FROM flowkeep.exporter_template)",
                                f"{n_exporters} {n_templates}")
        return load

    def server_goes(self):
        self.pg.psql(AWAY.format(self.collector.database))

    def server_comes(self):
        self.pg.psql(BACK.format(self.collector.database))

    def position(self):
        self.server_comes()
        return self.stored_up_to()

    def stored_up_to(self):
        row = self.collector.sql("SELECT segment, segment_offset"
                                 "  FROM flowkeep.ingest_position")[0]
        return int(row[0]), int(row[1])

    def end_collector(self):
        if self.chance.random() < 0.5:
            self.collector.kill()
        else:
            self.collector.stop()

    def damage(self, how):
        """The server goes, data gathers, the collector ends, `how` is done."""
        newest = self.position()[0]
        self.server_goes()
        wait_until("data in the journal", lambda: sum(n > newest for n in self.segments())
                   >= SEGMENTS + SPARES, 60)
        time.sleep(self.chance.uniform(0, 0.5))
        self.end_collector()
        last = max(self.segments())
        damage = Damage(self.folder, self.position(), self.chance)
        how(damage)
        self.n_destroyed += len(damage.destroyed)
        self.collector.start()
        # Under load there is no moment without a backlog: what was damaged is read.
        wait_until("the damaged journal to be read",
                   lambda: self.stored_up_to()[0] > last, 120)

    def segments(self):
        """Numbers of all there are, spares too, and of those that were put aside."""
        return [int(name[:16], 16) for name in os.listdir(self.folder)
                if ".journal" in name]

    def settle(self, sent):
        result = super().settle(sent)
        counted = self.collector.losses().get(
            ("malformed", "datagrams", "journal_corrupt"), 0)
        result.notes["records destroyed"] = self.n_destroyed
        if self.is_exact and counted != self.n_destroyed:
            result.problems.append(f"{self.n_destroyed} records were destroyed, `loss` "
                                   f"says {counted}")
        return result


def case(name, what, how, short=0):
    return Case(name, what, lambda scene: scene.damage(how), short=short,
                pause_sec=(0.2, 0.5), settings=SMALL, causes=("malformed",),
                scene=Journal)


CASES = [
    case("journal-truncated", "a segment of the journal is cut anywhere",
         Damage.truncate),
    case("journal-bit-flipped", "up to 20 bits of the journal are flipped", Damage.flip,
         short=1),
    case("journal-header-flipped", "a bit of a segment's header is flipped",
         Damage.flip_header),
    case("journal-segment-removed", "a segment of the journal is removed", Damage.remove,
         short=1),
    case("journal-removed", "all of the journal that has something to give is removed",
         Damage.remove_all),
]
