"""A wire to a PostgreSQL server that is cut at a moment of a test's choosing."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict


class Cut(Enum):
    """Where, around a statement that is watched for, the wire is cut."""

    BEFORE = "the server never hears it"
    AFTER = "the server does it, and nobody hears its answer"


class Wire:
    """Passes on what is said, to and fro, until it is to be cut."""

    def __init__(self, server: str, folder: Path) -> None:
        self._server = server
        self._word, self._cut = b"", Cut.BEFORE
        self.cuts = 0
        self.is_down = False
        self._clients: set[socket.socket] = set()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(folder / ".s.PGSQL.5432"))
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_at(self, word: bytes, cut: Cut) -> None:
        """Cut the wire once, at the next statement with this word."""
        self._word, self._cut = word, cut

    def cut_all(self) -> None:
        """Cut what is open, and let nobody through from now on, until `is_down` is False again."""
        self.is_down = True
        for client in [*self._clients]:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Take no more connections."""
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                if self.is_down:
                    client.close()
                else:
                    threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, suppress(OSError):
            server.connect(self._server)
            self._clients.add(client)
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            while data := client.recv(65_536):
                if self._word and self._word in data:
                    self._word = b""
                    self.cuts += 1
                    client.shutdown(socket.SHUT_RDWR)  # whatever comes back gets nowhere
                    if self._cut is Cut.AFTER:
                        server.sendall(data)
                        server.shutdown(socket.SHUT_WR)
                    else:
                        server.shutdown(socket.SHUT_RDWR)
                    back.join()
                    return
                server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            with suppress(OSError):  # the server is heard out, also where nobody listens
                target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)


@contextmanager
def wired(address: str, folder: Path) -> Iterator[tuple[str, Wire]]:
    """The address of the same database at the end of a wire, and the wire."""
    said = conninfo_to_dict(address)
    wire = Wire(f"{said['host']}/.s.PGSQL.{said.get('port', 5432)}", folder)
    try:
        yield f"postgresql:///{said['dbname']}?host={folder}&user={said['user']}", wire
    finally:
        wire.close()
