"""hypercorn keeps a connection that its client has closed until it was idle for long; goes when it closes it at once.

In a sandbox, the embedded AWS may have 256 open files, and a trial of a function makes thousands of connections.
"""

from hypercorn.asyncio.tcp_server import TCPServer

from lab_lib.embedded import replace

_read_data = TCPServer._read_data


def install() -> None:
    """Close connections with their clients."""
    replace(TCPServer, "_read_data", read_data)


async def read_data(server: TCPServer) -> None:
    """Read what the client sends, to its end. Then nothing waits for more of it."""
    await _read_data(server)
    await server.idle_task.stop()
