#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A mail server for tests, by aiosmtpd (package python3-aiosmtpd).

    mail-server.py FOLDER PORT [--starttls | --tls] [--cert FILE --key FILE]
                   [--user NAME --password WORD]

Prints "ready" when it listens on localhost.  FOLDER/received has a line of JSON for
each message that was taken, FOLDER/seen one for each thing that happened.  How it
behaves is read anew from FOLDER/behaviour (JSON) at each command:

    {"rcpt": {"a@example.net": "550 5.1.1 no such user"}}
    {"data": "451 4.7.1 greylisted"}      answer to every message
    {"drop": "before"}                    hangs up instead of answering; message lost
    {"drop": "after"}                     likewise, but the message is taken
    {"slow": {"rcpt": 5, "data": 5}}      seconds before the answer"""

import argparse
import asyncio
import json
import os
import ssl
import time

from aiosmtpd.smtp import SMTP, AuthResult


class Server:
    def __init__(self, options):
        self.options = options

    def write(self, name, **what):
        with open(os.path.join(self.options.folder, name), "a", encoding="utf-8") as to:
            to.write(json.dumps(dict(what, at=time.time())) + "\n")

    def behaviour(self):
        try:
            with open(os.path.join(self.options.folder, "behaviour"),
                      encoding="utf-8") as behaviour:
                return json.load(behaviour)
        except FileNotFoundError:
            return {}

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self.write("seen", what="hello", tls=session.ssl is not None)
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):
        behaviour = self.behaviour()
        await asyncio.sleep(behaviour.get("slow", {}).get("rcpt", 0))
        answer = behaviour.get("rcpt", {}).get(address)
        self.write("seen", what="rcpt", address=address, answer=answer)
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        behaviour = self.behaviour()
        drop = behaviour.get("drop")
        await asyncio.sleep(behaviour.get("slow", {}).get("data", 0))
        self.write("seen", what="data", drop=drop, answer=behaviour.get("data"))
        if drop == "before":
            server.transport.abort()
            return "451 never seen"
        if behaviour.get("data"):
            return behaviour["data"]
        self.write("received", sender=envelope.mail_from, to=envelope.rcpt_tos,
                   tls=session.ssl is not None, user=session.auth_data,
                   message=envelope.content.decode("utf-8"))
        if drop == "after":
            server.transport.abort()
        return "250 2.0.0 taken"

    def authenticate(self, server, session, envelope, mechanism, auth_data):
        user, word = auth_data.login.decode(), auth_data.password.decode()
        good = user == self.options.user and word == self.options.password
        self.write("seen", what="login", user=user, good=good)
        return AuthResult(success=good, handled=good, auth_data=user)

    def protocol(self, context):
        options = self.options
        self.write("seen", what="connection")
        return SMTP(self, hostname="mail.example.net", tls_context=context,
                    require_starttls=context is not None,
                    authenticator=self.authenticate if options.user else None,
                    auth_required=bool(options.user),
                    auth_require_tls=options.starttls)


async def serve(options):
    context = None
    if options.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.cert, options.key)
    server = Server(options)
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(
        lambda: server.protocol(context if options.starttls else None),
        "127.0.0.1", options.port, ssl=context if options.tls else None)
    print("ready", flush=True)
    await listener.serve_forever()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("port", type=int)
    parser.add_argument("--starttls", action="store_true")
    parser.add_argument("--tls", action="store_true")
    for name in ("cert", "key", "user", "password"):
        parser.add_argument("--" + name)
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
