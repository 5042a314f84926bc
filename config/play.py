"""`make play`: plays the demo's day in front of the running `make demo`, with its database and its Redis."""

import os
import sys

from config import processes, supervisor, valkey


def main() -> None:
    redis_url = os.environ.get("REDIS_URL")
    if not redis_url:
        path = supervisor.redis_socket()
        if not valkey.is_answering(path):
            sys.exit("truckroll: the demo is not running. Start it in another terminal: make demo")
        redis_url = valkey.url(path)
    port = supervisor.number("PORT", 8000, at_most=65535)
    env = supervisor.child_env("127.0.0.1", port) | {"REDIS_URL": redis_url}
    command = processes.manage("play_demo", *sys.argv[1:])
    os.execve(command[0], command, env)  # noqa: S606 - in its place, so that Ctrl-C reaches it


if __name__ == "__main__":
    main()
