"""Puts a registry further away: whatever it answers arrives 20 ms later, and so does every new connection."""

import asyncio
import sys

#: Seconds that an answer takes longer.
DELAY = 0.020
PIECE = 64 << 10


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Copies what comes, each piece later by `delay` and in order, to its end."""
    loop = asyncio.get_running_loop()
    try:
        while piece := await reader.read(PIECE):
            if delay:
                loop.call_later(delay, write, writer, piece)
            else:
                writer.write(piece)
                await writer.drain()
    except ConnectionError:
        pass
    if delay:
        await asyncio.sleep(delay)
    if writer.can_write_eof() and not writer.is_closing():
        writer.write_eof()


def write(writer: asyncio.StreamWriter, piece: bytes) -> None:
    if not writer.is_closing():
        writer.write(piece)


async def serve(port: int, to: str) -> None:
    host, _, to_port = to.rpartition(":")
    # The loop itself holds tasks weakly.
    running: set[asyncio.Task] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.sleep(DELAY)
        try:
            there, back = await asyncio.open_connection(host, int(to_port))
        except OSError:
            writer.close()
            return
        await asyncio.gather(pass_on(reader, back, 0), pass_on(there, writer, DELAY))
        for end in (writer, back):
            end.close()

    server = await asyncio.start_server(connected, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2]))
