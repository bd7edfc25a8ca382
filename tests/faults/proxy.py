# SPDX-License-Identifier: Apache-2.0
"""Proxy: between the collector and PostgreSQL, on loopback, and not to be trusted.

    with Proxy(pg) as proxy:
        ... conninfo = proxy.conninfo(database) ...
        proxy.cut_at_commit("answered")    # the next COMMIT is done, its answer is lost
        proxy.cut_all()                    # every connection is reset, now
        proxy.bytes_per_sec = 20000        # a slow server; 0 = as fast as it goes

It reads as much of the protocol as that needs: where messages begin, whether a query is
a COMMIT, and whether the server said that it is done.  It runs in a thread of its own;
all methods may be called from any thread."""

import asyncio
import contextlib
import os
import socket
import struct
import threading
from dataclasses import dataclass, field

CHUNK = 1 << 16
TICK_SEC = 0.02  # of a slow server
COMMIT = b"COMMIT;"  # of a batch; the operator's command has no more behind it
DONE = b"COMMIT\0"
ANSWER_SEC = 10
HELD_MAX = 1 << 20  # of a query; larger ones are no COMMIT and pass as they come

# When a connection is cut at its COMMIT.
CUTS = {
    "before": "the COMMIT never reaches the server",
    "sent": "the COMMIT is sent and the connection cut at once",
    "answered": "the server has committed, its answer never arrives",
}


class Splitter:
    """Finds the messages of one kind in a stream of typed messages, whatever pieces it
    comes in.  feed() gives (is_wanted, bytes) in order; a wanted one is whole."""

    def __init__(self, wanted, startup):
        self.wanted = wanted  # the type's byte
        self.startup = startup  # the first message has no type
        self.head = b""
        self.left = 0  # of a message that is passed on as it comes
        self.held = None  # a wanted message so far

    def feed(self, data):
        plain_from = at = 0
        data = self.head + data
        self.head = b""
        while at < len(data):
            if self.left:
                step = min(self.left, len(data) - at)
                self.left -= step
                at += step
                continue
            n_head = 4 if self.startup else 5
            head = data[at:at + n_head]
            if len(head) < n_head:
                break
            size = struct.unpack(">I", head[-4:])[0] + (0 if self.startup else 1)
            if self.startup or head[:1] != self.wanted or size > HELD_MAX:
                self.startup = False
                self.left = size
                continue
            if len(data) - at < size:
                break
            if plain_from < at:
                yield False, data[plain_from:at]
            yield True, data[at:at + size]
            at += size
            plain_from = at
        if plain_from < at:
            yield False, data[plain_from:at]
        self.head = data[at:]


@dataclass
class Cut:
    """What was asked for, and what came of it."""
    how: str
    then: callable = None  # called when it is time, before the connection is cut
    is_over: threading.Event = field(default_factory=threading.Event)
    work: object = None  # `then`, begun
    is_made: bool = False
    committed: object = None  # True, False, or None: nobody was told

    def wait(self, timeout_sec=60):
        if not self.is_over.wait(timeout_sec):
            raise AssertionError(f"no COMMIT within {timeout_sec} s")
        return self


class Proxy:
    def __init__(self, pg, host="127.0.0.1"):
        self.upstream = os.path.join(pg.socket, ".s.PGSQL.5432")
        self.user = "postgres"
        self.bytes_per_sec = 0
        self.is_refusing = False  # new connections are closed at once
        self.n_connections = 0
        self.cut = None  # a Cut that waits for its COMMIT
        self.open = set()  # of writers, both sides
        self.listener = socket.create_server((host, 0))
        self.host, self.port = self.listener.getsockname()[:2]
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.run, name="proxy", daemon=True)

    def conninfo(self, database):
        return (f"host={self.host} port={self.port} dbname={database} user={self.user}"
                " sslmode=disable gssencmode=disable")

    # --- from outside

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.thread.is_alive():
            self.call(self.shut())
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join(10)
        self.listener.close()

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def cut_at_commit(self, how, then=None):
        """Arms it; Cut.wait() returns when it is over.  @then: see Cut."""
        cut = Cut(how, then)
        self.cut = cut
        return cut

    def cut_all(self):
        async def cut():
            for writer in list(self.open):
                reset(writer)
        self.call(cut())

    # --- in its thread

    def run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(
            asyncio.start_server(self.on_client, sock=self.listener, limit=CHUNK))
        self.loop.run_forever()

    async def shut(self):
        for task in asyncio.all_tasks():
            if task is not asyncio.current_task():
                task.cancel()
        for writer in list(self.open):
            reset(writer)
        await asyncio.sleep(0)

    async def on_client(self, reader, writer):
        self.n_connections += 1
        if self.is_refusing:
            reset(writer)
            return
        try:
            up_reader, up_writer = await asyncio.open_unix_connection(
                self.upstream, limit=CHUNK)
        except OSError:
            reset(writer)
            return
        connection = Connection(self, (reader, writer), (up_reader, up_writer))
        self.open |= {writer, up_writer}
        try:
            await connection.run()
        finally:
            self.open -= {writer, up_writer}
            reset(writer)
            reset(up_writer)


class Connection:
    def __init__(self, proxy, client, server):
        self.proxy = proxy
        self.client = client
        self.server = server
        self.cut = None  # taken: the answer of this one's COMMIT is not passed on

    async def run(self):
        ways = [asyncio.ensure_future(self.up()), asyncio.ensure_future(self.down())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            if self.cut:
                reset(self.client[1])
            if self.cut and self.cut.how != "before":  # did the server do it?
                await asyncio.wait([ways[1]], timeout=ANSWER_SEC)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            if self.cut:
                await self.finish()

    async def read(self, reader):
        """b"" at the end, also at one that is none."""
        rate = self.proxy.bytes_per_sec
        if rate:
            await asyncio.sleep(TICK_SEC)
        try:
            return await reader.read(max(1, int(rate * TICK_SEC)) if rate else CHUNK)
        except (ConnectionError, OSError):
            return b""

    async def up(self):
        splitter = Splitter(b"Q", startup=True)
        while data := await self.read(self.client[0]):
            for is_query, piece in splitter.feed(data):
                if (is_query and self.proxy.cut
                        and piece[5:5 + len(COMMIT)] == COMMIT):
                    if not await self.at_commit(piece):
                        return
                else:
                    self.server[1].write(piece)
            await self.server[1].drain()

    async def at_commit(self, piece):
        """Returns false when the connection is to be cut now."""
        self.cut, self.proxy.cut = self.proxy.cut, None
        if self.cut.how == "before":
            self.cut.committed = False
            await self.then()
            return False
        self.server[1].write(piece)
        await self.server[1].drain()
        if self.cut.how == "sent":
            await self.then()
            return False
        return True

    async def then(self):
        """It may end this very connection, which must not end it."""
        self.cut.is_made = True
        if self.cut.then:
            self.cut.work = self.proxy.loop.run_in_executor(None, self.cut.then)
            await asyncio.wait([self.cut.work])

    async def finish(self):
        if self.cut.work:
            await asyncio.wait([self.cut.work])
        if self.cut.is_made:
            self.cut.is_over.set()
        else:  # the connection ended by itself before it could be made
            self.proxy.cut = self.cut

    async def down(self):
        splitter = Splitter(b"C", startup=False)
        while data := await self.read(self.server[0]):
            for is_complete, piece in splitter.feed(data):
                if self.cut is None:
                    self.client[1].write(piece)
                elif is_complete and piece[5:] == DONE:
                    self.cut.committed = True
                    if self.cut.how == "answered":
                        await self.then()
                    return
            await self.client[1].drain()


def reset(writer):
    """Ends a connection as a router or a crash does, without a goodbye."""
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.family != socket.AF_UNIX:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack("ii", 1, 0))
    writer.transport.abort()
